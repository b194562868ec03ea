//! CivitAI asked for models by hash.

use comfydock_core::resolve::ladder::{Evidence, Wanted};
use comfydock_workspace::remote::answers::Use;

use crate::civitai::{Bar, CivitaiFile, Scanned, file};
use crate::looking::{World, blake3, named, said, sources, wanted};
use crate::site::Reply;

const FULL: &[u8] = b"full weights";
const PRUNED: &[u8] = b"pruned weights";

fn world() -> World {
    let world = World::new();
    world.civitai.publish(25, &[file(1, "full.safetensors", FULL), file(2, "pruned.safetensors", PRUNED)]);
    world.civitai.publish(31, &[file(9, "other.safetensors", b"other")]);
    world
}

#[test]
fn the_file_is_chosen_by_its_hash_and_not_by_rank() {
    let world = world();
    let models = [
        wanted("mine.safetensors", PRUNED),
        wanted("x.pt", b"unknown"),
        wanted("y.pt", b"other"),
        wanted("z.pt", FULL),
    ];
    let outcome = world.look(&models, Use::Young);
    let found: Vec<_> = (0..4).map(|position| sources(&outcome, position)).collect();
    assert_eq!(found, [vec!["civitai:25/2"], vec![], vec!["civitai:31/9"], vec!["civitai:25/1"]]);
    let offer = &outcome.findings[0].offers[0];
    assert_eq!((offer.filename.as_str(), offer.evidence), ("pruned.safetensors", Evidence::SameHash));
    assert_eq!(offer.size, Some(PRUNED.len() as u64));
    assert_eq!(outcome.notes, Vec::<String>::new());
    // One probe and one batch, whatever the number.
    let lines = ["POST /api/v1/model-versions/by-hash/ids", "POST /api/v1/model-versions/by-hash"];
    assert_eq!(world.civitai.site.lines(), lines);
}

#[test]
fn who_asks_is_honest_and_known_to_the_site_alone() {
    let world = world();
    assert_eq!(world.sources(&wanted("x.pt", FULL)), ["civitai:25/1"]);
    for asked in world.civitai.site.log() {
        assert!(asked.header("user-agent").unwrap().starts_with("comfydock/"));
        assert_eq!(asked.header("authorization"), Some("Bearer civitai-key-of-the-tests"));
        assert!(!asked.target.contains("key-of-the-tests"), "never in an address");
    }
    assert!(world.hugging_face.site.log().is_empty());
}

#[test]
fn what_the_batch_leaves_out_is_asked_for_alone() {
    let world = world();
    world.civitai.bar(25, Bar::Null);
    assert_eq!(world.sources(&wanted("x.pt", PRUNED)), ["civitai:25/2"]);
    assert!(world.civitai.site.lines().last().unwrap().starts_with("GET /api/v1/model-versions/by-hash/"));
}

#[test]
fn what_the_batch_does_not_know_is_asked_for_by_its_other_hash() {
    for (scanned, found) in [(Scanned::OnlyBlake3, vec!["civitai:7/1"]), (Scanned::No, vec![])] {
        let world = World::new();
        world.civitai.publish(7, &[CivitaiFile { scanned, ..file(1, "a.safetensors", FULL) }, file(2, "b.pt", PRUNED)]);
        assert_eq!(world.sources(&wanted("a.safetensors", FULL)), Vec::<String>::new(), "it was not measured");
        let model = Wanted { blake3: blake3(FULL), ..wanted("a.safetensors", FULL) };
        assert_eq!(world.sources(&model), found, "{scanned:?}");
        let last = world.civitai.site.lines().pop().unwrap();
        assert!(last.ends_with(&blake3(FULL).unwrap().as_str().to_uppercase()), "{last}");
    }
}

