//! Files as they are found in node packs, and lines as uv 0.9.18 and 0.13.8 judge them.

mod files;
mod forms;
mod packs;

use super::*;

/// File, line and text of what was refused.
fn refused(found: &Requirements) -> Vec<(&str, usize, &str)> {
    found.refused.iter().map(|refused| (refused.file.as_str(), refused.line, refused.text.as_str())).collect()
}
