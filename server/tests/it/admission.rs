//! What may be pushed, and who may let the rest through (decision 49).

use std::collections::BTreeSet;

use crate::support::{Hub, MANIFEST, Repository, text};

/// A hub where `ann` writes for `studio` and `ada` administers it.
struct Studio {
    hub: Hub,
    ann: Repository,
    writer: String,
    owner: String,
}

impl Studio {
    fn new() -> Self {
        Self::with("")
    }

    fn with(configuration: &str) -> Self {
        let hub = Hub::start_with("hub", configuration);
        hub.make_team();
        hub.run(&["user", "add", "ada"]);
        hub.run(&["team", "member", "studio", "ada", "--role", "admin"]);
        let [writer, owner] = ["ann", "ada"].map(|user| hub.url(&hub.token(user, "push"), "studio/portraits"));
        let ann = hub.repository("ann");
        ann.git(&["push", "--quiet", &writer, "main"]);
        Self { hub, ann, writer, owner }
    }

    /// Pushes as one or the other and returns whether it landed and what git said.
    fn push(&self, url: &str, arguments: &[&str]) -> (bool, String) {
        let (options, references): (Vec<&str>, Vec<&str>) =
            arguments.iter().partition(|argument| argument.starts_with('-') || argument.contains("comfydock.allow"));
        let output = self.ann.try_git(&[&["push"][..], &options, &[url], &references].concat());
        (output.status.success(), text(&output.stderr))
    }

    fn refused(&self, url: &str, arguments: &[&str], words: &[&str]) -> String {
        let before = self.references();
        let (landed, said) = self.push(url, arguments);
        assert!(!landed, "{arguments:?} landed: {said}");
        for word in words {
            assert!(said.contains(word), "{word:?} is not in {said}");
        }
        assert_eq!(self.references(), before);
        said
    }

    fn lands(&self, url: &str, arguments: &[&str]) -> String {
        let (landed, said) = self.push(url, arguments);
        assert!(landed, "{arguments:?}: {said}");
        said
    }

    fn references(&self) -> BTreeSet<String> {
        self.ann.git(&["ls-remote", &self.owner]).lines().map(str::to_owned).collect()
    }

