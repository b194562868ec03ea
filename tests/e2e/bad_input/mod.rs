//! What is refused: each time the file and the reason are named, and nothing has changed.

mod good;
mod models;
mod origins;
mod remotes;
mod secrets;
mod tokens;
mod workflows;

use crate::support::{Machine, Said, tree};

/// Runs a command that must be refused with these words and change nothing.
#[track_caller]
fn refused(machine: &Machine, arguments: &[&str], words: &[&str]) -> Said {
    let before = tree::of_machine(machine.root());
    let mut said = machine.run(arguments).code(1);
    for word in words {
        said = said.says(word);
    }
    tree::assert_same(&before, &tree::of_machine(machine.root()), &said.to_string());
    said.says("error:")
}
