//! File systems, also of paths that are not there yet.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use comfydock_store::space::{Space, same_file_system};

#[test]
fn a_path_that_is_not_there_is_on_its_ancestors_file_system() {
    let folder = tempfile::tempdir().unwrap();
    let here = Space::of(folder.path()).unwrap();
    let there = Space::of(&folder.path().join("a/b/c")).unwrap();
    assert_eq!((here.device, &here.mount_point), (there.device, &there.mount_point));
    assert_eq!(here.device, folder.path().metadata().unwrap().dev());
    assert!(folder.path().canonicalize().unwrap().starts_with(&here.mount_point));
    assert!(here.available > 0);
    assert!(same_file_system(folder.path(), &folder.path().join("a/b")));
}

#[test]
fn another_file_system_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    assert!(!same_file_system(folder.path(), Path::new("/proc")));
    assert_eq!(Space::of(Path::new("/proc/self")).unwrap().mount_point, Path::new("/proc"));
}