#[test]
fn an_archived_model_is_named_as_such() {
    let world = world();
    world.civitai.bar(25, Bar::Archived);
    let outcome = world.look(&[wanted("x.pt", FULL)], Use::Young);
    assert!(outcome.findings[0].offers.is_empty());
    assert_eq!(outcome.findings[0].reasons, ["it was archived on CivitAI"]);
}

#[test]
fn what_may_not_be_downloaded_is_offered_with_a_warning() {
    let world = world();
    world.civitai.bar(25, Bar::Disabled);
    let outcome = world.look(&[wanted("x.pt", FULL)], Use::Young);
    assert!(outcome.findings[0].offers[0].warning.as_ref().unwrap().contains("nobody download"));
}

#[test]
fn a_place_without_a_hash_is_told_as_what_it_is() {
    let world = world();
    let url = "https://civitai.com/api/download/models/25?type=Model&format=SafeTensor";
    let outcome = world.look(&[named("pruned.safetensors", url)], Use::Young);
    assert_eq!(sources(&outcome, 0), ["civitai:25/2"], "by its name");
    assert_eq!(outcome.findings[0].offers[0].evidence, Evidence::Place);
    let outcome = world.look(&[named("renamed.safetensors", url)], Use::Young);
    assert_eq!(sources(&outcome, 0), ["civitai:25/1", "civitai:25/2"], "a person chooses");
    let mut model = wanted("x.pt", b"another");
    model.said.push(said(url));
    let outcome = world.look(&[model], Use::Young);
    assert!(outcome.findings[0].offers.is_empty());
    assert_eq!(outcome.findings[0].reasons, ["version 25 on CivitAI has no file with this SHA-256"]);
}

#[test]
fn a_site_that_is_shut_says_why_once_and_stops_nothing() {
    for (status, says) in [(451, "region"), (400, "HTTP status 400")] {
        let world = world();
        world.civitai.mood(Reply::new(status).body("text/html", "<html>"), usize::MAX);
        let commit = world.hugging_face.commit("o/r", &[("a.safetensors", FULL)]);
        let mut model = wanted("a.safetensors", FULL);
        model.said.push(said("https://huggingface.co/o/r/resolve/main/a.safetensors"));
        let outcome = world.look(&[model, wanted("b.pt", PRUNED)], Use::Young);
        assert_eq!(sources(&outcome, 0), [format!("hf:o/r@{commit}/a.safetensors")]);
        assert_eq!(outcome.notes.len(), 1, "{:?}", outcome.notes);
        assert!(outcome.notes[0].contains(says), "{:?}", outcome.notes);
        assert_eq!(world.civitai.site.log().len(), 1);
    }
}

#[test]
fn a_busy_site_is_asked_again_when_it_says() {
    let world = world();
    world.civitai.mood(Reply::new(429).with("Retry-After", "1"), 1);
    assert_eq!(world.sources(&wanted("x.pt", FULL)), ["civitai:25/1"]);
    let world = self::world();
    world.civitai.mood(Reply::new(429).with("Retry-After", "300"), 9);
    let outcome = world.look(&[wanted("x.pt", FULL)], Use::Young);
    assert!(outcome.notes[0].contains("300 s"), "{:?}", outcome.notes);
    assert_eq!(world.civitai.site.log().len(), 1, "it is left alone");
}

#[test]
fn answers_are_kept_and_no_is_one_of_them() {
    let world = world();
    let models = [wanted("x.pt", FULL), wanted("y.pt", b"unknown")];
    let first = world.look(&models, Use::Young);
    let asked = world.civitai.site.log().len();
    assert_eq!(world.look(&models, Use::Young), first);
    assert_eq!(world.civitai.site.log().len(), asked, "nobody was asked again");
    world.civitai.publish(40, &[file(77, "late.pt", b"unknown")]);
    assert_eq!(sources(&world.look(&models, Use::Young), 1), Vec::<String>::new());
    assert_eq!(sources(&world.look(&models, Use::None), 1), ["civitai:40/77"], "unless one wants to know");
}
