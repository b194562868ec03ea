//! An environment that was locked for other systems comes to this one when somebody says so.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::support::comfyui::{ComfyUi, OLD};
use crate::support::nodes::file_url;
use crate::support::package_index::PackageIndex;
use crate::support::programs::{bare, succeed, uv};
use crate::support::wheels::Wheel;
use crate::support::{Machine, git, tree, write};

/// Markers of a system that runs no test of ours.
const ELSEWHERE: &str = "sys_platform == 'win32' and platform_machine == 'AMD64'";

/// A bare repository with an environment that somebody locked for Windows, and what it takes to lock it
/// so again.
struct Stage {
    index: PackageIndex,
    _comfyui: ComfyUi,
    a: Machine,
    folder: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let index = PackageIndex::dated(vec![
            Wheel::new("sixlib", "1.16.0")
                .requires(&["winlib; sys_platform == 'win32'", "linlib; sys_platform == 'linux'"]),
            Wheel::new("winlib", "1.0"),
            Wheel::new("linlib", "1.0"),
        ]);
        let comfyui = ComfyUi::with_requirements("sixlib\n");
        let a = machine(&index);
        a.ok(&["create", "studio", "--comfyui-url", comfyui.url(), "--comfyui-version", OLD]);
        let folder = tempfile::tempdir().unwrap();
        let stage = Self { index, _comfyui: comfyui, a, folder };
        let cec = stage.a.environment("studio").join(".cec");
        git::git(stage.folder.path(), &["clone", "--quiet", "--bare", cec.to_str().unwrap(), "studio.git"]);
        git::git(stage.folder.path(), &["clone", "--quiet", "studio.git", "work"]);
        stage.for_windows();
        for version in ["1.17.0", "1.18.0"] {
            stage.index.put(&Wheel::new("sixlib", version));
        }
        stage
    }

    fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    fn url(&self) -> String {
        file_url(&self.folder.path().join("studio.git"))
    }

    /// Makes it Windows' alone, as somebody there would have it.
    fn for_windows(&self) {
        let manifest = self.work().join("pyproject.toml");
        let text = std::fs::read_to_string(&manifest).unwrap();
        let linux = "sys_platform == 'linux' and platform_machine == 'x86_64'";
        assert!(text.contains("[\"linux-x86_64\"]") && text.contains(linux), "{text}");
        write(&manifest, text.replace("[\"linux-x86_64\"]", "[\"windows-x86_64\"] # theirs").replace(linux, ELSEWHERE));
        self.lock();
        self.push("For Windows", "2025-11-01T12:00:00Z");
    }

    /// Locks it by uv alone.
    fn lock(&self) {
        let mut command = bare(uv());
        for (name, value) in surroundings(&self.index, self.a.root()) {
            command.env(name, value);
        }
        succeed(command.args(["lock", "--no-build"]).current_dir(self.work()));
    }

    fn push(&self, message: &str, date: &str) -> String {
        let commit = git::commit(&self.work(), message, date);
        git::git(&self.work(), &["push", "--quiet", "origin", "HEAD:main"]);
        commit
    }

    fn machine(&self) -> Machine {
        machine(&self.index)
    }
}

/// A machine that reaches the index and has the workspace and nothing else.
fn machine(index: &PackageIndex) -> Machine {
    let mut machine = Machine::new();
    for (name, value) in surroundings(index, machine.root()) {
        machine.set(name, value);
    }
    machine.init();
    machine
}

