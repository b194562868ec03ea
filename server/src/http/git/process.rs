//! A running git: in a process group of its own, killed as a group, always waited for.

use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, OnceLock};

use axum::body::Body;
use axum::http::StatusCode;
use comfydock_git::serve::Invocation;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, oneshot};

use super::feed::{self, Encoding, Fault};
use crate::bridge::blocking;
use crate::data::HOOK;
use crate::http::error::Problem;
use crate::service::Error;
use crate::service::push::{self, Ticket};
use crate::state::App;

/// Bytes of git's complaints that are kept for the log.
const COMPLAINT_LIMIT: usize = 8 * 1024;

/// Ends the group when it is told to, or when every one of its strong ends is gone.
pub(super) type Leash = mpsc::Sender<()>;

/// A running git. Dropping it kills git and everything git started.
pub(super) struct Process {
    pub(super) stdout: ChildStdout,
    stdin: Option<ChildStdin>,
    leash: Leash,
    /// Closed once git was waited for.
    ended: Option<oneshot::Receiver<()>>,
    outcome: oneshot::Receiver<Result<(), Problem>>,
    fault: Arc<OnceLock<Fault>>,
}

impl Process {
    /// Starts git. A push is settled as soon as git has ended, whether or not the client is still
    /// there to hear of it: references that moved must not stay unknown to the catalog.
    pub(super) fn start(hub: &App, invocation: &Invocation, push: Option<Ticket>) -> Result<Self, Problem> {
        let failed = |error| Problem::from(Error::system("cannot start git", error));
        // git takes a missing hook for a yes.
        if !hub.data.hooks().join(HOOK).exists() {
            return Err(failed(std::io::Error::other("the hook that judges pushes is missing")));
        }
        let mut child = Command::new(&invocation.program)
            .args(&invocation.args)
            .env_clear()
            .envs(invocation.env.iter().map(|(key, value)| (key, value)))
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(failed(std::io::Error::other("git has no pipes")));
        };
        tokio::spawn(drain(stderr));
        let (leash, told) = mpsc::channel(1);
        let (end, ended) = oneshot::channel();
        let (report, outcome) = oneshot::channel();
        let fault = Arc::<OnceLock<Fault>>::default();
        let (hub, faults) = (hub.clone(), fault.clone());
        tokio::spawn(async move {
            let status = watch(child, told).await;
            drop::<oneshot::Sender<()>>(end);
            let settled = match push {
                Some(ticket) => blocking(move || push::settle(&hub, &ticket)).await,
                None => Ok(()),
            };
            let _ = report.send(judge(status, faults.get(), settled));
        });
        Ok(Self { stdout, stdin: Some(stdin), leash, ended: Some(ended), outcome, fault })
    }

    /// Sends the body to git while its answer is read: either side may block without the other.
    pub(super) fn fed(mut self, body: Body, encoding: Encoding, limit: u64) -> Self {
        if let (Some(stdin), Some(ended)) = (self.stdin.take(), self.ended.take()) {
            // A weak end: a body that never comes must not keep git alive.
            let leash = self.leash.downgrade();
            tokio::spawn(feed::feed(body, encoding, limit, stdin, leash, ended, self.fault.clone()));
        }
        self
    }

    /// Waits until git has ended and its push is settled.
    pub(super) async fn finish(self) -> Result<(), Problem> {
        drop(self.stdin);
        let lost = |_| Problem::from(Error::Interrupted("git was not waited for".to_owned()));
        self.outcome.await.map_err(lost)?
    }
}

fn judge(
    status: std::io::Result<ExitStatus>,
    fault: Option<&Fault>,
    settled: Result<(), Error>,
) -> Result<(), Problem> {
    let settled = settled.map_err(Problem::from);
    match (status, fault) {
        (Err(error), _) => Err(Error::system("cannot wait for git", error).into()),
        (Ok(status), _) if status.success() => settled,
        (Ok(_), Some(fault)) => Err(fault.problem()),
        (Ok(status), None) => {
            tracing::warn!(%status, "git failed");
            Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "git_failed", "git failed; the hub's log says why"))
        }
    }
}

/// A process group that dies with its owner.
struct Group(Option<Pid>);

impl Group {
    fn kill(&mut self) {
        if let Some(pid) = self.0.take()
            && let Err(error) = kill_process_group(pid, Signal::KILL)
        {
            tracing::debug!(%error, "a git group was gone already");
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Owns the child until it was waited for; nobody else may kill it, so no stale id is ever killed.
async fn watch(mut child: Child, mut told: mpsc::Receiver<()>) -> std::io::Result<ExitStatus> {
    let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let mut group = Group(pid);
    let status = tokio::select! {
        status = child.wait() => status,
        _ = told.recv() => {
            group.kill();
            child.wait().await
        }
    };
    group.0 = None;
    status
}

/// Reads what git complains about: unread, it would block git once the pipe is full.
async fn drain(mut stderr: ChildStderr) {
    let (mut kept, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(count @ 1..) = stderr.read(&mut buffer).await {
        let room = COMPLAINT_LIMIT.saturating_sub(kept.len());
        kept.extend_from_slice(&buffer[..count.min(room)]);
    }
    if !kept.is_empty() {
        tracing::warn!(stderr = %String::from_utf8_lossy(&kept).trim().escape_debug(), "git complained");
    }
}
