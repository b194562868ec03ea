//! Locks between processes: the other one is flock(1).

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use comfydock_store::lock::Lock;

/// A process that holds the lock until its stdin ends.
fn held_by_another(path: &Path, how: &str) -> Child {
    let mut child = Command::new("flock")
        .arg(how)
        .arg(path)
        .args(["sh", "-c", "echo held; read line || true"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "held\n");
    child
}

fn let_go(mut child: Child) {
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

/// Whether another process could have the lock now.
fn free_for_another(path: &Path, how: &str) -> bool {
    Command::new("flock").args([how, "--nonblock"]).arg(path).arg("true").status().unwrap().success()
}

#[test]
fn one_writer_at_a_time_whichever_process_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("home/lock");
    let lock = Lock::exclusive(&path).unwrap();
    assert!(!free_for_another(&path, "--exclusive") && !free_for_another(&path, "--shared"));
    assert!(Lock::try_exclusive(&path).unwrap().is_none() && Lock::try_shared(&path).unwrap().is_none());
    drop(lock);

    let other = held_by_another(&path, "--exclusive");
    assert!(Lock::try_exclusive(&path).unwrap().is_none() && Lock::try_shared(&path).unwrap().is_none());
    let_go(other);
    assert!(Lock::try_exclusive(&path).unwrap().is_some());
}

#[test]
fn readers_share_and_keep_writers_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("running");
    let mine = Lock::try_shared(&path).unwrap().unwrap();
    let other = held_by_another(&path, "--shared");
    assert!(Lock::try_exclusive(&path).unwrap().is_none());
    drop(mine);
    assert!(Lock::try_exclusive(&path).unwrap().is_none(), "the other still reads");
    let_go(other);
    assert!(Lock::try_exclusive(&path).unwrap().is_some());
}

#[test]
fn who_waits_gets_the_lock_when_its_holder_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lock");
    std::fs::write(&path, "what somebody wrote into it").unwrap();
    let other = held_by_another(&path, "--exclusive");
    let waiting = std::thread::spawn({
        let path = path.clone();
        move || Lock::exclusive(&path).unwrap()
    });
    assert!(!waiting.is_finished());
    let_go(other);
    let lock = waiting.join().unwrap();
    assert!(!free_for_another(&path, "--shared"));
    drop(lock);
    assert_eq!(std::fs::read(&path).unwrap(), b"what somebody wrote into it");
}
