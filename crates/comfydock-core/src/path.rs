//! Relative paths from files and networks, checked before they come near a file system.

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::category;

/// A path that may not be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("path `{path}` is refused: {reason}")]
pub struct Error {
    path: String,
    reason: &'static str,
}

impl Error {
    /// Why the path is refused.
    pub fn reason(&self) -> &'static str {
        self.reason
    }
}

/// A relative path with `/` between its segments that stays below its root on every system.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TreePath(String);

fn segment_fault(segment: &str) -> Option<&'static str> {
    const DEVICES: &[&str] = &["con", "prn", "aux", "nul"];
    let stem = segment.split('.').next().unwrap_or(segment).to_ascii_lowercase();
    let numbered =
        stem.len() == 4 && (stem.starts_with("com") || stem.starts_with("lpt")) && stem.as_bytes()[3].is_ascii_digit();
    match segment {
        "" => Some("it has an empty segment"),
        "." | ".." => Some("`.` and `..` are not allowed"),
        _ if segment.eq_ignore_ascii_case(".git") => Some("`.git` is not allowed"),
        _ if DEVICES.contains(&stem.as_str()) || numbered => Some("Windows keeps this name for a device"),
        _ if segment.ends_with(['.', ' ']) => Some("a segment ends in a dot or a space"),
        _ => None,
    }
}

impl TreePath {
    /// Checks and takes the path.
    ///
    /// # Errors
    /// When it is absolute, climbs, or is not a path on every system; the message says which.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let fault = |reason| Error { path: text.escape_debug().take(200).collect(), reason };
        let reason = if text.is_empty() {
            Some("it is empty")
        } else if text.starts_with('/') {
            Some("it is absolute")
        } else if text.contains('\\') {
            Some("it contains a backslash")
        } else if text.as_bytes().get(1) == Some(&b':') && text.as_bytes()[0].is_ascii_alphabetic() {
            Some("it names a drive")
        } else if text.chars().any(char::is_control) {
            Some("it contains a control character")
        } else if text.contains(['<', '>', ':', '"', '|', '?', '*']) {
            Some("it contains one of < > : \" | ? *")
        } else if text.len() > 1024 {
            Some("it is longer than 1024 bytes")
        } else {
            text.split('/').find_map(segment_fault)
        };
        reason.map_or_else(|| Ok(Self(text.to_owned())), |reason| Err(fault(reason)))
    }

    /// The path, `/` between segments.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last segment.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The key under which two paths collide on a case-insensitive file system.
    pub fn folded(&self) -> String {
        fold(&self.0)
    }
}

/// The spelling that decides whether two names are one: NFC, then lower-case.
pub fn fold(text: &str) -> String {
    text.nfc().collect::<String>().to_lowercase()
}

/// `<category>/…/<file>` with a model's extension: where a model lies below a models folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ModelPath(TreePath);

impl ModelPath {
    /// Checks and takes the path.
    ///
    /// # Errors
    /// As [`TreePath::parse`], and when the category is missing or the extension is no model's.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let path = TreePath::parse(text)?;
        let fault = |reason| Error { path: text.escape_debug().take(200).collect(), reason };
        if !text.contains('/') {
            return Err(fault("it must start with a category, as in `checkpoints/name.safetensors`"));
        }
        if !category::wide_model_extension(path.file_name()) {
            return Err(fault("its extension is not a model's"));
        }
        Ok(Self(path))
    }

    /// The path, `/` between segments.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The first segment: the folder of the category, as spelled.
    pub fn folder(&self) -> &str {
        self.as_str().split('/').next().unwrap_or_default()
    }

    /// What follows the category's folder: the name a loader's widget shows.
    pub fn name(&self) -> &str {
        self.as_str().split_once('/').map_or("", |(_, name)| name)
    }

    /// The last segment.
    pub fn file_name(&self) -> &str {
        self.0.file_name()
    }
}

macro_rules! text_value {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.as_str())
            }
        }
        impl TryFrom<String> for $name {
            type Error = Error;
            fn try_from(text: String) -> Result<Self, Error> {
                Self::parse(&text)
            }
        }
        impl From<$name> for String {
            fn from(path: $name) -> Self {
                path.as_str().to_owned()
            }
        }
    };
}

text_value!(TreePath);
text_value!(ModelPath);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_leave_their_root_or_break_elsewhere_are_refused() {
        for text in [
            "",
            "/etc/passwd",
            "a/../b",
            "..",
            "a//b",
            "a/./b",
            "a\\b",
            "C:/x",
            "a\0b",
            "a/.git/config",
            "a/.GIT/x",
            "nul",
            "a/CON.txt",
            "lpt1.json",
            "a./b",
            "a /b",
            "a:b",
            "a?b",
        ] {
            assert!(TreePath::parse(text).is_err(), "{text:?}");
        }
        for text in ["a", "workflows/portraits/hero.json", "a b/ü (1)+.json", ".gitignore", "..x/y"] {
            assert!(TreePath::parse(text).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn a_model_path_has_a_category_and_an_extension() {
        let path = ModelPath::parse("loras/style/x.safetensors").unwrap();
        assert_eq!((path.folder(), path.name(), path.file_name()), ("loras", "style/x.safetensors", "x.safetensors"));
        for text in ["x.safetensors", "checkpoints/x.py", "checkpoints/../x.safetensors", "checkpoints/x"] {
            assert!(ModelPath::parse(text).is_err(), "{text}");
        }
    }
}
