//! Reading commits, trees and blobs straight from object folders.
//!
//! A folder is the `objects` folder of a repository or the quarantine of a push. Several can be
//! read as one: a pushed tree lies partly in the quarantine, partly in the repository itself.

mod history;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub use self::history::WALK_LIMIT;
pub use comfydock_core::foreign::Mode;
use comfydock_core::foreign::TreeEntry;
use gix::objs::{CommitRefIter, Find as _, FindHeader as _, Kind, TreeRefIter, tree::EntryKind};
use gix::{ObjectId, hash};

/// Most files and folders one tree may hold; a bigger one is no ComfyUI environment.
pub const ENTRY_LIMIT: usize = 20_000;
/// Most folders inside each other.
pub const DEPTH_LIMIT: usize = 32;
/// Bytes of one commit, tag or tree object, so that a hostile one cannot fill the memory.
const STRUCTURE_LIMIT: u64 = 16 * 1024 * 1024;

/// Why an object could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An object folder cannot be opened.
    #[error("cannot open the object folder {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The text is no object id.
    #[error("`{0}` is not a git object id")]
    Id(String),
    /// No folder holds the object.
    #[error("the git object {0} is missing")]
    Missing(String),
    /// The object is there and cannot be decoded.
    #[error("the git object {id} cannot be read: {reason}")]
    Damaged {
        /// The object.
        id: String,
        /// What the decoder said.
        reason: String,
    },
    /// The object is of another kind.
    #[error("the git object {id} is a {found}, not a {wanted}")]
    Kind {
        /// The object.
        id: String,
        /// What it is.
        found: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// The object exceeds the limit.
    #[error("the git object {id} has {size} bytes, more than {limit}")]
    TooLarge {
        /// The object.
        id: String,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The tree has too many files.
    #[error("the tree has more than {ENTRY_LIMIT} files and folders")]
    TooManyEntries,
    /// The tree has too many folders inside each other.
    #[error("the tree has more than {DEPTH_LIMIT} folders inside each other")]
    TooDeep,
    /// There are too many commits.
    #[error("there are more than {limit} commits")]
    TooManyCommits {
        /// The limit.
        limit: usize,
    },
    /// Nobody waits for it any more.
    #[error("nothing more is read: nobody waits for it")]
    Ended,
    /// There is too much of something.
    #[error("there are more than {limit} {what}")]
    TooMuch {
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
}

impl Error {
    /// Whether the objects are sound and only too many or too large.
    pub fn is_limit(&self) -> bool {
        matches!(
            self,
            Self::TooLarge { .. }
                | Self::TooManyEntries
                | Self::TooDeep
                | Self::TooManyCommits { .. }
                | Self::TooMuch { .. }
        )
    }
}

/// One entry of a folder as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TreeItem {
    /// A folder.
    Folder {
        /// Its name.
        name: Vec<u8>,
        /// The id of its tree.
        id: String,
    },
    /// A file, or a link with its target as content.
    File {
        /// Its name.
        name: Vec<u8>,
        /// The id of its blob.
        id: String,
    },
    /// A commit of another repository.
    Submodule,
}

/// One file of a tree. Folders do not appear: listings are flat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The path below the root, `/`-separated, as recorded: any bytes but NUL.
    pub path: Vec<u8>,
    /// What it is.
    pub mode: Mode,
    /// The object id in hexadecimal.
    pub id: String,
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The id of its tree.
    pub tree: String,
    /// The ids of its parents, first parent first.
    pub parents: Vec<String>,
    /// The author's name.
    pub author_name: String,
    /// The author's address.
    pub author_email: String,
    /// When it was committed, in seconds since 1970.
    pub seconds: i64,
    /// The message, complete.
    pub message: String,
}

/// A walk through a tree.
#[derive(Default)]
struct Listing {
    prefix: Vec<u8>,
    visited: usize,
    entries: Vec<Entry>,
}

/// Object folders, read as one.
pub struct Objects {
    stores: Vec<gix::odb::Handle>,
    /// Once it is set nothing more is read.
    end: Option<Arc<AtomicBool>>,
}

impl Objects {
    /// Opens the folders, the one to be asked first in front. Each one's `info/alternates` count.
    ///
    /// # Errors
    /// When a folder does not exist or cannot be read.
    pub fn open<P: AsRef<Path>>(folders: &[P]) -> Result<Self, Error> {
        let open = |folder: &P| {
            gix::odb::at(folder.as_ref(), hash::Kind::Sha1)
                .map_err(|source| Error::Folder { path: folder.as_ref().to_owned(), source })
        };
        Ok(Self { stores: folders.iter().map(open).collect::<Result<_, _>>()?, end: None })
    }

