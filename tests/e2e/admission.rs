//! What may be pushed (decisions 49 and 50), with real workflows, real locks, and both sides of a push.

use comfydock_core::{admission, python_lock, secret};

use crate::support::{STUDIO, Studio, cache, git, programs, templates, write};

/// Put together here, so that nobody takes this file for one that has a key.
fn key() -> String {
    ["hf", "_", "QwErTyUiOpAsDfGhJkLzXcVbNmPoIuYtRe"].concat()
}

fn workflow_with(secret: &str) -> String {
    format!(
        r#"{{"nodes":[{{"id":3,"type":"LoadFromHub","inputs":[{{"name":"hf_token","widget":{{"name":"hf_token"}}}}],"widgets_values":["{secret}"]}}],"links":[],"version":0.4}}"#
    )
}

#[test]
fn the_templates_of_comfyui_give_no_alarm() {
    let all = templates::all();
    assert_eq!(all.len(), 816);
    for path in all {
        let bytes = std::fs::read(&path).unwrap();
        let found = admission::judge_file("workflows/a.json", &bytes);
        assert_eq!(found, [], "{}", path.display());
        // As plain text too: shapes are looked for there as well.
        assert_eq!(secret::find("a.txt", &bytes), [], "{}", path.display());
    }
}

#[test]
fn a_secret_stays_on_the_machine() {
    let studio = Studio::new();
    let Studio { a, hub, .. } = &studio;
    studio.send_portrait(20_000);
    let cec = a.environment("studio").join(".cec");
    let before = git::git(&cec, &["rev-parse", "HEAD"]);
    let live = a.workflow("studio", "hub");
    write(&live, workflow_with(&key()));
    a.ok(&["commit", "--yes", "-m", "With a token"]);
    let bad = git::git(&cec, &["rev-parse", "--short=7", "HEAD"]);
    let place = "workflows/hub.json, node 3 `LoadFromHub`, widget `hf_token`: holds a Hugging Face token";
    let refused = || a.run(&["push"]).code(1).says("nothing was sent").says(place).never_says(&key()[8..]);
    refused().says("--allow-secret secret:huggingface-token").says(&format!("since commit {bad}"));
    let on_hub = || git::git(&hub.repository(), &["rev-parse", "main"]);
    assert_eq!(on_hub(), before);
    assert!(!hub.log().contains("push refused"), "it was stopped before the hub");

    // The hub asks for an owner; whoever only writes is told so.
    a.run(&["push", "--allow-secret", "secret:huggingface-token"])
        .code(1)
        .says(place)
        .says("only an admin of team or an admin of this hub may allow it");
    a.run(&["push", "--allow-secret", "rewrite"]).code(2).says("secret:openai-key");
    assert_eq!(on_hub(), before);

    // Taking it out is not enough, and the remedy is what the message says.
    write(&live, workflow_with(""));
    a.ok(&["commit", "--yes", "-m", "Without the token"]);
    refused().says(&format!("since commit {bad}"));
    git::git(&cec, &["reset", "--soft", &format!("{bad}~1")]);
    a.ok(&["commit", "--yes", "-m", "Never had a token"]);
    a.ok(&["push"]).says("pushed");
    assert_eq!(on_hub(), git::git(&cec, &["rev-parse", "HEAD"]));
    assert!(!git::git(&cec, &["log", "-p", "main"]).contains(&key()));
}

#[test]
fn an_owner_may_send_it_and_it_is_written_down() {
    let studio = Studio::new();
    let Studio { a, hub, .. } = &studio;
    hub.run(&["team", "member", "team", "ann", "--role", "admin"]);
    write(&a.workflow("studio", "hub"), workflow_with(&key()));
    a.ok(&["commit", "--yes", "-m", "With a token"]);
    let flags = ["push", "--allow-secret", "secret:huggingface-token"];
    a.ok(&flags).says("pushed").says("allowed: workflows/hub.json, node 3");
    let database = rusqlite::Connection::open(hub.data().join("hub.db")).unwrap();
    let row =
        |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?));
    let sql = "SELECT actor, subject, detail FROM audit WHERE action = 'push.allow'";
    let (actor, subject, detail) = database.query_row(sql, [], row).unwrap();
    assert_eq!((actor.as_str(), subject.as_str()), ("ann", STUDIO));
    assert!(detail.starts_with("secret:huggingface-token\n") && !detail.contains(&key()), "{detail}");
    a.ok(&["push"]).says("nothing to push");
}

