//! `doctor`: real damage, and the command that mends it.

use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::comfyui::{ComfyUi, OLD};
use crate::support::nodes::NodePack;
use crate::support::package_index::PackageIndex;
use crate::support::programs::{python, succeed};
use crate::support::tmpfs::Tmpfs;
use crate::support::wheels::Wheel;
use crate::support::{Machine, git, report, safetensors, skip, strace, write};

/// What was found by one check.
fn found<'a>(report: &'a Value, check: &str) -> Vec<&'a Value> {
    report["findings"].as_array().unwrap().iter().filter(|finding| finding["check"] == check).collect()
}

/// Runs it, whatever it finds.
fn doctor(machine: &Machine, flags: &[&str]) -> Value {
    let said = machine.run(&[&["--json", "doctor"], flags].concat());
    let report: Value = serde_json::from_str(&said.stdout).unwrap_or_else(|error| panic!("{error}\n{said}"));
    let broken = report["findings"].as_array().unwrap().iter().any(|finding| finding["severity"] == "error");
    assert_eq!((said.code, &report["sound"]), (i32::from(broken), &Value::Bool(!broken)), "{said}");
    for finding in report["findings"].as_array().unwrap() {
        assert!(!finding["hint"].as_str().unwrap().is_empty(), "{finding}");
    }
    report
}

/// Holds that a check found one thing, and that it says these words.
#[track_caller]
fn says(report: &Value, check: &str, severity: &str, words: &[&str]) {
    let [finding] = found(report, check).try_into().unwrap_or_else(|found| panic!("{check}: {found:?} in {report}"));
    assert_eq!(finding["severity"], severity, "{finding}");
    let text = finding.to_string();
    words.iter().for_each(|word| assert!(text.contains(word), "{word:?} is not in {finding}"));
}

/// A machine with an environment and a uv cache of its own, which tests may damage.
fn scene() -> (Machine, ComfyUi) {
    let mut machine = Machine::new();
    let comfyui = ComfyUi::new();
    machine.set("UV_CACHE_DIR", machine.root().join("uv-cache"));
    machine.create(&comfyui);
    (machine, comfyui)
}

/// The folder that holds the packages.
fn site(machine: &Machine) -> PathBuf {
    let lib = machine.environment("studio").join(".venv/lib");
    std::fs::read_dir(lib).unwrap().flatten().next().unwrap().path().join("site-packages")
}

fn custom_nodes(machine: &Machine) -> PathBuf {
    machine.environment("studio").join("ComfyUI/custom_nodes")
}

#[test]
fn a_whole_environment_has_nothing() {
    let (machine, _comfyui) = scene();
    let pack = NodePack::new();
    machine.ok(&["node", "add", &pack.url()]);
    report::start(&machine, "studio");
    machine.ok(&["doctor", "--deep"]).says("1 node pack looked at; nothing is wrong").never_says("hint");
    assert_eq!(doctor(&machine, &[])["packages"], 3);
    // Without an environment there is still a machine.
    let fresh = Machine::new();
    fresh.run(&["doctor"]).code(1).says("there is no workspace");
    fresh.init();
    fresh.ok(&["doctor"]).says("no environment is active");
    fresh.run(&["doctor", "--env", "nowhere"]).code(1).says("there is no environment `nowhere`");
}

#[test]
fn damaged_packages_are_named() {
    let (machine, _comfyui) = scene();
    let module = site(&machine).join("yaml/loader.py");
    std::fs::remove_file(&module).unwrap();
    says(
        &doctor(&machine, &[]),
        "package-damaged",
        "error",
        &["package pyyaml", "yaml/loader.py is missing", "comfydock repair"],
    );
    // An install that was killed leaves the record and not the files.
    std::fs::remove_dir_all(site(&machine).join("yaml")).unwrap();
    machine.run(&["doctor"]).code(1).says("error: package pyyaml").says("… and").says("hint: `comfydock repair`");
    machine.ok(&["repair", "--yes"]).says("package pyyaml").says("repaired");
    assert!(module.is_file());
    machine.ok(&["doctor"]).says("nothing is wrong");
    // Python itself.
    let python = machine.environment("studio").join(".venv/bin/python");
    std::fs::remove_file(&python).unwrap();
    symlink("/bin/false", &python).unwrap();
    says(&doctor(&machine, &[]), "python", "error", &["does not start"]);
    std::fs::remove_file(&python).unwrap();
    says(&doctor(&machine, &[]), "packages", "error", &["no Python packages are installed", "comfydock repair"]);
}

