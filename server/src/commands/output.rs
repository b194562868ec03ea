//! What the command line says: data to stdout, complaints to stderr.

use std::io::{self, Write as _};

use crate::service::Error;

/// Prints one line at once, for people and for programs that wait for it.
pub(super) fn line(text: &str) -> Result<(), Error> {
    let mut stdout = io::stdout().lock();
    let written = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
    match written {
        // Whoever reads may have read enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::system("cannot write to standard output", error))
        }
        _ => Ok(()),
    }
}

/// Prints text that brings its own ends of lines.
pub(super) fn text(text: &str) -> Result<(), Error> {
    line(text.trim_end())
}

/// Prints rows under headings, in columns.
pub(super) fn table<const COLUMNS: usize>(headings: [&str; COLUMNS], rows: &[[String; COLUMNS]]) -> Result<(), Error> {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([headings[column].len()]).max().unwrap_or(0)
    };
    let widths: [usize; COLUMNS] = std::array::from_fn(width);
    let print = |cells: [&str; COLUMNS]| {
        let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect::<Vec<_>>();
        line(padded.join("  ").trim_end())
    };
    print(headings)?;
    rows.iter().try_for_each(|row| print(std::array::from_fn(|column| row[column].as_str())))
}

/// Says how far it is.
pub(super) fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Says what went wrong and what to do about it.
pub(super) fn complain(error: &Error) {
    let mut stderr = io::stderr().lock();
    let _ = writeln!(stderr, "error: {}", error.chain());
    if let Some(hint) = error.hint() {
        let _ = writeln!(stderr, "\nhint: {hint}");
    }
}
