//! The log: one line an event on standard error, JSON by default.

use tracing::level_filters::LevelFilter;

use crate::configuration::{Log, LogFormat, LogLevel};

/// Begins to log.
pub(super) fn begin(log: &Log) {
    let level = match log.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    let lines = tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).with_max_level(level);
    // Complaining about a log that nobody reads any more would end in a panic.
    let lines = lines.log_internal_errors(false);
    match log.format {
        LogFormat::Json => lines.json().flatten_event(true).init(),
        LogFormat::Text => lines.init(),
    }
}
