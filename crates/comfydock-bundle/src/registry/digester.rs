//! SHA-256 beside the network: bytes are hashed in a thread of their own.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use bytes::Bytes;
use comfydock_core::oci::Digest;
use comfydock_store::hash::Sha256Hasher;

/// Runs of bytes that may wait to be hashed.
const AHEAD: usize = 8;

/// Bytes and the place of the first of them.
type Run = (u64, Bytes);

/// Hashes what it is given; what it had already is passed over.
pub(super) struct Digester {
    to: SyncSender<Run>,
    thread: JoinHandle<(u64, Sha256Hasher)>,
}

impl Digester {
    pub(super) fn start() -> Self {
        let (to, runs) = sync_channel::<Run>(AHEAD);
        let thread = std::thread::spawn(move || {
            let (mut at, mut hasher) = (0, Sha256Hasher::default());
            for (place, bytes) in runs {
                let known = usize::try_from(u64::saturating_sub(at, place)).unwrap_or(usize::MAX);
                // Behind a gap there is nothing to hash: the count at the end tells of it.
                if place <= at && known < bytes.len() {
                    hasher.update(&bytes[known..]);
                    at = place + bytes.len() as u64;
                }
            }
            (at, hasher)
        });
        Self { to, thread }
    }

    /// Where runs of bytes are sent.
    pub(super) fn entry(&self) -> SyncSender<Run> {
        self.to.clone()
    }

    /// How many bytes came from the start on, and what they hash to. Every entry must be gone.
    pub(super) fn finish(self) -> (u64, Digest) {
        drop(self.to);
        let (count, hasher) = self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (count, Digest::from(hasher.finish()))
    }
}
