//! Any bytes as the archive of a bundle: unpacking never panics, writes nothing outside its folder, and what it says
//! it wrote is there.

#![no_main]

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use comfydock_bundle::unpack::{Allowance, unpack};
use comfydock_core::path::TreePath;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((kind, rest)) = bytes.split_first() else { return };
    // Few mutations keep a checksum right: most of the time it is made so.
    let archive = match kind % 4 {
        0 => rest.to_vec(),
        1 => gzip(rest),
        _ => gzip(&with_checksums(rest)),
    };
    let outside = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder");
    let folder = outside.path().join("a/b");
    let result = unpack(&archive[..], &folder, &mut Allowance::default());
    let beside = std::fs::read_dir(outside.path()).expect("it is there").count();
    let above = std::fs::read_dir(outside.path().join("a")).expect("it was made").count();
    assert_eq!((beside, above), (1, 1), "nothing is outside its folder");
    let there = look(&folder);
    let Ok(files) = result else { return };
    assert_eq!(there, files.len(), "what it says is what is there");
    for file in files {
        TreePath::parse(&file.fact.path).expect("names are judged");
        let about = folder.join(&file.fact.path).symlink_metadata().expect("it was written");
        assert!(about.is_file() && about.len() == file.fact.size);
        let mode = if file.executable { 0o755 } else { 0o644 };
        assert_eq!(about.permissions().mode() & 0o7777, mode);
    }
});

/// How many files there are; nothing else is.
fn look(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| {
            let kind = entry.file_type().expect("it can be looked at");
            assert!(kind.is_dir() || kind.is_file(), "{}", entry.path().display());
            if kind.is_dir() { look(&entry.path()) } else { 1 }
        })
        .sum()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    encoder.write_all(bytes).expect("into memory");
    encoder.finish().expect("into memory")
}

/// A tar whose headers have the right checksum, as far as they can be told from content.
fn with_checksums(bytes: &[u8]) -> Vec<u8> {
    let mut tar = bytes.to_vec();
    let mut at = 0;
    while at + 512 <= tar.len() {
        let header = &mut tar[at..at + 512];
        if header.iter().any(|byte| *byte != 0) {
            header[148..156].fill(b' ');
            let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
            header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
        let digits = header[124..136].iter().skip_while(|byte| **byte == b' ').take_while(|byte| byte.is_ascii_digit());
        let size = digits.fold(0_usize, |size, digit| (size << 3 | usize::from(digit & 7)) & 0xff_ffff);
        at += 512 + size.next_multiple_of(512);
    }
    tar.resize(tar.len().next_multiple_of(512), 0);
    tar.extend_from_slice(&[0; 1024]);
    tar
}
