//! A running git: in a process group of its own, killed as a group, always waited for.

use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use comfydock_git::serve::Invocation;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tracing::Instrument as _;

use super::feed::{self, Encoding, Fault, Inflate};
use super::pulse::Pulse;
use crate::bridge::blocking;
use crate::data::HOOK;
use crate::http::error::Problem;
use crate::http::gate::Permit;
use crate::service::Error;
use crate::service::push::{self, Ticket};
use crate::state::App;

/// Bytes of git's complaints that are kept for the log.
const COMPLAINT_LIMIT: usize = 8 * 1024;

/// How long a git that is asked to end may tidy up.
const TIDYING: Duration = Duration::from_secs(1);

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
    /// Whether the client takes what git says.
    pub(super) pulse: Arc<Pulse>,
    /// Bytes of a body at most.
    body_limit: u64,
}

impl Process {
    /// Starts git. A push is settled as soon as git has ended, whether or not the client is still
    /// there to hear of it: references that moved must not stay unknown to the catalog.
    ///
    /// The permit is held until git has ended, however long the client stays.
    pub(super) fn start(
        hub: &App,
        invocation: &Invocation,
        permit: Permit,
        push: Option<Ticket>,
    ) -> Result<Self, Problem> {
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
        tokio::spawn(drain(stderr).in_current_span());
        let (leash, mut told) = mpsc::channel(1);
        let (end, ended) = oneshot::channel();
        let (report, outcome) = oneshot::channel();
        let fault = Arc::<OnceLock<Fault>>::default();
        let pulse = Arc::<Pulse>::default();
        let idle = hub.configuration.connections.idle.duration();
        let body_limit = permit.limits().body.count();
        let (hub, faults, beats) = (hub.clone(), fault.clone(), pulse.clone());
        let watching = async move {
            let total = permit.limits().total.duration();
            let cut = async {
                tokio::select! {
                    _ = told.recv() => {}
                    () = beats.stopped(idle) => drop(faults.set(Fault::Stalled)),
                    () = tokio::time::sleep(total) => drop(faults.set(Fault::TooLong(total))),
                }
            };
            let status = watch(child, cut).await;
            drop(permit);
            drop::<oneshot::Sender<()>>(end);
            let settled = match push {
                Some(ticket) => {
                    let ended_well = status.as_ref().is_ok_and(ExitStatus::success);
                    blocking(move || push::settle(&hub, &ticket, ended_well)).await
                }
                None => Ok(()),
            };
            let _ = report.send(judge(status, faults.get(), settled));
        };
        tokio::spawn(watching.in_current_span());
        Ok(Self { stdout, stdin: Some(stdin), leash, ended: Some(ended), outcome, fault, pulse, body_limit })
    }

    /// Sends the body to git while its answer is read: either side may block without the other.
    pub(super) fn fed(mut self, body: Body, encoding: Encoding) -> Self {
        if let (Some(stdin), Some(ended)) = (self.stdin.take(), self.ended.take()) {
            // A weak end: a body that never comes must not keep git alive.
            let leash = self.leash.downgrade();
            let inflate = Inflate::new(encoding, self.body_limit);
            tokio::spawn(feed::feed(body, inflate, stdin, leash, ended, self.fault.clone()));
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
    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.0
            && let Err(error) = kill_process_group(pid, signal)
        {
            tracing::debug!(%error, "a git group was gone already");
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// Owns the child until it was waited for; nobody else may kill it, so no stale id is ever killed.
async fn watch(mut child: Child, cut: impl Future<Output = ()>) -> std::io::Result<ExitStatus> {
    let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let mut group = Group(pid);
    let status = tokio::select! {
        status = child.wait() => status,
        // Asked first, git takes its locks and its quarantine with it.
        () = cut => {
            group.signal(Signal::TERM);
            match timeout(TIDYING, child.wait()).await {
                Ok(status) => status,
                Err(_) => {
                    group.signal(Signal::KILL);
                    child.wait().await
                }
            }
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
