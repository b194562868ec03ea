//! Where the bytes go: written in large blocks, hashed behind the writing, made durable beside it.
//!
//! What is hashed is read from the file: what is on disk is what is checked. It was written a moment
//! ago, so the reading costs a copy from memory, and a slow hash never holds the connection up.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use comfydock_store::file::Error;
use comfydock_store::hash::{Digests, Hasher};

use super::follow::{Followers, Shared, keep};
use super::pace::Pace;
use super::part::{Facts, Part};
use super::room;

/// Bytes collected before they are written: network reads are small.
const BLOCK: usize = 1024 * 1024;
/// Bytes that are written as they come: collecting them would only copy them once more.
const LARGE: usize = 256 * 1024;
/// Bytes are not kept back longer than this, however slowly they come.
pub(super) const LINGER: Duration = Duration::from_millis(250);

/// Bytes of a file of unknown size after which the disk is looked at again.
const LOOK: u64 = 64 * 1024 * 1024;

/// An open part.
pub(super) struct Sink {
    pub(super) part: Part,
    file: Arc<File>,
    pace: Pace,
    buffer: Vec<u8>,
    buffered_since: Instant,
    /// Bytes in the file; those of the buffer come behind.
    written: u64,
    reserved: u64,
    /// Bytes that may come before the disk is looked at again.
    allowed: u64,
    shared: Arc<Shared>,
    /// Whether no other file comes beside it: then each hash has a thread of its own.
    alone: bool,
    followers: Option<Followers>,
    keeper: Option<JoinHandle<io::Result<()>>>,
}

