//! Differences of workflows and manifests, as tables and as properties of random ones.

use super::words::Line;
use super::{Change, workflow};

mod inside;
mod properties;
mod states;

/// The lines with their signs, those below indented.
fn shown(lines: &[Line], depth: usize) -> Vec<String> {
    lines
        .iter()
        .flat_map(|line| {
            let sign = match line.change {
                Change::Added => '+',
                Change::Removed => '-',
                Change::Changed => '~',
            };
            let own = format!("{}{sign} {}", "  ".repeat(depth), line.text);
            std::iter::once(own).chain(shown(&line.below, depth + 1))
        })
        .collect()
}

/// What changed between two workflows, in words.
fn between(before: &str, after: &str) -> Vec<String> {
    shown(&workflow::compare(before, after).lines(false), 0)
}
