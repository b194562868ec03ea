//! `.cec/.comfydock_ignore`: what an environment leaves alone, in gitignore syntax. Paths are
//! `workflows/NAME.json` and `nodes/FOLDER` (decision 26).

use comfydock_core::foreign::workflow_path;
use comfydock_store::file;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::Error;
use crate::environment::Environment;

/// The file's name.
pub const FILE: &str = ".comfydock_ignore";

/// What is left alone.
pub struct Ignored(Gitignore);

impl Ignored {
    /// What an environment leaves alone.
    ///
    /// # Errors
    /// When its file cannot be read, or a line of it is no pattern.
    pub fn of(environment: &Environment) -> Result<Self, Error> {
        let text = file::find_text(&environment.cec().join(FILE))?;
        Self::parse(text.as_deref().unwrap_or_default())
    }

    /// Reads the file's text.
    ///
    /// # Errors
    /// When a line is no pattern.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut patterns = GitignoreBuilder::new("");
        for (number, line) in text.lines().enumerate() {
            patterns.add_line(None, line).map_err(|error| {
                Error::refused(format!(".cec/{FILE}, line {}: {error}", number + 1), "patterns are those of .gitignore")
            })?;
        }
        patterns
            .build()
            .map(Self)
            .map_err(|error| Error::refused(format!(".cec/{FILE}: {error}"), "patterns are those of .gitignore"))
    }

    fn matches(&self, path: &str, is_folder: bool) -> bool {
        self.0.matched_path_or_any_parents(path, is_folder).is_ignore()
    }

    /// Whether a workflow is left alone.
    pub fn has_workflow(&self, name: &str) -> bool {
        self.matches(&workflow_path(name), false)
    }

    /// Whether a folder or file in `custom_nodes` is left alone.
    pub fn has_pack(&self, name: &str) -> bool {
        self.matches(&format!("nodes/{name}"), !name.ends_with(".py"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_gitignore() {
        let ignored = Ignored::parse(
            "# scratch\nworkflows/scratch/\nworkflows/*_test.json\n!workflows/the_test.json\nnodes/my-*\n\n",
        )
        .unwrap();
        for (name, expected) in
            [("scratch/a", true), ("a_test", true), ("the_test", false), ("deep/a_test", false), ("hero", false)]
        {
            assert_eq!(ignored.has_workflow(name), expected, "{name}");
        }
        for (name, expected) in [("my-pack", true), ("my-tool.py", true), ("pack", false)] {
            assert_eq!(ignored.has_pack(name), expected, "{name}");
        }
        assert!(!Ignored::parse("").unwrap().has_workflow("hero"));
    }
}