/// Variables that make an index the only one, with a cache below `root`.
fn surroundings(index: &PackageIndex, root: &Path) -> [(&'static str, OsString); 2] {
    [("UV_DEFAULT_INDEX", index.url().into()), ("UV_CACHE_DIR", root.join("uv-cache").into())]
}

/// A manifest without this machine's platform.
fn without_linux(manifest: &str) -> String {
    let lists = [", \"linux-x86_64\"", ", \"sys_platform == 'linux' and platform_machine == 'x86_64'\""];
    lists.iter().fold(manifest.to_owned(), |text, entry| {
        assert!(text.contains(entry), "{entry} is not in {text}");
        text.replace(entry, "")
    })
}

fn tracked(machine: &Machine, file: &str) -> String {
    std::fs::read_to_string(machine.environment("studio").join(".cec").join(file)).unwrap()
}

/// What Python of the environment finds of the packages of the stage.
fn packages(machine: &Machine) -> String {
    let code = "import importlib.metadata as m; print(sorted(d.name + ' ' + d.version for d in m.distributions()))";
    let output = succeed(bare(machine.environment("studio").join(".venv/bin/python")).args(["-c", code]));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The machine's tree without what uv keeps.
fn seen(machine: &Machine) -> tree::Tree {
    let mut tree = tree::of_machine(machine.root());
    tree.retain(|name, _| !Path::new(name).starts_with("uv-cache"));
    tree
}

#[test]
fn a_clone_adds_this_machine_and_leaves_the_history_as_it_is() {
    let stage = Stage::new();
    let b = stage.machine();
    let url = stage.url();
    let before = seen(&b);
    let refused = b.run(&["clone", &url, "--yes"]).code(1);
    refused.says("locked for windows-x86_64, and this machine is linux-x86_64").says("--add-platform");
    tree::assert_same(&before, &seen(&b), "after a refused clone");

    let said = b.ok(&["clone", &url, "--yes", "--add-platform"]);
    said.says("platform linux-x86_64 is added")
        .says("every package that was locked stays at its version")
        .says("is a change that is not committed yet");
    // Newer ones are to be had by now, and nobody asked for them.
    assert_eq!(packages(&b), "['linlib 1.0', 'sixlib 1.16.0']");
    let (manifest, lock) = (tracked(&b, "pyproject.toml"), tracked(&b, "uv.lock"));
    assert!(manifest.contains("platforms = [\"windows-x86_64\", \"linux-x86_64\"] # theirs"), "{manifest}");
    assert!(manifest.contains(ELSEWHERE) && manifest.contains("sys_platform == 'linux'"), "{manifest}");
    assert!(lock.contains("name = \"winlib\"") && lock.contains("name = \"linlib\""), "{lock}");
    let tip = git::git(&stage.work(), &["rev-parse", "HEAD"]);
    let cec = b.environment("studio").join(".cec");
    assert_eq!(git::git(&cec, &["rev-parse", "HEAD"]), tip);
    b.ok(&["status"]).line(&["new", "platform linux-x86_64"]).never_says("ComfyUI v0.3.64 ");
    b.ok(&["diff"]).says("platforms").says("linlib");
    b.ok(&["commit", "--yes"]).says("Add platform linux-x86_64");
    assert_eq!(git::git(&cec, &["rev-parse", "HEAD~1"]), tip);
    b.ok(&["status"]).says("nothing to commit");
    b.ok(&["push"]);
    // Others have it without a flag now.
    let c = stage.machine();
    c.ok(&["clone", &url, "--yes"]).never_says("platform");
    assert_eq!(packages(&c), packages(&b));
    // Whoever takes it out by hand is told what puts it back.
    let place = c.environment("studio").join(".cec/pyproject.toml");
    write(&place, without_linux(&tracked(&c, "pyproject.toml")));
    c.run(&["repair", "--yes"]).code(1).says("locked for windows-x86_64").says("--add-platform");
    c.ok(&["repair", "--yes", "--add-platform"]).says("platform linux-x86_64 is added");
    c.ok(&["status"]).says("nothing to commit");
}

#[test]
fn a_pull_adds_it_to_what_comes() {
    let stage = Stage::new();
    let b = stage.machine();
    let url = stage.url();
    b.ok(&["clone", &url, "--yes", "--add-platform"]);
    b.ok(&["commit", "--yes"]);
    b.ok(&["push"]);
    // Somebody takes it out again, and asks for another package.
    git::git(&stage.work(), &["pull", "--quiet", "origin", "main"]);
    let manifest = stage.work().join("pyproject.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    write(&manifest, without_linux(&text).replace("[\"sixlib\"]", "[\"sixlib\", \"winlib\"]"));
    stage.lock();
    let tip = stage.push("Without Linux", "2025-11-03T12:00:00Z");
    let before = seen(&b);
    b.run(&["pull", "--yes"]).code(1).says("locked for windows-x86_64").says("--add-platform");
    let without_git = |mut tree: tree::Tree| {
        tree.retain(|name, _| !name.contains("/.cec/.git/"));
        tree
    };
    tree::assert_same(&without_git(before), &without_git(seen(&b)), "after a refused pull");
    b.ok(&["pull", "--yes", "--add-platform"]).says("platform linux-x86_64 is added").says("pulled 1 commit");
    assert_eq!(packages(&b), "['linlib 1.0', 'sixlib 1.16.0', 'winlib 1.0']");
    assert_eq!(git::git(&b.environment("studio").join(".cec"), &["rev-parse", "HEAD"]), tip);
    b.ok(&["status"]).line(&["new", "platform linux-x86_64"]);
    b.ok(&["pull", "--yes"]).says("already up to date");
    b.ok(&["commit", "--yes"]).says("Add platform linux-x86_64");
    // A version from before goes the same way.
    std::fs::remove_dir_all(b.environment("studio").join(".comfydock/venvs")).unwrap();
    b.run(&["rollback", "v2", "--yes"]).code(1).says("--add-platform");
    b.ok(&["rollback", "v2", "--yes", "--add-platform"]).says("platform linux-x86_64 is added");
    assert_eq!(packages(&b), "['linlib 1.0', 'sixlib 1.16.0']");
}
