//! What is packed: always the same bytes, and read by everyone.

use std::path::Path;
use std::process::Command;

use comfydock_bundle::pack::{Error, Item, content_digest, measure, pack};
use comfydock_bundle::unpack::{Allowance, Unpacked, unpack};
use comfydock_store::hash::sha256_of;

/// The SHA-256 of the archive of [`fixture`]. Other bytes are another format: whoever has a bundle of the
/// version before could not make it again.
const GOLDEN: &str = "3f88825c3bff8718f9b9345c2a1889e1d6b5db4faff47bd44e7a8bb95ee142ef";

/// More than one piece of the encoder, of bytes that look packed.
fn picture() -> Vec<u8> {
    let mut state = 7_u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..2_500_000).map(|_| random()).collect()
}

fn fixture() -> Vec<Item<'static>> {
    let deep = format!("dev_nodes/mine/{}/x.py", ["a-folder-with-a-long-name"; 12].join("/"));
    let mut items = vec![
        Item::of("workflows/portraits/hero.json", br#"{"nodes":[]}"#.to_vec()),
        Item::of("pyproject.toml", b"[project]\nname = \"comfydock-environment\"\n".to_vec()),
        Item::of(".python-version", b"3.11\n".to_vec()),
        Item::of("dev_nodes/mine/empty", Vec::new()),
        Item::of("dev_nodes/mine/large.bin", (0..3_000_000_u32).map(|at| (at / 7) as u8).collect()),
        Item::of("dev_nodes/mine/picture.png", picture()),
        Item::of(deep, b"import this\n".to_vec()),
        Item::of("dev_nodes/mine/run.sh", b"#!/bin/sh\n".to_vec()),
    ];
    items[7].executable = true;
    items
}

fn archive(items: &[Item<'_>]) -> Vec<u8> {
    let facts = measure(items, |_, _| {}).expect("they are in memory");
    pack(items, &facts, Vec::new(), |_| {}).expect("they are the same")
}

fn unpacked(archive: &[u8], folder: &Path) -> Vec<Unpacked> {
    let mut files = unpack(archive, folder, &mut Allowance::default()).expect("it is one of ours");
    files.sort_by(|one, other| one.fact.path.cmp(&other.fact.path));
    files
}

#[test]
fn an_archive_has_the_same_bytes_in_whatever_order_its_files_are_given() {
    let first = archive(&fixture());
    let mut turned = fixture();
    turned.reverse();
    assert!(archive(&turned) == first);
    assert_eq!(sha256_of(&first).as_str(), GOLDEN);
}

#[test]
fn what_was_packed_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let files = unpacked(&archive(&fixture()), &folder.path().join("x"));
    let facts = measure(&fixture(), |_, _| {}).unwrap();
    assert_eq!(files.iter().map(|file| file.fact.clone()).collect::<Vec<_>>(), facts);
    let runs: Vec<&str> = files.iter().filter(|file| file.executable).map(|file| file.fact.path.as_str()).collect();
    assert_eq!(runs, ["dev_nodes/mine/run.sh"]);
    for item in fixture() {
        assert_eq!(std::fs::read(folder.path().join("x").join(&item.path)).unwrap(), (item.read)().unwrap());
    }
    assert_eq!(content_digest(&facts), content_digest(&files.into_iter().map(|file| file.fact).collect::<Vec<_>>()));
}

#[test]
fn tar_and_python_read_it_without_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.tar.gz");
    std::fs::write(&path, archive(&fixture())).unwrap();
    let programs: [(&str, &[&str]); 2] = [
        ("tar", &["--list", "--gzip", "--file"]),
        ("python3", &["-c", "import sys, tarfile; print(*tarfile.open(sys.argv[1]).getnames(), sep='\\n')"]),
    ];
    for (program, arguments) in programs {
        let output = Command::new(program).args(arguments).arg(&path).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && output.stderr.is_empty(), "{program}: {output:?}");
        let facts = measure(&fixture(), |_, _| {}).unwrap();
        assert_eq!(
            said.lines().collect::<Vec<_>>(),
            facts.iter().map(|fact| &fact.path).collect::<Vec<_>>(),
            "{program}"
        );
    }
}

#[test]
fn a_file_that_changes_while_it_is_packed_is_named() {
    let turn = std::cell::Cell::new(0);
    let read = || {
        turn.set(turn.get() + 1);
        Ok(vec![turn.get()])
    };
    let items = [Item { path: "dev_nodes/a/b.py".to_owned(), executable: false, read: Box::new(read) }];
    let facts = measure(&items, |_, _| {}).unwrap();
    let error = pack(&items, &facts, Vec::new(), |_| {}).unwrap_err();
    assert!(matches!(error, Error::Changed { ref path } if path == "dev_nodes/a/b.py"), "{error}");
}

#[test]
fn bundles_of_other_programs_list_folders_too() {
    let folder = tempfile::tempdir().unwrap();
    let script = "import io, sys, tarfile\n\
        with tarfile.open(sys.argv[1], 'w:gz') as tar:\n\
        \x20   for name in ('.', './workflows'):\n\
        \x20       entry = tarfile.TarInfo(name); entry.type = tarfile.DIRTYPE; entry.mtime = 1.5; tar.addfile(entry)\n\
        \x20   entry = tarfile.TarInfo('./workflows/\u{fc}.json'); entry.size = 2; entry.mtime = 2.5\n\
        \x20   tar.addfile(entry, io.BytesIO(b'{}'))\n";
    let path = folder.path().join("theirs.tar.gz");
    assert!(Command::new("python3").args(["-c", script]).arg(&path).status().unwrap().success());
    let bytes = std::fs::read(&path).unwrap();
    let files = unpack(&bytes[..], &folder.path().join("a"), &mut Allowance::default()).unwrap();
    assert_eq!(files[0].fact.path, "workflows/\u{fc}.json");
}
