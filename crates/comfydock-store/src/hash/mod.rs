//! Hashes of files: the full pair in one pass, and the quick hash.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use comfydock_core::digest::{self, Blake3, QuickHash, Sha256};
use sha2::Digest as _;

use crate::file::Error;

mod side_by_side;

/// Bytes read at a time: small enough to stay in the core's cache between the two hashes.
const BLOCK: usize = 256 * 1024;

/// Bytes of a sample read at a time.
const SAMPLE_BLOCK: usize = 1024 * 1024;

/// What tells that a file is still the file that was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// Device number.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
    /// Bytes.
    pub size: u64,
    /// Last modification, nanoseconds since the epoch.
    pub mtime_ns: i64,
    /// Last change of the inode, nanoseconds since the epoch: no program can set it.
    pub ctime_ns: i64,
    /// Names the inode has: whether a change of the inode was one of them, or more.
    pub links: u64,
}

impl Stamp {
    /// The stamp of an inspected file.
    pub fn of(meta: &Metadata) -> Self {
        Self {
            device: meta.dev(),
            inode: meta.ino(),
            size: meta.size(),
            mtime_ns: meta.mtime().saturating_mul(1_000_000_000).saturating_add(meta.mtime_nsec()),
            ctime_ns: meta.ctime().saturating_mul(1_000_000_000).saturating_add(meta.ctime_nsec()),
            links: meta.nlink(),
        }
    }
}

/// Both full hashes of one run of bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digests {
    /// The identity.
    pub sha256: Sha256,
    /// Measured in the same pass.
    pub blake3: Blake3,
    /// Bytes hashed.
    pub size: u64,
}

/// Takes bytes as they come, for SHA-256 alone.
#[derive(Clone, Default)]
pub struct Sha256Hasher(sha2::Sha256);

impl Sha256Hasher {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash of everything taken.
    pub fn finish(self) -> Sha256 {
        Sha256::from_bytes(self.0.finalize().into())
    }
}

/// Takes bytes as they come, for BLAKE3 alone.
#[derive(Clone, Default)]
pub struct Blake3Hasher(blake3::Hasher);

impl Blake3Hasher {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}

/// Takes bytes as they come and gives both hashes at the end.
#[derive(Clone, Default)]
pub struct Hasher {
    sha256: Sha256Hasher,
    blake3: Blake3Hasher,
    size: u64,
}

impl Hasher {
    /// What two hashers took that were given the same `size` bytes.
    pub fn of_both(sha256: Sha256Hasher, blake3: Blake3Hasher, size: u64) -> Self {
        Self { sha256, blake3, size }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.blake3.update(bytes);
        self.size += bytes.len() as u64;
    }

    /// Bytes taken so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The hashes of everything taken.
    pub fn finish(self) -> Digests {
        Digests {
            sha256: self.sha256.finish(),
            blake3: Blake3::from_bytes(*self.blake3.0.finalize().as_bytes()),
            size: self.size,
        }
    }
}

/// Both hashes of bytes in memory.
pub fn of_bytes(bytes: &[u8]) -> Digests {
    let mut hasher = Hasher::default();
    hasher.update(bytes);
    hasher.finish()
}

/// The SHA-256 of bytes in memory.
pub fn sha256_of(bytes: &[u8]) -> Sha256 {
    Sha256::from_bytes(sha2::Sha256::digest(bytes).into())
}

/// How coarse the clock is that dates files: kernels count in ticks of up to ten milliseconds.
const TICK: Duration = Duration::from_millis(20);

/// Runs `read` on the file and returns its result only if the file did not change meanwhile;
/// retries twice.
///
/// A file that was changed within the present tick of the clock is let come to rest first: a change
/// right after would bear the same date and never be noticed.
fn steady<T>(path: &Path, mut read: impl FnMut(&mut File, u64) -> io::Result<T>) -> Result<(T, Stamp), Error> {
    let inspect = |file: &File| file.metadata().map(|meta| Stamp::of(&meta)).map_err(Error::at("inspect", path));
    for _ in 0..3 {
        let mut file = File::open(path).map_err(Error::at("open", path))?;
        let mut before = inspect(&file)?;
        if just_changed(&before) {
            std::thread::sleep(TICK);
            before = inspect(&file)?;
            if just_changed(&before) {
                continue;
            }
        }
        let outcome = read(&mut file, before.size);
        let after = inspect(&file)?;
        match outcome {
            Ok(value) if before == after => return Ok((value, after)),
            Err(error) if before == after => return Err(Error::at("read", path)(error)),
            _ => {}
        }
    }
    Err(Error::at("hash", path)(io::Error::other("it is being written to; try again when that has ended")))
}

/// Whether a file was changed within the present tick. A date in the future is another machine's
/// clock's, which tells nothing.
fn just_changed(stamp: &Stamp) -> bool {
    let changed = UNIX_EPOCH + Duration::from_nanos(u64::try_from(stamp.ctime_ns).unwrap_or(0));
    SystemTime::now().duration_since(changed).is_ok_and(|age| age < TICK)
}

