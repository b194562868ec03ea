//! An environment's own history: the repository in `.cec`.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use comfydock_core::digest::CommitId;
use gix::bstr::BStr;
use gix::objs::tree::EntryKind;
use gix::refs::Target;
use gix::refs::transaction::{Change, LogChange, PreviousValue, RefEdit, RefLog};

use crate::objects::{Entry, Mode, Objects};
use crate::program::{self, Git};

mod blob;
mod history;

pub use history::SHORTEST_PREFIX;

/// The one branch of an environment.
pub const BRANCH: &str = "refs/heads/main";

/// What can go wrong in an environment's history.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The git program failed.
    #[error(transparent)]
    Program(#[from] program::Error),
    /// An object could not be read.
    #[error(transparent)]
    Objects(#[from] crate::objects::Error),
    /// The repository could not be opened, read or written.
    #[error("git repository `{}`: {message}", .path.display())]
    Gix {
        /// The repository's folder.
        path: PathBuf,
        /// What gix said.
        message: String,
    },
    /// A file that was to be written into it cannot be read.
    #[error("cannot read `{}`", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The branch moved while it was being changed.
    #[error("`{}` was changed by another program meanwhile", .0.display())]
    Moved(PathBuf),
}

impl comfydock_core::hint::Hint for Error {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Program(error) => error.hint(),
            Self::Moved(_) => Some("run the command again".to_owned()),
            _ => None,
        }
    }
}

/// Who a commit is by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// The name.
    pub name: String,
    /// The address.
    pub email: String,
}

/// One file of a commit to be made.
#[derive(Debug, Clone)]
pub struct NewFile {
    /// Its path, `/` between segments.
    pub path: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A file of a folder that is to be written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceFile {
    /// Its path in the folder, `/` between segments.
    pub path: String,
    /// Whether it may be run.
    pub executable: bool,
    /// Bytes, when it was looked at.
    pub size: u64,
}

/// One version in an environment's history.
#[derive(Debug, Clone)]
pub struct Version {
    /// N of `vN`: the position on the first-parent line (decision 27).
    pub number: usize,
    /// The commit.
    pub commit: CommitId,
    /// The whole message.
    pub message: String,
    /// Who made it.
    pub author: Author,
    /// When it was committed, in seconds since the epoch.
    pub seconds: i64,
}

/// The repository in `.cec`.
pub struct Repository {
    folder: PathBuf,
    gix: gix::Repository,
    is_in_memory: bool,
}

impl Repository {
    /// Makes an empty repository whose branch is `main`.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn init(folder: &Path) -> Result<Self, Error> {
        Git::new("init").args(["--quiet", "--initial-branch=main", "--template=", "--"]).args([folder]).run()?;
        Self::open(folder)
    }

