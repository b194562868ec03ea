//! `share:<name>/<path>`: a folder, say a NAS, that each machine maps to its own (decision 13).

use std::fmt;

use crate::path::TreePath;

/// A file below a share, kept as `<name>/<path>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShareFile(String);

impl ShareFile {
    /// Reads `<name>/<path>`; a path that climbs or is absolute is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, path) = text.split_once('/')?;
        (is_share_name(name) && TreePath::parse(path).is_ok()).then(|| Self(text.to_owned()))
    }

    /// The share's name.
    pub fn name(&self) -> &str {
        self.0.split('/').next().unwrap_or_default()
    }

    /// The path below the share, `/` between segments.
    pub fn path(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, path)| path)
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
        formatter.write_str(&self.0)
    }
}
