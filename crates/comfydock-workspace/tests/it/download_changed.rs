//! Getting a model's bytes when what lies behind a URL is not what it was, or never was.

use std::fs;

use comfydock_core::observation::Verdict;

use crate::download::Errand;
use crate::model_server::Fault;

/// Other bytes of the same length.
fn other(errand: &Errand) -> Vec<u8> {
    errand.bytes.iter().map(|byte| byte ^ 0x55).collect()
}

#[test]
fn a_file_that_changed_meanwhile_does_not_spoil_what_came() {
    let errand = Errand::new();
    errand.server.fail("x", Fault::Serve(other(&errand)));
    errand.server.fail_once("x", Fault::CutAfter(150_000));
    let outcome = errand.outcome();
    assert!(outcome.arrived.is_ok());
    assert_eq!(outcome.observations[0].verdict, Verdict::Mismatch);
    assert!(fs::read(&errand.wanted.target).unwrap() == errand.bytes);
    assert!(errand.leftovers().is_empty(), "{:?}", errand.leftovers());
    assert_eq!(errand.ranges("y"), ["bytes=150000-"], "the bytes of before the change are good");
}

#[test]
fn a_source_with_another_file_costs_others_nothing() {
    for fault in [Fault::Nameless, Fault::NoRange] {
        let errand = Errand::new();
        errand.begun(&errand.bytes[..300_000]);
        errand.server.put("x", other(&errand));
        errand.server.fail("x", fault.clone());
        errand.arrives();
        assert_eq!(errand.ranges("y"), ["bytes=300000-"], "{fault:?}");
    }
}

#[test]
fn bytes_of_something_else_give_way_to_a_source_that_proves_right() {
    for fault in [Fault::Nameless, Fault::NoRange] {
        let mut errand = Errand::new();
        errand.only("x");
        errand.begun(&other(&errand)[..300_000]);
        errand.server.fail("x", fault);
        errand.arrives();
        assert!(errand.leftovers().is_empty());
    }
}

#[test]
fn a_source_that_sends_too_much_takes_only_its_own_bytes_away() {
    let mut long = Errand::new().bytes;
    long.extend([1; 9]);
    let errand = Errand::new();
    errand.begun(&errand.bytes[..300_000]);
    errand.server.put("x", long);
    errand.server.fail("x", Fault::Endless(usize::MAX));
    errand.arrives();
    assert_eq!(errand.ranges("y"), ["bytes=300000-"]);
}

#[test]
fn after_a_crash_of_the_machine_only_durable_bytes_count() {
    let journal = |errand: &Errand, boot: &str| {
        let text = format!(
            r#"{{"schema":"comfydock.part/1","sha256":null,"size":400000,"validator":null,"source":null,"durable":100000,"boot":"{boot}","updated_at":"2026-11-20T00:00:00Z"}}"#
        );
        let mut path = errand.part().into_os_string();
        path.push(".json");
        fs::write(path, text).unwrap();
    };
    // The tail is what a file system may leave of bytes that were never written.
    let mut bytes = Errand::new().bytes[..300_000].to_vec();
    bytes[100_000..].fill(0);
    let errand = Errand::new();
    errand.begun(&bytes);
    journal(&errand, "another start of the machine");
    errand.arrives();
    assert_eq!(errand.ranges("x"), ["bytes=100000-"]);

    let errand = Errand::new();
    errand.begun(&errand.bytes[..300_000]);
    journal(&errand, &comfydock_store::claim::boot_id());
    errand.arrives();
    assert_eq!(errand.ranges("x"), ["bytes=300000-"], "a process that was killed lost nothing");

    let errand = Errand::new();
    errand.begun(&errand.bytes[..300_000]);
    let mut path = errand.part().into_os_string();
    path.push(".json");
    fs::write(path, "{").unwrap();
    errand.arrives();
}

#[test]
fn a_second_part_is_gone_on_with_by_the_source_that_began_it_and_by_no_other() {
    for kept in [100_000, 400_000] {
        let errand = Errand::new();
        errand.server.put("x", other(&errand));
        // Bytes that nobody sent: whoever goes on with them is contradicted and gets a second part.
        errand.begun(&vec![7; 300_000]);
        errand.server.fail_once("x", Fault::CutAfter(usize::MAX));
        errand.server.fail_once("x", Fault::CutAfter(kept));
        errand.server.fail("x", Fault::Status(410));
        let outcome = errand.outcome();
        assert!(outcome.arrived.is_ok(), "{kept}: {outcome:?}");
        assert!(fs::read(&errand.wanted.target).unwrap() == errand.bytes);
        assert_eq!(outcome.observations[1].verdict, Verdict::BytesVerified, "{kept}");
        assert_eq!(errand.ranges("y").last().map(String::as_str), Some("-"), "{kept}");
    }
    // The same source goes on.
    let mut errand = Errand::new();
    errand.only("x");
    errand.begun(&vec![7; 300_000]);
    errand.server.fail_once("x", Fault::CutAfter(usize::MAX));
    errand.server.fail_once("x", Fault::CutAfter(100_000));
    errand.server.fail_once("x", Fault::Status(410));
    assert!(errand.go().is_err());
    errand.arrives();
    assert_eq!(errand.ranges("x").last().map(String::as_str), Some("bytes=100000-"));
}
