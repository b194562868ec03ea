//! The entries of a tar, read in order with bounded memory: POSIX ustar, GNU's long names, and the extended
//! headers of POSIX as Python writes them (pax). Sparse files and everything else of GNU are refused.

use std::io::{self, Read};

use tar::{EntryType, Header};

use super::Error;

const BLOCK: usize = 512;
/// Bytes an extended header or a long name may have.
const EXTENSION_LIMIT: u64 = 64 * 1024;
/// Headers of one entry, its own included.
const EXTENSIONS: usize = 8;
/// Bytes of zeros that may follow the end of an archive; GNU tar fills up to 10 KiB.
const PADDING_LIMIT: u64 = 1024 * 1024;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A plain file.
    File,
    /// A folder.
    Folder,
    /// A symbolic or hard link.
    Link,
    /// A device or a pipe.
    Device,
    /// Anything else.
    Unknown,
}

/// One entry; its bytes are read through it.
pub(super) struct Entry<'a, R> {
    pub(super) path: Vec<u8>,
    pub(super) kind: Kind,
    pub(super) mode: u32,
    pub(super) size: u64,
    left: &'a mut u64,
    from: &'a mut R,
}

impl<R: Read> Entry<'_, R> {
    pub(super) fn read(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        let most = usize::try_from(*self.left).unwrap_or(usize::MAX).min(into.len());
        if most == 0 {
            return Ok(0);
        }
        let count = self.from.read(&mut into[..most]).map_err(|error| damaged(&error))?;
        if count == 0 {
            return Err(Error::Damaged("it ends in the middle of a file".to_owned()));
        }
        *self.left -= count as u64;
        Ok(count)
    }
}

/// Reads entries.
pub(super) struct Entries<R> {
    from: R,
    /// Bytes of the last entry that were not read, and of the filling behind it.
    left: u64,
    padding: u64,
    ended: bool,
}

/// What extended headers say of the entry that follows.
#[derive(Default)]
struct Said {
    path: Option<Vec<u8>>,
    size: Option<u64>,
}

impl<R: Read> Entries<R> {
    pub(super) fn new(from: R) -> Self {
        Self { from, left: 0, padding: 0, ended: false }
    }

    pub(super) fn inner(&self) -> &R {
        &self.from
    }