#[test]
fn what_was_written_into_a_shared_file_is_told_apart() {
    let (machine, comfyui) = scene();
    let module = site(&machine).join("yaml/nodes.py");
    let about = module.metadata().unwrap();
    assert!(about.nlink() > 1, "uv links into its cache here");
    let text = std::fs::read_to_string(&module).unwrap();
    let poisoned = text.replacen("class", "clasS", 1);
    // In place, as a pack does that patches a package: the size stays.
    std::fs::write(&module, &poisoned).unwrap();
    let report = doctor(&machine, &[]);
    says(
        &report,
        "package-poisoned",
        "error",
        &["package pyyaml", "yaml/nodes.py", "cache clean pyyaml`", "`comfydock repair --rebuild`"],
    );

    // With its old time only who reads everything finds it.
    let file = std::fs::File::options().write(true).open(&module).unwrap();
    file.set_modified(about.modified().unwrap()).unwrap();
    assert_eq!(found(&doctor(&machine, &[]), "package-poisoned").len(), 0);
    says(&doctor(&machine, &["--deep"]), "package-poisoned", "error", &["yaml/nodes.py has other bytes"]);

    // What is said helps: a new venv has it too until the cache's copy is gone.
    let create = |name: &str| {
        machine.ok(&["create", name, "--comfyui-url", comfyui.url(), "--comfyui-version", OLD]);
        doctor(&machine, &["--deep", "--env", name])
    };
    says(&create("second"), "package-poisoned", "error", &["yaml/nodes.py"]);
    machine.ok(&["repair", "--rebuild", "--yes", "--env", "second"]);
    says(&doctor(&machine, &["--deep", "--env", "second"]), "package-poisoned", "error", &["yaml/nodes.py"]);
    let hint = found(&doctor(&machine, &["--deep"]), "package-poisoned")[0]["hint"].as_str().unwrap().to_owned();
    let commands: Vec<&str> = hint.split('`').skip(1).step_by(2).collect();
    assert_eq!(commands[1..], ["comfydock repair --rebuild"], "{hint}");
    succeed(Command::new("sh").args(["-c", commands[0]]));
    machine.ok(&["repair", "--rebuild", "--yes", "--env", "studio"]);
    assert_eq!(doctor(&machine, &["--deep", "--env", "studio"])["findings"], Value::Array(Vec::new()));
    assert_eq!(create("third")["findings"], Value::Array(Vec::new()));
    // A copy that is changed here alone is nobody else's.
    let (alone, _comfyui) = scene();
    let module = site(&alone).join("yaml/nodes.py");
    let text = std::fs::read_to_string(&module).unwrap();
    std::fs::remove_file(&module).unwrap();
    std::fs::write(&module, text.replacen("class", "clasS", 1)).unwrap();
    let words = ["was written into", "yaml/nodes.py", "`comfydock repair --rebuild`"];
    says(&doctor(&alone, &[]), "package-damaged", "error", &words);
}

#[test]
fn packages_that_do_not_go_together_are_named() {
    let index = PackageIndex::dated(vec![
        Wheel::new("one", "1.0").file("shared/__init__.py", "WHO = 'one'\n"),
        Wheel::new("two", "1.0").file("shared/__init__.py", "WHO = 'the other'\n"),
        Wheel::new("needy", "1.0").requires(&["one"]),
    ]);
    let mut machine = Machine::new();
    machine.set("UV_DEFAULT_INDEX", index.url());
    machine.set("UV_CACHE_DIR", machine.root().join("uv-cache"));
    machine.init();
    let comfyui = ComfyUi::with_requirements("needy\n");
    machine.ok(&["create", "studio", "--comfyui-url", comfyui.url(), "--comfyui-version", OLD]);
    assert_eq!(doctor(&machine, &[])["findings"], Value::Array(Vec::new()));
    let packs = tempfile::tempdir().unwrap();
    machine.ok(&["node", "add", &NodePack::with(packs.path(), "brings-two", &[("requirements.txt", "two\n")])]);
    let report = doctor(&machine, &[]);
    says(&report, "package-overlap", "warning", &["one and two write over each other", "shared/__init__.py"]);
    assert_eq!(report["sound"], true);

    // Somebody used pip.
    let mut uninstall = Command::new(crate::support::programs::uv());
    let venv = machine.environment("studio").join(".venv/bin/python");
    succeed(uninstall.args(["pip", "uninstall", "--no-config", "one", "--python"]).arg(&venv));
    says(&doctor(&machine, &[]), "package-requirements", "warning", &["one", "needy"]);

    // Somebody edited the manifest.
    let manifest = machine.environment("studio").join(".cec/pyproject.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    write(&manifest, text.replace("\"needy\"", "\"needy>=2\""));
    says(&doctor(&machine, &[]), "lock", "warning", &["uv.lock is not what the manifest asks for", "uv lock"]);
    write(&manifest, text);
    let lock = machine.environment("studio").join(".cec/uv.lock");
    let text = std::fs::read_to_string(&lock).unwrap();
    write(&lock, format!("{text}\n"));
    says(&doctor(&machine, &[]), "packages", "warning", &["not those of uv.lock", "comfydock repair"]);
    write(&lock, "[[[");
    assert_eq!(found(&doctor(&machine, &[]), "lock").len(), 1);
}

