//! Several connections for one file, where each of them is held down.

use std::time::Duration;

use comfydock_core::observation::Verdict;
use comfydock_store::hash;
use comfydock_workspace::models::download::{Engine, Outcome};
use comfydock_workspace::remote::guard::Consent;

use crate::download::Errand;
use crate::model_server::{Fault, Request};
use crate::safetensors;

const SIZE: usize = 3 * 1024 * 1024;

/// Wants a long file whose server holds each connection down.
fn held_down() -> Errand {
    let mut errand = Errand::new();
    errand.bytes = safetensors::noise(5, SIZE);
    errand.wanted.sha256 = Some(hash::of_bytes(&errand.bytes).sha256);
    errand.wanted.size = Some(SIZE as u64);
    errand.only("x");
    errand.server.put("x", errand.bytes.clone());
    // About half a megabyte a second.
    errand.server.fail("x", Fault::Trickle(5 * 1024));
    errand
}

fn go(errand: &Errand, set: impl FnOnce(&mut Engine<'_>)) -> Outcome {
    errand.with(&Consent::to(["127.0.0.1".to_owned()]), |engine| {
        engine.pace.widen_after = Duration::from_millis(100);
        engine.pace.stall = Duration::from_secs(5);
        // Tests run side by side.
        engine.pace.wide_at_a_time = 64;
        set(engine);
    })
}

/// Whether a request was for a window and not for all the rest.
fn is_window(request: &Request) -> bool {
    request.headers.get("range").is_some_and(|range| !range.ends_with('-'))
}

fn arrived(errand: &Errand, outcome: &Outcome) {
    assert!(outcome.arrived.is_ok(), "{outcome:?}");
    assert!(std::fs::read(&errand.wanted.target).unwrap() == errand.bytes);
    assert!(errand.leftovers().is_empty(), "{:?}", errand.leftovers());
    assert_eq!(outcome.observations[0].verdict, Verdict::BytesVerified);
}

#[test]
fn connections_that_are_held_down_are_multiplied_only_if_it_helps() {
    let errand = held_down();
    let outcome = go(&errand, |_| {});
    arrived(&errand, &outcome);
    let windows: Vec<_> = errand.server.log().into_iter().filter(is_window).collect();
    assert!(windows.len() >= 4, "{windows:?}");
    let ranged: usize = windows.iter().map(|request| request.sent).sum();
    assert!(ranged > SIZE / 2, "most of it came so: {ranged}");
    let sent: usize = errand.server.log().iter().map(|request| request.sent).sum();
    assert!(sent < SIZE + SIZE / 2, "hardly a byte twice: {sent}");
    assert!(windows.iter().all(|request| request.headers.contains_key("if-range")), "all of one version");

    // Fast enough, it keeps to one.
    let errand = held_down();
    let outcome = go(&errand, |engine| engine.pace.wide_below = 1000);
    arrived(&errand, &outcome);
    assert_eq!(errand.ranges("x"), ["-"]);
}

#[test]
fn a_server_that_dislikes_several_connections_is_left_with_one() {
    let faults = [
        Fault::Status(429),
        Fault::Status(503),
        Fault::CutAfter(1000),
        Fault::NoRange,
        Fault::Nameless,
        Fault::Redirect("/login".to_owned()),
        Fault::Say("206 Partial Content\nContent-Range: bytes 0-9/3145728".to_owned(), vec![1; 10]),
    ];
    std::thread::scope(|scope| {
        for fault in faults {
            scope.spawn(move || {
                let errand = held_down();
                // The first connection is well; a window of those that follow is not.
                errand.server.fail_once("x", Fault::Trickle(5 * 1024));
                errand.server.fail_once("x", fault.clone());
                let outcome = go(&errand, |_| {});
                arrived(&errand, &outcome);
                let last = errand.server.log().into_iter().next_back().unwrap();
                assert!(!is_window(&last), "{fault:?}: it goes on with one: {last:?}");
                assert!(errand.server.log().iter().any(is_window), "{fault:?}: several were tried");
            });
        }
    });
}

#[test]
fn a_wrong_window_never_becomes_a_part_of_the_file() {
    let errand = held_down();
    errand.server.fail_once("x", Fault::Trickle(5 * 1024));
    // Windows of the right shape, range and version and of other bytes: only the hash can tell.
    errand.server.fail("x", Fault::Forged(5 * 1024));
    let outcome = go(&errand, |_| {});
    let windows: Vec<Request> = errand.server.log().into_iter().filter(is_window).collect();
    assert!(windows.iter().any(|request| request.status == 206 && request.sent > 0), "some came: {windows:?}");
    assert!(outcome.arrived.is_err());
    assert_eq!(outcome.observations[0].verdict, Verdict::Mismatch);
    assert!(errand.wanted.target.symlink_metadata().is_err());
}
