//! Unpacking a zip from outside: files and folders below one folder, and nothing else.
//!
//! Sizes in a zip are claims, so every bound is kept on the bytes that are really written.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use comfydock_core::path::fold;
use comfydock_store::file;
use comfydock_store::hash::Hasher;
use zip::ZipArchive;
use zip::result::ZipError;

use super::{PackFile, TRACKING, below};

/// Entries at most.
const ENTRIES: usize = 50_000;
/// Bytes of all files together at most, and so of each.
const BYTES: u64 = 2 * 1024 * 1024 * 1024;
/// From so many bytes on, more than so many for each byte of the zip are a bomb: nothing that people put
/// into a pack is this empty, and two levels of deflate give a thousand.
const RATIO_FROM: u64 = 32 * 1024 * 1024;
const RATIO: u64 = 100;
/// Bytes of a name, and of its segments, at most; the latter is what file systems take.
const NAME: usize = 1024;
const SEGMENT: usize = 255;
/// Folders in folders at most.
const DEPTH: usize = 64;

/// Why nothing was unpacked.
#[derive(Debug)]
pub(super) enum Error {
    /// It holds what no pack may hold.
    Refused(String),
    /// It is damaged.
    Broken(String),
    /// This machine is in the way.
    File(file::Error),
}

impl From<file::Error> for Error {
    fn from(error: file::Error) -> Self {
        Self::File(error)
    }
}

impl From<ZipError> for Error {
    fn from(error: ZipError) -> Self {
        Self::Broken(error.to_string())
    }
}

fn refused(name: &str, reason: &str) -> Error {
    Error::Refused(format!("`{}` {reason}", name.escape_debug().take(120).collect::<String>()))
}

/// Unpacks `archive` into the new folder `content`. What was written before an error stays there, below
/// that folder.
pub(super) fn unpack(archive: &Path, content: &Path) -> Result<Vec<PackFile>, Error> {
    let mut handle = File::open(archive).map_err(file::Error::at("open", archive))?;
    let size = handle.metadata().map_err(file::Error::at("inspect", archive))?.len();
    look_at_end(&mut handle, size).map_err(file::Error::at("read", archive))?.map_or(Ok(()), Err)?;
    let mut zip = ZipArchive::new(handle)?;
    if zip.len() > ENTRIES {
        return Err(Error::Refused(format!("it has more than {ENTRIES} entries")));
    }
    if zip.has_duplicate_names() {
        return Err(Error::Refused("it has two entries of one name".to_owned()));
    }
    file::create_folder(content)?;
    let mut names = Names::default();
    let mut budget = Budget { zip: size, written: 0 };
    let mut files = Vec::new();
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index)?;
        let name = entry.name()?.into_owned();
        let bare = name.strip_suffix('/').unwrap_or(&name);
        if let Some(fault) = name_fault(bare) {
            return Err(refused(&name, fault));
        }
        // The file's kind in the upper bits of a unix mode; nought where the zip was made elsewhere.
        let mode = entry.unix_mode().unwrap_or_default();
        match mode & 0o170_000 {
            0o120_000 => return Err(refused(&name, "is a link")),
            0 | 0o100_000 | 0o040_000 => {}
            _ => return Err(refused(&name, "is no file")),
        }
        if entry.encrypted() {
            return Err(refused(&name, "is encrypted"));
        }
        let target = below(content, bare);
        if name.ends_with('/') || mode & 0o170_000 == 0o040_000 {
            names.folder(bare)?;
            file::create_folder(&target)?;
            continue;
        }
        names.file(bare)?;
        if let Some(folder) = target.parent() {
            file::create_folder(folder)?;
        }
        let executable = mode & 0o111 != 0;
        let written = write(&mut entry, &name, &target, executable, &mut budget)?;
        // Its own list of names would be taken for ours.
        if bare == TRACKING {
            file::remove(&target)?;
        } else {
            files.push(PackFile { path: bare.to_owned(), ..written });
        }
    }
    if files.is_empty() {
        return Err(Error::Refused("it holds no file".to_owned()));
    }
    Ok(files)
}

/// Why no file of a pack may have this name; the reason follows the name.
pub(super) fn name_fault(name: &str) -> Option<&'static str> {
    let segment = |segment: &str| match segment {
        "" => Some("has an empty segment"),
        "." | ".." => Some("climbs"),
        _ if segment.eq_ignore_ascii_case(".git") => Some("would be git's own"),
        _ if segment.len() > SEGMENT => Some("has a segment that is too long"),
        _ => None,
    };
    if name.is_empty() {
        Some("has no name")
    } else if name.starts_with('/') {
        Some("is absolute")
    } else if name.contains('\\') {
        Some("has a backslash")
    } else if name.as_bytes()[0].is_ascii_alphabetic() && name.as_bytes().get(1) == Some(&b':') {
        Some("names a drive")
    } else if name.chars().any(char::is_control) {
        Some("has a control character")
    } else if name.len() > NAME || name.split('/').count() > DEPTH {
        Some("is too long")
    } else {
        name.split('/').find_map(segment)
    }
}

