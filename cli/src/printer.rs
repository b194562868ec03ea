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

/// Every sequence this program itself writes.
const OURS: [&str; 7] = [BOLD, GREEN, YELLOW, RED, CYAN, DIM, PLAIN];

/// Text with what could steer a terminal made visible: names and messages come from others. Only
/// this program's own colours pass.
pub(crate) fn tame(text: &str) -> String {
    let mut tamed = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        if let Some(own) = OURS.iter().find(|own| rest.starts_with(**own)) {
            tamed.push_str(own);
            rest = &rest[own.len()..];
            continue;
        }
        let turns_text = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let steers = character.is_control() && !matches!(character, '\n' | '\t');
        tamed.push(if steers || turns_text { '\u{fffd}' } else { character });
        rest = &rest[character.len_utf8()..];
    }
    tamed
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
                // A file's name may hold a line feed, which would look like another row.
                line.push_str(&cell.replace(['\n', '\r', '\t'], " "));
                if index + 1 < row.len() {
                    line.push_str(&" ".repeat(widths[index] - width(cell) + 2));
                }
            }
            line.truncate(line.trim_end_matches(' ').len());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_steer_a_terminal_is_made_visible() {
        let own = paint(GREEN, "ready");
        assert_eq!(tame(&own), own);
        for hostile in ["\x1b]0;title\x07", "\x1b[2J", "\x1b[38;5;1m", "\r", "\u{202e}txt.exe", "\u{9b}2J"] {
            let tamed = tame(&format!("{own} {hostile}"));
            assert!(tamed.contains('\u{fffd}') && !tamed.contains(hostile), "{hostile:?}: {tamed:?}");
        }
        assert_eq!(tame("ü\tx\ny"), "ü\tx\ny");
    }
}
