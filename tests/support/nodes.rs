//! Custom node packs in git repositories.

use std::path::{Path, PathBuf};

use super::{git, write};

/// A pack that needs `six`, which nothing else brings.
pub(crate) struct NodePack {
    folder: tempfile::TempDir,
    /// Its commit.
    pub(crate) commit: String,
}

impl NodePack {
    /// The name of its folder.
    pub(crate) const NAME: &str = "comfyui-six";

    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(Self::NAME);
        write(
            &path.join("__init__.py"),
            "import six\n\n\nclass Six:\n    pass\n\n\nNODE_CLASS_MAPPINGS = {\"Six\": Six}\n",
        );
        write(&path.join("requirements.txt"), "six\n");
        git::git(&path, &["init", "--quiet"]);
        let commit = git::commit(&path, "Six", "2025-10-01T12:00:00Z");
        Self { folder, commit }
    }

    /// The URL of a pack with these files beside its module, which loads nothing; made in `folder`
    /// unless it is there.
    pub(crate) fn with(folder: &Path, name: &str, files: &[(&str, &str)]) -> String {
        let path = folder.join(name);
        if path.exists() {
            return file_url(&path);
        }
        write(&path.join("__init__.py"), "NODE_CLASS_MAPPINGS = {}\n");
        files.iter().for_each(|(file, text)| write(&path.join(file), text));
        git::git(&path, &["init", "--quiet"]);
        git::commit(&path, "Pack", "2025-10-01T12:00:00Z");
        file_url(&path)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join(Self::NAME)
    }

    pub(crate) fn url(&self) -> String {
        file_url(&self.path())
    }
}

/// The URL of a repository on this machine.
pub(crate) fn file_url(path: &Path) -> String {
    format!("file://{}", path.display())
}
