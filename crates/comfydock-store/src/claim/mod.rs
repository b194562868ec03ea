//! One writer of a path, also on file systems whose locks cannot be trusted (decision 64).
//!
//! The claim is a file that only one process can create. It says who holds it and changes while its
//! holder lives; it is locked with `flock` besides, which is exact where it works. Whether another
//! machine's holder lives is told by watching the file, never by comparing clocks.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::file::{self, Error};

mod holder;

pub use holder::{Holder, boot_id};

/// How long things take.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// Between two signs of life of a holder.
    pub beat: Duration,
    /// Without a sign of life for so long a claim is void.
    pub stale: Duration,
    /// Between two looks of who waits.
    pub poll: Duration,
}

impl Default for Terms {
    fn default() -> Self {
        Self { beat: Duration::from_secs(10), stale: Duration::from_secs(60), poll: Duration::from_millis(100) }
    }
}

/// A held claim; dropping it lets go.
#[derive(Debug)]
pub struct Claim {
    path: PathBuf,
    holder: Holder,
    file: File,
    pulse: Arc<Pulse>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Pulse {
    ended: Mutex<bool>,
    changed: Condvar,
    lost: AtomicBool,
}

impl Claim {
    /// Waits until nobody else holds the path's claim, then holds it. `waiting` hears at every look
    /// who holds it, if the file says so.
    ///
    /// # Errors
    /// When the claim's folder cannot be written.
    pub fn take(path: &Path, terms: Terms, mut waiting: impl FnMut(Option<&Holder>)) -> Result<Self, Error> {
        let holder = Holder::this(next_number());
        let mut seen = (Vec::new(), Instant::now());
        loop {
            match OpenOptions::new().create_new(true).read(true).write(true).open(path) {
                Ok(file) => {
                    // Whoever looks at the file at this moment has it for that moment.
                    let _ = file.lock();
                    if is_at(&file, path) {
                        return Self::hold(path, holder, file, terms);
                    }
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(Error::at("create", path)(error)),
            }
            let file = match OpenOptions::new().read(true).write(true).open(path) {
                Ok(file) => file,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(Error::at("open", path)(error)),
            };
            let bytes = read(&file).map_err(Error::at("read", path))?;
            if bytes != seen.0 {
                seen = (bytes, Instant::now());
            }
            let other = Holder::parse(&seen.0);
            let void = other.as_ref().is_some_and(Holder::is_surely_dead) || seen.1.elapsed() >= terms.stale;
            if void && !is_locked(&file) && is_at(&file, path) && read(&file).is_ok_and(|now| now == seen.0) {
                let elsewhere = other.is_none_or(|other| !other.is_of_this_machine());
                let claim = Self::hold(path, holder.clone(), file, terms)?;
                if elsewhere {
                    // Another machine may have come to the same conclusion; the last to write has it.
                    std::thread::sleep(terms.poll.saturating_mul(5));
                }
                if claim.is_ours() {
                    return Ok(claim);
                }
                continue;
            }
            drop(file);
            waiting(other.as_ref());
            std::thread::sleep(terms.poll);
        }
    }

    fn hold(path: &Path, holder: Holder, file: File, terms: Terms) -> Result<Self, Error> {
        write(&file, &holder.text(0)).map_err(Error::at("write", path))?;
        let pulse = Arc::new(Pulse::default());
        let mut claim = Self { path: path.to_owned(), holder, file, pulse, thread: None };
        let (pulse, path, holder) = (claim.pulse.clone(), claim.path.clone(), claim.holder.clone());
        let file = claim.file.try_clone().map_err(Error::at("open", &path))?;
        claim.thread = Some(std::thread::spawn(move || beat(&pulse, &path, &holder, &file, terms.beat)));
        Ok(claim)
    }

    /// Whether somebody was seen to have taken the claim over because this process gave no sign of
    /// life: what it protects may not be written any more.
    pub fn is_lost(&self) -> bool {
        self.pulse.lost.load(Ordering::Relaxed)
    }

    /// Looks whether the claim is still this process's.
    pub fn is_ours(&self) -> bool {
        ours(&self.path, &self.file, &self.holder)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Ok(mut ended) = self.pulse.ended.lock() {
            *ended = true;
        }
        self.pulse.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        if self.is_ours() {
            let _ = file::remove(&self.path);
        }
    }
}

/// Whether somebody holds the path's claim, for all that can be known without waiting for a sign of life.
/// A file that does not say whose it is, or whose holder is on another machine, counts as held.
pub fn is_held(path: &Path) -> bool {
    let file = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) => return error.kind() != ErrorKind::NotFound,
    };
    let dead = read(&file).ok().and_then(|bytes| Holder::parse(&bytes)).is_some_and(|holder| holder.is_surely_dead());
    !dead || is_locked(&file)
}

/// Signs of life, until the claim ends or is another's.
fn beat(pulse: &Pulse, path: &Path, holder: &Holder, file: &File, every: Duration) {
    let mut number = 0;
    loop {
        let Ok(ended) = pulse.ended.lock() else { return };
        let Ok((ended, _)) = pulse.changed.wait_timeout_while(ended, every, |ended| !*ended) else { return };
        if *ended {
            return;
        }
        drop(ended);
        if !ours(path, file, holder) {
            pulse.lost.store(true, Ordering::Relaxed);
            return;
        }
        number += 1;
        // A full disk must not end a download that fits; without a new sign others wait longer.
        let _ = write(file, &holder.text(number));
    }
}

fn ours(path: &Path, file: &File, holder: &Holder) -> bool {
    is_at(file, path)
        && File::open(path)
            .and_then(|now| read(&now))
            .is_ok_and(|bytes| Holder::parse(&bytes).is_some_and(|now| now == *holder))
}

/// Whether another holds the file's lock; where there are no locks nobody does. Locks it otherwise.
fn is_locked(file: &File) -> bool {
    matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

/// Whether the open file is the one at the path.
fn is_at(file: &File, path: &Path) -> bool {
    let (Ok(open), Ok(named)) = (file.metadata(), path.metadata()) else { return false };
    (open.dev(), open.ino()) == (named.dev(), named.ino())
}

fn read(file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 1024];
    let count = file.read_at(&mut bytes, 0)?;
    bytes.truncate(count);
    Ok(bytes)
}

fn write(file: &File, text: &str) -> io::Result<()> {
    // In place: a lock is of the file, and a new file would be another one.
    file.write_all_at(text.as_bytes(), 0)?;
    file.set_len(text.len() as u64)
}

fn next_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let moment = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(0));
    moment.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed))
}
