//! comfydock-hub: environments as git repositories, and a catalog of where each model can be had.
//!
//! `http` extracts, calls one `service` and answers; `service` decides and knows no HTTP; `db` is
//! the only place with SQL and knows no policy. Git holds the truth about environments; the
//! database holds accounts, and a projection of what was pushed.

mod barrier;
mod bridge;
mod clock;
mod commands;
mod configuration;
mod data;
mod db;
mod descriptors;
mod hook;
mod http;
mod leftovers;
mod metrics;
mod orphans;
mod random;
mod service;
mod state;
mod words;

use std::process::ExitCode;

/// Runs the program: the command line, or the hook when git starts it as one.
pub fn run() -> ExitCode {
    let program = std::env::args_os().next().unwrap_or_default();
    if std::path::Path::new(&program).file_name().is_some_and(|name| name == data::HOOK) {
        hook::run()
    } else {
        commands::run()
    }
}