    /// What the audit says of this action: who, about what, in which words.
    fn audit(&self, action: &str) -> Vec<(String, String, String)> {
        let database = self.hub.database();
        let mut statement =
            database.prepare("SELECT actor, subject, detail FROM audit WHERE action = ? ORDER BY rowid").unwrap();
        let rows = statement.query_map([action], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        rows.map(Result::unwrap).collect()
    }
}

/// Put together here, so that nobody takes this file for one that has a key.
fn key() -> String {
    ["sk-", "or-", "v1-", &"0f3c9a7e51b8d264".repeat(4)].concat()
}

fn workflow_with(secret: &str) -> String {
    format!(
        r#"{{"nodes":[{{"id":7,"type":"OpenRouterNode","title":"Ask","inputs":[{{"name":"api_key","widget":{{"name":"api_key"}}}}],"widgets_values":["{secret}"]}}],"links":[]}}"#
    )
}

#[test]
fn a_secret_in_a_workflow_is_refused_by_file_node_and_widget() {
    let studio = Studio::new();
    studio.ann.write("workflows/ask.json", workflow_with(&key()));
    studio.ann.commit("ask");
    let words = [
        "remote: error: workflows/ask.json, node 7 `OpenRouterNode` (\"Ask\"), widget `api_key`: holds an OpenRouter API key",
        "[secret:openrouter-key]",
        "remote: hint: revoke it at its provider",
        "an admin of studio or an admin of this hub may let it through with `git push -o comfydock.allow=",
    ];
    let said = studio.refused(&studio.writer, &["main"], &words);
    assert!(!said.contains(&key()[10..]), "{said}");
    // Somebody who may write is told who could; what was asked for changes nothing.
    let option = "--push-option=comfydock.allow=secret:openrouter-key";
    studio.refused(
        &studio.writer,
        &[option, "main"],
        &["only an admin of studio or an admin of this hub may allow it"],
    );
    // An owner is told how, and may.
    studio.refused(&studio.owner, &["main"], &["git push -o comfydock.allow=secret:openrouter-key"]);
    studio.refused(&studio.owner, &["--push-option=comfydock.allow=rewrite", "main"], &["[secret:openrouter-key]"]);
    assert_eq!(studio.audit("push.allow"), []);
    let said = studio.lands(&studio.owner, &[option, "main"]);
    assert!(said.contains("allowed, and written down: secret:openrouter-key"), "{said}");
    let [(actor, subject, detail)] = &studio.audit("push.allow")[..] else { panic!("one row") };
    assert_eq!((actor.as_str(), subject.as_str()), ("ada", "studio/portraits"));
    assert!(detail.starts_with("secret:openrouter-key\nworkflows/ask.json, node 7 ") && !detail.contains(&key()[10..]));
    // What is in the history now is not told again.
    studio.ann.write("notes.txt", "more");
    studio.ann.commit("more");
    studio.lands(&studio.writer, &["main"]);
}

#[test]
fn what_a_later_commit_takes_away_is_found_all_the_same() {
    let studio = Studio::new();
    studio.ann.write("workflows/ask.json", workflow_with(&key()));
    studio.ann.write("loras/own.safetensors", "x");
    let bad = studio.ann.commit("by mistake");
    studio.ann.git(&["rm", "--quiet", "-r", "workflows/ask.json", "loras"]);
    studio.ann.commit("taken out");
    let since = format!("since commit {}", &bad[..7]);
    let words =
        [&since, "workflows/ask.json, node 7", "loras/own.safetensors is a model (.safetensors file)", "[model-file]"];
    studio.refused(&studio.writer, &["main"], &words);
    studio.refused(&studio.writer, &["HEAD:refs/heads/idea"], &words);
    studio.ann.git(&["tag", "-a", "v1", "-m", "v1"]);
    studio.refused(&studio.writer, &["v1"], &words);
    // Both rules at once, each named.
    let options =
        ["--push-option=comfydock.allow=model-file", "--push-option=comfydock.allow=secret:openrouter-key", "main"];
    studio.refused(&studio.owner, &[options[0], "main"], &["[secret:openrouter-key]"]);
    studio.lands(&studio.owner, &options);
    assert_eq!(studio.audit("push.allow").len(), 2);
}

#[test]
fn a_file_over_the_limit_is_refused_in_every_commit_and_for_everyone() {
    let studio = Studio::new();
    studio.ann.write("notes.txt", "x".repeat(20 * 1024 * 1024 + 1));
    studio.ann.commit("large");
    studio.ann.git(&["rm", "--quiet", "notes.txt"]);
    studio.ann.commit("gone");
    let said = studio.refused(&studio.owner, &["main"], &["notes.txt: has 20971521 bytes; at most 20971520"]);
    assert!(!said.contains("let it through"), "{said}");
    let option = "--push-option=comfydock.allow=file-size";
    studio.refused(&studio.owner, &[option, "main"], &["nobody may allow file-size"]);
}

#[test]
fn a_lock_of_something_else_is_refused() {
    let studio = Studio::new();
    let lock = |requires: &str| {
        format!(
            "version = 1\nrequires-python = \"==3.11.*\"\n[[package]]\nname = \"comfydock-environment\"\nversion = \"0.0.0\"\n\
             source = {{ virtual = \".\" }}\n[package.metadata]\nrequires-dist = [{requires}]\n"
        )
    };
    studio.ann.write("uv.lock", lock("{ name = \"six\" }"));
    studio.ann.commit("lock");
    let words =
        ["uv.lock: does not belong to this pyproject.toml: six is locked and not asked for [lock-mismatch]", "uv lock"];
    studio.refused(&studio.writer, &["main"], &words);
    studio.ann.write("pyproject.toml", MANIFEST.replace("dependencies = []", "dependencies = [\"six\"]"));
    studio.ann.commit("both");
    studio.lands(&studio.writer, &["main"]);
    studio.ann.write("uv.lock", "nonsense [");
    studio.ann.commit("broken");
    studio.refused(&studio.writer, &["main"], &["uv.lock: cannot be read"]);
}

#[test]
fn protected_branches_and_tags_keep_what_they_have() {
    let studio = Studio::with("[push]\nprotected = [\"main\", \"release/*\"]\n");
    let (ann, writer, owner) = (&studio.ann, &studio.writer, &studio.owner);
    let first = ann.tip();
    ann.commit("second");
    ann.git(&["tag", "v1"]);
    studio.lands(writer, &["main", "main:refs/heads/idea", "main:refs/heads/release/1", "v1"]);
    let second = ann.tip();
    ann.git(&["commit", "--quiet", "--amend", "--allow-empty", "-m", "rewritten"]);
    for branch in ["main", "release/1"] {
        let words = [&*format!("refs/heads/{branch} is protected and would lose commits [rewrite]"), "comfydock pull"];
        studio.refused(writer, &[&format!("+main:{branch}")], &words);
        studio.refused(owner, &[&format!("+{first}:{branch}")], &words);
    }
    // Other branches belong to those who push them.
    studio.lands(writer, &["+main:idea"]);
    studio.lands(writer, &[":idea"]);
    studio.refused(writer, &[":release/1"], &["is protected and would be deleted [delete-branch]"]);
    studio.refused(writer, &["+main:refs/tags/v1"], &["refs/tags/v1 would be moved [move-tag]"]);
    studio.refused(writer, &[":refs/tags/v1"], &["refs/tags/v1 would be deleted [move-tag]"]);
    // An owner may do all of it but one.
    for (rule, what) in [
        ("rewrite", "+main:main"),
        ("rewrite", "+main:release/1"),
        ("move-tag", "+main:refs/tags/v1"),
        ("move-tag", ":refs/tags/v1"),
        ("delete-branch", ":release/1"),
    ] {
        let option = format!("--push-option=comfydock.allow={rule}");
        studio.refused(writer, &[&option, what], &["only an admin of studio"]);
        studio.lands(owner, &[&option, what]);
    }
    let option = "--push-option=comfydock.allow=delete-branch";
    studio.refused(owner, &[option, ":main"], &["refs/heads/main may not be deleted"]);
    assert_eq!(studio.audit("push.allow").len(), 5);
    // Growing is what a protected branch is for.
    ann.git(&["merge", "--quiet", "--no-edit", "--allow-unrelated-histories", "-s", "ours", &second]);
    studio.lands(writer, &["main"]);
}

#[test]
fn the_source_of_a_node_pack_stays_what_it_is() {
    let studio = Studio::new();
    let (ann, writer) = (&studio.ann, &studio.writer);
    let reference = format!("refs/comfydock/nodes/pack/{}", "1".repeat(40));
    let to = |what: &str| format!("{what}:{reference}");
    studio.lands(writer, &["main", &to("main")]);
    let option = "--push-option=comfydock.allow=move-tag";
    ann.commit("other files");
    for (what, word) in [("main", "moved"), ("", "deleted")] {
        let complaint = format!("{reference} would be {word} [move-tag]");
        studio.refused(writer, &[&to(what)], &[&*complaint, "it stays what it is"]);
        studio.refused(writer, &[option, &to(what)], &["only an admin of studio"]);
        studio.lands(&studio.owner, &[option, &to(what)]);
    }
    // What is there already may be sent again.
    studio.lands(writer, &["main", &to("main")]);
    studio.lands(writer, &[&to("main")]);
}

#[test]
fn the_owner_of_an_environment_of_ones_own_is_oneself() {
    let studio = Studio::new();
    let own = studio.hub.url(&studio.hub.token("ann", "push"), "ann/own");
    studio.ann.write("workflows/ask.json", workflow_with(&key()));
    studio.ann.commit("ask");
    studio.refused(&own, &["main"], &["as an owner you may let it through"]);
    studio.lands(&own, &["--push-option=comfydock.allow=secret:openrouter-key", "main"]);
    let admin = studio.hub.url(&studio.hub.admin_token(), "studio/portraits");
    studio.lands(&admin, &["--push-option=comfydock.allow=secret:openrouter-key", "main"]);
}

#[test]
fn unknown_push_options_are_refused_with_the_known_ones() {
    let studio = Studio::new();
    studio.ann.commit("second");
    studio.refused(&studio.writer, &["--push-option=ci.skip", "main"], &["`ci.skip` is no push option of this hub"]);
    let words = ["there is no such rule", "rewrite, ", "model-file", "secret:openai-key", "secret:random-value"];
    studio.refused(&studio.owner, &["--push-option=comfydock.allow=everything", "main"], &words);
    // What is not needed does no harm.
    studio.lands(&studio.writer, &["--push-option=comfydock.allow=rewrite", "main"]);
    assert_eq!(studio.audit("push.allow"), []);
}
