//! Servers that promise or send more than there is room for.

use std::io::Write as _;
use std::time::Duration;

use comfydock_core::source::Source;
use comfydock_workspace::models::download::{Arrived, Failure};
use comfydock_workspace::remote::guard::Consent;

use crate::answers::{Answers, answer};
use crate::download::Errand;
use crate::model_server::Fault;
use crate::tmpfs::Tmpfs;

const MIB: usize = 1024 * 1024;

/// Wants a file of an unknown size, on a disk of 32 MiB.
fn on_a_small_disk() -> Option<(Errand, Tmpfs)> {
    let Some(disk) = Tmpfs::mount(32 * MIB) else {
        let _ = writeln!(std::io::stderr(), "\nSKIPPED download_room: a tmpfs cannot be mounted here");
        return None;
    };
    let mut errand = Errand::new();
    errand.wanted.size = None;
    errand.wanted.target = disk.path().join("x.safetensors");
    Some((errand, disk))
}

/// The server takes its time for files of this size.
fn go(errand: &Errand) -> Result<Arrived, Failure> {
    let consent = Consent::to(["127.0.0.1".to_owned()]);
    errand.with(&consent, |engine| engine.pace.stall = Duration::from_secs(30)).arrived
}

#[test]
fn a_length_that_does_not_fit_costs_nothing_but_its_source() {
    let Some((errand, _disk)) = on_a_small_disk() else { return };
    // The first is larger than the disk, the second would leave nothing of it.
    for length in [40 * MIB, 31 * MIB] {
        errand.server.fail("x", Fault::Serve(vec![1; length]));
        let arrived = go(&errand).unwrap_or_else(|failure| panic!("{length}: {}", failure.reason()));
        assert_eq!(arrived.source, Source::parse(&errand.server.url("y")).ok(), "{length}");
        assert!(errand.leftovers().is_empty(), "{:?}", errand.leftovers());
        std::fs::remove_file(&errand.wanted.target).unwrap();
    }
    let mut errand = errand;
    errand.only("x");
    let reason = go(&errand).unwrap_err().reason();
    assert!(reason.contains("says it has 32505856 bytes"), "{reason}");
}

#[test]
fn an_answer_without_end_is_ended_before_the_disk_is_full() {
    let Some((mut errand, disk)) = on_a_small_disk() else { return };
    errand.server.put("x", vec![1; 40 * MIB]);
    errand.server.fail("x", Fault::Endless(usize::MAX));
    assert!(go(&errand).is_ok(), "the next source has it");
    assert!(errand.leftovers().is_empty(), "{:?}", errand.leftovers());
    std::fs::remove_file(&errand.wanted.target).unwrap();
    // What came before is not given up for it.
    let odd = Answers::new(vec![answer("206 Partial Content\nContent-Range: bytes 300000-99999999/*", &[1; 40 * MIB])]);
    errand.wanted.sources = vec![Source::parse(&odd.url()).unwrap()];
    errand.begun(&errand.bytes[..300_000]);
    let reason = go(&errand).unwrap_err().reason();
    assert!(reason.contains("more than there is room for"), "{reason}");
    assert_eq!(std::fs::read(errand.part()).unwrap(), errand.bytes[..300_000]);
    drop(disk);
}