    /// Opens the repository.
    ///
    /// # Errors
    /// When there is none.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        // The reflog needs somebody; commits name their author themselves.
        let options = gix::open::Options::isolated()
            .open_path_as_is(true)
            .config_overrides(["user.name=comfydock", "user.email=comfydock@localhost"]);
        let gix = gix::open_opts(folder.join(".git"), options)
            .map_err(|error| Error::Gix { path: folder.to_owned(), message: error.to_string() })?;
        Ok(Self { folder: folder.to_owned(), gix, is_in_memory: false })
    }

    /// The same repository, whose new objects are kept in memory and go with it: for what is only
    /// looked at.
    ///
    /// # Errors
    /// As [`Repository::open`].
    pub fn in_memory(&self) -> Result<Self, Error> {
        let Self { folder, gix, .. } = Self::open(&self.folder)?;
        Ok(Self { folder, gix: gix.with_object_memory(), is_in_memory: true })
    }

    fn fault(&self, error: impl std::fmt::Display) -> Error {
        Error::Gix { path: self.folder.clone(), message: error.to_string() }
    }

    /// The folder `.cec`.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its objects.
    ///
    /// # Errors
    /// When the object folder cannot be read.
    pub fn objects(&self) -> Result<Objects, Error> {
        Ok(Objects::open(&[self.folder.join(".git").join("objects")])?)
    }

    /// The commit a ref stands at.
    ///
    /// # Errors
    /// When the ref is there and cannot be read.
    pub fn find_ref(&self, name: &str) -> Result<Option<CommitId>, Error> {
        let reference = self.gix.try_find_reference(name).map_err(|error| self.fault(error))?;
        let Some(mut reference) = reference else { return Ok(None) };
        let id = reference.peel_to_id().map_err(|error| self.fault(error))?;
        CommitId::parse(&id.to_string()).map(Some).map_err(|error| self.fault(error))
    }

    /// The newest commit of the branch.
    ///
    /// # Errors
    /// As [`Repository::find_ref`].
    pub fn head(&self) -> Result<Option<CommitId>, Error> {
        self.find_ref(BRANCH)
    }

    /// Writes a commit with exactly these files; no ref moves. The first parent is the one that
    /// versions are counted along: of a merge the remote's tip (decision 27).
    ///
    /// # Errors
    /// When an object cannot be written.
    pub fn write_commit<'parent>(
        &self,
        files: &[NewFile],
        parents: impl IntoIterator<Item = &'parent CommitId>,
        message: &str,
        author: &Author,
        seconds: i64,
    ) -> Result<CommitId, Error> {
        let files =
            files.iter().map(|file| Ok((file.path.as_str(), EntryKind::Blob, Cow::Borrowed(file.bytes.as_slice()))));
        let tree = self.write_tree(files)?;
        self.commit_tree(tree, parents, message, author, seconds)
    }

    /// Writes a commit without parents that holds these files of a folder; no ref moves. One is read after
    /// the other.
    ///
    /// # Errors
    /// When a file cannot be read or an object not be written.
    pub fn write_source(
        &self,
        folder: &Path,
        files: &[SourceFile],
        message: &str,
        author: &Author,
        seconds: i64,
    ) -> Result<CommitId, Error> {
        let files = files.iter().map(|file| {
            let path = folder.join(&file.path);
            let bytes = std::fs::read(&path).map_err(|source| Error::File { path, source })?;
            let kind = if file.executable { EntryKind::BlobExecutable } else { EntryKind::Blob };
            Ok((file.path.as_str(), kind, Cow::Owned(bytes)))
        });
        let tree = self.write_tree(files)?;
        self.commit_tree(tree, None, message, author, seconds)
    }

    /// Writes a commit without parents that holds these files of another repository, as they are there; no
    /// ref moves. Links and submodules cannot be had so.
    ///
    /// # Errors
    /// When an object cannot be read or written.
    pub fn copy_commit(
        &self,
        objects: &Objects,
        entries: &[Entry],
        message: &str,
        author: &Author,
        seconds: i64,
    ) -> Result<CommitId, Error> {
        let files = entries.iter().map(|entry| {
            let kind = if entry.mode == Mode::Executable { EntryKind::BlobExecutable } else { EntryKind::Blob };
            Ok((BStr::new(&entry.path), kind, Cow::Owned(objects.blob(&entry.id)?)))
        });
        let tree = self.write_tree(files)?;
        self.commit_tree(tree, None, message, author, seconds)
    }

    fn write_tree<'file, P: gix::object::tree::editor::ToComponents>(
        &self,
        files: impl Iterator<Item = Result<(P, EntryKind, Cow<'file, [u8]>), Error>>,
    ) -> Result<gix::ObjectId, Error> {
        let mut editor = self.gix.edit_tree(self.gix.empty_tree().id).map_err(|error| self.fault(error))?;
        for file in files {
            let (path, kind, bytes) = file?;
            let blob = self.write_blob(&bytes)?;
            editor.upsert(path, kind, blob).map_err(|error| self.fault(error))?;
        }
        Ok(editor.write().map_err(|error| self.fault(error))?.detach())
    }

    fn commit_tree<'parent>(
        &self,
        tree: gix::ObjectId,
        parents: impl IntoIterator<Item = &'parent CommitId>,
        message: &str,
        author: &Author,
        seconds: i64,
    ) -> Result<CommitId, Error> {
        let time = format!("{seconds} +0000");
        let signature =
            gix::actor::SignatureRef { name: BStr::new(&author.name), email: BStr::new(&author.email), time: &time };
        let parents = parents.into_iter().map(|parent| self.id(parent)).collect::<Result<Vec<_>, _>>()?;
        let commit =
            self.gix.new_commit_as(signature, signature, message, tree, parents).map_err(|error| self.fault(error))?;
        CommitId::parse(&commit.id.to_string()).map_err(|error| self.fault(error))
    }

    fn id(&self, commit: &CommitId) -> Result<gix::ObjectId, Error> {
        gix::ObjectId::from_hex(commit.as_str().as_bytes()).map_err(|error| self.fault(error))
    }

    /// Moves a ref from `old` to `new`, and only from there.
    ///
    /// # Errors
    /// [`Error::Moved`] when it stands elsewhere.
    pub fn update_ref(&self, name: &str, old: Option<&CommitId>, new: &CommitId, why: &str) -> Result<(), Error> {
        let expected = match old {
            Some(old) => PreviousValue::MustExistAndMatch(Target::Object(self.id(old)?)),
            None => PreviousValue::MustNotExist,
        };
        let edit = RefEdit {
            change: Change::Update {
                log: LogChange { mode: RefLog::AndReference, force_create_reflog: false, message: why.into() },
                expected,
                new: Target::Object(self.id(new)?),
            },
            name: name.try_into().map_err(|error: gix::validate::reference::name::Error| self.fault(error))?,
            deref: false,
        };
        match self.gix.edit_reference(edit) {
            Ok(_) => Ok(()),
            Err(_) if self.find_ref(name)?.as_ref() != old => Err(Error::Moved(self.folder.clone())),
            Err(error) => Err(self.fault(error)),
        }
    }

    /// Removes lock files that a killed process left on the branch, HEAD and the index. Only for
    /// recovery, when the process that held them is known to be gone: git itself would wait for
    /// somebody who never comes back.
    ///
    /// # Errors
    /// When a lock file is there and cannot be removed.
    pub fn break_locks(&self) -> Result<(), Error> {
        for name in ["refs/heads/main.lock", "HEAD.lock", "index.lock", "packed-refs.lock", "logs/HEAD.lock"] {
            match std::fs::remove_file(self.folder.join(".git").join(name)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(self.fault(error)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Rebuilds the index from the branch, so that `git status` in `.cec` shows what the user
    /// changed and nothing else.
    ///
    /// # Errors
    /// When the branch's tree cannot be read or the index not written.
    pub fn rebuild_index(&self) -> Result<(), Error> {
        let Some(head) = self.head()? else { return Ok(()) };
        let commit = self.gix.find_commit(self.id(&head)?).map_err(|error| self.fault(error))?;
        let tree = commit.tree_id().map_err(|error| self.fault(error))?;
        let mut index = self.gix.index_from_tree(&tree).map_err(|error| self.fault(error))?;
        index.write(gix::index::write::Options::default()).map_err(|error| self.fault(error))
    }
}
