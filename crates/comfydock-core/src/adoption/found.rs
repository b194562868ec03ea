//! What can be known of an installation.

use crate::digest::{CommitId, Sha256};
use crate::path::ModelPath;
use crate::source::Source;

/// What is known of an installation: from its disk, or from a file that tells of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// ComfyUI itself.
    pub comfyui: ComfyUi,
    /// Major and minor version of its Python, as `3.11`.
    pub python: Option<String>,
    /// Its node packs, disabled ones included.
    pub packs: Vec<Pack>,
    /// Single files in `custom_nodes`.
    pub files: Vec<SingleFile>,
    /// The Python packages it was run with.
    pub packages: Vec<Package>,
    /// Models it needs, where it says so by hash.
    pub models: Vec<WantedModel>,
    /// What is there and could not be read, or cannot be had again.
    pub left: Vec<Left>,
}

/// ComfyUI, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ComfyUi {
    /// The commit it stands at.
    pub commit: Option<CommitId>,
    /// Where it was cloned from.
    pub url: Option<String>,
    /// What it calls its version, as `0.3.64`.
    pub version: Option<String>,
    /// Files of its own that were changed.
    pub modified: Vec<String>,
    /// Whether the commit is on a branch or tag of its remote, as far as the clone knows; none when it
    /// cannot tell.
    pub published: Option<bool>,
}

/// A node pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pack {
    /// Its folder, without what disables it.
    pub name: String,
    /// Whether ComfyUI skips it.
    pub disabled: bool,
    /// Where it comes from.
    pub origin: Origin,
    /// Where it lies; none when only a file tells of it.
    pub place: Option<String>,
    /// Where it leads, when it is a symbolic link.
    pub link: Option<String>,
}

/// Where a pack comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A git repository.
    Git(GitClone),
    /// The Comfy registry.
    Registry(Release),
    /// Nobody knows; the reason when there should be more to know.
    Folder(Option<String>),
}

/// A clone, or what a file says of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GitClone {
    /// Where it was cloned from.
    pub url: Option<String>,
    /// The commit it stands at.
    pub commit: Option<CommitId>,
    /// The branch it is on.
    pub branch: Option<String>,
    /// Tracked files with changes.
    pub modified: Vec<String>,
    /// Whether the commit is on a branch or tag of a remote, as far as the clone knows; none when it
    /// cannot tell, as in a shallow clone or a file.
    pub published: Option<bool>,
    /// Whether it holds other commits or stashes that are on no remote.
    pub other_work: bool,
    /// Files git does not track, ignored ones included.
    pub untracked: Vec<String>,
}

/// A pack of the Comfy registry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Release {
    /// Its id.
    pub id: String,
    /// Its version, three numbers; none when nobody wrote down a released one.
    pub version: Option<String>,
    /// Files of it that are gone.
    pub missing: Vec<String>,
    /// Files that lie in its folder and are not of it.
    pub added: Vec<String>,
}

/// A single Python file in `custom_nodes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SingleFile {
    /// Its name, without what disables it.
    pub name: String,
    /// Whether ComfyUI skips it.
    pub disabled: bool,
    /// Where it lies; none when only a file tells of it.
    pub place: Option<String>,
    /// Whether it asks where it lies, so that it would not find its way from another folder.
    pub knows_its_place: bool,
}

/// An installed Python package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its normalised name.
    pub name: String,
    /// Its version, local tag included.
    pub version: Option<String>,
    /// Where it came from.
    pub origin: PackageOrigin,
    /// What installed it, as `pip`, `uv` or `conda`.
    pub installer: Option<String>,
}

/// Where a Python package came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PackageOrigin {
    /// A package index.
    Index,
    /// A URL: a repository or an archive.
    Url(String),
    /// A folder it is worked on in.
    Editable(String),
}

/// A model that is needed, by its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedModel {
    /// Where it lies below a models folder.
    pub path: ModelPath,
    /// Bytes.
    pub size: Option<u64>,
    /// Its identity.
    pub sha256: Sha256,
    /// Where it can be had.
    pub sources: Vec<Source>,
}

/// Something that stays behind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Left {
    /// What it is.
    pub what: String,
    /// Why it stays behind.
    pub reason: String,
}

impl Left {
    /// Something that stays behind.
    pub fn new(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { what: what.into(), reason: reason.into() }
    }
}

impl Pack {
    /// A pack that only a file tells of.
    pub fn told(name: impl Into<String>, origin: Origin, disabled: bool) -> Self {
        Self { name: name.into(), disabled, origin, place: None, link: None }
    }
}

/// The folder that `git clone` makes of a URL.
pub fn folder_of(url: &str) -> Option<&str> {
    let url = url.split(['?', '#']).next().unwrap_or(url).trim_end_matches('/');
    let url = url.strip_suffix(".git").unwrap_or(url).trim_end_matches('/');
    url.rsplit(['/', ':']).next().filter(|name| !name.is_empty())
}