    /// The same, readable until `end` is set: who waits for the outcome of much work may go away.
    #[must_use]
    pub fn until(self, end: Arc<AtomicBool>) -> Self {
        Self { end: Some(end), ..self }
    }

    /// Every file below the commit's tree, in git's order, with its full path.
    ///
    /// # Errors
    /// When an object is missing or damaged, or the tree exceeds [`ENTRY_LIMIT`] or [`DEPTH_LIMIT`].
    pub fn tree(&self, commit: &str) -> Result<Vec<Entry>, Error> {
        let tree = parse_id(&self.commit(commit)?.tree)?;
        let mut listing = Listing::default();
        self.walk(tree, 0, &mut listing)?;
        Ok(listing.entries)
    }

    fn walk(&self, tree: ObjectId, depth: usize, listing: &mut Listing) -> Result<(), Error> {
        if depth > DEPTH_LIMIT {
            return Err(Error::TooDeep);
        }
        let data = self.structure(tree, Kind::Tree)?;
        for entry in TreeRefIter::from_bytes(&data, hash::Kind::Sha1) {
            let entry = entry.map_err(|error| damaged(tree, &error))?;
            // Folders count too, or trees of nothing but folders could go on for ever.
            listing.visited += 1;
            if listing.visited > ENTRY_LIMIT {
                return Err(Error::TooManyEntries);
            }
            let parent = listing.prefix.len();
            listing.prefix.extend_from_slice(entry.filename);
            let mode = match entry.mode.kind() {
                EntryKind::Tree => None,
                EntryKind::Blob => Some(Mode::File),
                EntryKind::BlobExecutable => Some(Mode::Executable),
                EntryKind::Link => Some(Mode::Link),
                EntryKind::Commit => Some(Mode::Submodule),
            };
            match mode {
                None => {
                    listing.prefix.push(b'/');
                    self.walk(entry.oid.into(), depth + 1, listing)?;
                }
                Some(mode) => {
                    let path = listing.prefix.clone();
                    listing.entries.push(Entry { path, mode, id: entry.oid.to_string() });
                }
            }
            listing.prefix.truncate(parent);
        }
        Ok(())
    }

