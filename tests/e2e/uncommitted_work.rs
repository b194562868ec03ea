//! Work in `custom_nodes` that no commit holds, and files that packs put into their own folders, survive
//! every command that was not told to `--force`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::support::comfyui::{self, ComfyUi};
use crate::support::nodes::{NodePack, code_of};
use crate::support::registry::Registry;
use crate::support::{Hub, Machine, STUDIO, git, pack_zip, tree, write};

/// What a user would miss, by the text that only this file holds.
const WORK: [(&str, &str); 9] = [
    ("comfyui-six/__init__.py", "# a changed file"),
    ("comfyui-six/staged.py", "# a staged file"),
    ("comfyui-six/notes/untracked.txt", "an untracked file"),
    ("comfyui-six/settings.json", "an ignored file"),
    ("alpha/__init__.py", "# a patched release"),
    ("alpha/models/face.bin", "a model that alpha fetched"),
    ("beta/presets/mine.json", "presets of beta"),
    ("mine/nodes.py", "# work of the day"),
    ("scratch/tries.py", "# tries in a clone nobody tracks"),
];

struct Stage {
    _comfyui: ComfyUi,
    _hub: Hub,
    _own: tempfile::TempDir,
    registry: Registry,
    pack: NodePack,
    a: Machine,
    b: Machine,
}

fn publish(registry: &Registry, id: &str, version: &str, kind: &str) {
    let code = code_of(kind);
    registry.publish_zip(id, version, pack_zip::write(&[pack_zip::Entry::file("__init__.py", code.as_bytes())]));
}

impl Stage {
    /// A pushed v2 with packs of every kind, B has cloned it and moved on, and newer ones are to be had.
    fn new() -> Self {
        let (comfyui, hub, registry, pack) = (ComfyUi::new(), Hub::start(), Registry::start(), NodePack::new());
        write(&pack.path().join(".gitignore"), "settings.json\n__pycache__/\n");
        git::commit(&pack.path(), "Ignore", "2025-10-01T13:00:00Z");
        let (mut a, mut b) = (Machine::new(), Machine::new());
        for machine in [&mut a, &mut b] {
            machine.set("COMFYDOCK_REGISTRY_URL", registry.url());
        }
        a.create(&comfyui);
        hub.admit(&a, "ann");
        hub.admit(&b, "bob");
        a.ok(&["remote", "add", "origin", STUDIO]);
        publish(&registry, "alpha", "1.0.0", "Alpha");
        publish(&registry, "beta", "1.0.0", "Beta");
        a.ok(&["node", "add", "alpha", "beta", &pack.url()]);
        let own = tempfile::tempdir().unwrap();
        let mine = NodePack::with(own.path(), "mine", &[]);
        let stage = Self { _comfyui: comfyui, _hub: hub, _own: own, registry, pack, a, b };
        git::git(&stage.folder(""), &["clone", "--quiet", &mine, "mine"]);
        stage.a.ok(&["node", "add", "mine", "--dev"]);
        write(&stage.a.workflow("studio", "hero"), workflow(1));
        stage.a.ok(&["commit", "-m", "Packs", "--yes"]);
        stage.a.ok(&["push"]);
        stage.b.ok(&["clone", STUDIO, "--yes", "--models-dir", stage.b.models().to_str().unwrap()]);
        publish(&stage.registry, "alpha", "2.0.0", "AlphaTwo");
        publish(&stage.registry, "beta", "2.0.0", "BetaTwo");
        publish(&stage.registry, "gamma", "1.0.0", "Gamma");
        write(&stage.pack.path().join("more.py"), "# more\n");
        git::commit(&stage.pack.path(), "More", "2025-10-02T12:00:00Z");
        stage
    }

    fn folder(&self, path: &str) -> PathBuf {
        self.a.environment("studio").join("ComfyUI/custom_nodes").join(path)
    }

    /// B updates one pack, removes another, and pushes.
    fn b_moves_on(&self) {
        self.b.ok(&["node", "update", NodePack::NAME]);
        self.b.ok(&["node", "remove", "alpha"]);
        self.b.ok(&["commit", "-m", "Moved on", "--yes"]);
        self.b.ok(&["push"]);
    }

