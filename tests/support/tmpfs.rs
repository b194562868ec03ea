//! A small file system.

use std::path::Path;
use std::process::Command;

/// A tmpfs of some bytes, or nothing where mounting is not allowed.
pub(crate) struct Tmpfs {
    folder: tempfile::TempDir,
}

impl Tmpfs {
    pub(crate) fn mount(bytes: usize) -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("tmpfs-").tempdir().unwrap();
        let options = format!("size={bytes},mode=755");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &options, "comfydock-test"]).arg(folder.path());
        mount.output().is_ok_and(|output| output.status.success()).then_some(Self { folder })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
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
        let _ = Command::new("umount").arg("--lazy").arg(self.folder.path()).output();
    }
}
