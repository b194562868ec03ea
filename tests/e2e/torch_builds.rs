//! Machines with different builds of torch, and one environment.

use std::process::Command;

use crate::support::comfyui::{ComfyUi, OLD};
use crate::support::package_index::PackageIndex;
use crate::support::programs::succeed;
use crate::support::wheels::Wheel;
use crate::support::{Machine, git};

/// The index everybody locks from, those of two builds of torch, and ComfyUI that needs torch.
struct Stage {
    packages: PackageIndex,
    cpu: PackageIndex,
    cu128: PackageIndex,
    comfyui: ComfyUi,
    remote: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let packages = PackageIndex::dated(vec![
            Wheel::new("torch", "2.9.0").requires(&["filelock", "numlib", "nvidia-cudnn-cu12==9.1"]),
            Wheel::new("torchvision", "0.24.0").requires(&["torch==2.9.0", "numlib"]),
            Wheel::new("filelock", "3.0"),
            Wheel::new("numlib", "2.0"),
            Wheel::new("nvidia-cudnn-cu12", "9.1"),
        ]);
        // These have newer versions of everything, as the real ones do; none may be taken by accident.
        let cpu = PackageIndex::undated(vec![
            Wheel::new("torch", "2.9.0+cpu").requires(&["filelock", "numlib"]),
            Wheel::new("torch", "2.10.0+cpu"),
            Wheel::new("torchvision", "0.24.0+cpu").requires(&["torch==2.9.0", "numlib"]),
            Wheel::new("filelock", "9.9"),
            Wheel::new("numlib", "9.9"),
        ]);
        let cu128 = PackageIndex::undated(vec![
            Wheel::new("torch", "2.9.0+cu128").requires(&["filelock", "numlib", "nvidia-cudnn-cu12==9.9"]),
            Wheel::new("torch", "2.10.0+cu128"),
            Wheel::new("torchvision", "0.24.0+cu128").requires(&["torch==2.9.0", "numlib"]),
            Wheel::new("nvidia-cudnn-cu12", "9.9"),
        ]);
        let comfyui = ComfyUi::with_requirements("torch\ntorchvision\nnumlib\n");
        let remote = tempfile::tempdir().unwrap();
        git::git(remote.path(), &["init", "--quiet", "--bare"]);
        Self { packages, cpu, cu128, comfyui, remote }
    }

    /// A machine that takes builds of torch from an index.
    fn machine(&self, builds: &PackageIndex) -> Machine {
        let mut machine = Machine::new();
        machine.set("UV_DEFAULT_INDEX", self.packages.url());
        machine.set("UV_CACHE_DIR", machine.root().join("uv-cache"));
        machine.set("COMFYDOCK_TORCH_INDEX", builds.url());
        machine
    }

    fn create(&self, machine: &Machine, backend: &str) {
        machine.init();
        let (url, version) = (self.comfyui.url(), OLD);
        machine.ok(&["create", "studio", "--comfyui-url", url, "--comfyui-version", version, "--torch", backend]);
    }

    fn remote(&self) -> &str {
        self.remote.path().to_str().unwrap()
    }
}

/// The versions of the packages in an environment's venv.
fn versions(machine: &Machine) -> Vec<String> {
    let python = machine.environment("studio").join(".venv/bin/python");
    let code = "import importlib.metadata as m; print(*sorted(f'{d.name}=={d.version}' for d in m.distributions()))";
    let output = succeed(Command::new(python).args(["-c", code]));
    String::from_utf8(output.stdout).unwrap().split_whitespace().map(str::to_owned).collect()
}

fn lock(machine: &Machine) -> String {
    std::fs::read_to_string(machine.environment("studio").join(".cec/uv.lock")).unwrap()
}

