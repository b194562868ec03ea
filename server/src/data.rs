//! The data folder.

use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use comfydock_core::digest::Sha256;

/// The name under which git starts the hub's own binary to judge a push.
pub(crate) const HOOK: &str = "pre-receive";
/// Longest path a socket can have (`sun_path` has 108 bytes with its NUL).
const SOCKET_PATH_LIMIT: usize = 107;

/// Whoever made a folder, what is written into it is its owner's only: names of private
/// environments, users, sessions.
pub(crate) fn keep_private() {
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
}

/// Where everything the hub keeps lies.
#[derive(Debug, Clone)]
pub(crate) struct DataFolder {
    root: PathBuf,
}

impl DataFolder {
    /// Opens the folder, making it (for its owner only) when it is not there.
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        keep_private();
        let mut folder = DirBuilder::new();
        folder.recursive(true).mode(0o700);
        folder.create(root)?;
        // git and the hook run elsewhere, so every path must be absolute.
        let root = root.canonicalize()?;
        for name in ["repos", "hooks"] {
            folder.create(root.join(name))?;
        }
        Ok(Self { root })
    }

    /// Opens a folder that a hub has used before; nothing is made.
    pub(crate) fn find(root: &Path) -> io::Result<Option<Self>> {
        keep_private();
        match root.canonicalize() {
            Ok(root) if root.join("hub.db").is_file() => Ok(Some(Self { root })),
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(None),
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.root.join("hub.db")
    }

    pub(crate) fn configuration(&self) -> PathBuf {
        self.root.join("hub.toml")
    }

    /// What pushes hold together, and a backup alone (see `barrier`).
    pub(crate) fn pushes_lock(&self) -> PathBuf {
        self.root.join("pushes.lock")
    }

    /// What everybody passes on the way to that.
    pub(crate) fn pushes_gate(&self) -> PathBuf {
        self.root.join("pushes.gate")
    }

    pub(crate) fn admin_token(&self) -> PathBuf {
        self.root.join("admin-token")
    }

    pub(crate) fn hooks(&self) -> PathBuf {
        self.root.join("hooks")
    }

    /// An empty repository: what an environment looks like to git before its first push.
    pub(crate) fn empty_repository(&self) -> PathBuf {
        self.root.join("empty.git")
    }

    /// Where the repositories are.
    pub(crate) fn repositories(&self) -> PathBuf {
        self.root.join("repos")
    }

    /// The repository of an environment, by the environment's id.
    pub(crate) fn repository(&self, id: &str) -> PathBuf {
        self.root.join(repository_place(id))
    }

    /// Where repositories of purged environments lie until their files are removed.
    pub(crate) fn trash(&self) -> PathBuf {
        self.root.join("repos-trash")
    }

    /// The file of a model that the hub keeps.
    pub(crate) fn blob(&self, sha256: &Sha256) -> PathBuf {
        self.root.join(blob_place(sha256))
    }

    /// Where such files are.
    pub(crate) fn blobs(&self) -> PathBuf {
        self.root.join("blobs")
    }

    /// Where they arrive.
    pub(crate) fn uploads(&self) -> PathBuf {
        self.root.join("blobs/uploads")
    }

    /// What whoever puts such a file in its place holds, and whoever takes one away.
    pub(crate) fn blobs_lock(&self) -> PathBuf {
        self.root.join("blobs.lock")
    }

    /// Takes the folder for one serving hub; held until the file is dropped.
    pub(crate) fn lock(&self) -> io::Result<File> {
        let file = File::options().create(true).append(true).open(self.root.join("hub.lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => {
                let message = format!("another hub already serves {}", self.root.display());
                Err(io::Error::new(io::ErrorKind::WouldBlock, message))
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Lets git's hook be this very binary.
    pub(crate) fn link_hook(&self) -> io::Result<()> {
        let fresh = self.hooks().join(".pre-receive");
        match std::fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        std::os::unix::fs::symlink(std::env::current_exe()?, &fresh)?;
        std::fs::rename(fresh, self.hooks().join(HOOK))
    }

    /// Where the hook finds the hub: in the folder, or in a private folder under the system's
    /// temporary one when the path would be too long for a socket.
    pub(crate) fn socket(&self) -> io::Result<SocketPlace> {
        let path = self.root.join("hook.sock");
        if path.as_os_str().len() <= SOCKET_PATH_LIMIT {
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => return Ok(SocketPlace { path, folder: None }),
            }
        }
        let name = crate::random::secret::<8>().map_err(io::Error::other)?;
        let folder = std::env::temp_dir().join(format!("comfydock-hub-{name}"));
        DirBuilder::new().mode(0o700).create(&folder)?;
        Ok(SocketPlace { path: folder.join("hook.sock"), folder: Some(folder) })
    }
}

/// Where an environment's repository lies, in the hub's folder and in a backup.
pub(crate) fn repository_place(id: &str) -> PathBuf {
    Path::new("repos").join(id.get(..2).unwrap_or(id)).join(format!("{id}.git"))
}

/// Where the file of a model lies, in the hub's folder and in a backup.
pub(crate) fn blob_place(sha256: &Sha256) -> PathBuf {
    Path::new("blobs").join(sha256.short(2)).join(sha256.as_str())
}

/// The socket's path; it is removed with its private folder when this is dropped.
#[derive(Debug)]
pub(crate) struct SocketPlace {
    path: PathBuf,
    folder: Option<PathBuf>,
}

impl SocketPlace {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketPlace {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_dir(folder);
        }
    }
}
