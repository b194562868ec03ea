//! A `.tar.gz` from anyone into a fresh folder (design/bundles.md, Opening a bundle is opening hostile input).
//!
//! Names are judged before a byte is written, and sizes before they are read: what is refused is refused
//! early, and nothing is ever written outside the folder, because there is no link in it and no name that
//! climbs.

mod entry;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use comfydock_core::bundle::{ENTRY_LIMIT, FileFact, RATIO_FLOOR, RATIO_LIMIT, TOTAL_LIMIT};
use comfydock_core::foreign::{FILE_LIMIT, Mode, TreeEntry, judge_entries};
use comfydock_core::hint::Hint;
use comfydock_core::path::TreePath;
use comfydock_core::violation::Violation;
use comfydock_store::file;
use comfydock_store::hash::Sha256Hasher;
use flate2::read::MultiGzDecoder;

use self::entry::{Entries, Entry};

/// Bytes copied at a time.
const BLOCK: usize = 64 * 1024;

/// An archive that is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It breaks rules for what comes from outside, each named.
    #[error("the archive is refused")]
    Refused(Vec<Violation>),
    /// It is no gzip, no tar, or ends too early.
    #[error("this is no whole .tar.gz: {0}")]
    Damaged(String),
    /// A file cannot be written.
    #[error(transparent)]
    File(#[from] file::Error),
}

impl Hint for Error {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Refused(violations) => violations.iter().find_map(|violation| violation.hint.clone()),
            Self::Damaged(_) => Some("have it sent or downloaded again; is it a bundle at all?".to_owned()),
            Self::File(_) => None,
        }
    }
}

impl Error {
    fn one(path: &str, message: impl Into<String>) -> Self {
        Self::Refused(vec![Violation::new(path.escape_debug().to_string(), message, None)])
    }
}

/// What one file became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpacked {
    /// Its path, size and SHA-256.
    pub fact: FileFact,
    /// Whether it may be run.
    pub executable: bool,
}

/// What the archives of one bundle may still take; the layers of an artifact share one.
#[derive(Debug, Clone)]
pub struct Allowance {
    entries: usize,
    bytes: u64,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { entries: ENTRY_LIMIT, bytes: TOTAL_LIMIT }
    }
}

/// Unpacks into `folder`, which is made and must not be there. On an error what was written so far is the
/// caller's to remove.
///
/// # Errors
/// When the archive breaks a rule, is damaged, or a file cannot be written.
pub fn unpack(archive: impl Read, folder: &Path, allowance: &mut Allowance) -> Result<Vec<Unpacked>, Error> {
    fs::create_dir_all(folder).map_err(file::Error::at("create", folder))?;
    let counted = Counted { from: archive, read: 0 };
    let mut entries = Entries::new(MultiGzDecoder::new(counted));
    let mut taken: Vec<(TreeEntry, Unpacked)> = Vec::new();
    let mut written = 0_u64;
    while let Some(mut entry) = entries.next()? {
        if allowance.entries == 0 {
            return Err(Error::one("the bundle", format!("has more than {ENTRY_LIMIT} files")));
        }
        allowance.entries -= 1;
        let Some(path) = path_of(&entry)? else { continue };
        let size = entry.size;
        if size > FILE_LIMIT {
            let large = TreeEntry { path: path.as_str().into(), mode: Mode::File, size };
            return Err(Error::Refused(judge_entries(&[large])));
        }
        if size > allowance.bytes {
            return Err(Error::one("the bundle", format!("holds more than {TOTAL_LIMIT} bytes")));
        }
        allowance.bytes -= size;
        written += size;
        let (fact, executable) = (write(&mut entry, &path, folder)?, entry.mode & 0o100 != 0);
        let mode = if executable { Mode::Executable } else { Mode::File };
        taken.push((TreeEntry { path: path.as_str().into(), mode, size }, Unpacked { fact, executable }));
        let packed = entries.inner().get_ref().read;
        if written > RATIO_FLOOR && written / RATIO_LIMIT > packed {
            return Err(Error::one("the bundle", format!("grows more than {RATIO_LIMIT} times when it is unpacked")));
        }
    }
    entries.nothing_follows()?;
    let (names, files): (Vec<TreeEntry>, Vec<Unpacked>) = taken.into_iter().unzip();
    let violations = judge_entries(&names);
    if !violations.is_empty() {
        return Err(Error::Refused(violations));
    }
    Ok(files)
}

/// The path of an entry that is a file; none for a folder. Ours list no folders and begin no path with `./`;
/// the bundles of other programs do both.
fn path_of<R: Read>(entry: &Entry<'_, R>) -> Result<Option<TreePath>, Error> {
    let shown = String::from_utf8_lossy(&entry.path).into_owned();
    let kind = match entry.kind {
        entry::Kind::File | entry::Kind::Folder => None,
        entry::Kind::Link => Some("is a link"),
        entry::Kind::Device => Some("is a device or a pipe"),
        entry::Kind::Unknown => Some("is of a kind that no bundle has"),
    };
    if let Some(kind) = kind {
        return Err(Error::one(&shown, kind));
    }
    if entry.mode & 0o7000 != 0 {
        return Err(Error::one(&shown, "has a set-user, set-group or sticky bit"));
    }
    let Ok(text) = std::str::from_utf8(&entry.path) else {
        return Err(Error::one(&shown, "its name is not UTF-8"));
    };
    let text = text.trim_start_matches("./");
    let is_folder = entry.kind == entry::Kind::Folder;
    let text = if is_folder { text.trim_end_matches('/') } else { text };
    if is_folder && entry.size != 0 {
        return Err(Error::one(&shown, "is a folder with content of its own"));
    }
    if is_folder && matches!(text, "" | ".") {
        return Ok(None);
    }
    let path = TreePath::parse(text).map_err(|error| Error::one(&shown, error.reason()))?;
    Ok((!is_folder).then_some(path))
}

fn write<R: Read>(entry: &mut Entry<'_, R>, path: &TreePath, folder: &Path) -> Result<FileFact, Error> {
    let target = folder.join(path.as_str());
    let clash = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => {
            Error::one(path.as_str(), "is there twice, or as a file and as a folder")
        }
        _ => Error::File(file::Error::at("write", &target)(error)),
    };
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent).map_err(clash)?;
    }
    let mut file: File = OpenOptions::new().write(true).create_new(true).open(&target).map_err(clash)?;
    let mut hasher = Sha256Hasher::default();
    let mut block = vec![0; BLOCK];
    loop {
        let count = entry.read(&mut block)?;
        if count == 0 {
            break;
        }
        hasher.update(&block[..count]);
        file.write_all(&block[..count]).map_err(file::Error::at("write", &target))?;
    }
    let mode = if entry.mode & 0o100 == 0 { 0o644 } else { 0o755 };
    file.set_permissions(fs::Permissions::from_mode(mode)).map_err(file::Error::at("write", &target))?;
    Ok(FileFact { path: path.as_str().to_owned(), size: entry.size, sha256: hasher.finish() })
}

/// Counts what was read of the packed bytes.
struct Counted<R> {
    from: R,
    read: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(into)?;
        self.read += count as u64;
        Ok(count)
    }
}
