//! Paths without `.` and `..`, as Python's `normpath` writes them: links are not looked at.

use std::path::{Component, Path, PathBuf};

pub(super) fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}
