//! Zips that no pack should be: nothing is written outside, and nothing is left.

use std::fs;
use std::path::{Path, PathBuf};

use crate::pack_zip::{self, Entry};
use crate::registry_ask::World;
use crate::registry_packs::told;

/// Every file and link below a folder, with its bytes.
fn tree(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            found.extend(tree(&entry.path()));
        } else {
            found.push((entry.path(), fs::read(entry.path()).unwrap_or_default()));
        }
    }
    found.sort();
    found
}

fn refused(zip: Vec<u8>, words: &str) {
    let world = World::new();
    let around = world.place.root("");
    world.registry.publish_zip("comfyui-pack", "6.6.6", zip);
    // The pack's lock, and the answer about it that is kept.
    world.registry.mood("zip", crate::site::Reply::new(404), 1);
    world.fetch("6.6.6", None).unwrap_err();
    let before = tree(&around);
    let error = world.fetch("6.6.6", None).unwrap_err();
    assert!(told(&error).contains(words), "{words}: {}", told(&error));
    assert!(told(&error).contains("comfyui-pack 6.6.6"), "{}", told(&error));
    assert_eq!(world.registry.calls("zip"), 2, "{words}: such a zip is not fetched again");
    assert_eq!(world.kept(), Vec::<String>::new(), "{words}");
    assert!(tree(&around) == before, "{words}: something was written");
}

fn with(entries: &[Entry]) -> Vec<u8> {
    pack_zip::write(&[&[Entry::file("__init__.py", b"")], entries].concat())
}

#[test]
fn names_that_lead_out() {
    for (name, words) in [
        ("../../../../escaped.py", "climbs"),
        ("a/../../escaped.py", "climbs"),
        ("/tmp/comfydock-escaped.py", "absolute"),
        ("..\\..\\escaped.py", "backslash"),
        ("C:\\escaped.py", "backslash"),
        ("C:/escaped.py", "drive"),
        ("a/.git/hooks/post-checkout", "git's own"),
        ("a\nb", "control"),
        ("", "no name"),
        ("./escaped.py", "climbs"),
        ("../", "climbs"),
    ] {
        refused(with(&[Entry::file(name, b"x")]), words);
    }
    assert!(!Path::new("/tmp/comfydock-escaped.py").exists());
}

#[test]
fn links_and_devices() {
    refused(with(&[Entry::link("link", "/etc/passwd")]), "is a link");
    // A link first, then a file through it.
    refused(with(&[Entry::link("out", "/tmp"), Entry::file("out/escaped.py", b"x")]), "is a link");
    for mode in [0o020_666, 0o060_666, 0o010_644, 0o140_755] {
        refused(with(&[Entry { mode, ..Entry::file("device", b"") }]), "is no file");
    }
}

#[test]
fn names_twice() {
    refused(with(&[Entry::file("__init__.py", b"other")]), "two entries of one name");
    refused(with(&[Entry::file("__INIT__.py", b"other")]), "case only");
    refused(with(&[Entry::file("a", b""), Entry::file("a/b", b"")]), "lies in a file");
    refused(with(&[Entry::file("a/b", b""), Entry::file("a", b"")]), "is there twice");
}

#[test]
fn bombs() {
    let zeros = vec![0; 40 << 20];
    refused(with(&[Entry::file("zeros.bin", &zeros)]), "more than 100 times its size");
    let small = Entry { claims: Some(10), ..Entry::file("small.bin", &zeros) };
    refused_somehow(with(&[small]));
    let many: Vec<Entry> = (0..50_001).map(|number| Entry::file(&format!("{number}"), b"")).collect();
    refused(pack_zip::write(&many), "more than 50000 entries");
    let mut large = with(&[]);
    let end = large.len() - 22;
    // The locator of a large directory in front of the end record.
    large.splice(end..end, [&b"PK\x06\x07"[..], &[0; 16]].concat());
    refused(large, "larger than a pack may be");
}

/// Whether a lie about a size is noticed as one or by what comes of it is the library's matter.
fn refused_somehow(zip: Vec<u8>) {
    let world = World::new();
    world.registry.publish_zip("comfyui-pack", "6.6.6", zip);
    match world.fetch("6.6.6", None) {
        Err(error) => assert!(told(&error).contains("the zip of comfyui-pack 6.6.6"), "{}", told(&error)),
        Ok(stored) => panic!("{:?}", stored.files()),
    }
    assert_eq!(world.kept(), Vec::<String>::new());
}

#[test]
fn damage() {
    refused(Vec::new(), "cannot be read");
    refused(b"<!DOCTYPE html>".to_vec(), "cannot be read");
    refused(pack_zip::write(&[]), "holds no file");
    let whole = with(&[Entry::file("text.txt", &b"some text, and more of it ".repeat(40))]);
    refused(whole[..whole.len() - 30].to_vec(), "cannot be read");
    let at = whole.windows(8).position(|window| window == b"text.txt").unwrap() + 12;
    let mut flipped = whole;
    flipped[at] ^= 0x55;
    refused(flipped, "cannot be read");
}
