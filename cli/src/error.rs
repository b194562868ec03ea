//! How a failure is told, and the exit code it has.

use std::error::Error as _;
use std::io;
use std::process::ExitCode;

use comfydock_core::hint::Hint;
use comfydock_workspace::Error;

use crate::printer::{CYAN, RED, paint, talk};
use crate::session::Session;

/// Why a command did not do what it should.
pub(crate) enum Failure {
    /// The user can do something about it.
    Engine(Box<Error>),
    /// stdout went away or cannot be written.
    Output(io::Error),
    /// The user said no.
    Cancelled,
}

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Engine(Box::new(error.into()))
    }
}

impl Failure {
    /// Tells it and returns the exit code.
    pub(crate) fn print(&self, session: &Session) -> u8 {
        match self {
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            Self::Output(error) => {
                talk(&format!("{} cannot write the output: {error}", paint(RED, "error:")));
                1
            }
            Self::Cancelled => {
                talk("nothing was changed");
                1
            }
            Self::Engine(error) => {
                print_error(error);
                if session.global.json {
                    let document = serde_json::json!({
                        "schema": "comfydock.error/1", "error": error.to_string(), "details": error.details(), "hint": error.hint(),
                    });
                    let _ = crate::printer::data(&document.to_string());
                }
                1
            }
        }
    }

    /// A panic: our bug.
    pub(crate) fn bug() -> ExitCode {
        talk(&format!("{} this is a bug in comfydock; please report it with the lines above", paint(RED, "error:")));
        ExitCode::from(255)
    }
}

fn print_error(error: &Error) {
    talk(&format!("{} {error}", paint(RED, "error:")));
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        let text = source.to_string();
        if !said.contains(&text) {
            talk(&format!("  caused by: {text}"));
        }
        said = text;
        cause = source.source();
    }
    for line in error.details() {
        talk(&format!("  {line}"));
    }
    if let Some(hint) = error.hint() {
        talk("");
        talk(&format!("{} {hint}", paint(CYAN, "hint:")));
    }
}