/// The quick hash of a file: BLAKE3 over a tag, the size and up to three samples (decision 2).
///
/// # Errors
/// When the file cannot be read, or changed three times while it was.
pub fn quick(path: &Path) -> Result<(QuickHash, Stamp), Error> {
    steady(path, |file, size| {
        let mut hasher = blake3::Hasher::new();
        hasher.update(digest::QUICK_HASH_TAG);
        hasher.update(&size.to_le_bytes());
        // Larger than for the full hash: there are few reads, and cold ones want to be long.
        let mut block = vec![0; SAMPLE_BLOCK];
        for (offset, length) in digest::quick_hash_samples(size) {
            file.seek(SeekFrom::Start(offset))?;
            let mut left = length;
            while left > 0 {
                let wanted = usize::try_from(left).unwrap_or(SAMPLE_BLOCK).min(SAMPLE_BLOCK);
                file.read_exact(&mut block[..wanted])?;
                hasher.update(&block[..wanted]);
                left -= wanted as u64;
            }
        }
        Ok(QuickHash::from_bytes(*hasher.finalize().as_bytes()))
    })
}

/// SHA-256 and BLAKE3 of a file in one pass. `progress` hears of every block's bytes.
///
/// # Errors
/// When the file cannot be read, or changed three times while it was.
pub fn full(path: &Path, mut progress: impl FnMut(u64)) -> Result<(Digests, Stamp), Error> {
    steady(path, |file, _| {
        let mut hasher = Hasher::default();
        let mut block = vec![0; BLOCK];
        loop {
            let count = file.read(&mut block)?;
            if count == 0 {
                return Ok(hasher.clone().finish());
            }
            hasher.update(&block[..count]);
            progress(count as u64);
        }
    })
}

/// As [`full`], with each hash on a thread of its own: faster for a single large file, where
/// processors would be idle, and a waste where there are several files to share them.
///
/// # Errors
/// As [`full`].
pub fn full_side_by_side(path: &Path, mut progress: impl FnMut(u64)) -> Result<(Digests, Stamp), Error> {
    steady(path, |file, _| side_by_side::read(file, &mut progress))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1024 * 1024;

    /// The vectors of docs/decisions/0002: bytes `index % 251` at three sizes around the limit.
    #[test]
    fn quick_hash_vectors() {
        let folder = tempfile::tempdir().unwrap();
        let vectors = [
            (0, "e6fa1f8fc2834358977dae0115ad4fb5aec8ab21d581bcb7c24485819b717a31"),
            (15 * MIB, "6ccdc8335abf0b1f0745d2d2be90223932a437e10f1ac4f42a886e0fe160054a"),
            (15 * MIB + 1, "2e4a7c6dcb3656a9ee8525628f0a5a71961684d52860fc977ab403331046be3b"),
        ];
        for (size, expected) in vectors {
            let path = folder.path().join("x");
            let bytes: Vec<u8> = (0..size).map(|index| u8::try_from(index % 251).unwrap()).collect();
            std::fs::write(&path, &bytes).unwrap();
            assert_eq!(quick(&path).unwrap().0.as_str(), expected, "{size}");
        }
    }

    #[test]
    fn files_that_differ_only_between_samples_share_a_quick_hash_and_no_full_hash() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        let mut bytes = vec![7; 20 * MIB];
        std::fs::write(&one, &bytes).unwrap();
        bytes[6 * MIB] = 8;
        std::fs::write(&other, &bytes).unwrap();
        assert_eq!(quick(&one).unwrap().0, quick(&other).unwrap().0);
        assert_ne!(full(&one, |_| {}).unwrap().0.sha256, full(&other, |_| {}).unwrap().0.sha256);
    }

    #[test]
    fn the_full_hashes_are_the_published_ones_of_abc() {
        let mut hasher = Hasher::default();
        hasher.update(b"a");
        hasher.update(b"bc");
        let digests = hasher.finish();
        assert_eq!(digests.sha256.as_str(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(digests.blake3.as_str(), "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85");
        assert_eq!(digests.size, 3);
    }

    #[test]
    fn a_file_that_is_written_to_while_it_is_read_has_no_hash() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::fs::write(&path, b"a").unwrap();
        let mut tries = 0;
        let error = steady(&path, |_, _| {
            tries += 1;
            std::fs::write(&path, b"b")
        })
        .unwrap_err();
        assert!(error.source.to_string().contains("being written"), "{error}: {}", error.source);
        assert!((1..=3).contains(&tries), "{tries}");
        assert!(steady(&path, |_, size| Ok(size)).is_ok_and(|(size, _)| size == 1), "later it has come to rest");
    }

    #[test]
    fn both_ways_to_hash_a_file_agree() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        for size in [0, 1, MIB - 1, MIB, MIB + 1, 20 * MIB + 7] {
            let bytes: Vec<u8> = (0..size).map(|index| u8::try_from(index % 253).unwrap()).collect();
            std::fs::write(&path, &bytes).unwrap();
            let mut heard = 0;
            let one = full(&path, |_| {}).unwrap();
            let two = full_side_by_side(&path, |count| heard += count).unwrap();
            assert_eq!((&one, heard), (&two, size as u64), "{size}");
        }
    }
}
