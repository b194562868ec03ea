//! The log: one line an event on standard error, JSON by default.
//!
//! Lines are written by a thread of their own. Whoever reads them may stop reading: then lines are
//! lost and counted, and the hub goes on.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::configuration::{Log, LogFormat, LogLevel};

/// Lines that wait to be written at most.
const WAITING: usize = 4096;
/// How long the last lines may take to be written.
const FAREWELL: Duration = Duration::from_secs(1);

/// Begins to log. The last lines are written when the result is dropped.
pub(super) fn begin(log: &Log) -> Last {
    let level = match log.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    let (sender, receiver) = sync_channel(WAITING);
    let lost = Arc::<AtomicU64>::default();
    let lines = Lines { sender: sender.clone(), lost: lost.clone() };
    std::thread::spawn(move || write(&receiver, &lost));
    let events = tracing_subscriber::fmt().with_writer(lines).with_ansi(false).with_max_level(level);
    match log.format {
        LogFormat::Json => events.json().flatten_event(true).with_span_list(false).init(),
        LogFormat::Text => events.init(),
    }
    Last(sender)
}

/// What the thread is sent: a line, or somebody who waits for all lines before.
enum Message {
    Line(Vec<u8>),
    Flush(SyncSender<()>),
}

fn write(messages: &Receiver<Message>, lost: &AtomicU64) {
    let mut stderr = io::stderr();
    while let Ok(message) = messages.recv() {
        // Nobody is left to be told that the log cannot be written.
        match message {
            Message::Line(line) => drop(stderr.write_all(&line)),
            Message::Flush(waiting) => drop(waiting.send(())),
        }
        match lost.swap(0, Ordering::Relaxed) {
            0 => {}
            count => drop(writeln!(stderr, r#"{{"level":"WARN","message":"log lines were lost","count":{count}}}"#)),
        }
    }
}

/// Where events go.
struct Lines {
    sender: SyncSender<Message>,
    lost: Arc<AtomicU64>,
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(self)
    }
}

/// The writer of one event.
struct Line<'a>(&'a Lines);

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.sender.try_send(Message::Line(bytes.to_vec())).is_err() {
            self.0.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The end of the log.
#[must_use]
pub(super) struct Last(SyncSender<Message>);

impl Drop for Last {
    fn drop(&mut self) {
        let (written, wait) = sync_channel(1);
        if self.0.try_send(Message::Flush(written)).is_ok() {
            let _ = wait.recv_timeout(FAREWELL);
        }
    }
}
