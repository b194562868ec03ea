//! Zips as `comfy node publish` makes them, and such as nobody should.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::DeflateEncoder;

/// An entry, written as it is told to be.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    /// The whole unix mode, kind and all.
    pub(crate) mode: u32,
    /// What it says its size is, if not the truth.
    pub(crate) claims: Option<u32>,
}

impl Entry {
    pub(crate) fn file(name: &str, bytes: &[u8]) -> Self {
        Self { name: name.to_owned(), bytes: bytes.to_owned(), mode: 0o100_644, claims: None }
    }

    pub(crate) fn link(name: &str, to: &str) -> Self {
        Self { mode: 0o120_777, ..Self::file(name, to.as_bytes()) }
    }
}

/// The files of a folder, at the root of the zip, sorted.
pub(crate) fn of_folder(folder: &Path) -> Vec<u8> {
    let mut entries = Vec::new();
    collect(folder, "", &mut entries);
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    write(&entries)
}

fn collect(folder: &Path, above: &str, entries: &mut Vec<Entry>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let file_name = entry.file_name().into_string().unwrap();
        let name = if above.is_empty() { file_name.clone() } else { format!("{above}/{file_name}") };
        if file_name == ".git" {
            continue;
        }
        let path = entry.path();
        // Links are followed.
        let meta = path.metadata().unwrap();
        if meta.is_dir() {
            collect(&path, &name, entries);
        } else {
            let mode = 0o100_000 | meta.permissions().mode() & 0o777;
            entries.push(Entry { mode, ..Entry::file(&name, &std::fs::read(&path).unwrap()) });
        }
    }
}

/// A zip of these, deflated, whatever they are called.
pub(crate) fn write(entries: &[Entry]) -> Vec<u8> {
    let mut zip = Vec::new();
    let mut directory = Vec::new();
    for entry in entries {
        let offset = zip.len() as u32;
        let mut crc = flate2::Crc::new();
        crc.update(&entry.bytes);
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&entry.bytes).unwrap();
        let packed = encoder.finish().unwrap();
        let size = entry.claims.unwrap_or(entry.bytes.len() as u32);
        // Version 2.0, names in UTF-8, deflate, 1 January 1980.
        let mut common = Vec::new();
        for short in [20_u16, 0x0800, 8, 0, 0x21] {
            common.extend(short.to_le_bytes());
        }
        for long in [crc.sum(), packed.len() as u32, size] {
            common.extend(long.to_le_bytes());
        }
        common.extend((entry.name.len() as u16).to_le_bytes());
        common.extend(0_u16.to_le_bytes());

        zip.extend(b"PK\x03\x04");
        zip.extend(&common);
        zip.extend(entry.name.as_bytes());
        zip.extend(&packed);

        // Made on unix; no comment, disk 0, no internal attributes.
        directory.extend(b"PK\x01\x02");
        directory.extend([20, 3]);
        directory.extend(&common);
        directory.extend([0; 6]);
        directory.extend((entry.mode << 16).to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(entry.name.as_bytes());
    }
    let start = zip.len() as u32;
    zip.extend(&directory);
    zip.extend(b"PK\x05\x06\0\0\0\0");
    for _ in 0..2 {
        zip.extend((entries.len() as u16).to_le_bytes());
    }
    zip.extend((directory.len() as u32).to_le_bytes());
    zip.extend(start.to_le_bytes());
    zip.extend([0; 2]);
    zip
}
