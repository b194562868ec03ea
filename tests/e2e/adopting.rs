//! An installation that somebody made by hand becomes an environment, and stays as it was.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::support::old_install::{OldInstall, RELEASE, TYPES};
use crate::support::registry::Registry;
use crate::support::report::{self, Report};
use crate::support::{Machine, ModelServer, cache, git, pack_zip, programs, project, sha256, tree, write};

fn old_install() -> OldInstall {
    let uv = || {
        let mut command = programs::bare(programs::uv());
        command.env("UV_CACHE_DIR", cache().join("uv-cache")).env("HOME", "/nowhere");
        command
    };
    let (mut venv, mut install) = (uv(), uv());
    venv.args(["venv", "--quiet", "--python"]).arg(programs::python());
    // Its own files: those of uv's cache get another name with every environment.
    install.args(["pip", "install", "--quiet", "--link-mode", "copy"]);
    OldInstall::new(&project()).with_real_packages(&mut venv, &mut install)
}

/// A machine that asks this registry.
fn machine(registry: &Registry) -> Machine {
    let mut machine = Machine::new();
    machine.set("COMFYDOCK_REGISTRY_URL", registry.url());
    machine
}

/// A registry that has the packs of the installation.
fn registry() -> Registry {
    let registry = Registry::start();
    for (id, version) in [("registry-kj", "1.1.4"), ("registry-broken", "2.0.0")] {
        let files = OldInstall::release_files(id, version);
        let files: Vec<(&str, &[u8])> = files.iter().map(|(path, text)| (*path, text.as_bytes())).collect();
        registry.publish_files(id, version, &files);
    }
    registry
}

/// Starts the old ComfyUI as its owner would, without leaving anything in it.
fn start_old(install: &OldInstall, file: &Path) -> Report {
    let mut command = programs::bare(install.comfyui().join("venv/bin/python"));
    command.args(["main.py", "--cpu", "--quick-test-for-ci"]).current_dir(install.comfyui());
    programs::succeed(command.env("COMFYUI_REPORT", file).env("PYTHONDONTWRITEBYTECODE", "1"));
    report::read(file)
}

fn lines(list: &Value) -> Vec<String> {
    let line = |left: &Value| format!("{}: {}", left["what"].as_str().unwrap(), left["reason"].as_str().unwrap());
    list.as_array().unwrap().iter().map(line).collect()
}

#[track_caller]
fn has_line(lines: &[String], words: &[&str]) {
    let found = lines.iter().any(|line| words.iter().all(|word| line.contains(word)));
    assert!(found, "no line with {words:?} in:\n{}", lines.join("\n"));
}

/// The versions that an environment's lock has.
fn locked(machine: &Machine, environment: &str) -> String {
    let text = std::fs::read_to_string(machine.environment(environment).join(".cec/uv.lock")).unwrap();
    let mut versions = String::new();
    let mut name = "";
    for line in text.lines() {
        if let Some(found) = line.strip_prefix("name = ") {
            name = found.trim_matches('"');
        } else if let Some(version) = line.strip_prefix("version = \"") {
            versions.push_str(&format!("{name} {}\n", version.trim_matches('"')));
        }
    }
    versions
}

