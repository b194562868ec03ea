//! The rules by name.

use std::fmt;

use crate::secret;

/// A rule about what may be pushed. Its word is printed with each complaint and is what an owner
/// writes to let it through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// A protected branch keeps its commits.
    Rewrite,
    /// A protected branch stays.
    DeleteBranch,
    /// A tag stays where it is.
    MoveTag,
    /// Models do not belong into the history.
    ModelFile,
    /// Files above the limit do not either; every client refuses them.
    FileSize,
    /// `uv.lock` locks what `pyproject.toml` asks for.
    LockMismatch,
    /// Keys, tokens and passwords stay out; the word says which kind.
    Secret(&'static str),
}

/// The rules that are not about secrets.
const PLAIN: [(Rule, &str); 6] = [
    (Rule::Rewrite, "rewrite"),
    (Rule::DeleteBranch, "delete-branch"),
    (Rule::MoveTag, "move-tag"),
    (Rule::ModelFile, "model-file"),
    (Rule::FileSize, "file-size"),
    (Rule::LockMismatch, "lock-mismatch"),
];

impl Rule {
    /// The rule of this word.
    pub fn find(word: &str) -> Option<Self> {
        Self::all().find(|rule| rule.to_string() == word)
    }

    /// Every rule.
    pub fn all() -> impl Iterator<Item = Self> {
        PLAIN.iter().map(|(rule, _)| *rule).chain(secret::kinds().map(Self::Secret))
    }

    /// Whether an owner may let a push through in spite of it. What every client would refuse, nobody may.
    pub fn may_be_allowed(self) -> bool {
        self != Self::FileSize
    }

    /// Whether it is about secrets.
    pub fn is_secret(self) -> bool {
        matches!(self, Self::Secret(_))
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(kind) => write!(formatter, "secret:{kind}"),
            plain => formatter.write_str(PLAIN.iter().find(|(rule, _)| rule == plain).map_or("", |(_, word)| word)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_found_by_its_word() {
        for rule in Rule::all() {
            assert_eq!(Rule::find(&rule.to_string()), Some(rule), "{rule}");
        }
        assert!(Rule::all().count() > 30);
        assert_eq!(Rule::find("secret:openai-key").map(Rule::is_secret), Some(true));
        for unknown in ["", "secret", "secret:", "Rewrite", "secret:nothing"] {
            assert_eq!(Rule::find(unknown), None, "{unknown}");
        }
    }
}
