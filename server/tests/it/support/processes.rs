//! What runs on the machine, and what the hub leaves behind.

use std::path::Path;

use super::{Hub, wait_for};

/// A process, by what `/proc` says.
pub(crate) struct Process {
    pub(crate) id: String,
    pub(crate) parent: String,
    pub(crate) group: String,
}

/// All of them, zombies included.
pub(crate) fn processes() -> Vec<Process> {
    let stat = |entry: std::fs::DirEntry| std::fs::read_to_string(entry.path().join("stat")).ok();
    let all = std::fs::read_dir("/proc").unwrap().filter_map(|entry| stat(entry.unwrap()));
    // `pid (name) state parent group …`; the name may contain anything.
    all.filter_map(|line| {
        let (id, _) = line.split_once(' ')?;
        let mut words = line.rsplit_once(')')?.1.split_whitespace().skip(1).map(str::to_owned);
        Some(Process { id: id.to_owned(), parent: words.next()?, group: words.next()? })
    })
    .collect()
}

impl Hub {
    /// Process groups of the gits that answer clients: children of the hub that lead a group.
    pub(crate) fn git_groups(&self) -> Vec<String> {
        let hub = self.pid().to_string();
        let leads = |process: &Process| process.parent == hub && process.group == process.id;
        processes().into_iter().filter(leads).map(|found| found.group).collect()
    }

    /// Every process that works for this hub, wherever it ended up: they all have its mark.
    pub(crate) fn workers(&self) -> usize {
        let mark = format!("COMFYDOCK_HUB_SERVES={}", self.data().canonicalize().unwrap().display());
        let marked = |process: &Process| {
            let environment = std::fs::read(format!("/proc/{}/environ", process.id)).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
        };
        processes().iter().filter(|process| marked(process)).count()
    }

    /// Waits until no git works for this hub and none is left to be waited for.
    pub(crate) fn wait_until_quiet(&self) {
        wait_for("the hub's gits to end", || (self.workers() == 0 && self.git_groups().is_empty()).then_some(()));
    }

    /// Kilobytes of memory that the hub itself had at most.
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
    }

    /// Files the hub itself has open.
    pub(crate) fn open_files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.pid())).unwrap().count()
    }

    /// Locks, quarantines and half packs in the repositories.
    pub(crate) fn leftovers(&self) -> Vec<String> {
        fn look(folder: &Path, found: &mut Vec<String>) {
            // A folder that goes away while it is read is nothing left.
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
                if name.ends_with(".lock") || name.contains("incoming-") || name.starts_with("tmp_") {
                    found.push(path.display().to_string());
                } else if path.is_dir() {
                    look(&path, found);
                }
            }
        }
        let mut found = Vec::new();
        look(&self.data().join("repos"), &mut found);
        found
    }

    /// `git fsck` of every repository.
    pub(crate) fn check_repositories(&self) {
        for repository in self.bare_repositories() {
            let mut git = std::process::Command::new("git");
            let output = git.arg("-C").arg(&repository).args(["fsck", "--full", "--strict"]).output().unwrap();
            assert!(output.status.success(), "{}: {}", repository.display(), super::text(&output.stderr));
        }
    }
}
