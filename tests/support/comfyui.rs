//! ComfyUI's stand-in as a git repository with two releases.

use std::path::{Path, PathBuf};

use super::{git, project, write};

/// The first release.
pub(crate) const OLD: &str = "v0.3.64";
/// The release after it.
pub(crate) const NEW: &str = "v0.3.65";

/// The repository.
pub(crate) struct ComfyUi {
    folder: tempfile::TempDir,
    /// The commit of [`NEW`].
    pub(crate) new: String,
}

/// The unchanged copy in the project.
pub(crate) fn fixture() -> PathBuf {
    project().join("tests/fixtures/comfyui")
}

impl ComfyUi {
    pub(crate) fn new() -> Self {
        let requirements = std::fs::read_to_string(fixture().join("requirements.txt")).unwrap();
        Self::with_requirements(&requirements)
    }

    /// With other requirements than the stand-in itself has; it may not start then.
    pub(crate) fn with_requirements(requirements: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        git::git(path, &["init", "--quiet"]);
        for entry in std::fs::read_dir(fixture()).unwrap().flatten() {
            write(&path.join(entry.file_name()), std::fs::read(entry.path()).unwrap());
        }
        write(&path.join("requirements.txt"), requirements);
        write(&path.join(".gitignore"), "__pycache__/\n/custom_nodes/\n/models/\n/user/\n/input/\n/output/\n");
        write(&path.join("only_in_old.txt"), "goes with the next release\n");
        write(&path.join("old_folder/code.py"), "# goes too\n");
        git::commit(path, "Release 0.3.64", "2025-10-08T12:00:00Z");
        git::git(path, &["tag", OLD]);
        std::fs::remove_file(path.join("only_in_old.txt")).unwrap();
        std::fs::remove_dir_all(path.join("old_folder")).unwrap();
        write(&path.join("comfyui_version.py"), "__version__ = \"0.3.65\"\n");
        let new = git::commit(path, "Release 0.3.65", "2025-10-14T12:00:00Z");
        git::git(path, &["tag", NEW]);
        Self { folder, new }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn url(&self) -> &str {
        self.path().to_str().unwrap()
    }
}