    /// A bundle of what B has.
    fn bundle_of_b(&self) -> String {
        let path = self.b.root().join("studio.tar.gz").to_str().unwrap().to_owned();
        self.b.ok(&["export", "--output", &path, "--yes"]);
        path
    }

    /// A commit of the user's own in the clone, and a stash.
    fn work(&self) -> Vec<String> {
        let six = self.folder(NodePack::NAME);
        git::git(&six, &["checkout", "--quiet", "-b", "mine"]);
        write(&six.join("experiment.py"), "# mine\n");
        let commit = git::commit(&six, "Mine", "2025-11-01T12:00:00Z");
        git::git(&six, &["checkout", "--quiet", "--detach", "HEAD~1"]);
        write(&six.join("requirements.txt"), "six\n# stashed\n");
        git::git(&six, &["stash", "--quiet"]);
        let stash = git::git(&six, &["rev-parse", "refs/stash"]);
        git::git(&self.folder(""), &["clone", "--quiet", &self.pack.url(), "scratch"]);
        git::git(&self.folder("scratch"), &["remote", "set-url", "origin", "https://example.org/some/scratch"]);
        for (path, text) in WORK {
            let file = self.folder(path);
            let before = std::fs::read_to_string(&file).unwrap_or_default();
            write(&file, format!("{before}{text}\n"));
        }
        git::git(&six, &["add", "staged.py"]);
        write(&self.folder("loose.py"), "NODE_CLASS_MAPPINGS = {}\n");
        vec![commit, stash]
    }

    /// `custom_nodes` without git's own files and what Python compiles.
    fn seen(&self) -> tree::Tree {
        tree::tree(&self.folder(""), &|name| name.contains(".git/") || name.contains("__pycache__"))
    }

    /// Holds that these commits are in some repository of the environment.
    fn assert_have(&self, commits: &[String], when: &str) {
        let mut repositories = Vec::new();
        find_git(&self.a.environment("studio"), &mut repositories);
        for commit in commits {
            let holds = |path: &PathBuf| {
                git::try_git(path, &["cat-file", "-e", &format!("{commit}^{{commit}}")]).status.success()
            };
            assert!(repositories.iter().any(holds), "{when}: {commit} is nowhere");
        }
    }
}

fn workflow(seed: usize) -> String {
    format!(
        r#"{{"nodes":[{{"id":1,"type":"KSampler","widgets_values":[{seed},"fixed",20,8,"euler","normal",1]}}],"links":[]}}"#
    )
}

fn find_git(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name() == ".git" {
            found.push(entry.path());
        } else if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            find_git(&entry.path(), found);
        }
    }
}

/// Commands that make or take other environments or none, are about accounts and settings, or only look.
const ELSEWHERE: [&str; 13] = [
    "init",
    "create",
    "clone",
    "inspect",
    "delete",
    "hub",
    "key",
    "trust",
    "config",
    "doctor",
    "completion",
    "man",
    "help",
];

