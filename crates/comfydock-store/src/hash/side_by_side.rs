//! SHA-256 and BLAKE3 of one file on two threads: BLAKE3 is three times as fast, so it reads and
//! hashes what SHA-256 is about to hash, and costs no time of its own.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use comfydock_core::digest::{Blake3, Sha256};
use sha2::Digest as _;

use super::Digests;

/// Bytes handed over at a time.
const BLOCK: usize = 1024 * 1024;

/// Blocks that may wait for SHA-256.
const AHEAD: usize = 8;

pub(super) fn read(file: &mut File, progress: &mut impl FnMut(u64)) -> io::Result<Digests> {
    let (full, to_hash) = sync_channel::<Arc<Vec<u8>>>(AHEAD);
    let (done, free) = sync_channel::<Arc<Vec<u8>>>(AHEAD + 2);
    std::thread::scope(|scope| {
        let sha256 = scope.spawn(move || {
            let mut sha256 = sha2::Sha256::new();
            for block in to_hash {
                sha256.update(block.as_slice());
                // Nobody takes it back any more when the file has been read.
                let _ = done.try_send(block);
            }
            sha256.finalize()
        });
        let mut blake3 = blake3::Hasher::new();
        let mut size = 0;
        loop {
            let spare = free.try_recv().ok().and_then(|block| Arc::try_unwrap(block).ok());
            let mut block = spare.unwrap_or_else(|| Vec::with_capacity(BLOCK));
            block.clear();
            let count = file.by_ref().take(BLOCK as u64).read_to_end(&mut block)?;
            if count == 0 {
                break;
            }
            size += count as u64;
            let block = Arc::new(block);
            // The other thread ends only when this one hangs up.
            if full.send(Arc::clone(&block)).is_err() {
                break;
            }
            blake3.update(&block);
            progress(count as u64);
        }
        drop(full);
        let sha256 = sha256.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok(Digests {
            sha256: Sha256::from_bytes(sha256.into()),
            blake3: Blake3::from_bytes(*blake3.finalize().as_bytes()),
            size,
        })
    })
}
