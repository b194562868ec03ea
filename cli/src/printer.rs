//! Data goes to stdout, talk goes to stderr.

use std::io::{self, Write};

/// Bold.
pub(crate) const BOLD: &str = "\x1b[1m";
/// Success.
pub(crate) const GREEN: &str = "\x1b[32m";
/// Warnings.
pub(crate) const YELLOW: &str = "\x1b[33m";
/// Errors.
pub(crate) const RED: &str = "\x1b[31m";
/// Hints.
pub(crate) const CYAN: &str = "\x1b[36m";
/// What matters less.
pub(crate) const DIM: &str = "\x1b[2m";
/// Back to plain.
pub(crate) const PLAIN: &str = "\x1b[0m";

/// The text in a colour; the streams take colours out where they do not belong.
pub(crate) fn paint(colour: &str, text: impl std::fmt::Display) -> String {
    format!("{colour}{text}{PLAIN}")
}

/// Text with what could steer a terminal made visible: names and messages come from others.
pub(crate) fn tame(text: &str) -> String {
    text.chars()
        .map(|character| {
            if character.is_control() && character != '\n' && character != '\t' && character != '\x1b' {
                '\u{fffd}'
            } else {
                character
            }
        })
        .collect()
}

/// Writes a line of data.
///
/// A reader that went away (`| head`) is no error of ours.
pub(crate) fn data(text: &str) -> io::Result<()> {
    let mut stdout = anstream::stdout().lock();
    writeln!(stdout, "{}", tame(text))?;
    stdout.flush()
}

/// Writes a line of talk. That nobody listens must not stop the work.
pub(crate) fn talk(text: &str) {
    let mut stderr = anstream::stderr().lock();
    let _ = writeln!(stderr, "{}", tame(text));
}

/// Columns, padded so that they align; colours do not count.
pub(crate) fn table(rows: &[Vec<String>]) -> Vec<String> {
    let widths: Vec<usize> = (0..rows.iter().map(Vec::len).max().unwrap_or(0))
        .map(|column| rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max().unwrap_or(0))
        .collect();
    rows.iter()
        .map(|row| {
            let mut line = String::new();
            for (index, cell) in row.iter().enumerate() {
                line.push_str(cell);
                if index + 1 < row.len() {
                    line.push_str(&" ".repeat(widths[index] - width(cell) + 2));
                }
            }
            line
        })
        .collect()
}

fn width(cell: &str) -> usize {
    let mut count = 0;
    let mut escape = false;
    for character in cell.chars() {
        match character {
            '\x1b' => escape = true,
            'm' if escape => escape = false,
            _ if !escape => count += 1,
            _ => {}
        }
    }
    count
}
