//! Getting a file whose SHA-256 nobody knows: what else can be held against it.

use std::fs;

use comfydock_store::hash;
use comfydock_workspace::models::download::Failure;

use crate::download::Errand;
use crate::model_server::{Fault, ModelServer};
use crate::safetensors;

/// Wants a safetensors file at `x` without knowing anything of it.
fn errand(size: usize) -> Errand {
    let mut errand = Errand::new();
    errand.bytes = safetensors::model(7, size);
    errand.server.put("x", errand.bytes.clone());
    errand.only("x");
    (errand.wanted.sha256, errand.wanted.size) = (None, None);
    errand
}

fn arrives(errand: &Errand) {
    let arrived = errand.go().unwrap_or_else(|failure| panic!("{}", failure.reason()));
    assert_eq!(arrived.digests, hash::of_bytes(&errand.bytes), "it is measured as it comes");
    assert!(fs::read(&errand.wanted.target).unwrap() == errand.bytes);
    assert!(errand.leftovers().is_empty(), "{:?}", errand.leftovers());
}

fn refused(errand: &Errand, words: &str) {
    let failure = errand.go().unwrap_err();
    assert!(matches!(failure, Failure::Sources(_)) && failure.reason().contains(words), "{}", failure.reason());
    assert!(errand.wanted.target.symlink_metadata().is_err(), "nothing may have the name");
}

#[test]
fn a_file_arrives_and_goes_on_while_it_is_the_same_version() {
    let errand = errand(300_000);
    errand.server.fail_once("x", Fault::CutAfter(100_000));
    arrives(&errand);
    assert_eq!(errand.ranges("x"), ["-", "bytes=100000-"]);
    assert!(errand.server.requests("x")[1].headers.contains_key("if-range"));
}

#[test]
fn without_a_word_of_the_version_all_is_read_again_and_compared() {
    let errand = errand(300_000);
    errand.server.fail("x", Fault::Nameless);
    errand.server.fail_once("x", Fault::NamelessCut(100_000));
    arrives(&errand);
    assert_eq!(errand.ranges("x"), ["-", "-"]);
    assert_eq!(*errand.listener.bytes.lock().unwrap(), 300_000, "what was there is compared and not taken again");
}

#[test]
fn another_version_does_not_end_in_a_mixed_file() {
    for fault in [None, Some(Fault::Nameless), Some(Fault::NoRange)] {
        let mut errand = errand(300_000);
        errand.server.fail("x", Fault::Status(410));
        errand.server.fail_once("x", Fault::CutAfter(100_000));
        assert!(errand.go().is_err());
        errand.bytes = safetensors::model(8, 300_000);
        errand.server.put("x", errand.bytes.clone());
        errand.server.mend("x");
        if let Some(fault) = fault {
            errand.server.fail("x", fault);
        }
        arrives(&errand);
    }
}

#[test]
fn a_safetensors_file_says_itself_whether_it_is_whole() {
    let whole = errand(300_000);
    whole.server.fail("x", Fault::Endless(usize::MAX));
    arrives(&whole);

    let cut = errand(300_000);
    cut.server.fail("x", Fault::Endless(200_000));
    refused(&cut, "by its header it has 300000 bytes, and it has 200000");

    let no_model = errand(300_000);
    // Its first bytes say it; nothing is fetched for it.
    let mut no_header = 1000_u64.to_le_bytes().to_vec();
    no_header.resize(300_000, b'[');
    let too_long = [&400_000_u64.to_le_bytes()[..], &[b'{'; 200_000]].concat();
    for bytes in [vec![0xff; 300_000], vec![0; 300_000], no_header, too_long] {
        no_model.server.put("x", bytes);
        refused(&no_model, "no whole safetensors file");
    }
    assert_eq!(*no_model.listener.bytes.lock().unwrap(), 0);
}

#[test]
fn a_file_of_another_kind_needs_a_length() {
    let mut errand = errand(300_000);
    errand.wanted.target = errand.wanted.target.with_file_name("x.gguf");
    let mut bytes = b"GGUF".to_vec();
    bytes.resize(90_000, 1);
    errand.bytes = bytes;
    errand.server.put("x", errand.bytes.clone());
    errand.server.fail("x", Fault::Endless(usize::MAX));
    refused(&errand, "nobody says how long");
    errand.server.mend("x");
    arrives(&errand);

    fs::remove_file(&errand.wanted.target).unwrap();
    errand.server.put("x", vec![7; 90_000]);
    refused(&errand, "no GGUF");
}

#[test]
fn samples_and_size_are_held_against_a_model_of_the_manifest() {
    let mut errand = errand(300_000);
    let path = errand.wanted.target.with_file_name("known");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, &errand.bytes).unwrap();
    errand.wanted.quick = Some(hash::quick(&path).unwrap().0);
    errand.wanted.size = Some(300_000);
    fs::remove_file(path).unwrap();
    errand.server.put("x", safetensors::model(9, 300_000));
    refused(&errand, "samples differ");
    errand.server.put("x", errand.bytes.clone());
    arrives(&errand);
}

/// The body, with what its server says of its SHA-256.
fn say(hash: &str, body: &[u8]) -> Fault {
    let head = format!("200 OK\nContent-Type: application/octet-stream\nX-Linked-Etag: {hash}");
    Fault::Say(head, body.to_vec())
}

#[test]
fn a_server_that_names_the_hash_of_what_it_sends_does_not_pass_by_the_samples() {
    let mut errand = errand(300_000);
    let path = errand.wanted.target.with_file_name("known");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, &errand.bytes).unwrap();
    errand.wanted.quick = Some(hash::quick(&path).unwrap().0);
    fs::remove_file(path).unwrap();
    let other = safetensors::model(9, 300_000);
    errand.server.fail("x", say(hash::of_bytes(&other).sha256.as_str(), &other));
    refused(&errand, "samples differ");
    // Nor what its kind says of its length.
    errand.wanted.quick = None;
    let cut = &other[..200_000];
    errand.server.fail("x", say(hash::of_bytes(cut).sha256.as_str(), cut));
    refused(&errand, "by its header it has 300000 bytes");
}

#[test]
fn only_the_sources_own_host_can_say_what_its_file_hashes_to() {
    let errand = errand(300_000);
    let storage = ModelServer::start();
    storage.fail("s", say(hash::of_bytes(b"else").sha256.as_str(), &errand.bytes));
    errand.server.fail("x", Fault::Redirect(storage.url("s")));
    arrives(&errand);
}

#[test]
fn what_a_site_says_of_the_hash_is_held_against_the_bytes() {
    let mut errand = errand(300_000);
    let right = hash::of_bytes(&errand.bytes).sha256;
    let wrong = hash::of_bytes(b"else").sha256;
    errand.server.fail("x", say(&format!("W/\"{wrong}\""), &errand.bytes));
    refused(&errand, "another file");
    errand.server.fail("x", say(&format!("\"{right}\""), &errand.bytes));
    arrives(&errand);

    // Where the hash is known, a site that says another is not even read.
    fs::remove_file(&errand.wanted.target).unwrap();
    errand.wanted.sha256 = Some(right);
    errand.server.fail("x", say(&format!("W/\"{wrong}\""), &errand.bytes));
    refused(&errand, "another file");
    assert_eq!(*errand.listener.bytes.lock().unwrap(), 600_000, "of the last answer nothing was taken");
}
