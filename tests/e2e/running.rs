//! What may happen while ComfyUI runs.

use rustix::process::Signal;

use crate::support::comfyui::ComfyUi;
use crate::support::nodes::{NodePack, Workbench};
use crate::support::programs::{python, succeed};
use crate::support::running::Running;
use crate::support::{Machine, Said, Studio, comfyui, machine, report, templates, tree, wait_for, write};

#[test]
fn workflows_come_while_comfyui_runs_and_code_waits() {
    let studio = Studio::new();
    let Studio { a, b, .. } = &studio;
    studio.send_portrait(40_000);
    studio.clone().ok();
    let comfyui = Running::start(b);
    let holder = comfyui.process().to_string();

    studio.share("second", &templates::old("default"), 40_000);
    studio.send("Second");
    b.ok(&["pull", "--yes"]).says("reload the tab");
    b.ok(&["status"]).says("nothing to commit");
    b.ok(&["commit", "--yes"]).says("nothing to commit");
    b.ok(&["push"]).says("nothing to push");
    b.ok(&["log"]).says("Second");
    b.ok(&["models", "list"]);

    let pack = NodePack::new();
    a.ok(&["node", "add", &pack.url()]);
    studio.send("Six");
    let before = tree::of_machine(b.root());
    let said = b.run(&["pull", "--yes"]).code(1).says(&holder);
    tree::assert_same(&before, &tree::of_machine(b.root()), &said.to_string());
    b.run(&["node", "add", &pack.url()]).code(1).says(&holder);

    drop(comfyui);
    b.ok(&["pull", "--yes"]).says("now at v4");
    assert_eq!(report::start(b, "studio").nodes(), [NodePack::NAME]);
}

#[test]
fn every_change_of_code_waits_and_says_so_before_it_begins() {
    let bench = Workbench::new();
    let (a, pack) = (&bench.a, NodePack::new());
    for version in ["1.0.0", "1.1.0"] {
        bench.publish("alpha", version, "Alpha", "");
    }
    a.ok(&["node", "add", "alpha@1.0.0"]);
    a.ok(&["commit", "-m", "Alpha", "--yes"]);
    write(&a.workflow("studio", "hero"), r#"{"nodes":[],"links":[]}"#);
    let comfyui = Running::start(a);
    let holder = comfyui.process().to_string();
    let before = tree::of_machine(a.root());
    let url = pack.url();
    for words in [
        &["node", "add", "alpha@1.1.0"][..],
        &["node", "add", &url],
        &["node", "add", "my-node", "--dev"],
        &["node", "update"],
        &["node", "remove", "alpha"],
        &["comfyui", "update", comfyui::NEW],
        &["rollback", "v1"],
        &["repair", "--rebuild"],
    ] {
        let said = a.run(&[words, &["--yes"]].concat()).code(1);
        let about_a_folder = words.contains(&"--dev");
        let said =
            if about_a_folder { said.says("there is no folder") } else { said.says(&holder).says("stop ComfyUI") };
        let said = said.never_says("Locking").never_says("Installing");
        tree::assert_same(&before, &tree::of_machine(a.root()), &said.to_string());
    }
    // Workflows may change.
    a.ok(&["rollback", "--yes"]).says("is kept");
    assert!(!a.workflow("studio", "hero").exists());
}

/// Starts ComfyUI with this node pack and waits until it serves; its output is that of a pipe.
fn serve(machine: &Machine, pack: &str) -> machine::Running {
    write(&machine.environment("studio").join("ComfyUI/custom_nodes/talks/__init__.py"), pack);
    let log = machine.workspace().join("logs/comfyui/studio.log");
    let _ = std::fs::remove_file(&log);
    let running = machine.spawn(&["run", "--cpu", "--port", "0"]);
    wait_for("ComfyUI to serve", || std::fs::read_to_string(&log).ok()?.contains("To see the GUI go to").then_some(()));
    running
}

fn scene() -> Machine {
    let machine = Machine::new();
    machine.create(&ComfyUi::new());
    machine
}

/// Whether anybody holds the lease.
fn is_held(machine: &Machine) -> bool {
    let lease = std::fs::File::open(machine.environment("studio").join(".comfydock/running")).unwrap();
    lease.try_lock().is_err()
}

/// A pack that says how ComfyUI is asked to end, and how often.
/// It may come in the middle of a print, in which no other is possible.
const COUNTS: &str = "import os, signal\n\
    def told(number, frame):\n    os.write(1, b'told %d\\n' % number)\n    raise KeyboardInterrupt\n\
    signal.signal(signal.SIGINT, told)\nsignal.signal(signal.SIGTERM, told)\n";
/// One that does not end for being asked.
const STUBBORN: &str = "import os, signal\n\
    signal.signal(signal.SIGINT, lambda *_: os.write(1, b'no\\n'))\n";

#[test]
fn requests_to_end_reach_comfyui_once_and_as_ctrl_c() {
    let machine = scene();
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let running = serve(&machine, COUNTS);
        assert!(is_held(&machine));
        running.signal(signal);
        let said = running.end();
        assert_eq!(said.stdout.matches("told").count(), 1, "{signal:?}: {said}");
        said.says("told 2").says("KeyboardInterrupt").says("ComfyUI is ending");
        assert!(!is_held(&machine), "{signal:?}");
    }
}