    /// The next entry; none at the end of the archive.
    pub(super) fn next(&mut self) -> Result<Option<Entry<'_, R>>, Error> {
        let mut said = Said::default();
        for _ in 0..EXTENSIONS {
            self.skip(self.left.saturating_add(self.padding))?;
            (self.left, self.padding) = (0, 0);
            let mut block = [0; BLOCK];
            if self.ended || !self.fill(&mut block)? {
                return Err(Error::Damaged("it has no end".to_owned()));
            }
            if block.iter().all(|byte| *byte == 0) {
                self.ended = true;
                return Ok(None);
            }
            let header = Header::from_byte_slice(&block);
            check(header, &block)?;
            let own = header.entry_size().map_err(|error| damaged(&error))?;
            match header.entry_type() {
                EntryType::GNULongName => {
                    let mut name = self.extension(own)?;
                    while name.last() == Some(&0) {
                        name.pop();
                    }
                    said.path = Some(name);
                }
                EntryType::XHeader => records(&self.extension(own)?, &mut said)?,
                // What holds for all entries is the comment of `git archive`, or nothing we would follow.
                EntryType::XGlobalHeader => drop(self.extension(own)?),
                kind => {
                    let size = said.size.unwrap_or(own);
                    let kind = match kind {
                        EntryType::Regular | EntryType::Continuous => Kind::File,
                        EntryType::Directory => Kind::Folder,
                        EntryType::Symlink | EntryType::Link => Kind::Link,
                        EntryType::Char | EntryType::Block | EntryType::Fifo => Kind::Device,
                        _ => Kind::Unknown,
                    };
                    let mode = header.mode().map_err(|error| damaged(&error))?;
                    let path = said.path.unwrap_or_else(|| header.path_bytes().into_owned());
                    (self.left, self.padding) = (size, filling(size));
                    return Ok(Some(Entry { path, kind, mode, size, left: &mut self.left, from: &mut self.from }));
                }
            }
        }
        Err(Error::Damaged("one extended header follows the other".to_owned()))
    }

    /// Reads on to the end of the stream: only zeros may follow, and not too many.
    pub(super) fn nothing_follows(&mut self) -> Result<(), Error> {
        let mut block = [0; BLOCK];
        let mut seen = 0;
        loop {
            let count = self.from.read(&mut block).map_err(|error| damaged(&error))?;
            seen += count as u64;
            if block[..count].iter().any(|byte| *byte != 0) || seen > PADDING_LIMIT {
                return Err(Error::Damaged("something follows the end of the archive".to_owned()));
            }
            if count == 0 {
                return Ok(());
            }
        }
    }

    fn extension(&mut self, size: u64) -> Result<Vec<u8>, Error> {
        if size > EXTENSION_LIMIT {
            return Err(Error::Damaged(format!("an extended header of {size} bytes")));
        }
        let mut bytes = vec![0; usize::try_from(size).unwrap_or_default()];
        if !self.fill(&mut bytes)? {
            return Err(Error::Damaged("it ends in the middle of a header".to_owned()));
        }
        self.skip(filling(size))?;
        Ok(bytes)
    }

    /// Fills the block; false at a clean end of the stream.
    fn fill(&mut self, block: &mut [u8]) -> Result<bool, Error> {
        let mut at = 0;
        while at < block.len() {
            let count = self.from.read(&mut block[at..]).map_err(|error| damaged(&error))?;
            if count == 0 {
                return if at == 0 && !block.is_empty() {
                    Ok(false)
                } else {
                    Err(Error::Damaged("it ends in the middle of a header".to_owned()))
                };
            }
            at += count;
        }
        Ok(true)
    }

    fn skip(&mut self, mut count: u64) -> Result<(), Error> {
        let mut block = [0; BLOCK];
        while count > 0 {
            let most = usize::try_from(count).unwrap_or(BLOCK).min(BLOCK);
            let read = self.from.read(&mut block[..most]).map_err(|error| damaged(&error))?;
            if read == 0 {
                return Err(Error::Damaged("it ends in the middle of a file".to_owned()));
            }
            count -= read as u64;
        }
        Ok(())
    }
}

fn filling(size: u64) -> u64 {
    (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64
}

fn damaged(error: &io::Error) -> Error {
    Error::Damaged(error.to_string())
}

/// The sum in the header, over its bytes with the sum itself as spaces.
fn check(header: &Header, block: &[u8; BLOCK]) -> Result<(), Error> {
    let sum: u32 = block[..148].iter().chain(&block[156..]).map(|byte| u32::from(*byte)).sum::<u32>() + 8 * 32;
    match header.cksum() {
        Ok(said) if said == sum => Ok(()),
        _ => Err(Error::Damaged("a header's checksum is wrong".to_owned())),
    }
}

/// POSIX: `LENGTH KEY=VALUE LF`, the length in decimal digits and over all of it.
fn records(mut bytes: &[u8], said: &mut Said) -> Result<(), Error> {
    let odd = || Error::Damaged("an extended header cannot be read".to_owned());
    while !bytes.is_empty() {
        let space = bytes.iter().position(|byte| *byte == b' ').ok_or_else(odd)?;
        let length = std::str::from_utf8(&bytes[..space]).ok().and_then(|text| text.parse::<usize>().ok());
        let length = length.filter(|length| *length > space + 1 && *length <= bytes.len()).ok_or_else(odd)?;
        let record = bytes[space + 1..length].strip_suffix(b"\n").ok_or_else(odd)?;
        let equals = record.iter().position(|byte| *byte == b'=').ok_or_else(odd)?;
        let (key, value) = (&record[..equals], &record[equals + 1..]);
        match key {
            b"path" => said.path = Some(value.to_vec()),
            b"size" => {
                let size = std::str::from_utf8(value).ok().and_then(|text| text.parse::<u64>().ok());
                said.size = Some(size.ok_or_else(odd)?);
            }
            // A sparse file's bytes are not the file's.
            _ if key.starts_with(b"GNU.sparse") => return Err(Error::Damaged("a sparse file".to_owned())),
            _ => {}
        }
        bytes = &bytes[length..];
    }
    Ok(())
}
