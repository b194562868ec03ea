//! `install.py` of node packs: run when somebody asks for it and never else, and said.

use std::path::{Path, PathBuf};

use crate::support::nodes::{NodePack, Workbench, file_url};
use crate::support::{Hub, Machine, STUDIO, git, write};

/// A script that writes down what it saw, and says something on both streams.
const LOOKS: &str = "import json, os, sys\n\
                     json.dump({'cwd': os.getcwd(), 'python': sys.executable, 'prefix': sys.prefix, 'argv': sys.argv, 'environment': dict(os.environ)}, open('seen.json', 'w'))\n\
                     print('looking around')\n\
                     print('half\\rthe whole of it', file=sys.stderr)\n";

/// A pack with an install script and nothing else.
struct Scripted {
    folder: tempfile::TempDir,
}

impl Scripted {
    fn new(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        NodePack::with(folder.path(), "scripted", &[("install.py", script)]);
        Self { folder }
    }

    fn url(&self) -> String {
        file_url(&self.path())
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("scripted")
    }

    /// Another version, with this script.
    fn publish(&self, script: &str) {
        write(&self.path().join("install.py"), script);
        git::commit(&self.path(), "Other", "2025-10-02T12:00:00Z");
    }
}

fn recorded(manifest: &str) -> Option<&str> {
    manifest.lines().find_map(|line| line.strip_prefix("install_script_sha256 = "))
}

fn log(machine: &Machine) -> String {
    std::fs::read_to_string(machine.workspace().join("logs/studio.log")).unwrap()
}

#[test]
fn it_runs_where_and_as_what_packs_expect_once_somebody_asks() {
    let mut bench = Workbench::new();
    for (name, value) in [
        ("HF_TOKEN", "hf-token-of-the-user"),
        ("COMFYDOCK_TOKEN", "token-of-the-hub"),
        ("PIP_TARGET", "/elsewhere"),
        ("UV_LINK_MODE", "copy"),
        ("PYTHONPATH", "/elsewhere"),
        ("MY_SETTING", "kept"),
    ] {
        bench.a.set(name, value);
    }
    let (a, pack) = (&bench.a, Scripted::new(LOOKS));
    let folder = bench.folder("scripted");
    let said = a.ok(&["node", "add", &pack.url()]);
    said.says("scripted: there is an install.py, which was not run")
        .says("`comfydock node run-install-script scripted`");
    assert!(!folder.join("seen.json").exists() && recorded(&bench.manifest()).is_none());
    // What nobody ran is nothing that others have to hear of.
    a.ok(&["commit", "-m", "Scripted", "--yes"]);
    a.ok(&["status"]).never_says("install.py");

    a.ok(&["node", "run-install-script", "scripted"])
        .says("ran install.py of node pack scripted")
        .says("| looking around")
        .says("| the whole of it");
    let seen: serde_json::Value = serde_json::from_slice(&std::fs::read(folder.join("seen.json")).unwrap()).unwrap();
    let environment = a.environment("studio");
    let venv = std::fs::canonicalize(environment.join(".venv")).unwrap();
    let path = |value: &serde_json::Value| std::fs::canonicalize(value.as_str().unwrap()).unwrap();
    assert_eq!(path(&seen["cwd"]), std::fs::canonicalize(&folder).unwrap());
    assert_eq!((path(&seen["prefix"]), &seen["argv"]), (venv.clone(), &serde_json::json!(["install.py"])));
    assert!(Path::new(seen["python"].as_str().unwrap()).starts_with(environment.join(".comfydock/venvs")), "{seen}");
    let variables = &seen["environment"];
    for name in ["COMFYUI_PATH", "COMFYUI_FOLDERS_BASE_PATH"] {
        assert_eq!(path(&variables[name]), std::fs::canonicalize(environment.join("ComfyUI")).unwrap());
    }
    assert_eq!((path(&variables["VIRTUAL_ENV"]), &variables["MY_SETTING"]), (venv, &serde_json::json!("kept")));
    for name in ["HF_TOKEN", "COMFYDOCK_TOKEN", "PIP_TARGET", "UV_LINK_MODE", "PYTHONPATH"] {
        assert!(variables[name].is_null(), "{name} reached the script");
    }
    let log = log(a);
    assert!(log.contains("| looking around") && log.contains("| the whole of it"), "{log}");
    assert_eq!(recorded(&bench.manifest()).map(str::len), Some(66));
    a.ok(&["status"]).line(&["changed", "node pack scripted"]).never_says("install.py");
    a.ok(&["--offline", "diff"]).says("install_script_sha256");
}