#[test]
fn packs_that_are_there_twice_or_not_at_all_are_named() {
    let (machine, _comfyui) = scene();
    let pack = NodePack::new();
    machine.ok(&["node", "add", &pack.url()]);
    let folder = custom_nodes(&machine);
    // The same repository by hand, under another name.
    git::git(&folder, &["clone", "--quiet", &pack.url(), "six-again"]);
    says(
        &doctor(&machine, &[]),
        "pack-twice",
        "error",
        &[NodePack::NAME, "six-again", "rm -r", "custom_nodes/six-again"],
    );
    std::fs::remove_dir_all(folder.join("six-again")).unwrap();
    // Another spelling of its name.
    write(&folder.join("ComfyUI_Six/__init__.py"), "");
    says(&doctor(&machine, &[]), "pack-twice", "error", &["ComfyUI_Six", "differ in spelling only"]);
    std::fs::remove_dir_all(folder.join("ComfyUI_Six")).unwrap();

    write(&folder.join(format!("{}.disabled/notes.txt", NodePack::NAME)), "mine");
    says(&doctor(&machine, &[]), "pack-twin", "warning", &[".disabled lies beside"]);
    std::fs::remove_dir_all(folder.join(NodePack::NAME)).unwrap();
    let report = doctor(&machine, &[]);
    says(&report, "pack-missing", "error", &[NodePack::NAME, ".disabled is", "comfydock repair"]);
    assert!(found(&report, "pack-twin").is_empty(), "{report}");
}

