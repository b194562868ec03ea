//! Where a command can be killed.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use super::say;
use crate::support::{Machine, strace};

/// The calls that change what a folder holds, or make it durable.
const CALLS: &str = "rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,rmdir,mkdir,mkdirat,fsync,fdatasync,syncfs";
/// Kills of one command where nobody asked for more.
const FEW: usize = 36;

/// One place to be killed at: the N-th call of a kind in any process.
#[derive(Clone, Debug)]
pub(super) struct Point {
    /// Whether the programs that are started are traced too.
    follow: bool,
    call: String,
    number: usize,
}

impl Point {
    /// Runs the command and kills it here. Whether it got here.
    pub(super) fn kill(&self, machine: &Machine, log: &Path, arguments: &[&str]) -> bool {
        let _ = std::fs::remove_file(log);
        traced(machine, log, self.follow, Some(self), arguments).output().unwrap();
        std::fs::read_to_string(log).is_ok_and(|text| text.contains("+++ killed by SIGKILL +++"))
    }
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
pub(super) fn of(machine: &Machine, log: &Path, follow: bool, arguments: &[&str]) -> Vec<Point> {
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

/// Two thirds among comfydock's own points, the rest among those of all processes; in CI `most`.
pub(super) fn chosen(what: &str, own: Vec<Point>, all: Vec<Point>, most: usize) -> Vec<Point> {
    let asked = std::env::var("COMFYDOCK_CRASH_POINTS").ok().and_then(|text| text.parse().ok());
    let wanted = asked.unwrap_or_else(|| if std::env::var("CI").is_ok_and(|text| text == "true") { most } else { FEW });
    let mut points = spread(&own, wanted - wanted / 3);
    let inside = points.len();
    points.extend(spread(&all, wanted.saturating_sub(inside)));
    say(&format!(
        "{what}: {inside} of {} calls of comfydock itself, {} of {} in all processes",
        own.len(),
        points.len() - inside,
        all.len()
    ));
    points
}

/// So many of them, evenly.
fn spread(points: &[Point], count: usize) -> Vec<Point> {
    let count = count.min(points.len());
    (0..count).map(|index| points[(2 * index + 1) * points.len() / (2 * count)].clone()).collect()
}