#[test]
fn the_flag_runs_it_after_everything_is_in_place() {
    let bench = Workbench::new();
    let a = &bench.a;
    // It needs the pack's own requirement, and the pack under its name.
    let pack = Scripted::new(
        "import six, os\nassert os.getcwd().endswith('custom_nodes/scripted')\nopen('made.txt', 'w').close()\n",
    );
    write(&pack.path().join("requirements.txt"), "six\n");
    git::commit(&pack.path(), "Six", "2025-10-01T13:00:00Z");
    let told = a.json(&["node", "add", &pack.url(), "--run-install-script"]);
    assert_eq!(told["install_scripts_run"][0]["ended_well"], true, "{told}");
    assert_eq!(told["install_scripts"], serde_json::json!([]));
    assert!(bench.folder("scripted").join("made.txt").exists());
    let first = recorded(&bench.manifest()).unwrap().to_owned();
    a.ok(&["commit", "-m", "Scripted", "--yes"]);

    // Another version with the same script keeps the record, and what the script wrote before is not new.
    write(&pack.path().join("more.py"), "# more\n");
    git::commit(&pack.path(), "More", "2025-10-01T14:00:00Z");
    a.ok(&["node", "update"]).says("scripted: there is an install.py, which was not run");
    assert_eq!(recorded(&bench.manifest()), Some(first.as_str()));
    a.ok(&["status"]).line(&["not run", "scripted", "not on the packages and files that are here"]);
    // One that changed asks again.
    pack.publish("open('changed.txt', 'w').close()\n");
    a.ok(&["node", "update"]).says("its install.py is another than the one that was run before, which was not run");
    assert!(!bench.folder("scripted").join("changed.txt").exists());
    assert_eq!(recorded(&bench.manifest()), Some(first.as_str()));
    a.ok(&["status"]).line(&["not run", "scripted", "is another than the one that was run"]);
    pack.publish("open('changed.txt', 'a').write('again')\n");
    a.ok(&["node", "update", "--run-install-script"]).says("ran install.py of node pack scripted");
    assert!(bench.folder("scripted").join("changed.txt").exists());
    assert_ne!(recorded(&bench.manifest()), Some(first.as_str()));
    a.ok(&["status"]).never_says("not run");
    // A pack without a script makes no noise, and has nothing to run.
    let plain = NodePack::with(pack.folder.path(), "plain", &[]);
    a.ok(&["node", "add", &plain, "--run-install-script"]).never_says("install.py");
    a.run(&["node", "run-install-script", "plain"]).code(1).says("custom_nodes/plain has no install.py");
}

#[test]
fn one_that_fails_leaves_the_pack_and_no_record() {
    let bench = Workbench::new();
    let a = &bench.a;
    let pack = Scripted::new(
        "import os, sys\nopen('half.txt', 'w').close()\nprint('no compiler here')\nsys.exit(0 if os.path.exists('cured.txt') else 3)\n",
    );
    let said = a.run(&["node", "add", &pack.url(), "--run-install-script"]).code(1);
    said.says("added node pack scripted")
        .says("exit status: 3")
        .says("logs/studio.log")
        .says("what install.py did before it failed stays")
        .says("`comfydock node run-install-script scripted` tries again");
    assert!(log(a).contains("| no compiler here"));
    assert!(bench.folder("scripted").join("half.txt").exists());
    assert!(bench.manifest().contains("[tool.comfydock.nodes.scripted]") && recorded(&bench.manifest()).is_none());
    a.run(&["node", "run-install-script", "scripted"]).code(1);
    write(&bench.folder("scripted").join("cured.txt"), "");
    a.ok(&["node", "run-install-script", "scripted"]).says("ran install.py");
    assert!(recorded(&bench.manifest()).is_some());
}