#[test]
fn it_stays_where_it_is_whatever_is_run() {
    let stage = Stage::new();
    let a = &stage.a;
    stage.b_moves_on();
    let bundle = stage.bundle_of_b();
    let commits = stage.work();
    let before = stage.seen();
    let url = stage.pack.url();
    let refused: &[(&[&str], &str)] = &[
        (&["node", "update"], "alpha has changed files: __init__.py"),
        (&["node", "update", NodePack::NAME], "comfyui-six has changed files"),
        (&["node", "update", "alpha"], "alpha has changed files"),
        (&["node", "add", "alpha@2.0.0"], "alpha has changed files"),
        (&["node", "add", &url], "there already"),
        (&["node", "add", "scratch"], "scratch is a clone of what looks like another"),
        (&["node", "remove", NodePack::NAME], "work of yours"),
        (&["node", "remove", "alpha"], "work of yours"),
        (&["node", "run-install-script", "alpha"], "has no install.py"),
        (&["rollback", "v1"], "work of yours"),
        (&["pull"], "comfyui-six has changed files"),
        (&["import", &bundle, "--env", "studio", "--theirs"], "comfyui-six has changed files"),
        (&["push"], "pull"),
        (&["export"], "changes that no commit has"),
        (&["publish", "oci://127.0.0.1:9/team/look:v1", "--unsigned"], "changes that no commit has"),
    ];
    let done: &[&[&str]] = &[
        &["import", &bundle, "--env", "studio", "--ours"],
        &["status"],
        &["diff"],
        &["diff", "v1"],
        &["log"],
        &["list"],
        &["use", "studio"],
        &["node", "list"],
        &["node", "missing"],
        &["workflow", "list"],
        &["workflow", "show", "hero"],
        &["workflow", "resolve", "hero"],
        &["models", "list"],
        &["models", "index"],
        &["models", "gc"],
        &["models", "download", "--missing"],
        &["remote", "list"],
        &["run", "--quick-test-for-ci", "--cpu"],
        &["repair"],
        &["repair", "--rebuild"],
        &["comfyui", "update", comfyui::NEW],
        &["comfyui", "update", comfyui::OLD],
        &["gc"],
        &["node", "update", "mine"],
        &["rollback"],
        &["rollback", "v2"],
        &["commit", "-m", "As it is"],
    ];
    let help = a.ok(&["--help"]).stdout;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names: BTreeSet<&str> =
        commands.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next()).collect();
    let run: BTreeSet<&str> =
        refused.iter().map(|(words, _)| words).chain(done).map(|words| words[0]).chain(ELSEWHERE).collect();
    let left: Vec<_> = names.difference(&run).collect();
    assert!(left.is_empty(), "what do {left:?} do to a user's files?");
    for (words, code, why) in
        refused.iter().map(|(words, why)| (words, 1, *why)).chain(done.iter().map(|words| (words, 0, "")))
    {
        // `run` hands on what follows it.
        let said = a.run(&[&["--yes"], *words].concat());
        tree::assert_same(&before, &stage.seen(), &said.to_string());
        stage.assert_have(&commits, &said.to_string());
        said.code(code).says(why);
    }
    // Others come and go around it.
    a.ok(&["node", "add", "gamma"]);
    a.ok(&["node", "remove", "gamma"]);
    tree::assert_same(&before, &stage.seen(), "after another pack");
    // Files beside the pack's own go along to another version.
    a.ok(&["node", "update", "beta"]).says("2.0.0");
    for (path, text) in WORK {
        assert!(std::fs::read_to_string(stage.folder(path)).unwrap().contains(text), "{path}");
    }
    stage.assert_have(&commits, "after all of it");
}

#[test]
fn what_leaves_with_its_pack_is_kept() {
    let stage = Stage::new();
    let a = &stage.a;
    stage.b_moves_on();
    let bundle = stage.bundle_of_b();
    let commits = stage.work();
    // What a command would refuse to touch is put right; the rest stays.
    git::git(&stage.folder(NodePack::NAME), &["reset", "--quiet", "--hard"]);
    write(&stage.folder("alpha/__init__.py"), code_of("Alpha"));
    let stays: Vec<_> =
        WORK.into_iter().filter(|(path, _)| !path.ends_with("__init__.py") && !path.ends_with("staged.py")).collect();
    let environment = a.environment("studio");
    for words in [
        &["import", &bundle, "--env", "studio", "--theirs"][..],
        &["rollback"],
        &["pull"],
        &["rollback", "v1"],
        &["rollback", "v2"],
        &["rollback"],
        &["node", "remove", "beta", "mine", NodePack::NAME],
        &["rollback"],
        &["repair"],
        &["commit", "-m", "Around"],
    ] {
        let said = a.ok(&[&["--yes"], words].concat());
        for (path, text) in &stays {
            let found = tree::files_with(&environment.join("ComfyUI"), text).len()
                + tree::files_with(&environment.join(".comfydock/trash"), text).len();
            assert_eq!(found, 1, "{path} after {said}");
        }
        stage.assert_have(&commits, &said.to_string());
    }
}