    /// The entries of one tree that lies `depth` folders below its root.
    ///
    /// # Errors
    /// When the object is missing, damaged or no tree, or lies deeper than [`DEPTH_LIMIT`].
    pub fn folder(&self, tree: &str, depth: usize) -> Result<Vec<TreeItem>, Error> {
        if depth > DEPTH_LIMIT {
            return Err(Error::TooDeep);
        }
        let id = parse_id(tree)?;
        let data = self.structure(id, Kind::Tree)?;
        let item = |entry: gix::objs::tree::EntryRef<'_>| match entry.mode.kind() {
            EntryKind::Tree => TreeItem::Folder { name: entry.filename.to_vec(), id: entry.oid.to_string() },
            EntryKind::Commit => TreeItem::Submodule,
            EntryKind::Blob | EntryKind::BlobExecutable | EntryKind::Link => {
                TreeItem::File { name: entry.filename.to_vec(), id: entry.oid.to_string() }
            }
        };
        let entries = TreeRefIter::from_bytes(&data, hash::Kind::Sha1);
        entries.map(|entry| entry.map(item).map_err(|error| damaged(id, &error))).collect()
    }

    /// The entries as the judge of foreign trees wants them.
    ///
    /// # Errors
    /// When an object is missing or damaged.
    pub fn foreign(&self, entries: &[Entry]) -> Result<Vec<TreeEntry>, Error> {
        let size = |entry: &Entry| match entry.mode {
            Mode::File | Mode::Executable => self.blob_size(&entry.id),
            Mode::Link | Mode::Submodule => Ok(0),
        };
        entries
            .iter()
            .map(|entry| Ok(TreeEntry { path: entry.path.clone(), mode: entry.mode, size: size(entry)? }))
            .collect()
    }

    /// The content of a file.
    ///
    /// # Errors
    /// When the object is missing, damaged or no blob. Ask [`Self::blob_size`] first where size matters.
    pub fn blob(&self, id: &str) -> Result<Vec<u8>, Error> {
        let id = parse_id(id)?;
        let (kind, data) = self.find(id)?;
        if kind == Kind::Blob { Ok(data) } else { Err(wrong_kind(id, kind, "blob")) }
    }

    /// The size of a file in bytes, without reading it.
    ///
    /// # Errors
    /// When the object is missing, damaged or no blob.
    pub fn blob_size(&self, id: &str) -> Result<u64, Error> {
        let id = parse_id(id)?;
        match self.header(id)? {
            (Kind::Blob, size) => Ok(size),
            (kind, _) => Err(wrong_kind(id, kind, "blob")),
        }
    }

    /// A commit.
    ///
    /// # Errors
    /// When the object is missing, damaged or no commit.
    pub fn commit(&self, id: &str) -> Result<Commit, Error> {
        let id = parse_id(id)?;
        let data = self.structure(id, Kind::Commit)?;
        let tokens = || CommitRefIter::from_bytes(&data, hash::Kind::Sha1);
        let author = tokens().author().map_err(|error| damaged(id, &error))?;
        let committer = tokens().committer().map_err(|error| damaged(id, &error))?;
        Ok(Commit {
            tree: tokens().tree_id().map_err(|error| damaged(id, &error))?.to_string(),
            parents: tokens().parent_ids().map(|id| id.to_string()).collect(),
            author_name: author.name.to_string(),
            author_email: author.email.to_string(),
            seconds: committer.seconds(),
            message: tokens().message().map_err(|error| damaged(id, &error))?.to_string(),
        })
    }

    /// The commit that an id means: itself, or what an annotated tag points to.
    ///
    /// # Errors
    /// When an object is missing or damaged, or it ends at something that is no commit.
    pub fn peel_to_commit(&self, id: &str) -> Result<String, Error> {
        let mut current = parse_id(id)?;
        for _ in 0..8 {
            match self.header(current)? {
                (Kind::Commit, _) => return Ok(current.to_string()),
                (Kind::Tag, _) => {
                    let data = self.structure(current, Kind::Tag)?;
                    current = gix::objs::TagRefIter::from_bytes(&data, hash::Kind::Sha1)
                        .target_id()
                        .map_err(|error| damaged(current, &error))?;
                }
                (kind, _) => return Err(wrong_kind(current, kind, "commit")),
            }
        }
        Err(damaged(current, &"too many tags pointing to tags"))
    }

    fn structure(&self, id: ObjectId, wanted: Kind) -> Result<Vec<u8>, Error> {
        let (_, size) = self.header(id)?;
        if size > STRUCTURE_LIMIT {
            return Err(Error::TooLarge { id: id.to_string(), size, limit: STRUCTURE_LIMIT });
        }
        let (kind, data) = self.find(id)?;
        let name = match wanted {
            Kind::Tree => "tree",
            Kind::Tag => "tag",
            Kind::Blob => "blob",
            Kind::Commit => "commit",
        };
        if kind == wanted { Ok(data) } else { Err(wrong_kind(id, kind, name)) }
    }

    fn find(&self, id: ObjectId) -> Result<(Kind, Vec<u8>), Error> {
        if self.end.as_ref().is_some_and(|end| end.load(Ordering::Relaxed)) {
            return Err(Error::Ended);
        }
        let mut data = Vec::new();
        for store in &self.stores {
            let kind = store.try_find(&id, &mut data).map_err(|error| damaged(id, &error))?.map(|found| found.kind);
            if let Some(kind) = kind {
                return Ok((kind, data));
            }
        }
        Err(Error::Missing(id.to_string()))
    }

    fn header(&self, id: ObjectId) -> Result<(Kind, u64), Error> {
        for store in &self.stores {
            if let Some(header) = store.try_header(&id).map_err(|error| damaged(id, &error))? {
                return Ok((header.kind, header.size));
            }
        }
        Err(Error::Missing(id.to_string()))
    }
}

fn parse_id(text: &str) -> Result<ObjectId, Error> {
    ObjectId::from_hex(text.as_bytes()).map_err(|_| Error::Id(text.chars().take(80).collect()))
}

fn damaged(id: ObjectId, error: &dyn std::fmt::Display) -> Error {
    Error::Damaged { id: id.to_string(), reason: error.to_string() }
}

fn wrong_kind(id: ObjectId, found: Kind, wanted: &'static str) -> Error {
    Error::Kind { id: id.to_string(), found: found.to_string(), wanted }
}

#[cfg(test)]
mod tests;
