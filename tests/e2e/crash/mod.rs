//! A kill at system calls that change names: afterwards the environment is the old one or the new one,
//! and nothing in between (docs/decisions/0042).
//!
//! strace ends a process at its N-th call of a kind: a call of comfydock itself, or of a program it
//! starts (git, uv). The next command recovers; then the tree is compared. How many places each command
//! is killed at is printed; `COMFYDOCK_CRASH_POINTS` sets it for all.

mod bundles;
mod creation;
mod packs;
mod points;
mod state;
mod travel;
mod versions;

use std::path::Path;
use std::process::Command;

use self::points::Point;
use self::state::{Looseness, differences, state};
use crate::support::Machine;
use crate::support::tree::Tree;

/// After so many kills that left the old state the command is let through once: what a kill leaves in
/// caches must not keep it from succeeding.
const AGAIN: usize = 6;

/// Says it even where the test harness keeps the output of tests that pass.
fn say(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "crash tests: {text}");
}

/// A command to be killed.
struct Attempt<'a> {
    machine: &'a Machine,
    arguments: &'a [&'a str],
    /// At how many places at the most where there is time for many.
    most: usize,
    looseness: Looseness,
    /// Brings the old state back.
    reset: &'a dyn Fn(),
}

impl Attempt<'_> {
    /// Runs the command to learn where it can be killed and what it leads to, which `arrived` judges;
    /// then kills it here and there and compares. Ends with the new state.
    fn kill_everywhere(&self, arrived: impl FnOnce(&Tree)) {
        let Self { machine, arguments, .. } = self;
        let log = machine.root().join("strace.log");
        let what = arguments.join(" ");
        // Once untraced, so that every cache is warm.
        machine.ok(arguments);
        let first = self.settled();
        (self.reset)();
        let old = self.state();
        let own = points::of(machine, &log, false, arguments);
        let new = self.settled();
        assert!(first == new, "it leads elsewhere each time:\n{}", differences(&first, &new).join("\n"));
        assert!(old != new, "`{what}` changes nothing");
        arrived(&new);
        (self.reset)();
        let all = points::of(machine, &log, true, arguments);
        let points = points::chosen(&what, own, all, self.most);
        (self.reset)();
        let (mut kept, mut reached, mut killed) = (0, 0, 0);
        for point in &points {
            killed += usize::from(point.kill(machine, &log, arguments));
            let after = self.settled();
            if after == old {
                kept += 1;
                if kept % AGAIN == 0 {
                    self.once_more(point, &new);
                }
            } else if after == new {
                reached += 1;
            } else {
                panic!(
                    "`{what}` killed at {point:?}: neither old nor new\nagainst the old:\n{}\nagainst the new:\n{}",
                    differences(&old, &after).join("\n"),
                    differences(&new, &after).join("\n")
                );
            }
            (self.reset)();
        }
        let count = points.len();
        say(&format!(
            "{what}: {count} points, {killed} runs were killed; {kept} left the old state, {reached} the new one"
        ));
        assert!(killed > count / 2 && kept > 0 && reached > 0, "{killed} kills, {kept} old, {reached} new");
        machine.ok(arguments);
    }

    /// The command succeeds after a kill that changed nothing.
    fn once_more(&self, point: &Point, new: &Tree) {
        let said = self.machine.run(self.arguments);
        assert_eq!(said.code, 0, "after a kill at {point:?} it does not succeed any more: {said}");
        let after = self.settled();
        assert!(after == *new, "after a kill at {point:?}:\n{}", differences(new, &after).join("\n"));
    }

    /// The state after the next commands, which recover.
    fn settled(&self) -> Tree {
        self.machine.ok(&["list"]);
        if self.machine.environment("studio").exists() {
            self.machine.ok(&["status"]);
        }
        self.state()
    }

    fn state(&self) -> Tree {
        state(self.machine, self.looseness)
    }
}

fn copy(from: &Path, to: &Path) {
    let output = Command::new("cp").arg("-a").arg(from).arg(to).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Keeps a copy of the environment; what is returned brings it back.
fn pristine(machine: &Machine) -> impl Fn() {
    let (environment, kept) = (machine.environment("studio"), machine.root().join("pristine"));
    copy(&environment, &kept);
    move || {
        std::fs::remove_dir_all(&environment).unwrap();
        copy(&kept, &environment);
    }
}
