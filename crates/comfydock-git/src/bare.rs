//! A bare repository of the hub as files: its references, what holds its objects, what crashes leave.

use std::collections::BTreeMap;
use std::fs::{DirEntry, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::serve::Error;

/// Kinds of files that belong to a pack. `.keep` is not one: git makes it for the time of a push.
const PACK_KINDS: [&str; 5] = ["pack", "idx", "rev", "bitmap", "mtimes"];

/// All references with the object each names.
///
/// # Errors
/// When a file cannot be read, or a reference does not name an object.
pub fn list_references(repository: &Path) -> Result<BTreeMap<String, String>, Error> {
    let mut found = BTreeMap::new();
    let packed = repository.join("packed-refs");
    let text = match std::fs::read_to_string(&packed) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unreadable(&packed, error)),
        text => text.unwrap_or_default(),
    };
    let lines = text.lines().filter(|line| !line.starts_with(['#', '^']));
    for (id, name) in lines.filter_map(|line| line.split_once(' ')) {
        found.insert(name.to_owned(), id.to_owned());
    }
    // A loose reference is newer than the packed one of its name.
    for entry in walk(&repository.join("refs")).map_err(|error| unreadable(&repository.join("refs"), error))? {
        let path = entry.path();
        let name = path.strip_prefix(repository).unwrap_or(&path).to_string_lossy().into_owned();
        if is_lock(&path) {
            continue;
        }
        let id = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, error))?;
        if !is_object_id(id.trim_end()) {
            return Err(unreadable(&path, io::Error::new(io::ErrorKind::InvalidData, "it names no object")));
        }
        found.insert(name, id.trim_end().to_owned());
    }
    Ok(found)
}

fn unreadable(path: &Path, source: io::Error) -> Error {
    Error::Reference { path: path.to_owned(), source }
}

/// Whether text is a whole object id.
fn is_object_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_lock(path: &Path) -> bool {
    path.extension().is_some_and(|kind| kind == "lock")
}

/// The files that hold a repository's objects, relative to it. What is only being written is left out.
///
/// # Errors
/// When a folder cannot be read.
pub fn list_object_files(repository: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for folder in entries(&repository.join("objects"))? {
        let name = folder.file_name();
        if folder.file_type()?.is_dir() && is_hexadecimal(&name.to_string_lossy(), &[2]) {
            let loose = entries(&folder.path())?.into_iter().map(|entry| entry.file_name());
            let whole = loose.filter(|file| is_hexadecimal(&file.to_string_lossy(), &[38, 62]));
            files.extend(whole.map(|file| Path::new("objects").join(&name).join(file)));
        }
    }
    let folder = repository.join("objects/pack");
    for pack in list_packs(repository)? {
        let kinds = PACK_KINDS.iter().map(|kind| format!("{pack}.{kind}"));
        let here = kinds.filter(|name| folder.join(name).exists());
        files.extend(here.map(|name| Path::new("objects/pack").join(name)));
    }
    files.sort();
    Ok(files)
}

fn is_hexadecimal(name: &str, lengths: &[usize]) -> bool {
    lengths.contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The names of the packs, without endings. The index is written last: with it a pack is whole.
///
/// # Errors
/// When the folder cannot be read.
pub fn list_packs(repository: &Path) -> io::Result<Vec<String>> {
    let folder = repository.join("objects/pack");
    let name = |entry: DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let pack = name.strip_suffix(".idx").filter(|pack| pack.starts_with("pack-"))?;
        folder.join(format!("{pack}.pack")).exists().then(|| pack.to_owned())
    };
    let mut packs: Vec<String> = entries(&folder)?.into_iter().filter_map(name).collect();
    packs.sort();
    Ok(packs)
}

/// The quarantines of pushes that git works on, and of those it was ended in.
///
/// # Errors
/// When the folder cannot be read.
pub fn list_quarantines(repository: &Path) -> io::Result<Vec<PathBuf>> {
    // git called them `incoming-…` before 2.35.
    let is_quarantine = |entry: &DirEntry| {
        let name = entry.file_name();
        [&b"tmp_objdir-"[..], b"incoming-"].iter().any(|start| name.as_encoded_bytes().starts_with(start))
    };
    let all = entries(&repository.join("objects"))?;
    Ok(all.into_iter().filter(is_quarantine).map(|entry| entry.path()).collect())
}

/// What processes that died left behind: quarantines, unfinished packs, locks. Only what nothing
/// was written to for `age` counts, so `age` must exceed what any live git may take.
///
/// # Errors
/// When a folder cannot be read.
pub fn list_leftovers(repository: &Path, age: Duration) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut look = |folder: &Path, is_leftover: &dyn Fn(&str) -> bool| -> io::Result<()> {
        for entry in entries(folder)? {
            let Ok(meta) = entry.metadata() else { continue };
            if is_leftover(&entry.file_name().to_string_lossy()) && is_old(&meta, age) {
                found.push(entry.path());
            }
        }
        Ok(())
    };
    let objects = repository.join("objects");
    look(repository, &|name| name.ends_with(".lock"))?;
    look(&objects, &|name| ["incoming-", "tmp_"].iter().any(|start| name.starts_with(start)))?;
    let packs = objects.join("pack");
    look(&packs, &|name| {
        let is_temporary = ["tmp_", ".tmp-"].iter().any(|start| name.starts_with(start)) || name.ends_with(".lock");
        is_temporary || (name.ends_with(".keep") && is_of_a_push(&packs.join(name)))
    })?;
    for folder in entries(&objects)?.into_iter().filter(|entry| entry.file_name().len() == 2) {
        look(&folder.path(), &|name| name.starts_with("tmp_obj_"))?;
    }
    for entry in walk(&repository.join("refs"))? {
        if is_lock(&entry.path()) && entry.metadata().is_ok_and(|meta| is_old(&meta, age)) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// Whether git made this `.keep` for the time of a push; others were made by somebody on purpose.
fn is_of_a_push(keep: &Path) -> bool {
    std::fs::read_to_string(keep).is_ok_and(|text| text.starts_with("receive-pack "))
}

fn is_old(meta: &Metadata, age: Duration) -> bool {
    // What a clock that went wrong dates into the future is new: old enough only where no age is asked for.
    let elapsed = |time| SystemTime::now().duration_since(time).unwrap_or_default();
    meta.modified().is_ok_and(|time| elapsed(time) >= age)
}

/// What is in a folder; nothing when it is not there.
fn entries(folder: &Path) -> io::Result<Vec<DirEntry>> {
    match std::fs::read_dir(folder) {
        Ok(entries) => entries.collect(),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// All files below a folder.
fn walk(folder: &Path) -> io::Result<Vec<DirEntry>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in entries(&folder)? {
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                files.push(entry);
            }
        }
    }
    Ok(files)
}
