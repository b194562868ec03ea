//! A kill at every system call that changes names: afterwards the environment is the old one or the
//! new one, and nothing in between (docs/decisions/0042).
//!
//! strace ends a process at its N-th call of a kind: at every such call of comfydock itself, and at
//! calls spread evenly over those of the programs it starts (git, uv). `COMFYDOCK_CRASH_POINTS` says
//! how many of the latter. The next command recovers; then the tree is compared.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::support::comfyui;
use crate::support::nodes::NodePack;
use crate::support::tree::{self, Tree};
use crate::support::{Machine, STUDIO, Studio, git, skip, strace, write};

/// The calls that change what a folder holds, or make it durable.
const CALLS: &str = "rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,rmdir,mkdir,mkdirat,fsync,fdatasync,syncfs";
/// Kills in programs that comfydock starts, unless `COMFYDOCK_CRASH_POINTS` says otherwise.
const IN_CHILDREN: usize = 24;

/// One place to be killed at: the N-th call of a kind in any process.
#[derive(Clone, Debug)]
struct Point {
    /// Whether the programs that are started are traced too.
    follow: bool,
    call: String,
    number: usize,
}

/// Says it even where the test harness keeps the output of tests that pass.
fn say(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "crash tests: {text}");
}

/// `comfydock` under strace.
fn traced(machine: &Machine, log: &Path, follow: bool, inject: Option<&Point>, arguments: &[&str]) -> Command {
    let trace = format!("trace={CALLS}");
    let inject = inject.map(|point| format!("inject={}:signal=KILL:when={}", point.call, point.number));
    let mut options = vec!["-e", &trace];
    if follow {
        options.push("-f");
    }
    options.extend(inject.iter().flat_map(|inject| ["-e", inject]));
    strace::command(machine, &options, log, arguments)
}

