//! What one command did, line by line as it is done: a command that is killed has said so far what it did.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use comfydock_core::comfyui_log::clean;

use super::secrets::Secrets;
use super::{LARGEST, beside};
use crate::workspace::now;

/// The log of one run of the program. Until it is known where it goes, lines wait.
pub struct Log {
    process: u32,
    secrets: Secrets,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: Vec<String>,
    file: Option<File>,
    /// Nothing is kept of this run.
    is_off: bool,
}

impl Log {
    /// The log of a command line. `is_off` for one that only looks.
    pub fn new(line: &str, is_off: bool) -> Self {
        let log = Self { process: std::process::id(), secrets: Secrets::of_surroundings(), state: Mutex::default() };
        log.state().is_off = is_off;
        log.say(line);
        log
    }

    /// Says where it goes, from the first line on. The first place counts.
    pub fn open(&self, path: &Path) {
        let mut state = self.state();
        if state.is_off || state.file.is_some() {
            return;
        }
        state.file = open(path);
        state.is_off = state.file.is_none();
        for line in std::mem::take(&mut state.waiting) {
            write(&mut state, &line);
        }
    }

    /// Whether it is known where it goes.
    pub fn is_open(&self) -> bool {
        self.state().file.is_some()
    }

    /// Notes something; each of its lines with the time and the process.
    pub fn say(&self, text: &str) {
        let time = now();
        for line in text.lines().map(clean).filter(|line| !line.is_empty()) {
            let line = format!("{time} {} {}\n", self.process, self.secrets.hide(&line));
            let mut state = self.state();
            match state.file {
                _ if state.is_off => return,
                Some(_) => write(&mut state, &line),
                None => state.waiting.push(line),
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write(state: &mut State, line: &str) {
    // One write a line: commands that run side by side share the file.
    let written = state.file.as_mut().map(|file| file.write_all(line.as_bytes()));
    state.is_off = !matches!(written, Some(Ok(())));
}

/// Opens a log to add to, begun anew when it is large.
fn open(path: &Path) -> Option<File> {
    fs::create_dir_all(path.parent()?).ok()?;
    let add = || OpenOptions::new().create(true).append(true).open(path).ok();
    let file = add()?;
    // Who has the lock makes room; the others add to the file that they have.
    if file.metadata().is_ok_and(|about| about.len() > LARGEST) && file.try_lock().is_ok() {
        fs::rename(path, beside(path, ".1")).ok()?;
        return add();
    }
    Some(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &Path) -> Vec<String> {
        let text = fs::read_to_string(path).unwrap();
        text.lines().map(|line| line.splitn(3, ' ').nth(2).unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn lines_wait_until_it_is_known_where_they_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logs/x.log");
        let log = Log::new("comfydock pull", false);
        log.say("  Fetching\n\x1b[33mwarning:\x1b[0m odd\n");
        assert!(!path.exists());
        log.open(&path);
        log.say("  done");
        log.open(&folder.path().join("logs/other.log"));
        assert_eq!(lines(&path), ["comfydock pull", "  Fetching", "warning: odd", "  done"]);
        assert!(!folder.path().join("logs/other.log").exists());
        let looking = Log::new("comfydock status", true);
        looking.open(&path);
        looking.say("nothing");
        assert_eq!(lines(&path).len(), 4);
    }

    #[test]
    fn a_large_log_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.log");
        fs::write(&path, vec![b'x'; LARGEST as usize]).unwrap();
        Log::new("one", false).open(&path);
        assert!(!beside(&path, ".1").exists(), "not larger yet");
        Log::new("two", false).open(&path);
        assert_eq!(lines(&path), ["two"]);
        assert!(fs::metadata(beside(&path, ".1")).unwrap().len() > LARGEST);
    }

    #[test]
    fn what_cannot_be_written_stops_nothing() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("logs"), "a file").unwrap();
        let log = Log::new("one", false);
        log.open(&folder.path().join("logs/x.log"));
        log.say("two");
    }
}