#[test]
fn an_installation_is_taken_over_whole_and_left_alone() {
    let (install, registry) = (old_install(), registry());
    let machine = machine(&registry);
    let before_start = start_old(&install, &machine.root().join("old.json"));
    let before = install.state();

    let old = install.root().join("old");
    let document = machine.json(&["init", "--from", old.to_str().unwrap(), "--name", "mine"]);
    install.assert_untouched(&before);

    // The same models and the same node types, as ComfyUI sees them.
    let new = report::start(&machine, "mine");
    assert_eq!(new.types(), before_start.types());
    let expected: BTreeSet<String> = TYPES.iter().map(|(_, name)| (*name).to_owned()).collect();
    assert_eq!(new.types(), expected);
    assert_eq!(new.digests(), before_start.digests());
    assert!(new.digests().len() == 90 && new.digests().iter().all(|(_, sha256)| sha256.is_some()));

    let adopted = &document["adopted"];
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(keys(&document), "adopted environment models_dirs schema workspace");
    assert_eq!(keys(adopted), "from left model_places models packages_held packs snapshot_differs workflows");
    assert_eq!(keys(&adopted["packs"][0]), "at here kept name reason source");
    assert_eq!(keys(&adopted["left"][0]), "reason what");
    let packs: Vec<String> = adopted["packs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pack| {
            let reason = pack["reason"].as_str().map(|reason| format!(", {reason}")).unwrap_or_default();
            let kept: Vec<&str> = pack["kept"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            let kept = if kept.is_empty() { String::new() } else { format!(" with {}", kept.join(" ")) };
            format!("{} {}{reason}{kept}", pack["name"].as_str().unwrap(), pack["source"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        packs,
        [
            "ahead-git development, its commit was never pushed",
            "clean-git git with ckpt settings.ini",
            "detached-git git",
            "dirty-git development, its files were changed: README.md",
            "fork-git git",
            "linked development, nothing says where it comes from",
            "loose development, nothing says where it comes from",
            "no-remote development, its repository has no remote",
            "registry-broken development, files of it are gone: nodes/extra.py",
            "registry-kj registry with my-presets.json",
            "shallow-git git",
            "worktree-git git",
            "nodes_single development, it was a single file and is the `__init__.py` of a folder now",
        ]
    );
    let nodes = machine.environment("mine").join("ComfyUI/custom_nodes");
    for name in ["clean-git", "detached-git", "fork-git", "shallow-git", "worktree-git", "ahead-git", "dirty-git"] {
        assert_eq!(git::git(&nodes.join(name), &["rev-parse", "HEAD"]), install.commits[name], "{name}");
    }
    assert_eq!(std::fs::read_to_string(nodes.join("clean-git/settings.ini")).unwrap(), "mine\n");
    assert_eq!(std::fs::read_to_string(nodes.join("dirty-git/README.md")).unwrap(), "mine\n");
    assert!(nodes.join("nodes_here.py").is_file() && !nodes.join("loose/__pycache__/gone.cpython-311.pyc").exists());
    assert_eq!(adopted["workflows"], 30);
    let settings = machine.environment("mine").join("ComfyUI/user/default/comfy.settings.json");
    assert!(std::fs::read_to_string(settings).unwrap().contains("dark"));

    let left = lines(&adopted["left"]);
    has_line(&left, &["node pack `off-git`", "disabled", "comfydock node add file://"]);
    has_line(&left, &["node pack `off-kj`", "comfydock node add off-kj@1.2.3"]);
    has_line(&left, &["custom_nodes/nodes_here.py", "does not travel"]);
    has_line(&left, &["custom_nodes/gone-link", "leads nowhere"]);
    has_line(&left, &["user `bob`"]);
    has_line(&left, &["2 Python packages that neither", "never-was, torch"]);
    has_line(&lines(&adopted["snapshot_differs"]), &["clean-git", "the snapshot has 000000000000"]);

    // What was installed is installed, although all of it is old by now, and nothing holds it there.
    let versions = locked(&machine, "mine");
    for package in ["idna 3.6\n", "pyyaml 6.0.1\n", "six 1.16.0\n"] {
        assert!(versions.contains(package), "{versions}");
    }
    let manifest = std::fs::read_to_string(machine.environment("mine").join(".cec/pyproject.toml")).unwrap();
    assert!(
        !manifest.contains("constraint") && manifest.contains(&format!("comfyui_version = \"{RELEASE}\"")),
        "{manifest}"
    );
    let lock = std::fs::read_to_string(machine.environment("mine").join(".cec/uv.lock")).unwrap();
    assert!(!lock.contains("constraint"), "the lock is that of the manifest");

    // The workflows are committed by their owner; nothing is unclear about them.
    machine.ok(&["commit", "-m", "What I had", "--yes"]);
    machine.ok(&["status"]).never_says("work 1");
    // Nor was it touched by what came after.
    install.assert_untouched(&before);
}

#[test]
fn old_versions_stay_when_packs_are_added_and_give_way_where_they_must() {
    let (install, registry) = (old_install(), registry());
    // Since then the pack wants more than is installed.
    write(&install.pack("loose/requirements.txt"), "idna>=3.7\n");
    // pip warns of these and goes on; uv cannot.
    write(&install.pack("no-remote/requirements.txt"), "idna<3\n");
    let machine = machine(&registry);
    machine.init();
    let from = install.comfyui();
    let said = machine.ok(&["create", "mine", "--from", from.to_str().unwrap()]);
    let said =
        said.says("not held: idna").never_says("not held: torch").line(&["Python package `idna` 3.6", "is installed"]);
    said.line(&["Python packages of node pack `", "they contradict what others ask for"]);
    let versions = locked(&machine, "mine");
    assert!(versions.contains("six 1.16.0\n") && versions.contains("pyyaml 6.0.1\n"), "{versions}");
    assert!(!versions.contains("idna 3.6\n"), "{versions}");

    let more = tempfile::tempdir().unwrap();
    let pack = more.path().join("comfyui-more");
    write(&pack.join("__init__.py"), "import packaging\nNODE_CLASS_MAPPINGS = {}\n");
    write(&pack.join("requirements.txt"), "packaging\nsix>=1.10\n");
    git::git(&pack, &["init", "--quiet"]);
    git::commit(&pack, "More", "2025-10-01T12:00:00Z");
    machine.ok(&["--env", "mine", "node", "add", &format!("file://{}", pack.display())]);
    let now = locked(&machine, "mine");
    assert!(now.contains("packaging "), "{now}");
    for package in versions.lines() {
        assert!(now.contains(package), "{package} moved:\n{now}");
    }
}

#[test]
fn what_cannot_be_fetched_is_copied() {
    let (install, registry) = (old_install(), registry());
    // One repository is gone, one was rewritten, one pack was changed by hand.
    std::fs::remove_dir_all(install.root().join("origins/clean-git")).unwrap();
    let rewritten = install.root().join("origins/shallow-git");
    git::git(&rewritten, &["checkout", "--quiet", "--orphan", "fresh"]);
    git::commit(&rewritten, "Rewritten", "2025-10-20T12:00:00Z");
    git::git(&rewritten, &["branch", "--quiet", "--force", "main"]);
    for arguments in [
        &["tag", "--delete", "v1"][..],
        &["reflog", "expire", "--expire=now", "--all"],
        &["gc", "--quiet", "--prune=now"],
    ] {
        git::git(&rewritten, arguments);
    }
    write(&install.pack("registry-kj/nodes/extra.py"), "extra = 2\n");
    let machine = machine(&registry);
    machine.init();
    let document = machine.json(&["create", "mine", "--from", install.comfyui().to_str().unwrap()]);
    let packs = document["adopted"]["packs"].as_array().unwrap();
    let pack = |name: &str| packs.iter().find(|pack| pack["name"] == name).unwrap();
    // The clone itself knows that its commit was published.
    assert_eq!(
        (pack("clean-git")["source"].as_str(), pack("clean-git")["at"].as_str()),
        (Some("git"), Some(&install.commits["clean-git"][..12]))
    );
    has_line(&lines(&document["adopted"]["left"]), &["node pack `clean-git`", "the clone was copied"]);
    assert_eq!(pack("shallow-git")["source"], "development");
    assert!(pack("shallow-git")["reason"].as_str().unwrap().contains("does not have commit"));
    assert_eq!(pack("registry-kj")["source"], "development");
    assert!(pack("registry-kj")["reason"].as_str().unwrap().contains("not those of the registry: nodes/extra.py"));
    let nodes = machine.environment("mine").join("ComfyUI/custom_nodes");
    assert_eq!(std::fs::read_to_string(nodes.join("registry-kj/nodes/extra.py")).unwrap(), "extra = 2\n");
    assert_eq!(std::fs::read_to_string(nodes.join("clean-git/settings.ini")).unwrap(), "mine\n");
    assert_eq!(report::start(&machine, "mine").types().len(), TYPES.len());
}

#[test]
fn a_snapshot_alone_names_code_that_is_asked_about() {
    let (install, registry) = (OldInstall::new(&project()), registry());
    let snapshot = install.comfyui().join("user/default/ComfyUI-Manager/snapshots/2025-10-09_snapshot.json");
    let mut machine = machine(&registry);
    machine.set("GIT_TERMINAL_PROMPT", "0");
    machine.init();
    let before = tree::of_machine(machine.root());
    let command = ["create", "mine", "--from", snapshot.to_str().unwrap(), "--comfyui-url", &install.url("ComfyUI")];
    machine
        .run(&command)
        .code(1)
        .says("--accept-origins")
        .line(&["registry:registry-kj"])
        .line(&["origins/detached-git"]);
    tree::assert_same(&before, &tree::of_machine(machine.root()), "after a question that nobody answered");

    let accepted = [&command[..], &["--accept-origins"]].concat();
    let said = machine.run(&accepted).code(1);
    said.line(&["node pack was-here", "missing"])
        .line(&["node pack clean-git", "missing"])
        .line(&["node pack detached-git", "git"]);
    assert_eq!(report::start(&machine, "mine").types(), ["DetachedGit", "RegistryKj"].map(str::to_owned).into());
    machine.ok(&["status"]).line(&["was-here"]);
}

#[test]
fn a_comfy_pack_brings_its_models() {
    let (install, registry) = (OldInstall::new(&project()), registry());
    let models = ModelServer::start();
    let bytes = b"the model of the pack".to_vec();
    models.put("x.safetensors", bytes.clone());
    let snapshot = serde_json::json!({
        "comfyui": install.commits["ComfyUI"], "python": "3.11", "git_custom_nodes": {}, "cnr_custom_nodes": {"registry-kj": "1.1.4"},
        "file_custom_nodes": [], "pips": {"idna==3.6": "", "pyyaml==6.0.1": ""},
        "models": [
            {"filename": "models/checkpoints/x.safetensors", "size": bytes.len(), "sha256": sha256(&bytes), "disabled": false,
             "source": {"download_url": models.url("x.safetensors")}},
            {"filename": "models/loras/own.safetensors", "size": 5, "sha256": sha256(b"nowhere"), "disabled": false, "source": {}},
        ],
    });
    let workflow = r#"{"last_node_id": 1, "last_link_id": 0, "nodes": [{"id": 1, "type": "CheckpointLoaderSimple", "pos": [0, 0], "size": [1, 1], "flags": {}, "order": 0, "mode": 0, "inputs": [], "outputs": [], "properties": {}, "widgets_values": ["x.safetensors"]}], "links": [], "groups": [], "config": {}, "extra": {}, "version": 0.4}"#;
    let zip = pack_zip::write(&[
        pack_zip::Entry::file("snapshot.json", snapshot.to_string().as_bytes()),
        pack_zip::Entry::file("workflow.json", workflow.as_bytes()),
        pack_zip::Entry::file("input/cat.png", b"cat"),
    ]);
    let mut machine = machine(&registry);
    let file = machine.root().join("portrait.cpack.zip");
    write(&file, zip);
    machine.init();
    let host = models.url("").trim_start_matches("http://").trim_end_matches('/').to_owned();
    machine.allow(&host);
    let command =
        ["create", "mine", "--from", file.to_str().unwrap(), "--comfyui-url", &install.url("ComfyUI"), "--yes"];
    let said = machine.run(&command).code(1);
    said.says("own.safetensors").line(&["1 file of `input`"]);
    assert_eq!(std::fs::read(machine.models().join("checkpoints/x.safetensors")).unwrap(), bytes);
    let digests = report::start(&machine, "mine").digests();
    assert_eq!(digests, [("portrait/1/checkpoints".to_owned(), Some(sha256(&bytes)))]);
    assert!(locked(&machine, "mine").contains("idna 3.6\n"));
}

#[test]
fn what_cannot_be_taken_over_leaves_nothing() {
    let install = OldInstall::new(&project()).with_written_packages();
    let machine = Machine::new();
    let before = tree::of_machine(machine.root());
    for (from, words) in [
        ("nowhere", "there is no ComfyUI in"),
        ("old/ComfyUI/main.py", "cannot be taken"),
        ("elsewhere", "there is no ComfyUI in"),
    ] {
        let from = install.root().join(from);
        machine.run(&["init", "--from", from.to_str().unwrap()]).code(1).says(words);
        tree::assert_same(&before, &tree::of_machine(machine.root()), words);
    }
    // ComfyUI itself cannot be had.
    std::fs::rename(install.root().join("origins"), install.root().join("moved")).unwrap();
    machine.run(&["init", "--from", install.comfyui().to_str().unwrap()]).code(1);
    tree::assert_same(&before, &tree::of_machine(machine.root()), "after a repository that is gone");
    assert!(!machine.workspace().exists());
    // What lay there before is nobody's to sweep.
    let mine = machine.workspace().join("logs/mine.txt");
    write(&mine, "mine");
    machine.run(&["init", "--from", install.comfyui().to_str().unwrap()]).code(1);
    assert_eq!(std::fs::read_to_string(&mine).unwrap(), "mine");
    assert!(!machine.workspace().join(".metadata").exists());
}
