//! The hub's binary, and git's `pre-receive` hook when started under that name.

use std::process::ExitCode;

fn main() -> ExitCode {
    comfydock_server::run()
}