#[test]
fn the_record_of_a_pack_that_is_worked_on_outlives_commits() {
    let bench = Workbench::new();
    let a = &bench.a;
    let script = bench.folder("mine").join("install.py");
    write(&bench.folder("mine").join("__init__.py"), "NODE_CLASS_MAPPINGS = {}\n");
    write(&bench.folder("mine").join("requirements.txt"), "six\n");
    write(&script, "print('first')\n");
    a.ok(&["node", "add", "mine", "--dev", "--run-install-script"]).says("| first");
    let before = bench.manifest();
    a.ok(&["commit", "-m", "Mine", "--yes"]);
    let lines =
        |text: &str| text.lines().filter(|line| line.contains("_sha256 = ")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!((lines(&before).len(), lines(&bench.manifest())), (2, lines(&before)));
    // What was run already makes no noise; what was edited since does.
    a.ok(&["node", "update", "mine"]).never_says("install.py");
    write(&script, "print('second')\n");
    a.ok(&["status"]).line(&["not run", "mine", "is another than the one that was run"]);
    a.ok(&["node", "update", "mine"])
        .says("its install.py is another than the one that was run before, which was not run");
    a.ok(&["node", "run-install-script", "mine"]).says("| second");
    a.ok(&["status"]).never_says("install.py");
}

#[test]
fn what_it_leaves_running_keeps_nobody_waiting() {
    let bench = Workbench::new();
    let pack = Scripted::new(
        "import subprocess, sys\nchild = subprocess.Popen(['sleep', '600'])\nopen('child.txt', 'w').write(str(child.pid))\n",
    );
    bench.a.ok(&["node", "add", &pack.url(), "--run-install-script"]);
    let child = std::fs::read_to_string(bench.folder("scripted").join("child.txt")).unwrap();
    // Gone, or dead and not yet fetched by the system's first process.
    crate::support::wait_for("its end", || {
        let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
        (stat.is_empty() || state == Some('Z')).then_some(())
    });
}

#[test]
fn what_it_installs_is_told_and_stays_with_its_packages() {
    let bench = Workbench::new();
    let a = &bench.a;
    let pack = Scripted::new(
        "import os, sysconfig\nsite = sysconfig.get_path('purelib')\nos.makedirs(site + '/extra-1.0.dist-info')\n\
         open(site + '/extra-1.0.dist-info/RECORD', 'w').close()\nopen(site + '/extra-1.0.dist-info/METADATA', 'w').write('Metadata-Version: 2.1\\nName: extra\\nVersion: 1.0\\n')\n",
    );
    a.ok(&["node", "add", &pack.url(), "--run-install-script"])
        .says("it changed packages, which are in no lock: +extra 1.0");
    a.ok(&["commit", "-m", "Scripted", "--yes"]);
    a.ok(&["status"]).never_says("install.py");
    let findings = a.json(&["doctor"])["findings"].to_string();
    assert!(findings.contains("install-scripts") && findings.contains("scripted"), "{findings}");
    assert_eq!(bench.package("extra").as_deref(), Some("1.0"));

    let six = NodePack::new();
    let told = "node pack scripted: its install.py was run when the environment was made, and not on the packages";
    a.ok(&["node", "add", &six.url()]).says(told);
    assert_eq!(bench.package("extra"), None, "a new generation is built from the lock");
    // The packages it was run on come back, and it is as if nothing had been.
    a.ok(&["rollback", "--yes"]).never_says("install.py");
    assert_eq!(bench.package("extra").as_deref(), Some("1.0"));
    a.ok(&["repair", "--rebuild", "--yes"]).says(told);
}

#[test]
fn a_colleague_is_told_and_asked_before_it_runs_there() {
    let bench = Workbench::new();
    let (hub, a, pack) = (Hub::start(), &bench.a, Scripted::new(LOOKS));
    hub.admit(a, "ann");
    a.ok(&["remote", "add", "origin", STUDIO]);
    a.ok(&["node", "add", &pack.url(), "--run-install-script"]);
    a.ok(&["commit", "-m", "Scripted", "--yes"]);
    a.ok(&["push"]);
    let (b, c) = (Machine::new(), Machine::new());
    let seen = |machine: &Machine| machine.environment("studio").join("ComfyUI/custom_nodes/scripted/seen.json");
    let arguments = |machine: &Machine| {
        vec!["clone".to_owned(), STUDIO.to_owned(), "--models-dir".to_owned(), machine.models().display().to_string()]
    };
    let clone = |machine: &Machine, more: &[&str]| {
        let all = arguments(machine);
        machine.run(&all.iter().map(String::as_str).chain(more.iter().copied()).collect::<Vec<_>>())
    };
    hub.admit(&b, "bob");
    hub.admit(&c, "bob");
    let said = clone(&b, &["--yes"]).ok();
    said.says("node pack scripted: its install.py was run when the environment was made")
        .never_says("which will be run");
    assert!(!seen(&b).exists(), "it ran without being asked for");
    b.ok(&["status"]).line(&["not run", "scripted"]);
    b.ok(&["commit", "--yes"]).says("nothing to commit");

    // It is a place of code like others: nobody has agreed to it yet.
    clone(&c, &["--run-install-script"])
        .code(1)
        .says("install.py of node pack scripted, which will be run (SHA-256 ")
        .says("--accept-origins");
    assert!(!c.environment("studio").exists());
    clone(&c, &["--run-install-script", "--accept-origins"]).ok().says("ran install.py of node pack scripted");
    assert!(seen(&c).exists());
    c.ok(&["status"]).never_says("install.py");
    c.ok(&["commit", "--yes"]).says("nothing to commit");

    // Another script comes, which A has run.
    pack.publish(&format!("{LOOKS}open('second.txt', 'w').close()\n"));
    a.ok(&["node", "update", "--run-install-script"]);
    a.ok(&["commit", "-m", "Second", "--yes"]);
    a.ok(&["push"]);
    let second = |machine: &Machine| seen(machine).with_file_name("second.txt");
    b.ok(&["pull", "--yes"]).says("node pack scripted: its install.py was run when the environment was made");
    assert!(!second(&b).exists());
    c.run(&["pull", "--run-install-script"]).code(1).says("which will be run").says("--accept-origins");
    c.ok(&["pull", "--run-install-script", "--accept-origins"]).says("ran install.py of node pack scripted");
    assert!(second(&c).exists());
    b.ok(&["node", "run-install-script", "scripted"]);
    b.ok(&["status"]).never_says("install.py");
}
