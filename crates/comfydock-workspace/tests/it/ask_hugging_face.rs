//! Hugging Face asked what a file is.

use comfydock_core::resolve::ladder::{Evidence, Wanted};
use comfydock_core::site::Site;
use comfydock_workspace::remote::answers::Use;

use crate::looking::{World, named, said, sha256, sources, wanted};
use crate::site::Reply;

const MAIN: &str = "https://huggingface.co/o/r/resolve/main/d/a%20b.safetensors";
const BYTES: &[u8] = b"the weights";

fn at(place: &str, bytes: &[u8]) -> Wanted {
    Wanted { said: vec![said(place)], ..wanted("a b.safetensors", bytes) }
}

#[test]
fn a_branch_is_pinned_to_its_commit_when_the_hash_is_the_wanted_one() {
    let world = World::new();
    let commit = world.hugging_face.commit("o/r", &[("d/a b.safetensors", BYTES), ("README.md", b"x")]);
    let outcome = world.look(&[at(MAIN, BYTES)], Use::Young);
    assert_eq!(sources(&outcome, 0), [format!("hf:o/r@{commit}/d/a b.safetensors")]);
    let offer = &outcome.findings[0].offers[0];
    assert_eq!((offer.site, offer.evidence, offer.size), (Site::HuggingFace, Evidence::SameHash, Some(11)));
    let asked = &world.hugging_face.site.log()[0];
    assert_eq!(asked.header("accept-encoding"), Some("identity"));
    assert_eq!(world.hugging_face.site.lines(), ["HEAD /o/r/resolve/main/d/a%20b.safetensors"]);
    assert!(world.hugging_face.storage.site.log().is_empty(), "the storage's headers mean something else");
}

#[test]
fn another_file_is_never_taken_for_the_wanted_one() {
    let world = World::new();
    world.hugging_face.commit("o/r", &[("d/a b.safetensors", b"replaced")]);
    let outcome = world.look(&[at(MAIN, BYTES)], Use::Young);
    assert!(outcome.findings[0].offers.is_empty());
    let reason = &outcome.findings[0].reasons[0];
    assert!(reason.contains("another file") && reason.contains(sha256(b"replaced").short(12)), "{reason}");
}

#[test]
fn a_file_that_moved_in_its_repository_is_found_by_its_hash() {
    let world = World::new();
    let files: Vec<String> = (0..7).map(|number| format!("f{number}.safetensors")).collect();
    let contents: Vec<Vec<u8>> = (0..7).map(|number| vec![number; 9]).collect();
    let mut all: Vec<(&str, &[u8])> =
        files.iter().map(String::as_str).zip(contents.iter().map(Vec::as_slice)).collect();
    all.push(("new/a.safetensors", BYTES));
    let commit = world.hugging_face.commit("o/r", &all);
    let outcome = world.look(&[at(MAIN, BYTES)], Use::Young);
    assert_eq!(sources(&outcome, 0), [format!("hf:o/r@{commit}/new/a.safetensors")]);
    let pages = world.hugging_face.site.lines().iter().filter(|line| line.contains("/tree/main")).count();
    assert_eq!(pages, 4, "of two files each");
}

#[test]
fn a_renamed_repository_is_followed_and_nothing_else() {
    let world = World::new();
    let commit = world.hugging_face.commit("o/r", &[("d/a b.safetensors", BYTES)]);
    world.hugging_face.rename("o/r", "o/renamed");
    assert_eq!(world.sources(&at(MAIN, BYTES)), [format!("hf:o/r@{commit}/d/a b.safetensors")]);
}

#[test]
fn a_place_without_a_hash_is_told_as_what_it_is() {
    let world = World::new();
    let commit = world.hugging_face.commit("o/r", &[("d/a b.safetensors", BYTES)]);
    let outcome = world.look(&[named("a b.safetensors", MAIN)], Use::Young);
    let offer = &outcome.findings[0].offers[0];
    assert_eq!(offer.source.to_string(), format!("hf:o/r@{commit}/d/a b.safetensors"));
    assert_eq!((offer.sha256.clone(), offer.evidence), (Some(sha256(BYTES)), Evidence::Place));
}