#[test]
fn a_remote_that_is_no_hub_gets_no_secret_either() {
    let studio = Studio::new();
    let a = &studio.a;
    let bare = a.root().join("elsewhere.git");
    git::git(a.root(), &["init", "--quiet", "--bare", bare.to_str().unwrap()]);
    a.ok(&["remote", "add", "elsewhere", bare.to_str().unwrap()]);
    write(&a.workflow("studio", "hub"), workflow_with(&key()));
    a.ok(&["commit", "--yes", "-m", "With a token"]);
    a.run(&["push", "elsewhere"]).code(1).says("[secret:huggingface-token]");
    assert_eq!(git::git(&bare, &["for-each-ref"]), "");
    // Its git knows no option of ours; the flag alone is enough.
    a.ok(&["push", "elsewhere", "--allow-secret", "secret:huggingface-token"]).says("pushed");
}

#[test]
fn a_lock_that_is_not_of_this_manifest_is_refused_before_it_is_sent() {
    let studio = Studio::new();
    let a = &studio.a;
    let cec = a.environment("studio").join(".cec");
    let manifest = std::fs::read_to_string(cec.join("pyproject.toml")).unwrap();
    assert!(manifest.contains("dependencies = ["), "{manifest}");
    write(&cec.join("pyproject.toml"), manifest.replacen("dependencies = [", "dependencies = [\n    \"colorama\",", 1));
    git::commit(&cec, "By hand", "2025-10-20T12:00:00Z");
    a.run(&["push"]).code(1).says("uv.lock: does not belong to this pyproject.toml: colorama is not locked");
}

#[test]
fn what_the_real_uv_locks_agrees_with_what_it_was_asked() {
    let folder = tempfile::tempdir().unwrap();
    let table = [
        ("==3.11.*", "dependencies = []\n"),
        (
            ">=3.11,<3.13",
            "dependencies = [\"Six\", \"idna >= 3.4 , < 4\", \"packaging>=20 ; python_version >= '3.8'\", \"certifi>=2024.02.02\"]\n\
             [project.optional-dependencies]\nsocks = [\"urllib3[socks]~=2.0\"]\n\
             [dependency-groups]\nMy_Pack = [\"colorama!=0.4.1\", {include-group = \"base\"}]\nbase = [\"iniconfig\", \"six>=1.0\"]\n\
             empty = []\n",
        ),
        (">=3.11.0", "dependencies = []\n"),
        ("~=3.11.4", "dependencies = []\n"),
        (">3.10,!=3.12.1", "dependencies = []\n"),
        (
            "~=3.11",
            "dependencies = [\"colorama==0.4.6; sys_platform == 'win32'\", \"tomli (>=2.0)\"]\n\
             [tool.uv]\noverride-dependencies = [\"six ; sys_platform == 'never'\", \"Idna>=3, <4\"]\n\
             constraint-dependencies = [\"tomli==2.0.1\", \"nobody-asks-for-this<2\"]\n",
        ),
    ];
    for (number, (python, rest)) in table.iter().enumerate() {
        let project = folder.path().join(number.to_string());
        let manifest = format!(
            "[project]\nname = \"comfydock-environment\"\nversion = \"0.0.0\"\nrequires-python = \"{python}\"\n{rest}"
        );
        write(&project.join("pyproject.toml"), &manifest);
        let mut uv = programs::bare(programs::uv());
        uv.args(["lock", "--quiet", "--python", programs::python().to_str().unwrap()])
            .env("UV_CACHE_DIR", cache().join("uv-cache"))
            .current_dir(&project);
        programs::succeed(&mut uv);
        let lock = std::fs::read_to_string(project.join("uv.lock")).unwrap();
        assert_eq!(python_lock::disagreements(&manifest, &lock), Ok(Vec::new()), "{manifest}");
        let more = manifest.replacen("dependencies = [", "dependencies = [\"attrs\", ", 1);
        let found = python_lock::disagreements(&more, &lock).unwrap();
        assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), ["attrs is not locked"]);
    }
}
