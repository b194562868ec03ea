//! What a removal frees.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Bytes of the disk that are free when this is removed: files that have other names elsewhere stay.
pub fn freed_by(path: &Path) -> u64 {
    let Ok(about) = path.symlink_metadata() else { return 0 };
    let own = if about.is_dir() || about.nlink() == 1 { about.blocks() * 512 } else { 0 };
    if !about.is_dir() {
        return own;
    }
    let inside = std::fs::read_dir(path).into_iter().flatten().flatten();
    own + inside.map(|entry| freed_by(&entry.path())).sum::<u64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_another_name_is_not_freed() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("inside");
        std::fs::create_dir(&inside).unwrap();
        let empty = freed_by(folder.path());
        std::fs::write(inside.join("own"), [1; 100_000]).unwrap();
        let own = freed_by(folder.path());
        assert!((100_000..110_000).contains(&(own - empty)), "{empty} {own}");
        let elsewhere = tempfile::NamedTempFile::new_in(folder.path().parent().unwrap()).unwrap();
        std::fs::write(elsewhere.path(), [2; 100_000]).unwrap();
        std::fs::hard_link(elsewhere.path(), inside.join("shared")).unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), inside.join("link")).unwrap();
        assert!(freed_by(folder.path()) - own < 10_000);
        assert_eq!(freed_by(&folder.path().join("nothing")), 0);
    }
}
