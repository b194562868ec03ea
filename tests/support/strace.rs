//! `comfydock` under strace: what it does is watched, or broken, from outside.

use std::path::Path;
use std::process::{Command, Stdio};

use super::Machine;

/// Whether there is one here; `tests/run.sh` insists on it in CI.
pub(crate) fn is_here() -> bool {
    Command::new("strace").arg("-V").output().is_ok_and(|output| output.status.success())
}

/// The command on a machine, traced with these options into `log`.
pub(crate) fn command(machine: &Machine, options: &[&str], log: &Path, arguments: &[&str]) -> Command {
    let plain = machine.command(arguments);
    let mut command = Command::new("strace");
    command.arg("-q").args(options).arg("-o").arg(log);
    command.arg(plain.get_program()).args(plain.get_args()).env_clear().current_dir(machine.root());
    for (name, value) in plain.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command.stdin(Stdio::null());
    command
}
