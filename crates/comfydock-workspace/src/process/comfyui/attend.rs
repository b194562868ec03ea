//! Staying with ComfyUI while it runs: its output is passed on and kept, and it is asked to end the way
//! it knows, which is Ctrl-C.

use std::future::pending;
use std::io::{self, IsTerminal as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Command, ExitStatus};

use futures_util::future::select_all;
use rustix::process::{Pid, Signal as Kill, kill_process, kill_process_group};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::streams::{self, Stream};
use crate::logs::Output;
use crate::reporter::Reporter;

/// What a shell says of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// Who is asked to end, and how that goes on.
struct Ending<'a> {
    child: Pid,
    /// Whether ComfyUI is a process group of its own. In ours a terminal has told it already.
    is_apart: bool,
    asked: u32,
    reporter: &'a dyn Reporter,
}

/// Starts the command and stays until it has ended. The exit code is its own, or 130 when Ctrl-C was
/// pressed twice.
///
/// # Errors
/// When it cannot be started or waited for.
pub(super) fn attend(mut command: Command, log: &Path, reporter: &dyn Reporter) -> io::Result<u8> {
    // A terminal's own job control, and a debugger that asks on it, need the terminal's group. Without
    // one nobody else tells ComfyUI what we are told.
    let is_apart = !io::stdin().is_terminal();
    if is_apart {
        command.process_group(0);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // Before the start: nothing that comes meanwhile may end us and leave it.
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut ends = [signal(SignalKind::terminate())?, signal(SignalKind::hangup())?];
        let mut resized = signal(SignalKind::window_change())?;
        let mut output = Output::begin(log);
        let (theirs, mut streams) = streams::open()?;
        command.stdout(theirs.stdout).stderr(theirs.stderr);
        let mut command = tokio::process::Command::from(command);
        let mut child = command.spawn()?;
        // Its ends of the streams are held by the command too; only then do ours ever end.
        drop(command);
        let id = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
        let id = id.ok_or_else(|| io::Error::other("it has no process"))?;
        let mut ending = Ending { child: id, is_apart, asked: 0, reporter };
        let status = loop {
            tokio::select! {
                status = child.wait() => break status?,
                () = pass(&mut streams, &mut output) => {}
                () = heard(&mut interrupt) => ending.interrupted(),
                () = heard_any(&mut ends) => ending.told(),
                () = heard(&mut resized) => streams.iter().for_each(Stream::resize),
            }
        };
        // What it started may hold the streams for ever: what is there now is all that is waited for.
        for stream in &mut streams {
            stream.drain(&mut output);
        }
        Ok(ending.code(status))
    })
}

async fn pass(streams: &mut [Stream], output: &mut Output) {
    let open: Vec<usize> =
        streams.iter().enumerate().filter(|(_, stream)| !stream.is_over()).map(|(index, _)| index).collect();
    if open.is_empty() {
        return pending().await;
    }
    let ready = select_all(open.iter().map(|index| Box::pin(streams[*index].ready())));
    let (_, first, _) = ready.await;
    streams[open[first]].pass(output);
}

async fn heard(signal: &mut Signal) {
    if signal.recv().await.is_none() {
        pending().await
    }
}

async fn heard_any([one, other]: &mut [Signal; 2]) {
    tokio::select! {
        () = heard(one) => {}
        () = heard(other) => {}
    }
}

impl Ending<'_> {
    /// Ctrl-C, or the signal that stands for it.
    fn interrupted(&mut self) {
        self.ask(self.is_apart);
    }

    /// Somebody wants us to end, and has not told ComfyUI, which would die of that without tidying up.
    fn told(&mut self) {
        self.ask(true);
    }

    fn ask(&mut self, by_us: bool) {
        self.asked += 1;
        // One that is gone already needs no end.
        let _ = match (self.asked, by_us, self.is_apart) {
            (1, true, _) => kill_process(self.child, Kill::INT),
            (1, false, _) => Ok(()),
            (_, _, true) => kill_process_group(self.child, Kill::KILL),
            (_, _, false) => kill_process(self.child, Kill::KILL),
        };
        if self.asked == 1 {
            self.reporter.note("ComfyUI is ending; once more ends it at once");
        }
    }

    fn code(&self, status: ExitStatus) -> u8 {
        match (status.code(), status.signal()) {
            (Some(code), _) => u8::try_from(code).unwrap_or(1),
            (None, _) if self.asked > 0 => INTERRUPTED,
            (None, Some(signal)) => u8::try_from(128 + signal).unwrap_or(1),
            (None, None) => 1,
        }
    }
}
