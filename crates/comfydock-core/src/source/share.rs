//! `share:<name>/<path>`: a folder, say a NAS, that each machine maps to its own (decision 13).

use std::fmt;

use crate::path::TreePath;

/// A file below a share.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShareFile {
    name: String,
    path: TreePath,
}

impl ShareFile {
    /// Reads `<name>/<path>`; a path that climbs or is absolute is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, path) = text.split_once('/')?;
        is_share_name(name).then_some(())?;
        Some(Self { name: name.to_owned(), path: TreePath::parse(path).ok()? })
    }

    /// The share's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The path below the share, `/` between segments.
    pub fn path(&self) -> &str {
        self.path.as_str()
    }
}

/// Whether a share may be called so: letters, digits, `-`, `_` and `.`, not beginning with a dot.
pub fn is_share_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && !name.starts_with('.')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

impl fmt::Display for ShareFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.name, self.path.as_str())
    }
}
