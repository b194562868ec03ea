//! Two that want one file, and what a dead one left.

use std::fs;
use std::time::Duration;

use comfydock_workspace::models::download::{Failure, part_path};
use comfydock_workspace::remote::guard::Consent;

use crate::download::Errand;
use crate::model_server::Fault;
use crate::support::wait_for;

fn lock(errand: &Errand) -> std::path::PathBuf {
    let name = errand.wanted.target.file_name().unwrap().to_string_lossy();
    errand.wanted.target.with_file_name(format!(".{name}.part.lock"))
}

#[test]
fn the_second_waits_and_takes_what_the_first_got() {
    let errand = Errand::new();
    errand.server.fail_once("x", Fault::HoldAfter(32_768));
    let consent = Consent::to(["127.0.0.1".to_owned()]);
    let go = || errand.with(&consent, |engine| engine.pace.stall = Duration::from_secs(30)).arrived;
    std::thread::scope(|scope| {
        let first = scope.spawn(go);
        wait_for("the first", || errand.server.requests("x").first().is_some_and(|request| request.sent >= 32_768));
        let second = scope.spawn(go);
        wait_for("the second", || !errand.listener.notes.lock().unwrap().is_empty());
        errand.server.release();
        let (first, second) = (first.join().unwrap().unwrap(), second.join().unwrap().unwrap());
        assert!(first.source.is_some() && second.source.is_none(), "one of them got it, the other found it");
        assert_eq!(first.digests, second.digests);
    });
    assert_eq!(errand.server.log().len(), 1);
    let notes = errand.listener.notes.lock().unwrap();
    assert_eq!(notes.len(), 1, "it is said once: {notes:?}");
    assert!(notes[0].contains(&format!("process {}", std::process::id())), "{notes:?}");
    drop(notes);
    assert!(errand.leftovers().is_empty(), "{:?}", errand.leftovers());
}

#[test]
fn the_second_goes_on_when_the_first_fails() {
    let errand = Errand::new();
    errand.server.fail("y", Fault::Status(410));
    errand.server.fail_once("x", Fault::HoldAfter(32_768));
    errand.server.fail_once("x", Fault::Status(410));
    std::thread::scope(|scope| {
        let first = scope.spawn(|| errand.go());
        wait_for("the first", || errand.server.requests("x").first().is_some_and(|request| request.sent >= 32_768));
        let second = scope.spawn(|| errand.go());
        assert!(matches!(first.join().unwrap(), Err(Failure::Sources(_))));
        assert!(second.join().unwrap().is_ok());
    });
    assert_ne!(errand.ranges("x").last().map(String::as_str), Some("-"), "with what the first had got");
}

#[test]
fn what_a_dead_process_left_is_no_obstacle() {
    let mut child = std::process::Command::new("true").spawn().unwrap();
    let gone = child.id();
    child.wait().unwrap();
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let (host, boot) = (host.trim(), comfydock_store::claim::boot_id());
    for text in [
        format!("process {gone}\nhost {host}\nboot {boot}\nclaim 1\nbeat 3\n"),
        format!("process 1\nhost {host}\nboot another\nclaim 1\nbeat 3\n"),
        format!("process 1\nhost elsewhere\nboot {boot}\nclaim 1\nbeat 3\n"),
        String::new(),
    ] {
        let errand = Errand::new();
        errand.begun(&errand.bytes[..10]);
        fs::write(lock(&errand), &text).unwrap();
        errand.arrives();
        assert_eq!(errand.ranges("x"), ["bytes=10-"], "{text}");
    }
}

#[test]
fn a_part_that_somebody_removes_is_told_as_that() {
    let errand = Errand::new();
    let came = errand.held(|| fs::remove_file(errand.part()).unwrap());
    let reason = came.arrived.unwrap_err().reason();
    assert_eq!(reason, "its part was removed while it came; run the command again");
}

#[test]
fn a_target_that_is_taken_meanwhile_is_left_as_it_is() {
    let errand = Errand::new();
    let came = errand.held(|| fs::write(&errand.wanted.target, "mine").unwrap());
    assert!(matches!(came.arrived, Err(Failure::Taken(_))));
    assert_eq!(fs::read(&errand.wanted.target).unwrap(), b"mine");
    assert!(part_path(&errand.wanted.target, errand.wanted.sha256.as_ref().unwrap()).exists(), "it is not thrown away");
}
