//! Which ComfyUI the new environment gets.

use super::Wish;
use crate::adoption::{ComfyUi, Left};
use crate::digest::CommitId;

/// Which ComfyUI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Where it comes from.
    pub url: String,
    /// Which state of it.
    pub at: At,
}

/// Which state of ComfyUI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// What the user chose: a tag, branch or commit.
    Chosen(String),
    /// The commit that is installed. Where the repository does not have it, the release it calls
    /// itself.
    Commit {
        /// The commit.
        commit: CommitId,
        /// What it calls its version.
        version: Option<String>,
    },
    /// The release of this version.
    Release(String),
    /// The newest release.
    Newest,
}

pub(super) fn wanted(found: &ComfyUi, wish: &Wish, left: &mut Vec<Left>) -> Wanted {
    let own = found.url.clone().filter(|_| !wish.url_is_chosen);
    let url = own.unwrap_or_else(|| wish.comfyui_url.clone());
    if !found.modified.is_empty() {
        left.push(Left::new("changes of ComfyUI's own files", list(&found.modified)));
    }
    let at = match (&wish.comfyui_version, &found.commit, &found.version) {
        (Some(chosen), ..) => At::Chosen(chosen.clone()),
        (None, Some(commit), version) => At::Commit { commit: commit.clone(), version: version.clone() },
        (None, None, Some(version)) => {
            left.push(Left::new("ComfyUI's commit", format!("it is no git checkout; the release {version} is taken")));
            At::Release(version.clone())
        }
        (None, None, None) => {
            left.push(Left::new("ComfyUI's version", "nothing says it; the newest release is taken"));
            At::Newest
        }
    };
    Wanted { url, at }
}

/// The tag of a release.
pub fn tag_for<'a>(version: &str, tags: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let bare = |text: &'a str| text.strip_prefix('v').unwrap_or(text);
    let version = version.strip_prefix('v').unwrap_or(version);
    tags.into_iter().find(|tag| bare(tag) == version)
}

/// The first of several names, and how many more.
pub(super) fn list(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(3).map(String::as_str).collect();
    match names.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