#[test]
fn every_refusal_is_told_with_what_to_do() {
    let world = World::new();
    for repository in ["o/gated", "o/private", "o/open"] {
        world.hugging_face.commit(repository, &[("a.safetensors", BYTES)]);
    }
    world.hugging_face.gate("o/gated");
    world.hugging_face.make_private("o/private");
    let place = |repository: &str| format!("https://huggingface.co/{repository}/resolve/main/a.safetensors");
    let ask = |world: &World, place: &str| {
        let outcome = world.look(&[named("a.safetensors", place)], Use::None);
        (outcome.findings[0].offers.len(), outcome.findings[0].reasons.join(" "))
    };
    assert_eq!(ask(&world, &place("o/gated")).0, 1, "with the token");
    assert_eq!(ask(&world, &place("o/private")).0, 1, "with the token");
    assert!(ask(&world, &place("o/nobody")).1.contains("does not know it"));

    let mut stranger = world;
    stranger.endpoints.hugging_face_token = None;
    let (offers, reason) = ask(&stranger, &place("o/gated"));
    assert!(offers == 0 && reason.contains("accept the terms"), "{reason}");
    for missing in ["o/private", "o/nobody"] {
        let (offers, reason) = ask(&stranger, &place(missing));
        assert!(offers == 0 && reason.contains("if the repository exists"), "{reason}");
    }
    let (offers, reason) = ask(&stranger, &place("o/open").replace("main", "other"));
    assert!(offers == 0 && reason.contains("does not know it"), "{reason}");
}

#[test]
fn the_window_of_a_busy_site_is_kept() {
    let world = World::new();
    world.hugging_face.commit("o/r", &[("d/a b.safetensors", BYTES)]);
    world.hugging_face.mood(Reply::new(429).with("RateLimit", "\"resolvers\";r=0;t=1"), 1);
    assert_eq!(world.sources(&at(MAIN, BYTES)).len(), 1, "asked again after two seconds");
    let world = World::new();
    world.hugging_face.mood(Reply::new(429).with("RateLimit", "\"resolvers\";r=0;t=120"), 9);
    let outcome = world.look(&[at(MAIN, BYTES)], Use::Young);
    assert!(outcome.notes[0].contains("121 s"), "{:?}", outcome.notes);
    assert_eq!(world.hugging_face.site.log().len(), 1);
}

#[test]
fn a_small_file_has_no_hash_and_proves_nothing() {
    let world = World::new();
    world.hugging_face.commit("o/r", &[("config.json", BYTES)]);
    let outcome = world.look(&[at("https://huggingface.co/o/r/resolve/main/config.json", BYTES)], Use::Young);
    assert!(outcome.findings[0].offers.is_empty());
    assert!(outcome.findings[0].reasons[0].contains("does not tell"), "{:?}", outcome.findings[0].reasons);
}

#[test]
fn the_token_goes_to_the_site_and_to_nobody_else() {
    let world = World::new();
    world.hugging_face.commit("o/r", &[("x.safetensors", BYTES)]);
    world.look(&[at(MAIN, BYTES), at("https://huggingface.co/o/r/resolve/main/x.safetensors", BYTES)], Use::Young);
    let (own, other): (Vec<_>, Vec<_>) = world
        .requests()
        .into_iter()
        .partition(|asked| asked.header("host") == Some(world.hugging_face.site.address.as_str()));
    assert!(
        own.len() >= 2 && own.iter().all(|asked| asked.header("authorization") == Some("Bearer hf-token-of-the-tests"))
    );
    assert!(!other.is_empty(), "CivitAI was asked before");
    assert!(other.iter().all(|asked| !format!("{asked:?}").contains("hf-token-of-the-tests")));
    assert!(own.iter().all(|asked| !format!("{asked:?}").contains("civitai-key-of-the-tests")));
}
