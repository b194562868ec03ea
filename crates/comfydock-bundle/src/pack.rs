//! Files into a `.tar.gz` that has the same bytes wherever and whenever it is made: paths in the order of
//! their bytes, no times, no owners, two modes, one encoder (formats.md, Bundle).

use std::io::{self, Write};

use comfydock_core::bundle::{DESCRIPTION, FileFact};
use comfydock_core::digest::Sha256;
use comfydock_store::file;
use comfydock_store::hash::sha256_of;
use tar::{EntryType, Header};

use crate::gzip::Encoder;

/// Bytes of a tar block.
const BLOCK: usize = 512;

/// What keeps files from being packed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] file::Error),
    /// What is packed cannot be written.
    #[error("cannot write the archive")]
    Write(#[source] io::Error),
    /// A file is another than a moment ago.
    #[error("`{path}` changed while it was being packed")]
    Changed {
        /// Its path in the bundle.
        path: String,
    },
    /// Where a file's bytes come from says no.
    #[error("cannot read `{path}`")]
    Source {
        /// Its path in the bundle.
        path: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Gives a file's bytes, each time anew.
pub type Read<'a> = Box<dyn Fn() -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> + 'a>;

/// A file to be packed. Its bytes are asked for twice, one file at a time: to measure, and to pack.
pub struct Item<'a> {
    /// Its path in the bundle.
    pub path: String,
    /// Whether it may be run.
    pub executable: bool,
    /// Its bytes.
    pub read: Read<'a>,
}

impl<'a> Item<'a> {
    /// A file of these bytes.
    pub fn of(path: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self { path: path.into(), executable: false, read: Box::new(move || Ok(bytes.clone())) }
    }

    fn bytes(&self) -> Result<Vec<u8>, Error> {
        (self.read)().map_err(|source| Error::Source { path: self.path.clone(), source })
    }
}

/// Measures files; `look` is shown each. What comes back is in the order of the paths' bytes.
///
/// # Errors
/// When one cannot be read.
pub fn measure(items: &[Item<'_>], mut look: impl FnMut(&Item<'_>, &[u8])) -> Result<Vec<FileFact>, Error> {
    let mut facts = Vec::with_capacity(items.len());
    for item in items {
        let bytes = item.bytes()?;
        look(item, &bytes);
        facts.push(FileFact { path: item.path.clone(), size: bytes.len() as u64, sha256: sha256_of(&bytes) });
    }
    facts.sort_by(|one, other| one.path.as_bytes().cmp(other.path.as_bytes()));
    Ok(facts)
}

/// The identity of a bundle with these files.
pub fn content_digest(files: &[FileFact]) -> Sha256 {
    sha256_of(&comfydock_core::bundle::content_lines(files))
}

/// Writes the archive of files that were measured before; `progress` is told the bytes of each.
///
/// # Errors
/// When one cannot be read, or is another than when it was measured.
pub fn pack<W: Write>(
    items: &[Item<'_>],
    facts: &[FileFact],
    to: W,
    mut progress: impl FnMut(u64),
) -> Result<W, Error> {
    let mut sorted: Vec<&Item<'_>> = items.iter().collect();
    sorted.sort_by(|one, other| one.path.as_bytes().cmp(other.path.as_bytes()));
    let mut archive = Encoder::new(to).map_err(Error::Write)?;
    for item in sorted {
        let bytes = item.bytes()?;
        let known = facts.binary_search_by(|fact| fact.path.as_bytes().cmp(item.path.as_bytes())).map(|at| &facts[at]);
        let same = known.is_ok_and(|fact| fact.size == bytes.len() as u64 && fact.sha256 == sha256_of(&bytes));
        if !same && item.path != DESCRIPTION {
            return Err(Error::Changed { path: item.path.clone() });
        }
        write_entry(&mut archive, &item.path, item.executable, &bytes).map_err(Error::Write)?;
        progress(bytes.len() as u64);
    }
    archive.write_all(&[0; 2 * BLOCK]).map_err(Error::Write)?;
    archive.finish().map_err(Error::Write)
}

fn write_entry(to: &mut impl Write, path: &str, executable: bool, bytes: &[u8]) -> io::Result<()> {
    let mut header = header(EntryType::Regular, bytes.len() as u64, if executable { 0o755 } else { 0o644 });
    if header.set_path(path).is_err() {
        // Longer than the header has room for: GNU's way, which every tar reads.
        let mut name = path.as_bytes().to_vec();
        name.push(0);
        let mut long = self::header(EntryType::GNULongName, name.len() as u64, 0o644);
        long.set_path("././@LongLink")?;
        long.set_cksum();
        to.write_all(long.as_bytes())?;
        write_padded(to, &name)?;
        let short: String = path.chars().take(20).collect();
        header.set_path(short.trim_end_matches('/'))?;
    }
    header.set_cksum();
    to.write_all(header.as_bytes())?;
    write_padded(to, bytes)
}

fn header(kind: EntryType, size: u64, mode: u32) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(mode);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}

fn write_padded(to: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    to.write_all(bytes)?;
    let rest = bytes.len() % BLOCK;
    if rest != 0 {
        to.write_all(&[0; BLOCK][rest..])?;
    }
    Ok(())
}
