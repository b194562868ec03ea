//! Which file system a path is on, and what is free there.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A file system as seen from a path on it.
#[derive(Debug, Clone)]
pub struct Space {
    /// Where it is mounted.
    pub mount_point: PathBuf,
    /// Bytes an ordinary user can still write.
    pub available: u64,
    /// Bytes the file system has in all.
    pub total: u64,
    /// The device number, equal for two paths on one file system.
    pub device: u64,
}

/// The nearest ancestor of `path` that exists, `path` itself included.
fn existing(path: &Path) -> PathBuf {
    path.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(Path::new("/")).to_owned()
}

impl Space {
    /// Looks at the file system that holds `path`, or would hold it once made.
    ///
    /// # Errors
    /// When no ancestor can be inspected.
    pub fn of(path: &Path) -> io::Result<Self> {
        let start = existing(path).canonicalize()?;
        let device = start.metadata()?.dev();
        let mount_point = start
            .ancestors()
            .take_while(|ancestor| ancestor.metadata().is_ok_and(|meta| meta.dev() == device))
            .last()
            .unwrap_or(&start)
            .to_owned();
        let stat = rustix::fs::statvfs(&start)?;
        Ok(Self {
            mount_point,
            available: stat.f_bavail.saturating_mul(stat.f_frsize),
            total: stat.f_blocks.saturating_mul(stat.f_frsize),
            device,
        })
    }
}

/// Whether a rename can bring something from one of these places to the other.
pub fn same_file_system(one: &Path, other: &Path) -> bool {
    let device = |path: &Path| existing(path).metadata().map(|meta| meta.dev()).ok();
    device(one).is_some_and(|left| device(other) == Some(left))
}
