//! Two people commit without pulling first: `pull` merges, and asks only about what both changed.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::reference::shape;
use crate::support::nodes::NodePack;
use crate::support::{Machine, Said, Studio, git, report, safetensors, templates, tree, write};
use crate::terminal;

/// A workflow on B with a model that only B has so far; the server has it too.
fn add_on_b(studio: &Studio, name: &str, template: &str) {
    let template = templates::old(template);
    for (number, model) in (700..).zip(template.models()) {
        let bytes = safetensors::model(number, 30_000);
        studio.b.put_model(&model.path(), &bytes);
        studio.server.put(&model.path(), bytes);
    }
    write(&studio.b.workflow("studio", name), template.at(&studio.server).text);
}

/// Changes the prompt of a workflow.
fn change(machine: &Machine, name: &str, to: &str) {
    let path = machine.workflow("studio", name);
    let changed = text(machine, name).replacen("scenery", &format!("{to} scenery"), 1);
    assert_ne!(changed, text(machine, name));
    write(&path, changed);
}

fn text(machine: &Machine, name: &str) -> String {
    std::fs::read_to_string(machine.workflow("studio", name)).unwrap()
}

/// The numbers of versions and their commits, oldest first.
fn versions(machine: &Machine) -> Vec<(u64, String)> {
    let log = machine.json(&["log"]);
    let read = |version: &Value| (version["version"].as_u64().unwrap(), version["commit"].as_str().unwrap().to_owned());
    let mut versions: Vec<_> = log["versions"].as_array().unwrap().iter().map(read).collect();
    versions.reverse();
    versions
}

/// Nothing is left to do.
#[track_caller]
fn quiet(machine: &Machine) {
    let status = machine.json(&["status"]);
    assert_eq!((&status["clean"], &status["settled"]), (&true.into(), &true.into()), "{status}");
    machine.ok(&["commit", "--yes"]).says("nothing to commit");
    let folder = machine.environment("studio").join(".cec");
    assert_eq!(git::git(&folder, &["status", "--porcelain"]), "");
}

/// It ends with 1, and nothing at all is other than before but what a fetch may add.
#[track_caller]
fn stops(machine: &Machine, arguments: &[&str], words: &[&str]) -> Said {
    let before = tree::of_machine(machine.root());
    let mut said = machine.run(arguments).code(1);
    for word in words {
        said = said.says(word);
    }
    tree::assert_same(&before, &tree::of_machine(machine.root()), &said.to_string());
    let folder = machine.environment("studio").join(".cec");
    let refs = git::git(&folder, &["for-each-ref", "--format=%(refname)"]);
    assert!(refs.lines().all(|name| name == "refs/heads/main" || name.starts_with("refs/remotes/")), "{refs}");
    machine.ok(&["status"]);
    said
}

fn copy(from: &Path, to: &Path) {
    let output = Command::new("cp").arg("-a").arg(from).arg(to).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Brings an environment back to how it was.
struct Pristine<'a>(&'a Machine);

impl<'a> Pristine<'a> {
    fn of(machine: &'a Machine) -> Self {
        copy(&machine.environment("studio"), &machine.root().join("pristine"));
        Self(machine)
    }

    fn again(&self) {
        std::fs::remove_dir_all(self.0.environment("studio")).unwrap();
        copy(&self.0.root().join("pristine"), &self.0.environment("studio"));
    }
}

#[test]
fn what_two_people_added_comes_together_without_a_question() {
    let studio = Studio::new();
    let Studio { a, b, comfyui, .. } = &studio;
    studio.send_portrait(40_000);
    studio.clone().ok();
    // A: a workflow, a model, a pack, and another ComfyUI.
    let six = NodePack::new();
    studio.share("bigger", &templates::old("esrgan_example"), 40_000);
    a.ok(&["node", "add", &six.url()]);
    a.ok(&["comfyui", "update"]);
    studio.send("Bigger, six, 0.3.65");
    let published = versions(a);
    // B: a workflow, a model, a pack.
    let folder = tempfile::tempdir().unwrap();
    add_on_b(&studio, "layers", "lora");
    let own = NodePack::with(folder.path(), "comfyui-iniconfig", &[("requirements.txt", "iniconfig\n")]);
    b.ok(&["node", "add", &own]);
    b.ok(&["commit", "-m", "Layers, iniconfig", "--yes"]);
    let mine = versions(b).pop().unwrap().1;
    b.run(&["push"]).code(1).says("pull");

    // Declined after everything was fetched and locked: nothing is left of it.
    stops(b, &["pull"], &["--accept-origins"]).says("1 commit of yours and 1 of theirs to merge");
    b.ok(&["status"]).says("diverged from origin: 1 here, 1 there").says("nothing to commit");
    let said = b.ok(&["pull", "--yes"]).says("merged 1 commit, now at v4");
    said.line(&["ComfyUI", crate::support::comfyui::NEW])
        .line(&["workflow bigger"])
        .line(&["node pack", NodePack::NAME]);

    let merged = versions(b);
    assert_eq!(merged[..3], published, "what was pushed keeps its numbers");
    let cec = b.environment("studio").join(".cec");
    assert_eq!(git::git(&cec, &["rev-parse", "HEAD^2"]), mine);
    let message = git::git(&cec, &["log", "-1", "--format=%s"]);
    assert_eq!(message, "Merge origin: Layers, iniconfig");
    quiet(b);
    let found = report::start(b, "studio");
    let mut packs = found.nodes();
    packs.sort();
    assert_eq!(packs, ["comfyui-iniconfig", NodePack::NAME]);
    assert_eq!(found.workflows().keys().collect::<Vec<_>>(), ["bigger", "layers", "portrait"]);
    assert_eq!(git::git(&b.environment("studio").join("ComfyUI"), &["rev-parse", "HEAD"]), comfyui.new);

    // The other side takes it as any pull.
    b.ok(&["push"]).says("pushed v4 to origin (2 commits)");
    a.ok(&["pull", "--yes"]).says("pulled 2 commits, now at v4");
    quiet(a);
    report::assert_same(b, a);
    assert_eq!(versions(a), merged);
    b.ok(&["pull", "--yes"]).says("already up to date");
}

