//! Python packages of node packs: families that stay whole, conflicts that are told, sources that are
//! not built, and an index that fails.

use std::path::Path;
use std::process::Command;

use rustix::process::Signal;

use crate::support::comfyui::{ComfyUi, OLD};
use crate::support::nodes::NodePack;
use crate::support::package_index::{Mood, PackageIndex};
use crate::support::programs::{python, succeed};
use crate::support::wheels::Wheel;
use crate::support::{Machine, Said, tree, wait_for, write};

/// A machine with an index of its own and an environment whose ComfyUI needs torch.
struct Stage {
    index: PackageIndex,
    machine: Machine,
    packs: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let mut wheels = vec![
            Wheel::new("torch", "2.9.0"),
            Wheel::new("sixlib", "1.16.0"),
            Wheel::new("sixlib", "1.17.0"),
            // The newest is for another torch, as builds of extensions are.
            Wheel::new("oldlib", "1.1").requires(&["torch==2.8.0"]),
            Wheel::new("oldlib", "1.0").requires(&["torch==2.8.0"]),
            Wheel::new("oldlib", "0.9"),
            Wheel::new("needs-contrib", "1.0").requires(&["opencv-contrib-python>=4.5"]),
        ];
        for name in
            ["opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless"]
        {
            for version in ["4.7.0.72", "4.10.0.84"] {
                wheels
                    .push(Wheel::new(name, version).file("cv2/__init__.py", &format!("WHO = \"{name} {version}\"\n")));
            }
        }
        let index = PackageIndex::dated(wheels);
        let mut machine = Machine::new();
        machine.set("UV_DEFAULT_INDEX", index.url());
        machine.set("UV_CACHE_DIR", machine.root().join("uv-cache"));
        machine.init();
        let comfyui = ComfyUi::with_requirements("torch\n");
        machine.ok(&["create", "studio", "--comfyui-url", comfyui.url(), "--comfyui-version", OLD]);
        index.put(&Wheel::new("torch", "2.8.0"));
        Self { index, machine, packs: tempfile::tempdir().unwrap() }
    }

    /// Adds a pack with these requirements.
    fn add(&self, name: &str, requirements: &str) -> Said {
        let url = NodePack::with(self.packs.path(), name, &[("requirements.txt", requirements)]);
        self.machine.run(&["node", "add", &url])
    }

    fn tracked(&self, file: &str) -> String {
        std::fs::read_to_string(self.machine.environment("studio").join(".cec").join(file)).unwrap()
    }

    /// What Python of the environment prints.
    fn python(&self, code: &str) -> String {
        let python = self.machine.environment("studio").join(".venv/bin/python");
        String::from_utf8(succeed(Command::new(python).args(["-c", code])).stdout).unwrap().trim().to_owned()
    }

    /// Runs something that must fail and change nothing.
    fn refused(&self, act: impl FnOnce() -> Said) -> Said {
        let before = tree::of_machine(self.machine.root());
        let said = act().code(1);
        let mut after = tree::of_machine(self.machine.root());
        let mut before = before;
        for tree in [&mut before, &mut after] {
            tree.retain(|name, _| !name.starts_with("uv-cache"));
        }
        tree::assert_same(&before, &after, &said.to_string());
        said
    }
}

const TORCH: &str = "import torch; print(torch.__version__)";

#[test]
fn a_pack_never_replaces_torch() {
    let stage = Stage::new();
    stage
        .add("pinned", "torch==2.8.0\nsixlib\n")
        .ok()
        .says("pinned: `torch==2.8.0` is left aside: the environment has torch 2.9.0");
    assert_eq!(stage.python(TORCH), "2.9.0");
    assert!(
        stage.tracked("pyproject.toml").contains("\"torch\",\n    \"sixlib\""),
        "{}",
        stage.tracked("pyproject.toml")
    );
    // Nor does what a pack needs: an older version is found that does not.
    stage.add("through-another", "oldlib\n").ok();
    assert_eq!(
        (stage.python(TORCH), stage.python("import oldlib; print(oldlib.__version__)")),
        ("2.9.0".into(), "0.9".into())
    );
    let refused = stage.refused(|| stage.add("insists", "oldlib>=1\n"));
    refused.says("needs another torch than the environment's torch 2.9.0").says("insists wants oldlib>=1");
    assert!(!stage.tracked("pyproject.toml").contains("constraint-dependencies"));
}

#[test]
fn one_opencv_is_installed_for_all() {
    let stage = Stage::new();
    stage.add("plain", "opencv-python==4.7.0.72\n").ok().never_says("instead of");
    assert_eq!(stage.python("import cv2; print(cv2.WHO)"), "opencv-python 4.7.0.72");
    stage
        .add("contrib", "needs-contrib\n")
        .ok()
        .says("opencv-contrib-python-headless is installed instead of opencv-python and opencv-contrib-python");
    assert_eq!(stage.python("import cv2; print(cv2.WHO)"), "opencv-contrib-python-headless 4.7.0.72");
    // A pack's own words stay as they are, and what was said is not said again.
    assert!(stage.tracked("pyproject.toml").contains("node-plain = [\"opencv-python==4.7.0.72\"]"));
    stage.add("more", "sixlib\n").ok().never_says("is installed instead of");
    // Versions that contradict each other are no reason for two.
    stage.add("newer", "opencv-python-headless>=4.10\n").ok().says("contradict each other about the version of OpenCV");
    assert_eq!(stage.python("import cv2; print(cv2.WHO)"), "opencv-contrib-python-headless 4.10.0.84");
}