/// Every call that some process makes: strace counts each kind in each process.
fn points(machine: &Machine, log: &Path, follow: bool, arguments: &[&str]) -> Vec<Point> {
    let output = traced(machine, log, follow, None, arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = std::fs::read_to_string(log).unwrap();
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for line in text.lines() {
        let (process, rest) = if follow { line.split_once(' ').unwrap_or(("", line)) } else { ("", line) };
        let Some((call, _)) = rest.trim_start().split_once('(') else { continue };
        if CALLS.split(',').any(|known| known == call) {
            *counts.entry((process, call)).or_default() += 1;
        }
    }
    let mut most: BTreeMap<&str, usize> = BTreeMap::new();
    for ((_, call), count) in counts {
        let entry = most.entry(call).or_default();
        *entry = count.max(*entry);
    }
    let of_kind = |(call, count): (&str, usize)| {
        let call = call.to_owned();
        (1..=count).map(move |number| Point { follow, call: call.clone(), number })
    };
    most.into_iter().flat_map(of_kind).collect()
}

/// All of comfydock's own points, and some of its children's.
fn chosen(own: Vec<Point>, all: Vec<Point>) -> Vec<Point> {
    let wanted = std::env::var("COMFYDOCK_CRASH_POINTS").ok().and_then(|text| text.parse().ok()).unwrap_or_else(|| {
        // CI takes all of them, up to the 400 that are the most.
        if std::env::var("CI").is_ok_and(|text| text == "true") { 400 } else { IN_CHILDREN }
    });
    let step = all.len().div_ceil(wanted.max(1)).max(1);
    say(&format!("{} calls of comfydock itself; every {step}. of {} calls in all processes", own.len(), all.len()));
    own.into_iter().chain(all.into_iter().step_by(step)).collect()
}

/// The environment and the workspace's settings as a crash may not half-change them. Of
/// repositories only what they say counts: HEAD, `git fsck`, and a clean work tree.
fn state(machine: &Machine) -> Tree {
    let inside_git = |name: &str| name.contains("/.git/") || name.ends_with("/.git");
    let passing = |name: &str| {
        name.starts_with("comfydock_cache")
            || name.starts_with("uv_cache")
            || name.starts_with("logs")
            || inside_git(name)
    };
    let workspace = machine.workspace();
    let mut state = tree::tree(&workspace, &passing);
    state.retain(|name, _| !name.starts_with("models") && !name.ends_with("/running"));
    let environment = machine.environment("studio");
    if environment.exists() {
        let mut repositories = vec![".cec".to_owned(), "ComfyUI".to_owned()];
        let packs = std::fs::read_dir(environment.join("ComfyUI/custom_nodes")).into_iter().flatten().flatten();
        repositories.extend(packs.map(|pack| format!("ComfyUI/custom_nodes/{}", pack.file_name().to_string_lossy())));
        for name in repositories {
            let folder = environment.join(&name);
            if !folder.join(".git").exists() {
                continue;
            }
            git::git(&folder, &["fsck", "--full"]);
            // A commit that is made anew each time differs in its time.
            let head: &[&str] =
                if name == ".cec" { &["log", "-1", "--format=%T %P %s"] } else { &["rev-parse", "HEAD"] };
            state.insert(format!("{name}: HEAD"), git::git(&folder, head));
            state.insert(format!("{name}: changes"), git::git(&folder, &["status", "--porcelain", "-uno"]));
        }
    }
    state
}

fn differences(one: &Tree, other: &Tree) -> Vec<String> {
    let names: std::collections::BTreeSet<_> = one.keys().chain(other.keys()).collect();
    names
        .into_iter()
        .filter(|name| one.get(*name) != other.get(*name))
        .map(|name| format!("{name}: {:?} / {:?}", one.get(name), other.get(name)))
        .collect()
}

/// Runs the command to learn where it can be killed and what it leads to, which `arrived` judges;
/// then kills it at each point and compares. `reset` brings the old state back.
fn kill_everywhere(machine: &Machine, arguments: &[&str], reset: impl Fn(), arrived: impl FnOnce(&Tree)) {
    let log = machine.root().join("strace.log");
    // Once untraced, so that every cache is warm.
    machine.ok(arguments);
    reset();
    let old = state(machine);
    let own = points(machine, &log, false, arguments);
    machine.ok(&["status"]);
    let new = state(machine);
    arrived(&new);
    reset();
    let points = chosen(own, points(machine, &log, true, arguments));
    reset();
    let (mut kept, mut reached, mut killed) = (0, 0, 0);
    for point in &points {
        let _ = std::fs::remove_file(&log);
        traced(machine, &log, point.follow, Some(point), arguments).output().unwrap();
        killed +=
            usize::from(std::fs::read_to_string(&log).is_ok_and(|text| text.contains("+++ killed by SIGKILL +++")));
        machine.ok(&["list"]);
        if machine.environment("studio").exists() {
            machine.run(&["status"]);
        }
        let after = state(machine);
        if after == old {
            kept += 1;
        } else if after == new {
            reached += 1;
        } else {
            panic!(
                "killed at {point:?}: neither old nor new\nagainst the old:\n{}\nagainst the new:\n{}",
                differences(&old, &after).join("\n"),
                differences(&new, &after).join("\n")
            );
        }
        reset();
    }
    say(&format!(
        "{} points, {killed} runs were killed; {kept} left the old state, {reached} the new one",
        points.len()
    ));
    assert!(killed > points.len() / 2 && kept > 0 && reached > 0, "{killed} kills, {kept} old, {reached} new");
}

/// A pushed an environment with one workflow and one small model; B has a workspace.
fn scene() -> Studio {
    let studio = Studio::new();
    studio.send_portrait(20_000);
    studio.b.init();
    studio
}

fn copy(from: &Path, to: &Path) {
    let output = Command::new("cp").arg("-a").arg(from).arg(to).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_clone_that_is_killed_made_nothing_or_all() {
    if !strace::is_here() {
        return skip("there is no strace");
    }
    let scene = scene();
    let b = &scene.b;
    let settings = b.workspace().join(".metadata/workspace.json");
    let before = std::fs::read(&settings).unwrap();
    let arguments = ["clone", STUDIO, "--yes"];
    let reset = || {
        let _ = std::fs::remove_dir_all(b.environment("studio"));
        write(&settings, &before);
    };
    kill_everywhere(b, &arguments, reset, |_| {});
}

#[test]
fn a_pull_that_is_killed_changed_nothing_or_all() {
    if !strace::is_here() {
        return skip("there is no strace");
    }
    let scene = scene();
    let (a, b) = (&scene.a, &scene.b);
    b.ok(&["clone", STUDIO, "--yes"]);
    b.ok(&["status"]);
    // A file of the user's inside a folder that the pull replaces.
    write(&b.environment("studio").join("ComfyUI/notes.txt"), "mine");
    let pack = NodePack::new();
    let text = std::fs::read_to_string(a.workflow("studio", "portrait")).unwrap();
    write(&a.workflow("studio", "portrait"), text.replace("\"KSampler\"", "\"KSamplerAdvanced\""));
    write(&a.workflow("studio", "second"), text);
    a.ok(&["node", "add", &pack.url()]);
    crate::main_job::move_comfyui(a, &scene.comfyui.new);
    a.ok(&["commit", "-m", "More", "--yes"]);
    a.ok(&["push"]);

    let pristine = b.root().join("pristine");
    copy(&b.environment("studio"), &pristine);
    let arguments = ["pull", "--yes"];
    let reset = || {
        std::fs::remove_dir_all(b.environment("studio")).unwrap();
        copy(&pristine, &b.environment("studio"));
    };
    kill_everywhere(b, &arguments, reset, |new| {
        assert_eq!(new["ComfyUI: HEAD"], scene.comfyui.new, "the pull did what it should");
        assert!(b.environment("studio").join("ComfyUI/comfyui_version.py").exists(), "{}", comfyui::NEW);
    });
}

#[test]
fn a_merge_that_is_killed_changed_nothing_or_all() {
    if !strace::is_here() {
        return skip("there is no strace");
    }
    let scene = scene();
    let (a, b) = (&scene.a, &scene.b);
    b.ok(&["clone", STUDIO, "--yes"]);
    let text = std::fs::read_to_string(a.workflow("studio", "portrait")).unwrap();
    write(&a.workflow("studio", "portrait"), text.replace("\"KSampler\"", "\"KSamplerAdvanced\""));
    write(&a.workflow("studio", "second"), &text);
    let pack = NodePack::new();
    a.ok(&["node", "add", &pack.url()]);
    a.ok(&["commit", "-m", "More", "--yes"]);
    a.ok(&["push"]);
    write(&b.workflow("studio", "portrait"), text.replace("\"KSampler\"", "\"KSamplerAgain\""));
    let folder = tempfile::tempdir().unwrap();
    let own = NodePack::with(folder.path(), "comfyui-iniconfig", &[("requirements.txt", "iniconfig\n")]);
    b.ok(&["node", "add", &own]);
    b.ok(&["commit", "-m", "Mine", "--yes"]);
    let mine = git::git(&b.environment("studio").join(".cec"), &["rev-parse", "HEAD"]);
    // Generations from before are swept after the transaction, by this command or by a later one.
    let current = std::fs::canonicalize(b.environment("studio").join(".venv")).unwrap();
    for generation in std::fs::read_dir(current.parent().unwrap()).unwrap().flatten() {
        if generation.path() != current {
            std::fs::remove_dir_all(generation.path()).unwrap();
        }
    }

    let pristine = b.root().join("pristine");
    copy(&b.environment("studio"), &pristine);
    // Both have changed the workflow, both requirements are locked together.
    let arguments = ["pull", "--yes", "--both"];
    let reset = || {
        std::fs::remove_dir_all(b.environment("studio")).unwrap();
        copy(&pristine, &b.environment("studio"));
    };
    kill_everywhere(b, &arguments, reset, |new| {
        assert!(new[".cec: HEAD"].contains(&format!("{mine} Merge origin: Mine")), "the merge did what it should");
        assert!(b.workflow("studio", "portrait (mine)").exists());
        assert!(b.environment("studio").join("ComfyUI/custom_nodes").join(NodePack::NAME).exists());
    });
}