#[test]
fn who_asks_twice_is_not_kept_waiting() {
    let machine = scene();
    let running = serve(&machine, STUBBORN);
    running.signal(Signal::INT);
    let log = machine.workspace().join("logs/comfyui/studio.log");
    wait_for("ComfyUI to refuse", || {
        std::fs::read_to_string(&log).unwrap().lines().any(|line| line == "no").then_some(())
    });
    assert!(is_held(&machine));
    running.signal(Signal::INT);
    running.end().code(130);
    assert!(!is_held(&machine));
}

#[test]
fn the_exit_code_and_the_output_are_comfyuis_own() {
    let machine = scene();
    let pack = |code: &str| {
        write(&machine.environment("studio").join("ComfyUI/custom_nodes/talks/__init__.py"), code);
        machine.run(&["run", "--quick-test-for-ci", "--cpu"])
    };
    pack("").code(0);
    pack("import os\nos._exit(7)\n").code(7);
    pack("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n").code(137);
    let said =
        pack("import sys\nprint('to stdout')\nprint('to stderr', file=sys.stderr)\nprint('no end', end='')\n").ok();
    assert!(said.stdout.contains("to stdout\n") && !said.stdout.contains("to stderr"), "{said}");
    assert!(said.stderr.contains("to stderr\n") && !said.stderr.contains("to stdout"), "{said}");
    let log = std::fs::read_to_string(machine.workspace().join("logs/comfyui/studio.log")).unwrap();
    assert!(["to stdout\n", "to stderr\n", "no end"].iter().all(|words| log.contains(words)), "{log}");
    // A process that ComfyUI leaves behind keeps nobody waiting.
    let left = "import subprocess\nprint('left', subprocess.Popen(['sleep', '60']).pid)\n";
    let said = pack(left).ok();
    let id = said.stdout.lines().find_map(|line| line.strip_prefix("left ")).unwrap();
    succeed(std::process::Command::new("kill").arg(id));
}

#[test]
fn on_a_terminal_comfyui_has_a_terminal_and_ctrl_c() {
    let machine = scene();
    let pack = "import os, sys\n\
        print('terminals', sys.stdin.isatty(), sys.stdout.isatty(), sys.stderr.isatty(), os.get_terminal_size().columns)\n\
        print('\\x1b[32mgreen\\x1b[0m', flush=True)\n";
    write(&machine.environment("studio").join("ComfyUI/custom_nodes/talks/__init__.py"), format!("{COUNTS}{pack}"));
    // Python stands for a terminal of 93 columns, on which somebody presses Ctrl-C.
    let terminal = "import fcntl, os, pty, struct, sys, termios\n\
        process, terminal = pty.fork()\n\
        if process == 0:\n    os.execvp(sys.argv[1], sys.argv[1:])\n\
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 93, 0, 0))\n\
        said, pressed = b'', False\n\
        while True:\n\
        \x20   try:\n        block = os.read(terminal, 4096)\n    except OSError:\n        break\n\
        \x20   said += block\n\
        \x20   if b'To see the GUI' in said and not pressed:\n        pressed = True\n        os.write(terminal, b'\\x03')\n\
        sys.stdout.buffer.write(said)\n\
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))\n";
    let run = machine.command(&["run", "--cpu", "--port", "0"]);
    let mut command = std::process::Command::new(python());
    command.args(["-c", terminal]).arg(run.get_program()).args(run.get_args()).env_clear().current_dir(machine.root());
    command.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let said = Said::of(&mut command);
    assert!(said.stdout.contains("terminals True True True 93"), "{said}");
    assert!(said.stdout.contains("\x1b[32mgreen"), "{said}");
    assert_eq!(said.stdout.matches("told 2").count(), 1, "{said}");
    assert!(!is_held(&machine));
    let log = std::fs::read_to_string(machine.workspace().join("logs/comfyui/studio.log")).unwrap();
    assert!(log.lines().any(|line| line == "green"), "{log}");
}
