//! Why a file did not come.

use std::path::PathBuf;

use comfydock_core::hint::Hint;
use comfydock_store::file;

/// Why a file did not come.
#[derive(Debug)]
pub enum Failure {
    /// Every source failed; a line for each.
    Sources(Vec<String>),
    /// This machine is in the way: a full disk, a folder that cannot be written.
    Here(file::Error),
    /// The name is taken by another file.
    Taken(PathBuf),
    /// The name is that of a link that leads nowhere now.
    Away(PathBuf),
    /// There is no room for it.
    NoRoom(String),
    /// It can run code when it is loaded, and nobody consented to that.
    Pickle,
    /// Somebody removed the part while it came.
    Removed,
    /// Another process took the work over, because this one gave no sign of life.
    Lost,
}

impl Failure {
    /// Whether what came is what filled the disk: then it is of no use there.
    pub(super) fn fills_the_disk(&self) -> bool {
        matches!(self, Self::Here(error) if error.is_full() && error.action == "write")
    }

    /// One line that says why.
    pub fn reason(&self) -> String {
        match self {
            Self::Sources(reasons) if reasons.is_empty() => "nobody says where it can be had".to_owned(),
            Self::Sources(reasons) => reasons.join("; "),
            Self::Here(error) => {
                let hint = error.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
                format!("{error}: {}{hint}", error.source)
            }
            Self::Taken(path) => format!("`{}` is another file and is left as it is", path.display()),
            Self::Away(path) => format!(
                "`{}` is a link that leads nowhere now and is left as it is; mount the drive it leads to, or remove the link",
                path.display()
            ),
            Self::NoRoom(reason) => reason.clone(),
            Self::Pickle => "it is a pickle, which can run code when it is loaded; if you trust whoever made it, \
                             add --allow-pickle"
                .to_owned(),
            Self::Removed => "its part was removed while it came; run the command again".to_owned(),
            Self::Lost => "another comfydock took it over while this one stood still; run the command again".to_owned(),
        }
    }
}
