//! ComfyUI's output on its way: to where ours goes, and into its log.
//!
//! Where ours is a terminal ComfyUI gets one too, so that colours, widths and progress bars are as they
//! would be without us.

use std::io::{self, IsTerminal as _, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::Stdio;

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize};
use tokio::net::unix::pipe::Receiver;

use crate::logs::{Line, Output};

/// Bytes that are taken at once.
const BLOCK: usize = 16 * 1024;

/// Where a stream goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    Stdout,
    Stderr,
}

/// One of ComfyUI's streams, from our end.
pub(super) struct Stream {
    end: Receiver,
    target: Target,
    is_terminal: bool,
    line: Line,
    /// Nobody takes what we write any more; the log still does.
    is_unheard: bool,
    is_over: bool,
}

/// ComfyUI's end of a stream.
pub(super) struct Ends {
    pub(super) stdout: Stdio,
    pub(super) stderr: Stdio,
}

/// Makes both streams. One that cannot be made goes past us, and is in no log.
///
/// # Errors
/// When the runtime refuses a stream.
pub(super) fn open() -> io::Result<(Ends, Vec<Stream>)> {
    let (out, err) = (io::stdout().is_terminal(), io::stderr().is_terminal());
    let mut streams = Vec::new();
    if out
        && err
        && let Ok((ours, theirs)) = terminal(io::stdout())
    {
        // One terminal for both keeps their order.
        streams.push(Stream::of(ours, Target::Stdout, true)?);
        return Ok((Ends { stdout: theirs.try_clone()?.into(), stderr: theirs.into() }, streams));
    }
    let mut end = |is_terminal: bool, target: Target| -> io::Result<Stdio> {
        let made = match (is_terminal, target) {
            (true, Target::Stdout) => terminal(io::stdout()),
            (true, Target::Stderr) => terminal(io::stderr()),
            (false, _) => io::pipe().map(|(ours, theirs)| (OwnedFd::from(ours), OwnedFd::from(theirs))),
        };
        let Ok((ours, theirs)) = made else { return Ok(Stdio::inherit()) };
        streams.push(Stream::of(ours, target, is_terminal)?);
        Ok(theirs.into())
    };
    let (stdout, stderr) = (end(out, Target::Stdout)?, end(err, Target::Stderr)?);
    Ok((Ends { stdout, stderr }, streams))
}

/// A terminal of its own that is as wide as ours. It passes bytes on as they are: ours is the one that
/// does something with them.
fn terminal(like: impl AsFd) -> io::Result<(OwnedFd, OwnedFd)> {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&ours)?;
    unlockpt(&ours)?;
    let name = ptsname(&ours, Vec::new())?;
    let theirs = rustix::fs::open(name.as_c_str(), OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
    let mut settings = tcgetattr(&theirs)?;
    settings.make_raw();
    tcsetattr(&theirs, OptionalActions::Now, &settings)?;
    if let Ok(size) = tcgetwinsize(like) {
        tcsetwinsize(&ours, size)?;
    }
    Ok((ours, theirs))
}

impl Stream {
    fn of(ours: OwnedFd, target: Target, is_terminal: bool) -> io::Result<Self> {
        let flags = rustix::fs::fcntl_getfl(&ours)?;
        rustix::fs::fcntl_setfl(&ours, flags | OFlags::NONBLOCK)?;
        // It only wants to know of reading, for which a terminal is as good as a pipe.
        let end = Receiver::from_owned_fd_unchecked(ours)?;
        Ok(Self { end, target, is_terminal, line: Line::default(), is_unheard: false, is_over: false })
    }

    /// Whether everything has come.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Waits until there may be something to pass on.
    pub(super) async fn ready(&self) {
        // A fault shows when it is read.
        let _ = self.end.readable().await;
    }

    /// Passes on a block of what has come: who says much must not keep anybody else waiting.
    pub(super) fn pass(&mut self, log: &mut Output) {
        let mut block = [0; BLOCK];
        let read = self.end.try_read(&mut block);
        self.take(read, &block, log);
    }

    /// Passes on all that has come, and waits for nothing.
    pub(super) fn drain(&mut self, log: &mut Output) {
        let mut block = [0; BLOCK];
        while !self.is_over {
            // Past the runtime, which has not looked since ComfyUI ended.
            let read = rustix::io::read(&self.end, &mut block).map_err(io::Error::from);
            if read.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
                break;
            }
            self.take(read, &block, log);
        }
        self.close(log);
    }

    fn take(&mut self, read: io::Result<usize>, block: &[u8], log: &mut Output) {
        match read {
            Ok(0) => self.is_over = true,
            Ok(count) => {
                self.write(&block[..count]);
                log.take(&mut self.line, &block[..count]);
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => {}
            // A terminal whose other end nobody has any more.
            Err(_) => self.is_over = true,
        }
    }

    /// What has no end of line at the end is a line too.
    fn close(&mut self, log: &mut Output) {
        if !self.line.is_empty() {
            log.end(&mut self.line);
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        if self.is_unheard {
            return;
        }
        let written = match self.target {
            Target::Stdout => pass_on(&mut io::stdout().lock(), bytes),
            Target::Stderr => pass_on(&mut io::stderr().lock(), bytes),
        };
        self.is_unheard = written.is_err();
    }

    /// Ours has another size now.
    pub(super) fn resize(&self) {
        let size = match self.target {
            Target::Stdout => tcgetwinsize(io::stdout()),
            Target::Stderr => tcgetwinsize(io::stderr()),
        };
        if let (true, Ok(size)) = (self.is_terminal, size) {
            // A wrong width is no reason to stop.
            let _ = tcsetwinsize(&self.end, size);
        }
    }
}

fn pass_on(target: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    target.write_all(bytes)?;
    target.flush()
}