#[test]
fn two_machines_with_different_builds_share_an_environment() {
    let stage = Stage::new();
    let (a, b) = (stage.machine(&stage.cpu), stage.machine(&stage.cu128));
    stage.create(&a, "cpu");
    assert_eq!(versions(&a), ["filelock==3.0", "numlib==2.0", "torch==2.9.0+cpu", "torchvision==0.24.0+cpu"]);
    a.ok(&["remote", "add", "origin", stage.remote()]);
    a.ok(&["push"]).says("pushed");
    let models = b.models();
    b.ok(&[
        "clone",
        stage.remote(),
        "--name",
        "studio",
        "--torch",
        "cu128",
        "--yes",
        "--models-dir",
        models.to_str().unwrap(),
    ]);
    assert_eq!(
        versions(&b),
        ["filelock==3.0", "numlib==2.0", "nvidia-cudnn-cu12==9.9", "torch==2.9.0+cu128", "torchvision==0.24.0+cu128"]
    );

    // Neither machine shows in what travels, and nobody has anything to do.
    assert_eq!(lock(&a), lock(&b));
    assert!(!lock(&a).contains("+c") && !lock(&a).contains(&stage.cpu.url()), "{}", lock(&a));
    for machine in [&b, &a] {
        machine.ok(&["status"]).says("nothing to commit");
        machine.ok(&["commit", "--yes"]).says("nothing to commit");
        machine.ok(&["push"]).says("nothing to push");
        machine.ok(&["pull", "--yes"]).says("already up to date");
        assert_eq!(git::git(&machine.environment("studio").join(".cec"), &["status", "--porcelain"]), "");
    }
    assert!(stage.cpu.log().iter().all(|path| !path.contains("cu128")));
}

#[test]
fn without_a_word_torch_is_what_the_index_has() {
    let stage = Stage::new();
    let a = stage.machine(&stage.cpu);
    a.init();
    a.ok(&["create", "studio", "--comfyui-url", stage.comfyui.url(), "--comfyui-version", OLD]);
    assert_eq!(
        versions(&a),
        ["filelock==3.0", "numlib==2.0", "nvidia-cudnn-cu12==9.1", "torch==2.9.0", "torchvision==0.24.0"]
    );
    assert!(stage.cpu.log().is_empty());
}

#[test]
fn a_build_that_does_not_exist_changes_nothing_for_anybody() {
    let stage = Stage::new();
    let a = stage.machine(&stage.cpu);
    stage.create(&a, "cpu");
    a.ok(&["remote", "add", "origin", stage.remote()]);
    a.ok(&["push"]).says("pushed");
    let old =
        PackageIndex::undated(vec![Wheel::new("torch", "2.8.0+cu126"), Wheel::new("torchvision", "0.23.0+cu126")]);
    let b = stage.machine(&old);
    let models = b.models();
    b.run(&[
        "clone",
        stage.remote(),
        "--name",
        "studio",
        "--torch",
        "cu126",
        "--yes",
        "--models-dir",
        models.to_str().unwrap(),
    ])
    .code(1)
    .says("no `cu126` build that fits the locked torch 2.9.0");
    assert!(!b.environment("studio").exists());
    assert_eq!(std::fs::read_dir(b.workspace().join(".metadata/txn")).unwrap().count(), 0);
    // A word that is no build is refused before anything is fetched.
    a.run(&["create", "other", "--torch", "gpu"]).code(2).says("`gpu` is no torch backend");
}

#[test]
fn the_same_build_again_needs_no_network() {
    let stage = Stage::new();
    let a = stage.machine(&stage.cu128);
    stage.create(&a, "cu128");
    let first = versions(&a);
    let asked = [stage.packages.log().len(), stage.cu128.log().len()];
    std::fs::rename(a.environment("studio"), a.environment("before")).unwrap();
    let (url, version) = (stage.comfyui.url(), OLD);
    a.ok(&["--offline", "create", "studio", "--comfyui-url", url, "--comfyui-version", version, "--torch", "cu128"]);
    assert_eq!(versions(&a), first);
    assert_eq!([stage.packages.log().len(), stage.cu128.log().len()], asked);
}