/// B and A changed `portrait`, and A changed `other` too.
fn both_changed_one() -> Studio {
    let studio = Studio::new();
    for name in ["portrait", "other"] {
        studio.share(name, &templates::old("default"), 40_000);
    }
    studio.send("Start");
    studio.clone().ok();
    change(&studio.a, "portrait", "their");
    change(&studio.a, "other", "their");
    studio.send("Theirs");
    change(&studio.b, "portrait", "my");
    studio.b.ok(&["commit", "-m", "Mine", "--yes"]);
    studio
}

#[test]
fn a_workflow_that_both_changed_is_asked_about() {
    let studio = both_changed_one();
    let Studio { a, b, .. } = &studio;
    let (mine, theirs) = (text(b, "portrait"), text(a, "portrait"));
    let pristine = Pristine::of(b);
    // Nobody answers.
    let said =
        stops(b, &["pull", "--yes"], &["workflow portrait: --take portrait=ours|theirs|both", "nothing was changed"]);
    said.says("my scenery").says("their scenery").says("--ours").never_says("workflow other");
    let asked = b.run(&["--json", "--yes", "pull"]).code(1);
    let document: Value = serde_json::from_str(&asked.stdout).unwrap();
    assert_eq!((&document["merged"], &document["questions"][0]["word"]), (&false.into(), &"portrait".into()));
    // A slip of the keyboard is not taken for a default.
    stops(
        b,
        &["pull", "--yes", "--theirs", "--take", "portait=ours"],
        &["`portait` was not changed on both sides", "these were: portrait"],
    );
    // An answer, but nobody agreed.
    stops(b, &["pull", "--theirs"], &["Merge them?", "--yes"]);

    let table: [(&[&str], &str, Option<&str>, &str); 6] = [
        (&["--ours"], &mine, None, "ours"),
        (&["--theirs"], &theirs, None, "theirs"),
        (&["--both"], &theirs, Some(&mine), "both"),
        (&["--take", "portrait=ours"], &mine, None, "ours"),
        (&["--take", "portrait=theirs", "--ours"], &theirs, None, "theirs"),
        (&["--take", "portrait=both"], &theirs, Some(&mine), "both"),
    ];
    for (flags, portrait, beside, answer) in table {
        pristine.again();
        let document = b.json(&[&["pull", "--yes"], flags].concat());
        let keys = "{complete environment install_scripts[] install_scripts_run[] kept[] merged missing_nodes[] models[{category filename name reason sha256 size state workflows[]}] platform_added pulled \
                    questions[{answer both ours[] subject{kind name} theirs[] word}] said[] schema version}";
        assert_eq!(shape(&document), keys);
        let question = &document["questions"][0];
        assert_eq!((&question["word"], &question["answer"]), (&"portrait".into(), &answer.into()), "{flags:?}");
        assert_eq!((&document["merged"], &document["version"]), (&true.into(), &4.into()), "{flags:?}");
        assert_eq!(text(b, "portrait"), portrait, "{flags:?}");
        assert_eq!(text(b, "other"), text(a, "other"), "{flags:?}");
        assert_eq!(b.workflow("studio", "portrait (mine)").exists(), beside.is_some(), "{flags:?}");
        if let Some(beside) = beside {
            assert_eq!(text(b, "portrait (mine)"), beside);
            assert_eq!(document["said"][0], "your workflow portrait is kept as portrait (mine)");
        }
        quiet(b);
        report::assert_same(b, b);
    }
    // The last one is for everybody.
    b.ok(&["push"]).says("pushed v4");
    a.ok(&["pull", "--yes"]);
    quiet(a);
    assert_eq!(text(a, "portrait (mine)"), mine);
    b.ok(&["pull", "--yes"]).says("already up to date");
}

