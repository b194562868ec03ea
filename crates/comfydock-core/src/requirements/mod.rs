//! What node packs and ComfyUI ask of Python: `requirements.txt` in all its forms, and the
//! `dependencies` of a `pyproject.toml` (decision 74).
//!
//! uv's own reading drops option lines without a word and accepts editable paths (seen with uv
//! 0.13), so the lines are judged here and uv gets plain requirements.

mod line;
mod marker;
mod name;
mod pep508;
mod project;
mod standard_library;
mod text;
mod url;
mod version;
mod wheel;

#[cfg(test)]
mod tests;

use std::fmt;

pub use name::normalised;
pub use pep508::{Requirement, Where};
pub use standard_library::is_standard;

use text::Reading;

/// The file of requirements that everybody installs.
pub const FILE: &str = "requirements.txt";

/// The file whose `[project].dependencies` are taken when there is no [`FILE`].
pub const PROJECT: &str = "pyproject.toml";

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requirements {
    /// PEP 508 requirements, in the file's order, without comments. A package may stand there more
    /// than once: all of it applies.
    pub lines: Vec<String>,
    /// Lines that were not taken, with the reason.
    pub refused: Vec<Refused>,
    /// Package indexes that are named. None is used without consent.
    pub indexes: Vec<Index>,
    /// What else a person should know.
    pub notes: Vec<String>,
}

/// A line that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The file, as a path below the pack.
    pub file: String,
    /// The number of its line, from 1.
    pub line: usize,
    /// What it says.
    pub text: String,
    /// Why it was not taken.
    pub reason: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}, line {}: `{}` is left out: {}", self.file, self.line, self.text, self.reason)
    }
}

/// A package index that a file names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// The file, as a path below the pack.
    pub file: String,
    /// The number of its line, from 1.
    pub line: usize,
    /// The index.
    pub url: String,
}

/// Reads one requirements file, for which there are no others to include. Bytes in any encoding
/// are taken: requirements are ASCII, and comments must not cost the whole file.
pub fn parse(bytes: &[u8]) -> Requirements {
    let mut found = Requirements::default();
    Reading::new(&|_| None).file(FILE, bytes, &mut found);
    found
}

/// What a pack asks for: its [`FILE`] with what that includes, and the dependencies of its
/// [`PROJECT`]. `files` gives the bytes of a path below the pack, with `/`.
///
/// Where both exist, everybody else installs the first alone, so its word counts; packages that
/// only the second names are added, and that they differ is noted.
pub fn of_pack(files: &dyn Fn(&str) -> Option<Vec<u8>>) -> Requirements {
    let mut found = Requirements::default();
    let listed = files(FILE);
    if let Some(bytes) = &listed {
        Reading::new(files).file(FILE, bytes, &mut found);
    }
    let Some(bytes) = files(PROJECT) else { return found };
    let mut project = project::read(&bytes);
    if listed.is_none() {
        project.notes.splice(0..0, found.notes);
        return project;
    }
    project::join(&mut found, project);
    found
}
