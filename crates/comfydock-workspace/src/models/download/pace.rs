//! How patient a download is.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use comfydock_core::retry;
use comfydock_store::claim::Terms;

/// The times and bounds of a download; tests have shorter ones.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// In every stretch of this length enough must come, or the connection is made anew.
    pub stall: Duration,
    /// What is enough, in bytes a second.
    pub slowest: u64,
    /// A connection that brought so many bytes was no failure.
    pub progress: u64,
    /// Connections in a row that may fail.
    pub tries: u32,
    /// The shortest pause before another connection.
    pub shortest: Duration,
    /// The longest pause that was not asked for.
    pub longest: Duration,
    /// The longest pause that is kept when a server asks for it.
    pub patience: Duration,
    /// How often what came is made durable and written down.
    pub note_every: Duration,
    /// And after how many bytes at the latest.
    pub note_bytes: u64,
    /// After so long a file may get several connections.
    pub widen_after: Duration,
    /// If it came with less than this, in bytes a second.
    pub wide_below: u64,
    /// How many connections that is.
    pub width: usize,
    /// How many files may have several at a time.
    pub wide_at_a_time: usize,
    /// The terms of the claim on the target.
    pub claim: Terms,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            stall: Duration::from_secs(30),
            slowest: 10_000,
            progress: 64 * 1024,
            tries: 8,
            shortest: Duration::from_secs(1),
            longest: Duration::from_secs(30),
            // Hugging Face counts in windows of five minutes.
            patience: Duration::from_secs(330),
            note_every: Duration::from_secs(2),
            note_bytes: 256 * 1024 * 1024,
            widen_after: Duration::from_secs(5),
            wide_below: 100_000_000,
            width: 4,
            wide_at_a_time: 2,
            claim: Terms::default(),
        }
    }
}

impl Pace {
    /// The pause after `previous`.
    pub(super) fn pause(&self, previous: Duration) -> Duration {
        let [chance, ..] = RandomState::new().hash_one(0).to_ne_bytes();
        retry::jitter(self.shortest, self.longest, previous, chance)
    }
}