impl Sink {
    /// Opens a part, made if need be, and begins to hash what is there.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(super) fn open(part: Part, pace: Pace, alone: bool) -> Result<Self, Error> {
        let at = |action| Error::at(action, &part.path);
        let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&part.path);
        let file = Arc::new(file.map_err(at("open"))?);
        let mut written = file.metadata().map_err(at("inspect"))?.len();
        let (facts, sure) = part.facts();
        if let Some(sure) = sure.filter(|sure| *sure < written) {
            file.set_len(sure).map_err(at("shorten"))?;
            written = sure;
        }
        let shared = Arc::new(Shared::default());
        shared.state().facts = facts;
        let mut sink = Self {
            part,
            file,
            pace,
            buffer: Vec::with_capacity(BLOCK),
            buffered_since: Instant::now(),
            written,
            reserved: 0,
            allowed: 0,
            shared,
            alone,
            followers: None,
            keeper: None,
        };
        sink.start();
        Ok(sink)
    }

    fn start(&mut self) {
        {
            let mut state = self.shared.state();
            (state.written, state.ended, state.dropped) = (self.written, false, false);
        }
        self.followers = Some(Followers::start(&self.file, &self.shared, self.alone));
        let (file, shared, part, pace) = (self.file.clone(), self.shared.clone(), self.part.clone(), self.pace);
        let begun = self.written;
        self.keeper = Some(std::thread::spawn(move || keep(&file, &shared, &part, pace, begun)));
    }

    /// Ends the threads; with `hashes` not before everything is hashed.
    ///
    /// # Errors
    /// When the disk did not take or does not give back what was written.
    fn stop(&mut self, hashes: bool) -> Result<Option<Hasher>, Error> {
        let at = |action| Error::at(action, &self.part.path);
        {
            let mut state = self.shared.state();
            state.ended = true;
            state.dropped = !hashes;
        }
        self.shared.changed.notify_all();
        // The hashes first: the keeper syncs meanwhile.
        let hasher = self.followers.take().map(Followers::join);
        let kept = self.keeper.take().map(JoinHandle::join);
        if let Some(kept) = kept {
            kept.unwrap_or_else(|_| Err(io::Error::other("the syncing broke off"))).map_err(at("write"))?;
        }
        if hashes { hasher.transpose().map_err(at("read")) } else { Ok(None) }
    }

    /// Bytes there are.
    pub(super) fn at(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    /// What is known of the part.
    pub(super) fn facts(&self) -> Facts {
        self.shared.state().facts.clone()
    }

    /// Changes what is known of the part.
    pub(super) fn learn(&self, change: impl FnOnce(&mut Facts)) {
        change(&mut self.shared.state().facts);
    }

    /// Bytes from the start that room is kept for.
    pub(super) fn reserved(&self) -> u64 {
        self.reserved
    }

    /// Keeps room for a file of this size; what lies beyond the bytes that came is not part of the file.
    ///
    /// # Errors
    /// When the file system is full.
    pub(super) fn reserve(&mut self, size: u64) -> Result<(), Error> {
        use rustix::fs::FallocateFlags;
        match rustix::fs::fallocate(&self.file, FallocateFlags::KEEP_SIZE, 0, size.max(1)) {
            Err(errno @ (rustix::io::Errno::NOSPC | rustix::io::Errno::DQUOT)) => {
                return Err(Error::at("keep room for", &self.part.path)(errno.into()));
            }
            Ok(()) => self.reserved = self.reserved.max(size),
            // File systems that cannot do it fail at the byte that does not fit.
            Err(_) => {}
        }
        Ok(())
    }

    /// Whether so many more bytes fit, with what is left alone on the disk. It is looked at now and
    /// then, and often only where little is left.
    pub(super) fn has_room(&mut self, more: u64) -> bool {
        if self.at() + more <= self.reserved {
            return true;
        }
        if more > self.allowed {
            let left = room::left(&self.part.path).unwrap_or(LOOK);
            self.allowed = left.saturating_sub(self.buffer.len() as u64).min(LOOK);
        }
        let fits = more <= self.allowed;
        self.allowed = self.allowed.saturating_sub(more);
        fits
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// When they cannot be written.
    pub(super) fn push(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            if self.buffer.is_empty() && bytes.len() >= LARGE {
                return self.write(bytes);
            }
            if self.buffer.is_empty() {
                self.buffered_since = Instant::now();
            }
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK - self.buffer.len()));
            self.buffer.extend_from_slice(now);
            bytes = later;
            if self.buffer.len() == BLOCK {
                self.flush()?;
            }
        }
        if self.buffered_since.elapsed() >= LINGER { self.flush() } else { Ok(()) }
    }

    /// Writes what is collected.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn flush(&mut self) -> Result<(), Error> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        let written = self.write(&buffer);
        if written.is_ok() {
            buffer.clear();
        }
        self.buffer = buffer;
        written
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all_at(bytes, self.written).map_err(Error::at("write", &self.part.path))?;
        self.written += bytes.len() as u64;
        self.shared.state().written = self.written;
        self.shared.changed.notify_all();
        Ok(())
    }

    /// How many of these bytes are those that lie at a place of the file; flushed before.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn same(&self, at: u64, bytes: &[u8]) -> Result<usize, Error> {
        let mut old = vec![0; bytes.len()];
        self.file.read_exact_at(&mut old, at).map_err(Error::at("read", &self.part.path))?;
        Ok(old.iter().zip(bytes).take_while(|(old, new)| old == new).count())
    }

    /// The first bytes of the file.
    pub(super) fn start_bytes(&self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count.min(usize::try_from(self.written).unwrap_or(count))];
        if self.file.read_exact_at(&mut bytes, 0).is_err() {
            bytes.clear();
        }
        bytes
    }

    /// Goes back to the first `length` bytes.
    ///
    /// # Errors
    /// When the file cannot be shortened.
    pub(super) fn shorten(&mut self, length: u64) -> Result<(), Error> {
        self.buffer.clear();
        let kept = self.stop(false);
        if length > 0 {
            kept?;
        }
        self.file.set_len(length).map_err(Error::at("shorten", &self.part.path))?;
        // What was kept beyond the end is given back with it.
        (self.written, self.reserved) = (length, 0);
        if length == 0 {
            self.part.forget();
            self.shared.state().facts = Facts::default();
        }
        self.start();
        Ok(())
    }

    /// The hashes of the whole file, which is on disk for good afterwards.
    ///
    /// # Errors
    /// When it cannot be written or read.
    pub(super) fn finish(&mut self) -> Result<Digests, Error> {
        self.flush()?;
        let hasher = self.stop(true)?;
        let digests = hasher.unwrap_or_default().finish();
        // The bytes are there by now; this is for their length. Room that was kept for bytes the file turned out not to have.
        self.file.set_len(self.written).map_err(Error::at("write", &self.part.path))?;
        self.file.sync_all().map_err(Error::at("sync", &self.part.path))?;
        Ok(digests)
    }

    /// Leaves the part for another time; an empty one goes.
    pub(super) fn leave(mut self) {
        let _ = self.flush();
        let kept = self.stop(false);
        if self.written == 0 {
            self.part.remove();
            return;
        }
        // Gives back the room that was kept.
        let _ = self.file.set_len(self.written);
        if kept.is_ok() && self.file.sync_data().is_ok() {
            let _ = self.part.note(&self.facts(), self.written);
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.stop(false);
    }
}