/// The names so far, as a file system that knows no case would have them.
#[derive(Default)]
struct Names {
    files: HashSet<String>,
    folders: HashSet<String>,
}

impl Names {
    fn folder(&mut self, name: &str) -> Result<(), Error> {
        let folded = fold(name);
        for (at, _) in folded.match_indices('/').chain([(folded.len(), "")]) {
            if self.files.contains(&folded[..at]) {
                return Err(refused(name, "lies in a file"));
            }
            self.folders.insert(folded[..at].to_owned());
        }
        Ok(())
    }

    fn file(&mut self, name: &str) -> Result<(), Error> {
        if let Some((folder, _)) = name.rsplit_once('/') {
            self.folder(folder)?;
        }
        let folded = fold(name);
        if self.folders.contains(&folded) || !self.files.insert(folded) {
            return Err(refused(name, "is there twice, or differs from another name in case only"));
        }
        Ok(())
    }
}

/// What may still be written.
struct Budget {
    zip: u64,
    written: u64,
}

impl Budget {
    fn take(&mut self, bytes: usize) -> Result<(), Error> {
        self.written += bytes as u64;
        if self.written > BYTES {
            return Err(Error::Refused(format!("it unpacks to more than {} GiB", BYTES >> 30)));
        }
        if self.written > RATIO_FROM && self.written / self.zip.max(1) > RATIO {
            return Err(Error::Refused(format!("it unpacks to more than {RATIO} times its size")));
        }
        Ok(())
    }
}

fn write(
    entry: &mut impl Read,
    name: &str,
    target: &Path,
    executable: bool,
    budget: &mut Budget,
) -> Result<PackFile, Error> {
    let mode = if executable { 0o755 } else { 0o644 };
    let opened = OpenOptions::new().write(true).create_new(true).mode(mode).open(target);
    let mut to = opened.map_err(file::Error::at("create", target))?;
    let mut hasher = Hasher::default();
    let mut block = vec![0; 128 * 1024];
    loop {
        let count = entry.read(&mut block).map_err(|error| {
            Error::Broken(format!("`{}`: {error}", name.escape_debug().take(120).collect::<String>()))
        })?;
        if count == 0 {
            break;
        }
        budget.take(count)?;
        hasher.update(&block[..count]);
        to.write_all(&block[..count]).map_err(file::Error::at("write", target))?;
    }
    let digests = hasher.finish();
    Ok(PackFile { path: name.to_owned(), size: digests.size, sha256: digests.sha256, executable })
}

/// Whether the end of the archive announces the large form of zip: more entries or bytes than any pack
/// may have, and reading its directory could take all memory.
fn look_at_end(handle: &mut File, size: u64) -> std::io::Result<Option<Error>> {
    // The end record with the longest comment, and the locator of the large form in front of it.
    let length = size.min(22 + 65_535 + 20);
    handle.seek(SeekFrom::Start(size - length))?;
    let mut tail = Vec::new();
    handle.take(length).read_to_end(&mut tail)?;
    handle.rewind()?;
    let large = tail.windows(24).any(|window| window.starts_with(b"PK\x06\x07") && window.ends_with(b"PK\x05\x06"));
    Ok(large.then(|| Error::Refused(format!("it has more than {ENTRIES} entries, or is larger than a pack may be"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere() {
        for (name, words) in [
            ("", "no name"),
            ("/etc/passwd", "absolute"),
            ("../x", "climbs"),
            ("a/../../x", "climbs"),
            ("a/./x", "climbs"),
            ("a//x", "empty"),
            ("a\\..\\x", "backslash"),
            ("C:/x", "drive"),
            ("c:x", "drive"),
            ("a\0b", "control"),
            ("a/.git/hooks/post-checkout", "git's own"),
            ("a/.GIT", "git's own"),
            (&"x".repeat(256), "too long"),
            (&"a/".repeat(80), "too long"),
        ] {
            assert!(name_fault(name).is_some_and(|fault| fault.contains(words)), "{name:?}: {:?}", name_fault(name));
        }
        for name in ["a", "a/b.py", ".gitignore", "..x/y", "web/ü (1).js", "ab: c?.json", "aux.py"] {
            assert_eq!(name_fault(name), None, "{name}");
        }
    }

    #[test]
    fn names_that_are_one_on_some_systems() {
        for (names, fits) in [
            (&["a", "b", "c/a", "c/b"][..], true),
            (&["a", "A"], false),
            (&["c/a", "c/A"], false),
            (&["ä", "a\u{308}"], false),
            (&["a", "a/b"], false),
            (&["a/b", "a"], false),
            (&["a/b/c", "A/b/d"], true),
            (&["a", "A/b"], false),
        ] {
            let mut known = Names::default();
            assert_eq!(names.iter().all(|name| known.file(name).is_ok()), fits, "{names:?}");
        }
    }
}