#[test]
fn parts_of_packs_that_were_not_fetched_are_named() {
    let (machine, _comfyui) = scene();
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
    let packs = tempfile::tempdir().unwrap();
    machine.ok(&["node", "add", &NodePack::with(packs.path(), "with-lfs", &[("data/big.bin", pointer)])]);
    says(&doctor(&machine, &[]), "pack-lfs", "warning", &["with-lfs", "data/big.bin", "lfs pull"]);
    let inside = NodePack::with(packs.path(), "inside", &[]);
    let outer = packs.path().join("outer");
    NodePack::with(packs.path(), "outer", &[]);
    git::git(&outer, &["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &inside, "lib"]);
    git::commit(&outer, "With a submodule", "2025-10-01T12:00:00Z");
    git::git(&custom_nodes(&machine), &["clone", "--quiet", outer.to_str().unwrap(), "outer"]);
    says(
        &doctor(&machine, &[]),
        "pack-submodules",
        "warning",
        &["outer", "lib", "submodule update --init --recursive"],
    );
}

#[test]
fn packs_that_comfyui_could_not_import_are_named() {
    let (machine, _comfyui) = scene();
    let broken = custom_nodes(&machine).join("broken");
    write(&broken.join("__init__.py"), "import a_module_that_nobody_made\n");
    assert!(found(&doctor(&machine, &[]), "pack-import").is_empty(), "it was not started yet");
    report::start(&machine, "studio");
    says(
        &doctor(&machine, &[]),
        "pack-import",
        "warning",
        &["broken", "a_module_that_nobody_made", "logs/comfyui/studio.log"],
    );
    write(&broken.join("__init__.py"), "NODE_CLASS_MAPPINGS = {}\n");
    report::start(&machine, "studio");
    assert!(found(&doctor(&machine, &[]), "pack-import").is_empty(), "only the last start counts");
}

#[test]
fn models_behind_links_that_lead_nowhere_are_named() {
    let (machine, _comfyui) = scene();
    machine.put_model("checkpoints/here.safetensors", &safetensors::model(1, 1000));
    symlink(
        machine.models().join("checkpoints/here.safetensors"),
        machine.models().join("checkpoints/good.safetensors"),
    )
    .unwrap();
    assert!(found(&doctor(&machine, &[]), "model-links").is_empty());
    std::fs::create_dir_all(machine.models().join("loras")).unwrap();
    symlink("/mnt/away/style.safetensors", machine.models().join("loras/style.safetensors")).unwrap();
    says(&doctor(&machine, &[]), "model-links", "warning", &["loras/style.safetensors"]);
    std::fs::rename(machine.models(), machine.root().join("unplugged")).unwrap();
    says(&doctor(&machine, &[]), "models-folder", "warning", &["is not there", "comfydock models forget"]);
}

#[test]
fn a_damaged_history_is_named() {
    let (machine, _comfyui) = scene();
    let cec = machine.environment("studio").join(".cec");
    let blob = git::git(&cec, &["rev-parse", "HEAD:uv.lock"]);
    let object = cec.join(".git/objects").join(&blob[..2]).join(&blob[2..]);
    std::fs::set_permissions(&object, std::fs::Permissions::from_mode(0o644)).unwrap();
    let mut bytes = std::fs::read(&object).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    std::fs::write(&object, bytes).unwrap();
    says(&doctor(&machine, &["--deep"]), "history", "error", &[&blob]);
    std::fs::remove_file(&object).unwrap();
    says(&doctor(&machine, &[]), "history", "error", &[&blob]);
    write(&cec.join("pyproject.toml"), "[[[");
    says(&doctor(&machine, &[]), "manifest", "error", &["pyproject.toml"]);
}

#[test]
fn a_change_that_was_interrupted_is_told() {
    if !strace::is_here() {
        return skip("there is no strace");
    }
    let (machine, _comfyui) = scene();
    let pack = NodePack::new();
    let log = machine.root().join("strace.log");
    let options = ["-e", "trace=renameat2", "-e", "inject=renameat2:signal=KILL:when=1"];
    strace::command(&machine, &options, &log, &["node", "add", &pack.url()]).output().unwrap();
    assert!(std::fs::read_to_string(&log).unwrap().contains("killed by SIGKILL"));
    says(&doctor(&machine, &[]), "transaction", "note", &["had been interrupted", "comfydock status"]);
    assert!(found(&doctor(&machine, &[]), "transaction").is_empty());
}

/// A program that says it is another version, and is otherwise what it is.
fn disguise(path: &Path, version: &str, real: &Path) {
    let script =
        format!("#!/bin/sh\n[ \"$1\" = --version ] && echo '{version}' && exit\nexec '{}' \"$@\"\n", real.display());
    write(path, script);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn programs_that_are_too_old_or_missing_are_named() {
    let (mut machine, _comfyui) = scene();
    let old = machine.root().join("old");
    disguise(&old.join("uv"), "uv 0.5.0", crate::support::programs::uv());
    disguise(&old.join("git"), "git version 2.20.1", Path::new("/usr/bin/git"));
    machine.set("COMFYDOCK_UV", old.join("uv"));
    let path = std::env::join_paths([old, python().parent().unwrap().to_owned(), "/usr/bin".into(), "/bin".into()]);
    machine.set("PATH", path.unwrap());
    let report = doctor(&machine, &[]);
    says(&report, "uv", "error", &["uv 0.5.0", "0.9 or newer"]);
    says(&report, "git", "error", &["git is 2.20", "2.31 or newer"]);
    machine.set("COMFYDOCK_UV", "");
    machine.set("PATH", machine.root().join("empty"));
    let report = doctor(&machine, &[]);
    says(&report, "uv", "warning", &["there is no uv", "pip install uv"]);
    says(&report, "git", "error", &["apt install git"]);
}

#[test]
fn disks_without_room_are_named() {
    const MIB: usize = 1024 * 1024;
    let Some(disk) = Tmpfs::mount(100 * MIB) else { return skip("a tmpfs cannot be mounted here (it takes root)") };
    let machine = Machine::new();
    machine.ok(&["init", "--models-dir", disk.path().to_str().unwrap()]);
    let report = doctor(&machine, &[]);
    let of_models: Vec<_> = found(&report, "disk").into_iter().filter(|found| found["severity"] == "error").collect();
    assert_eq!(of_models.len(), 1, "{report}");
    assert!(of_models[0].to_string().contains("the models folder"), "{report}");
}

#[test]
fn whoever_holds_an_environment_after_comfyui_is_named() {
    let (machine, _comfyui) = scene();
    // A process that outlived ComfyUI, with the lease it was given.
    let lease = machine.environment("studio").join(".comfydock/running");
    let mut gone = Command::new("true").spawn().unwrap();
    let process = gone.id();
    gone.wait().unwrap();
    let code = "import fcntl, sys\nlease = open(sys.argv[1], 'a')\nfcntl.flock(lease, fcntl.LOCK_SH)\nprint('held', flush=True)\nsys.stdin.read()";
    let mut worker = Command::new(python());
    worker.args(["-c", code]).arg(&lease).stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut worker = worker.spawn().unwrap();
    let mut said = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(worker.stdout.as_mut().unwrap()), &mut said).unwrap();
    writeln!(std::fs::File::options().append(true).open(&lease).unwrap(), "{process}").unwrap();
    let hint = format!("kill {}", worker.id());
    says(&doctor(&machine, &[]), "lease", "error", &[&format!("process {process}"), &hint]);
    drop(worker.stdin.take());
    worker.wait().unwrap();
    assert!(found(&doctor(&machine, &[]), "lease").is_empty());
}
