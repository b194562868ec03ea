//! The install script of a node pack, run because the user asked for it (decision 21).

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use comfydock_core::comfyui_log::clean;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::net::unix::pipe::Receiver;

use super::OTHER_PYTHONS;
use super::children::UnderWay;
use crate::environment::Environment;
use crate::logs::is_secret;
use crate::reporter::{Event, Reporter};

/// The file of a pack that is its install script.
pub const FILE: &str = "install.py";

/// Bytes that are taken at once.
const BLOCK: usize = 16 * 1024;

/// A line that is longer is told in pieces, in bytes.
const LONGEST: usize = 16 * 1024;

/// Ways to keys that have no file: whoever reaches these sockets can sign in as the user.
const AGENTS: [&str; 2] = ["SSH_AUTH_SOCK", "GPG_AGENT_INFO"];

/// Runs the script of the pack in `folder` with the Python of a venv, and tells what it says as it says
/// it. What it started ends with it.
///
/// # Errors
/// When it cannot be started or waited for.
pub fn run(environment: &Environment, venv: &Path, folder: &Path, reporter: &dyn Reporter) -> io::Result<ExitStatus> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (ours, theirs) = io::pipe()?;
        let mut output = Output { end: Receiver::from_owned_fd(OwnedFd::from(ours))?, line: Vec::new(), reporter };
        let mut command = command(environment, venv, folder);
        command.stdin(Stdio::null()).stdout(theirs.try_clone()?).stderr(theirs);
        let mut command = tokio::process::Command::from(command);
        let mut child = command.process_group(0).spawn()?;
        // Its ends of the pipe are held by the command too.
        drop(command);
        let leader = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
        let leader = leader.ok_or_else(|| io::Error::other("it has no process"))?;
        let _under_way = UnderWay::leader(leader);
        let mut is_open = true;
        let status = loop {
            tokio::select! {
                status = child.wait() => break status?,
                ready = output.end.readable(), if is_open => {
                    ready?;
                    is_open = output.pass();
                }
            }
        };
        // Nothing of it may go on changing the environment when its lock is free again. A group that is
        // gone needs no end.
        let _ = kill_process_group(leader, Signal::KILL);
        output.pass();
        output.tell();
        Ok(status)
    })
}

/// What the script is started as: what ComfyUI-Manager starts, in a venv that is in force, and without
/// what could lead packages elsewhere or is nobody else's to know.
fn command(environment: &Environment, venv: &Path, folder: &Path) -> Command {
    let (programs, comfyui) = (venv.join("bin"), environment.comfyui());
    let mut command = Command::new(programs.join("python"));
    // Some look at how they are called.
    command.arg(FILE).current_dir(folder);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(is_kept_from_scripts) {
            command.env_remove(name);
        }
    }
    let others = std::env::var_os("PATH").unwrap_or_default();
    let path: Vec<PathBuf> = std::iter::once(programs).chain(std::env::split_paths(&others)).collect();
    command
        .env("VIRTUAL_ENV", venv)
        .env("PATH", std::env::join_paths(path).unwrap_or(OsString::from(&others)))
        .env("PYTHONUNBUFFERED", "1")
        .env("COMFYUI_PATH", &comfyui)
        .env("COMFYUI_FOLDERS_BASE_PATH", &comfyui);
    command
}

fn is_kept_from_scripts(name: &str) -> bool {
    ["UV_", "PIP_", "COMFYDOCK_"].iter().any(|start| name.starts_with(start))
        || OTHER_PYTHONS.contains(&name)
        || AGENTS.contains(&name)
        || is_secret(name)
}

/// What the script says, both streams in their order.
struct Output<'a> {
    end: Receiver,
    line: Vec<u8>,
    reporter: &'a dyn Reporter,
}

impl Output<'_> {
    /// Passes on what is there; false once nothing can come any more.
    fn pass(&mut self) -> bool {
        let mut block = [0; BLOCK];
        loop {
            let count = match self.end.try_read(&mut block) {
                Ok(0) => return false,
                Ok(count) => count,
                Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
            };
            for byte in &block[..count] {
                if *byte == b'\n' || self.line.len() >= LONGEST {
                    self.tell();
                }
                if *byte != b'\n' {
                    self.line.push(*byte);
                }
            }
        }
    }

    fn tell(&mut self) {
        let line = clean(&String::from_utf8_lossy(&std::mem::take(&mut self.line)));
        if !line.is_empty() {
            self.reporter.report(Event::Output(line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_elsewhere_or_is_secret_stays_with_us() {
        for (name, is_kept) in [
            ("UV_INDEX_URL", true),
            ("PIP_TARGET", true),
            ("COMFYDOCK_TOKEN", true),
            ("PYTHONPATH", true),
            ("HF_TOKEN", true),
            ("AWS_SECRET_ACCESS_KEY", true),
            ("SSH_AUTH_SOCK", true),
            ("HOME", false),
            ("HTTPS_PROXY", false),
            ("CUDA_HOME", false),
        ] {
            assert_eq!(is_kept_from_scripts(name), is_kept, "{name}");
        }
    }
}