#[test]
fn a_conflict_names_the_packs_and_what_would_help() {
    let stage = Stage::new();
    stage.add("Alpha_Pack", "sixlib==1.16.0\n").ok();
    stage.add("other", "oldlib<1\n").ok();
    let refused = stage.refused(|| stage.add("beta", "sixlib>=1.17\n"));
    refused
        .says("the requirements of beta and Alpha_Pack contradict each other")
        .line(&["Alpha_Pack wants sixlib==1.16.0"])
        .line(&["beta wants sixlib>=1.17"])
        .says("another version of beta may fit; --no-test takes it without its packages");
    let refused = stage.refused(|| stage.add("impossible", "sixlib>=2\n"));
    refused.says("the requirements of impossible contradict each other, or name versions that do not exist");
    let refused = stage.refused(|| stage.add("unknown", "nobody-made-this\n"));
    refused.says("there is no package `nobody-made-this` (unknown needs it)");
}

/// A source archive that notes when its code is run, and needs nothing to be built.
fn source(folder: &Path, witness: &Path) -> Vec<u8> {
    write(
        &folder.join("backend.py"),
        format!(
            "import pathlib, zipfile\n\
             def build_wheel(target, *_):\n\
             \x20   pathlib.Path({witness:?}).write_text('run')\n\
             \x20   name = 'built-1.0-py3-none-any.whl'\n\
             \x20   with zipfile.ZipFile(pathlib.Path(target) / name, 'w') as wheel:\n\
             \x20       wheel.writestr('built.py', '')\n\
             \x20       wheel.writestr('built-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: built\\nVersion: 1.0\\n')\n\
             \x20       wheel.writestr('built-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')\n\
             \x20       wheel.writestr('built-1.0.dist-info/RECORD', '')\n\
             \x20   return name\n"
        ),
    );
    write(
        &folder.join("pyproject.toml"),
        "[project]\nname = \"built\"\nversion = \"1.0\"\n[build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n",
    );
    write(&folder.join("PKG-INFO"), "Metadata-Version: 2.1\nName: built\nVersion: 1.0\n");
    let archive = folder.with_extension("tar.gz");
    let code = "import sys, tarfile\nwith tarfile.open(sys.argv[1], 'w:gz') as tar: tar.add(sys.argv[2], 'built-1.0')";
    succeed(Command::new(python()).args(["-c", code]).arg(&archive).arg(folder));
    std::fs::read(archive).unwrap()
}

#[test]
fn source_is_built_only_where_this_machine_accepted_it() {
    let stage = Stage::new();
    let work = tempfile::tempdir().unwrap();
    let witness = work.path().join("witness");
    stage.index.put_file("built", "built-1.0.tar.gz", source(&work.path().join("built"), &witness));
    let refused = stage.refused(|| stage.add("from-source", "built\n"));
    refused.says("`built` has no wheel that fits").says("accepted_builds = [\"built\"]");
    assert!(!witness.exists());
    let accepted = stage.machine.environment("studio").join(".comfydock/machine.toml");
    write(&accepted, "accepted_builds = [\"built\"]\n");
    stage.add("from-source", "built\n").ok();
    assert_eq!(stage.python("import built; print('here')"), "here");
    assert!(witness.exists());
    // That was said on this machine, and does not travel.
    assert!(!stage.tracked("pyproject.toml").contains("no-binary"));
}

#[test]
fn an_index_that_is_down_is_asked_again_and_then_named() {
    let mut stage = Stage::new();
    stage.machine.set("UV_HTTP_RETRIES", "0");
    stage.index.set(Mood::Down);
    let refused = stage.refused(|| stage.add("needs-six", "sixlib\n"));
    assert_eq!(refused.stderr.matches("trying again").count(), 2, "{refused}");
    refused.says("a package could not be fetched").says("check the network");
    stage.index.set(Mood::Well);
    stage.add("needs-six", "sixlib\n").ok();
}

#[test]
fn the_same_question_is_not_asked_twice() {
    let stage = Stage::new();
    let machine = &stage.machine;
    let comfyui = ComfyUi::with_requirements("torch\nsixlib\n");
    let create = |name: &str| machine.ok(&["create", name, "--comfyui-url", comfyui.url(), "--comfyui-version", OLD]);
    create("one");
    let before = stage.index.log().len();
    create("two");
    let asked = stage.index.log().split_off(before);
    assert_eq!(asked, Vec::<String>::new());
    let lock = |name: &str| std::fs::read(machine.environment(name).join(".cec/uv.lock")).unwrap();
    assert_eq!(lock("one"), lock("two"));
}

/// The processes whose working folder is below this one.
fn processes_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let inside = |path: &Path| std::fs::read_link(path.join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder));
    let found = entries.map(|entry| entry.path()).filter(|path| inside(path));
    found.map(|path| std::fs::read_to_string(path.join("cmdline")).unwrap_or_default()).collect()
}

#[test]
fn ctrl_c_ends_uv_too() {
    let stage = Stage::new();
    let url = NodePack::with(stage.packs.path(), "waits", &[("requirements.txt", "sixlib\n")]);
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 130)] {
        stage.index.set(Mood::Silent);
        let before = stage.index.log().len();
        let running = stage.machine.spawn(&["node", "add", &url]);
        wait_for("uv to ask the index", || (stage.index.log().len() > before).then_some(()));
        let staged = stage.machine.environment("studio").join(".comfydock");
        assert!(processes_in(&staged).iter().any(|line| line.contains("lock")), "uv works in the stage");
        running.signal(signal);
        running.end().code(code).says("cancelled");
        wait_for("uv to be gone", || processes_in(&staged).is_empty().then_some(()));
        stage.index.set(Mood::Well);
        stage.machine.ok(&["status"]);
    }
    stage.machine.ok(&["node", "add", &url]);
}
