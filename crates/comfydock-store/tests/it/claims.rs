//! One writer of a path, and what becomes of it when the writer does not come back.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use comfydock_store::claim::{Claim, Holder, Terms, boot_id};

fn terms() -> Terms {
    let milliseconds = Duration::from_millis;
    Terms { beat: milliseconds(20), stale: milliseconds(300), poll: milliseconds(2) }
}

fn take(path: &Path) -> Claim {
    Claim::take(path, terms(), |_| {}).unwrap()
}

fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lock");
    (folder, path)
}

/// A claim's file as another would have written it.
fn text(process: u32, host: &str, boot: &str, beat: u32) -> String {
    format!("process {process}\nhost {host}\nboot {boot}\nclaim 7\nbeat {beat}\n")
}

fn host() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim().to_owned()
}

#[test]
fn a_claim_is_one_holders_and_goes_with_him() {
    let (_folder, path) = place();
    let inside = AtomicUsize::new(0);
    let turns = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..10 {
                    let claim = take(&path);
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two hold it");
                    assert!(claim.is_ours() && !claim.is_lost());
                    turns.fetch_add(1, Ordering::SeqCst);
                    inside.fetch_sub(1, Ordering::SeqCst);
                }
            });
        }
    });
    assert_eq!(turns.load(Ordering::SeqCst), 80);
    assert!(!path.exists());
}

#[test]
fn who_waits_hears_of_the_holder() {
    let (_folder, path) = place();
    let claim = take(&path);
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(|| Claim::take(&path, terms(), |holder| sender.send(holder.cloned()).unwrap()).unwrap());
        let holder = receiver.iter().flatten().next().unwrap();
        assert_eq!((holder.process, holder.host), (std::process::id(), host()));
        drop(claim);
    });
}

#[test]
fn signs_of_life_keep_a_claim() {
    let (_folder, path) = place();
    // Another machine's: no process to look for and no lock that is seen from here.
    fs::write(&path, text(1, "elsewhere", "x", 0)).unwrap();
    let (began, mut last, mut beat) = (Instant::now(), Instant::now(), 0);
    // It lives on beside the looks of who waits.
    let live = |_: Option<&Holder>| {
        if last.elapsed() >= terms().beat && began.elapsed() < terms().stale * 3 {
            (last, beat) = (Instant::now(), beat + 1);
            fs::write(&path, text(1, "elsewhere", "x", beat)).unwrap();
        }
    };
    let claim = Claim::take(&path, terms(), live).unwrap();
    assert!(began.elapsed() >= terms().stale * 3, "it was taken from somebody alive");
    assert!(claim.is_ours());
}

#[test]
fn the_dead_hold_nothing_and_only_the_silent_are_waited_for() {
    let mut child = std::process::Command::new("true").spawn().unwrap();
    let gone = child.id();
    child.wait().unwrap();
    for (what, text, waits) in [
        ("a process that is gone", text(gone, &host(), &boot_id(), 1), false),
        ("a process of an earlier start", text(std::process::id(), &host(), "earlier", 1), false),
        ("a process number of today", text(std::process::id(), &host(), &boot_id(), 1), true),
        ("another machine", text(gone, "elsewhere", &boot_id(), 1), true),
        ("a file that was only being made", String::new(), true),
        ("something else", "???".to_owned(), true),
    ] {
        let (_folder, path) = place();
        fs::write(&path, text).unwrap();
        let began = Instant::now();
        let claim = take(&path);
        let waited = began.elapsed() >= terms().stale;
        assert_eq!(waited, waits, "{what}");
        drop(claim);
        assert!(!path.exists(), "{what}");
    }
}

#[test]
fn a_void_claim_is_taken_by_one() {
    let (_folder, path) = place();
    fs::write(&path, text(1, &host(), "earlier", 1)).unwrap();
    let (inside, left) = (AtomicUsize::new(0), AtomicUsize::new(8));
    let (looks, looked) = (Mutex::new(0), Condvar::new());
    let look = |_: Option<&Holder>| {
        *looks.lock().unwrap() += 1;
        looked.notify_all();
    };
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let _claim = Claim::take(&path, terms(), look).unwrap();
                assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two took it over");
                // Whoever is left looks at it while it is held.
                if left.fetch_sub(1, Ordering::SeqCst) > 1 {
                    let seen = looks.lock().unwrap();
                    let before = *seen;
                    let patience = Duration::from_secs(30);
                    let waited = looked.wait_timeout_while(seen, patience, |looks| *looks == before).unwrap().1;
                    assert!(!waited.timed_out(), "nobody looks");
                }
                inside.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
}

#[test]
fn who_was_taken_for_dead_learns_it_and_touches_nothing() {
    let (_folder, path) = place();
    let claim = take(&path);
    let other = text(1, "elsewhere", "x", 5);
    fs::write(&path, &other).unwrap();
    assert!(!claim.is_ours());
    let deadline = Instant::now() + Duration::from_secs(10);
    while !claim.is_lost() {
        assert!(Instant::now() < deadline, "it never noticed");
        std::thread::yield_now();
    }
    drop(claim);
    assert_eq!(fs::read_to_string(&path).unwrap(), other, "the new holder's file stays");
}
