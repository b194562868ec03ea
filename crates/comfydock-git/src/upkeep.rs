//! Keeping served repositories small and sound.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::serve::{Error, Git, Invocation};

/// The oldest git that takes configuration from the environment.
pub const OLDEST: (u32, u32) = (2, 31);
/// The first git that keeps unreachable objects in a pack of their own.
const CRUFT: (u32, u32) = (2, 37);

/// One thing done to a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Forgets in the reference logs what no reference reaches any more and is older than this.
    ExpireLogs(Duration),
    /// Puts all references into one file.
    PackReferences,
    /// Makes one pack of all packs; objects that nothing has reached for this long go.
    Repack(Duration),
}

impl Git {
    /// The version of the program.
    ///
    /// # Errors
    /// When it cannot be started or says something else.
    pub fn version(&self) -> Result<(u32, u32), Error> {
        let output = Command::new(self.program())
            .arg("--version")
            .env_clear()
            .envs(self.environment(None))
            .output()
            .map_err(|source| Error::Start { program: self.program().to_owned(), source })?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let mut numbers = text.trim_start_matches("git version ").split('.').map(str::parse);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => Ok((major, minor)),
            _ => Err(Error::Failed(format!("it says its version is `{text}`"))),
        }
    }

    /// How to do a task with a git of this version.
    pub fn upkeep(&self, repository: &Path, task: Task, version: (u32, u32)) -> Invocation {
        let ago = |span: Duration| format!("{}.seconds.ago", span.as_secs());
        // One thread: requests come first.
        let mut args: Vec<OsString> = ["-c", "pack.threads=1", "-c", "gc.auto=0"].map(OsString::from).into();
        args.push(in_repository(repository));
        let words: Vec<String> = match task {
            Task::ExpireLogs(span) => {
                let unreachable = format!("--expire-unreachable={}", ago(span));
                ["reflog", "expire", "--expire=never", &unreachable, "--all"].map(str::to_owned).into()
            }
            Task::PackReferences => ["pack-refs", "--all"].map(str::to_owned).into(),
            Task::Repack(span) => {
                let fixed = ["repack", "-d", "-l", "-q", "-n", "--write-bitmap-index"].map(str::to_owned);
                let kept = if version >= CRUFT {
                    vec!["--cruft".to_owned(), format!("--cruft-expiration={}", ago(span))]
                } else {
                    vec!["-A".to_owned(), format!("--unpack-unreachable={}", ago(span))]
                };
                fixed.into_iter().chain(kept).collect()
            }
        };
        args.extend(words.into_iter().map(OsString::from));
        Invocation { program: self.program().to_owned(), args, env: self.environment(Some(repository)) }
    }

    /// Checks that everything the references reach is there; `full` reads every object too.
    ///
    /// # Errors
    /// When git cannot be started or finds something wrong; the message is git's own.
    pub fn check(&self, repository: &Path, full: bool) -> Result<(), Error> {
        let depth = if full { "--full" } else { "--connectivity-only" };
        let output = Command::new(self.program())
            .arg(in_repository(repository))
            .args(["fsck", depth, "--no-dangling", "--no-reflogs", "--no-progress"])
            .env_clear()
            .envs(self.environment(Some(repository)))
            .current_dir("/")
            .output()
            .map_err(|source| Error::Start { program: self.program().to_owned(), source })?;
        if output.status.success() {
            return Ok(());
        }
        let said = [output.stdout, output.stderr].concat();
        let lines: Vec<String> = String::from_utf8_lossy(&said).lines().take(5).map(str::to_owned).collect();
        Err(Error::Failed(lines.join("; ")))
    }
}

fn in_repository(repository: &Path) -> OsString {
    let mut argument = OsString::from("--git-dir=");
    argument.push(repository);
    argument
}
