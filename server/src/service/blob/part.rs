//! The part of a file that has arrived, hashed while it does.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use comfydock_store::file;
use comfydock_store::hash::{Digests, Hasher};

/// Bytes written at once: small pieces of the network are put together first.
const BLOCK: usize = 1024 * 1024;

/// An open part.
pub(super) struct Part {
    path: PathBuf,
    file: File,
    hasher: Hasher,
    waiting: Vec<u8>,
}

impl Part {
    /// Opens a part, making it if it is not there. What is there already is read and hashed again: what is on disk
    /// is what counts, whoever was killed since it was written.
    ///
    /// # Errors
    /// When it cannot be read or made.
    pub(super) fn open(path: &Path) -> Result<Self, file::Error> {
        let failed = |action| file::Error::at(action, path);
        let mut file =
            File::options().create(true).truncate(false).read(true).write(true).open(path).map_err(failed("open"))?;
        let mut hasher = Hasher::default();
        let mut block = vec![0; BLOCK];
        loop {
            match file.read(&mut block).map_err(failed("read"))? {
                0 => break,
                count => hasher.update(&block[..count]),
            }
        }
        file.seek(SeekFrom::Start(hasher.size())).map_err(failed("read"))?;
        block.clear();
        Ok(Self { path: path.to_owned(), file, hasher, waiting: block })
    }

    /// Bytes that have arrived.
    pub(super) fn length(&self) -> u64 {
        self.hasher.size() + self.waiting.len() as u64
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// When they cannot be written.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<(), file::Error> {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= BLOCK { self.flush() } else { Ok(()) }
    }

    /// Writes what is waiting.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub(super) fn flush(&mut self) -> Result<(), file::Error> {
        self.file.write_all(&self.waiting).map_err(file::Error::at("write", &self.path))?;
        self.hasher.update(&self.waiting);
        self.waiting.clear();
        Ok(())
    }

    /// Makes the part durable and tells what it is.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn finish(mut self) -> Result<Digests, file::Error> {
        self.flush()?;
        self.file.sync_all().map_err(file::Error::at("sync", &self.path))?;
        Ok(self.hasher.finish())
    }
}
