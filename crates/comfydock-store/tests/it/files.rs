//! Files replaced whole or not at all.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use comfydock_core::hint::Hint as _;
use comfydock_store::file::{self, Error};

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_file_is_replaced_and_nothing_stays_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.json");
    file::write(&path, b"old").unwrap();
    file::write(&path, b"new").unwrap();
    assert_eq!(file::read(&path).unwrap(), b"new");
    assert_eq!(names(folder.path()), ["x.json"]);
    file::write_with_mode(&path, b"secret", 0o600).unwrap();
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(file::read_text(&path).unwrap(), "secret");
}

#[test]
fn a_write_that_fails_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("taken");
    fs::create_dir(&taken).unwrap();
    fs::write(taken.join("kept"), "kept").unwrap();
    let error = file::write(&taken, b"new").unwrap_err();
    assert_eq!((error.action, &error.path), ("replace", &taken));
    assert_eq!(fs::read(taken.join("kept")).unwrap(), b"kept");
    assert_eq!(names(folder.path()), ["taken"], "no temporary file is left");

    let error = file::write(&folder.path().join("none/x"), b"new").unwrap_err();
    assert!(error.to_string().contains("none/x"), "{error}");
    assert_eq!(names(folder.path()), ["taken"], "folders are not made on the side");
}

#[test]
fn a_full_file_system_is_told_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    // /dev/full refuses every byte; what it says is what a full disk says.
    let source = fs::write("/dev/full", b"x").unwrap_err();
    let error = Error::at("write", &path)(source);
    assert!(error.is_full());
    let hint = error.hint().unwrap();
    assert!(hint.contains("is full") && hint.contains("bytes free"), "{hint}");
}

#[test]
fn a_reader_sees_the_old_bytes_or_the_new_ones() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    let (old, new) = (vec![b'o'; 300_000], vec![b'n'; 200_000]);
    file::write(&path, &old).unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..20 {
                file::write(&path, &new).unwrap();
                file::write(&path, &old).unwrap();
            }
            done.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        while !done.load(std::sync::atomic::Ordering::Relaxed) {
            let seen = file::read(&path).unwrap();
            assert!(seen == old || seen == new, "{} bytes", seen.len());
        }
    });
}

#[test]
fn an_absent_file_is_told_from_one_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    assert_eq!(file::find_text(&path).unwrap(), None);
    assert!(file::read(&path).is_err());
    fs::write(&path, [0xff]).unwrap();
    assert!(file::find_text(&path).is_err() && file::read_text(&path).is_err());
    assert!(file::find_text(folder.path()).is_err());
}

#[test]
fn a_folder_is_made_with_those_above_and_never_over_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("a/b/c");
    file::create_folder(&deep).unwrap();
    file::create_folder(&deep).unwrap();
    fs::write(deep.join("x"), "x").unwrap();
    assert!(file::create_folder(&deep.join("x")).is_err());
    assert!(file::create_folder(&deep.join("x/y")).is_err());
    assert_eq!(fs::read(deep.join("x")).unwrap(), b"x");
}
