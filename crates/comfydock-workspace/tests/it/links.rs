//! Bringing a file that is here to where ComfyUI looks for it.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};

use comfydock_workspace::models::place::{Brought, bring};

#[test]
fn a_file_gets_a_second_name_and_nothing_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("model"), "x").unwrap();
    assert_eq!(bring(&at("model"), &at("deep/er/second")).unwrap(), Brought::HardLink);
    assert_eq!(at("deep/er/second").metadata().unwrap().ino(), at("model").metadata().unwrap().ino());

    fs::write(at("taken"), "mine").unwrap();
    symlink("taken", at("link")).unwrap();
    for taken in ["taken", "link"] {
        let error = bring(&at("model"), &at(taken)).unwrap_err();
        assert!(error.to_string().contains(taken), "{error}");
    }
    assert_eq!(fs::read_to_string(at("link")).unwrap(), "mine");
    assert!(bring(&at("absent"), &at("third")).is_err() && at("third").symlink_metadata().is_err());
}

#[test]
fn a_link_is_resolved_and_one_that_leads_nowhere_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("model"), "x").unwrap();
    symlink("model", at("link")).unwrap();
    symlink("unmounted", at("place")).unwrap();
    let error = bring(&at("link"), &at("place")).unwrap_err();
    assert!(format!("{error:?}").contains("mount its drive, or remove the link"), "{error:?}");
    assert_eq!(fs::read_link(at("place")).unwrap(), std::path::Path::new("unmounted"));
    fs::remove_file(at("place")).unwrap();
    bring(&at("link"), &at("place")).unwrap();
    let placed = at("place").symlink_metadata().unwrap();
    assert!(placed.is_file() && placed.ino() == at("model").metadata().unwrap().ino());
}

#[test]
fn over_file_systems_it_is_a_symbolic_link() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir_in("/dev/shm").unwrap());
    let from = here.path().join("model");
    fs::write(&from, "x").unwrap();
    let to = there.path().join("model");
    let devices = (here.path().metadata().unwrap().dev(), there.path().metadata().unwrap().dev());
    assert_ne!(devices.0, devices.1, "/dev/shm is a file system of its own");
    assert_eq!(bring(&from, &to).unwrap(), Brought::SymbolicLink);
    assert_eq!(fs::read_link(&to).unwrap(), from.canonicalize().unwrap());
}
