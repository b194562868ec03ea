//! git processes that outlived a hub which was killed: ended before the next one looks at a repository.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// The variable that marks every git a hub serves with; it holds the data folder.
pub(crate) const MARK: &str = "COMFYDOCK_HUB_SERVES";
/// How long killed processes may take to go.
const PATIENCE: Duration = Duration::from_secs(10);

/// Ends what an earlier hub on this folder left running, and waits until it is gone.
///
/// # Errors
/// When something stays.
pub(crate) fn end(data: &Path) -> std::io::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let left = find(data);
        if left.is_empty() {
            return Ok(());
        }
        if Instant::now() > deadline {
            let message = format!("git processes of an earlier hub do not end: {left:?}");
            return Err(std::io::Error::new(std::io::ErrorKind::TimedOut, message));
        }
        for pid in left {
            tracing::warn!(pid = pid.as_raw_nonzero().get(), "ending a git process that an earlier hub left");
            let _ = kill_process(pid, Signal::KILL);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Processes of this user that carry the mark. Where there is no `/proc` none is found.
fn find(data: &Path) -> Vec<Pid> {
    let mut mark = format!("{MARK}=").into_bytes();
    mark.extend_from_slice(data.as_os_str().as_encoded_bytes());
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
        .filter(|pid| {
            let environment = std::fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero())).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable == mark)
        })
        .collect()
}
