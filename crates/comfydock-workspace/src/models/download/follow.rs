//! Threads that follow the writing of a part: they hash it, and make it durable.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use comfydock_store::hash::{Blake3Hasher, Hasher, Sha256Hasher};

use super::pace::Pace;
use super::part::{Facts, Part};

/// Bytes hashed at a time: small enough to stay in the core's cache between the two hashes.
const HASHED: usize = 256 * 1024;

/// What the writer and its followers know together.
#[derive(Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    pub(super) changed: Condvar,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) written: u64,
    pub(super) ended: bool,
    /// Nobody wants the hashes any more.
    pub(super) dropped: bool,
    pub(super) facts: Facts,
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread that hashes, and gives how many bytes it took.
type Follower<H> = JoinHandle<io::Result<(H, u64)>>;

/// Who hashes.
pub(super) enum Followers {
    /// One thread, where others have work for the cores.
    One(Follower<Hasher>),
    /// One for each hash: a fast connection is faster than both in one thread.
    Two(Follower<Sha256Hasher>, Follower<Blake3Hasher>),
}

impl Followers {
    pub(super) fn start(file: &Arc<File>, shared: &Arc<Shared>, alone: bool) -> Self {
        if alone {
            Self::Two(spawn(file, shared, Sha256Hasher::update), spawn(file, shared, Blake3Hasher::update))
        } else {
            Self::One(spawn(file, shared, Hasher::update))
        }
    }

    /// Waits for their end.
    pub(super) fn join(self) -> io::Result<Hasher> {
        match self {
            Self::One(both) => join(both).map(|(hasher, _)| hasher),
            Self::Two(sha256, blake3) => {
                let ((sha256, size), (blake3, other)) = (join(sha256)?, join(blake3)?);
                if size == other { Ok(Hasher::of_both(sha256, blake3, size)) } else { Err(broken()) }
            }
        }
    }
}

fn broken() -> io::Error {
    io::Error::other("the hashing broke off")
}

fn join<H>(follower: Follower<H>) -> io::Result<(H, u64)> {
    follower.join().map_err(|_| broken())?
}

fn spawn<H: Default + Send + 'static>(
    file: &Arc<File>,
    shared: &Arc<Shared>,
    update: fn(&mut H, &[u8]),
) -> Follower<H> {
    let (file, shared) = (file.clone(), shared.clone());
    std::thread::spawn(move || {
        let mut hasher = H::default();
        let size = follow(&file, &shared, |bytes| update(&mut hasher, bytes))?;
        Ok((hasher, size))
    })
}

/// Reads the file as far as it is written, until it has ended. Returns the bytes taken.
fn follow(file: &File, shared: &Shared, mut take: impl FnMut(&[u8])) -> io::Result<u64> {
    let mut taken = 0;
    let mut block = vec![0; HASHED];
    loop {
        let written = {
            let waiting = |state: &mut State| state.written == taken && !state.ended && !state.dropped;
            let state = shared.changed.wait_while(shared.state(), waiting).unwrap_or_else(PoisonError::into_inner);
            if state.dropped || (state.ended && state.written == taken) {
                return Ok(taken);
            }
            state.written
        };
        while taken < written {
            let left = usize::try_from(written - taken).unwrap_or(HASHED).min(HASHED);
            file.read_exact_at(&mut block[..left], taken)?;
            take(&block[..left]);
            taken += left as u64;
            // A long prefix is given up at once when nobody wants it any more.
            if shared.state().dropped {
                return Ok(taken);
            }
        }
    }
}

/// Makes what came durable and then writes it down, now and then, and once more at the end: what is
/// hashed last goes to the disk while it is hashed.
///
/// # Errors
/// The first time that the disk did not take something: the system tells it once.
pub(super) fn keep(file: &File, shared: &Shared, part: &Part, pace: Pace, mut durable: u64) -> io::Result<()> {
    let mut last = Instant::now();
    let mut tried = durable;
    let mut kept = Ok(());
    loop {
        let (written, facts) = {
            let due = pace.note_every.saturating_sub(last.elapsed());
            let idle = |state: &mut State| !state.ended && state.written.saturating_sub(tried) < pace.note_bytes;
            let waited = shared.changed.wait_timeout_while(shared.state(), due, idle);
            let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            if state.ended {
                let wanted = !state.dropped;
                drop(state);
                return if wanted { kept.and(file.sync_data()) } else { kept };
            }
            (state.written, state.facts.clone())
        };
        (last, tried) = (Instant::now(), written);
        if written == durable {
            continue;
        }
        // The order is the point: the journal may only promise what the disk has.
        match file.sync_data() {
            Ok(()) if kept.is_ok() && part.note(&facts, written).is_ok() => durable = written,
            Ok(()) => {}
            failed => kept = kept.and(failed),
        }
    }
}
