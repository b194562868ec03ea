//! `comfydock`: words, flags, colours. What is done is done by `comfydock-workspace`.

mod commands;
mod error;
mod global;
mod printer;
mod progress;
mod prompt;
mod record;
mod session;
mod words;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser};

use crate::error::Failure;

/// Version, push, pull and rebuild ComfyUI environments
#[derive(Parser)]
#[command(name = "comfydock", version, max_term_width = 100, propagate_version = false)]
struct CommandLine {
    #[command(flatten)]
    global: global::Global,
    #[command(subcommand)]
    command: commands::Command,
}

/// Every command and flag, for what is made of them.
fn command_line() -> clap::Command {
    CommandLine::command()
}

fn main() -> ExitCode {
    let matches = command_line().get_matches();
    let line = match CommandLine::from_arg_matches(&matches) {
        Ok(line) => line,
        Err(error) => error.exit(),
    };
    line.global.color.apply();
    let log = record::begin(&matches);
    let outcome = std::panic::catch_unwind(|| {
        let session = session::Session::new(line.global, log);
        let outcome = commands::run(&session, line.command);
        session.close();
        session.keep(&outcome);
        outcome.map_err(|failure| failure.print(&session))
    });
    match outcome {
        Ok(Ok(code)) => code,
        Ok(Err(code)) => ExitCode::from(code),
        Err(_) => Failure::bug(),
    }
}