#[test]
fn in_a_terminal_each_question_is_put() {
    let studio = both_changed_one();
    let Studio { a, b, .. } = &studio;
    let mine = text(b, "portrait");
    let before = tree::of_machine(b.root());
    let (code, screen) = terminal::converse(b, &["pull"], &[("Which shall it be?", "\x03")]);
    assert_eq!(code, 1, "{screen}");
    tree::assert_same(&before, &tree::of_machine(b.root()), "after a question that was broken off");
    // `--yes` agrees to the merge and answers nothing else. Down, down: keep both.
    let (code, screen) = terminal::converse(b, &["pull", "--yes"], &[("Which shall it be?", "\x1b[B\x1b[B\r")]);
    assert_eq!(code, 0, "{screen}");
    for words in ["workflow portrait", "yours:", "my scenery", "theirs:", "their scenery", "now at v4"] {
        assert!(screen.contains(words), "{words} is not in: {screen}");
    }
    assert_eq!((text(b, "portrait (mine)"), text(b, "portrait")), (mine, text(a, "portrait")));
    quiet(b);
}

#[test]
fn work_that_is_not_committed_is_kept_or_stops_a_merge() {
    let studio = both_changed_one();
    let Studio { a, b, .. } = &studio;
    write(&b.workflow("studio", "sketch"), text(b, "other"));
    let merge = ["pull", "--yes", "--ours"];
    // The merge would write over this.
    change(b, "other", "uncommitted");
    stops(b, &merge, &["workflow other was changed here and there"]);
    write(&b.workflow("studio", "other"), text(b, "sketch"));
    // What the manifest shall come to, nobody could tell.
    let manifest = b.environment("studio").join(".cec/pyproject.toml");
    let before = std::fs::read_to_string(&manifest).unwrap();
    write(&manifest, format!("{before}\n# mine\n"));
    stops(b, &merge, &[".cec/pyproject.toml", "comfydock commit"]);
    write(&manifest, before);
    // This is in nobody's way.
    change(b, "portrait", "later");
    let (portrait, sketch) = (text(b, "portrait"), text(b, "sketch"));
    let said = b.ok(&merge);
    said.line(&["workflow portrait keeps your change"]).line(&["workflow portrait: yours is taken"]);
    assert_eq!((text(b, "portrait"), text(b, "sketch")), (portrait, sketch));
    assert_eq!(text(b, "other"), text(a, "other"));
    b.ok(&["status"]).line(&["changed", "workflow portrait"]).line(&["new", "workflow sketch"]).never_says("other");
}

#[test]
fn requirements_that_contradict_each_other_stop_a_merge() {
    let studio = both_changed_one();
    let Studio { a, b, .. } = &studio;
    let folder = tempfile::tempdir().unwrap();
    for (machine, name, version) in [(a, "pack-a", "1.16.0"), (b, "pack-b", "1.17.0")] {
        let pack = NodePack::with(folder.path(), name, &[("requirements.txt", &format!("six=={version}\n"))]);
        machine.ok(&["node", "add", &pack]);
        machine.ok(&["commit", "-m", name, "--yes"]);
    }
    a.ok(&["push"]);
    let words = ["the requirements of pack-a and pack-b contradict each other", "six==1.16.0", "six==1.17.0"];
    stops(b, &["pull", "--yes", "--ours"], &words).says("override-dependencies").never_says("--no-test");
}

#[test]
fn other_things_are_asked_about_by_their_word() {
    let studio = both_changed_one();
    let Studio { a, b, .. } = &studio;
    let ignored = |machine: &Machine| machine.environment("studio").join(".cec/.comfydock_ignore");
    write(&ignored(a), "workflows/drafts/\n");
    studio.send("Drafts stay here");
    write(&ignored(b), "workflows/scratch/\n");
    b.ok(&["commit", "-m", "Scratch stays here", "--yes"]);
    // Only a workflow can be kept twice.
    stops(b, &["pull", "--yes", "--both"], &["--take file:.comfydock_ignore=ours|theirs"]).never_says("portrait=");
    let document = b.json(&["pull", "--yes", "--both", "--theirs"]);
    assert_eq!(document["questions"].as_array().unwrap().len(), 2);
    assert_eq!(std::fs::read_to_string(ignored(b)).unwrap(), "workflows/drafts/\n");
    assert!(b.workflow("studio", "portrait (mine)").exists());
    let subject = git::git(&b.environment("studio").join(".cec"), &["log", "-1", "--format=%B"]);
    assert_eq!(subject, "Merge origin: Mine; Scratch stays here\n\nyour workflow portrait is kept as portrait (mine)");
    quiet(b);
}

#[test]
fn histories_with_nothing_in_common_are_left_alone() {
    let studio = both_changed_one();
    let Studio { a, b, comfyui, .. } = &studio;
    a.ok(&["create", "another", "--comfyui-url", comfyui.url(), "--comfyui-version", crate::support::comfyui::OLD]);
    a.ok(&["--env", "another", "remote", "add", "origin", "team/another"]);
    a.ok(&["--env", "another", "push"]);
    b.ok(&["remote", "add", "another", "team/another"]);
    stops(b, &["pull", "another", "--yes", "--ours"], &["nothing in common", "comfydock clone"]);
}
