//! What of a run is kept in a log.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::ArgMatches;
use comfydock_core::hint::Hint as _;
use comfydock_workspace::logs::Log;

use crate::error::Failure;

/// Commands that only look, by their words. All others are kept.
const LOOKING: &[&[&str]] = &[
    &["list"],
    &["run"],
    &["status"],
    &["log"],
    &["diff"],
    &["doctor"],
    &["completion"],
    &["man"],
    &["workflow", "list"],
    &["workflow", "show"],
    &["models", "list"],
    &["models", "show"],
    &["models", "source", "list"],
    &["node", "list"],
    &["remote", "list"],
    &["hub", "whoami"],
    &["hub", "environments"],
    &["hub", "token", "list"],
    &["key", "show"],
    &["trust", "list"],
    &["config", "get"],
    &["config", "list"],
];

/// The log of this run.
pub(crate) fn begin(matches: &ArgMatches) -> Log {
    let mut words = Vec::new();
    let mut below = matches.subcommand();
    while let Some((word, inside)) = below {
        words.push(word);
        below = inside.subcommand();
    }
    let arguments: Vec<String> = std::env::args_os().skip(1).map(quoted).collect();
    Log::new(&format!("comfydock {}", arguments.join(" ")), LOOKING.contains(&words.as_slice()))
}

/// Notes how the run ended.
pub(crate) fn end(log: &Log, outcome: &Result<ExitCode, Failure>) {
    match outcome {
        Ok(code) if *code == ExitCode::SUCCESS => log.say("ended well"),
        Ok(_) => log.say("ended, and something is missing or open"),
        Err(Failure::Output(error)) => log.say(&format!("the output could not be written: {error}")),
        Err(Failure::Cancelled) => log.say("cancelled by the user; nothing was changed"),
        Err(Failure::Engine(error)) => {
            log.say(&format!("error: {error}"));
            let causes = std::iter::successors(std::error::Error::source(&**error), |error| error.source());
            causes.for_each(|cause| log.say(&format!("  caused by: {cause}")));
            error.details().iter().for_each(|line| log.say(&format!("  {line}")));
            if let Some(hint) = error.hint() {
                log.say(&format!("  hint: {hint}"));
            }
        }
    }
}

/// An argument as a shell takes it.
fn quoted(argument: OsString) -> String {
    let text = argument.to_string_lossy().into_owned();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@=,+~".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
