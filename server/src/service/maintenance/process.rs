//! A git that nobody waits for at the other end: it may be ended at any time.

use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use comfydock_git::serve::Invocation;
use rustix::process::{Pid, Signal, kill_process_group};

use crate::data::DataFolder;
use crate::orphans;
use crate::service::Error;

/// How often a running git is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Runs git to its end, or ends it with everything it started once it may not go on.
pub(super) fn run(invocation: &Invocation, data: &DataFolder, may_go_on: &dyn Fn() -> bool) -> Result<(), Error> {
    let failed = |error| Error::system("cannot run git", error);
    let mut child = Command::new(&invocation.program)
        .args(&invocation.args)
        .env_clear()
        .envs(invocation.env.iter().map(|(key, value)| (key, value)))
        .env(orphans::MARK, data.root())
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(failed)?;
    let said = child.stderr.take().map(|mut stderr| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = stderr.read_to_end(&mut bytes);
            String::from_utf8_lossy(&bytes).trim().to_owned()
        })
    });
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let status = loop {
        if let Some(status) = child.try_wait().map_err(failed)? {
            break status;
        }
        if !may_go_on() {
            // Not waited for yet, so the id is still that of our group.
            if let Some(group) = group
                && let Err(error) = kill_process_group(group, Signal::KILL)
            {
                tracing::debug!(%error, "a git group was gone already");
            }
            child.wait().map_err(failed)?;
            return Err(Error::Interrupted("git was ended".to_owned()));
        }
        std::thread::sleep(LOOK);
    };
    let said = said.and_then(|thread| thread.join().ok()).unwrap_or_default();
    if status.success() {
        return Ok(());
    }
    Err(Error::system("git failed", std::io::Error::other(format!("{status}: {said}"))))
}
