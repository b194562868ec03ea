//! A small file system.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A tmpfs of some bytes, or nothing where mounting is not allowed.
pub(crate) struct Tmpfs {
    folder: PathBuf,
    /// Its folder, where it has one of its own; removed with it.
    own: Option<tempfile::TempDir>,
}

impl Tmpfs {
    pub(crate) fn mount(bytes: usize) -> Option<Self> {
        let own = tempfile::Builder::new().prefix("tmpfs-").tempdir().unwrap();
        let folder = own.path().to_owned();
        let mut mounted = Self::mount_at(&folder, bytes)?;
        mounted.own = Some(own);
        Some(mounted)
    }

    /// Over a folder that is there.
    pub(crate) fn mount_at(folder: &Path, bytes: usize) -> Option<Self> {
        let options = format!("size={bytes},mode=755");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &options, "comfydock-test"]).arg(folder);
        let mounted = mount.output().is_ok_and(|output| output.status.success());
        mounted.then(|| Self { folder: folder.to_owned(), own: None })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.folder
    }

    /// Makes it larger.
    pub(crate) fn grow(&self, bytes: usize) {
        let mut mount = Command::new("mount");
        mount.arg("-o").arg(format!("remount,size={bytes}")).arg(self.path());
        assert!(mount.status().unwrap().success(), "{mount:?}");
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.folder).output();
    }
}
