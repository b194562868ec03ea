//! Names that are taken, and links.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;

use comfydock_store::file::{leads_nowhere, remove, rename_new};

#[test]
fn a_rename_never_replaces() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("new"), "new").unwrap();
    fs::write(at("file"), "old").unwrap();
    fs::create_dir(at("folder")).unwrap();
    symlink("nowhere", at("dangling")).unwrap();
    for taken in ["file", "folder", "dangling"] {
        let error = rename_new(&at("new"), &at(taken)).unwrap_err();
        assert_eq!(error.source.kind(), ErrorKind::AlreadyExists, "{taken}");
        assert_eq!(error.path, at(taken));
    }
    assert_eq!(fs::read(at("file")).unwrap(), b"old");
    assert_eq!(fs::read_link(at("dangling")).unwrap().to_str(), Some("nowhere"));

    rename_new(&at("new"), &at("free")).unwrap();
    assert_eq!(fs::read(at("free")).unwrap(), b"new");
    assert_eq!(rename_new(&at("new"), &at("free2")).unwrap_err().source.kind(), ErrorKind::NotFound);
    rename_new(&at("dangling"), &at("moved")).unwrap();
    assert!(at("moved").is_symlink(), "a link moves as a link");
}

#[test]
fn a_link_that_leads_nowhere_is_told_from_all_else() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("file"), "x").unwrap();
    symlink("file", at("live")).unwrap();
    symlink("nowhere", at("dangling")).unwrap();
    symlink("loop", at("loop")).unwrap();
    for (name, nowhere) in [("file", false), ("live", false), ("dangling", true), ("loop", true), ("absent", false)] {
        assert_eq!(leads_nowhere(&at(name)), nowhere, "{name}");
    }
}

#[test]
fn removing_a_link_leaves_what_it_leads_to() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("real/deep")).unwrap();
    fs::write(at("real/deep/x"), "x").unwrap();
    symlink("real", at("link")).unwrap();
    fs::create_dir(at("holder")).unwrap();
    symlink("../real", at("holder/link")).unwrap();
    for name in ["link", "holder", "absent", "absent/deeper"] {
        remove(&at(name)).unwrap();
        assert!(at(name).symlink_metadata().is_err(), "{name}");
    }
    assert_eq!(fs::read(at("real/deep/x")).unwrap(), b"x");
    remove(&at("real")).unwrap();
    assert!(!at("real").exists());
}
