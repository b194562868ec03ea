//! Downloads from the sites: what stands in the way, in words, with what can be done about it.

use comfydock_core::observation::Verdict;
use comfydock_core::source::Source;
use comfydock_store::hash;
use comfydock_workspace::models::download::Outcome;
use comfydock_workspace::remote::endpoint::Endpoints;
use url::Url;

use crate::civitai::{self, Bar, Civitai};
use crate::download::Errand;
use crate::hugging_face::{self, HuggingFace};
use crate::site::Reply;

fn both(bytes: &[u8]) -> (String, String) {
    let digests = hash::of_bytes(bytes);
    (digests.sha256.to_string(), digests.blake3.to_string())
}

/// Both sites with the errand's file, and who asks them.
struct World {
    civitai: Civitai,
    hugging_face: HuggingFace,
    errand: Errand,
    commit: String,
}

impl World {
    fn new() -> Self {
        let civitai = Civitai::start(both);
        let hugging_face = HuggingFace::start(|bytes| both(bytes).0);
        let errand = Errand::new();
        civitai.publish(25, &[civitai::file(2, "x.safetensors", &errand.bytes)]);
        let commit = hugging_face.commit("o/r", &[("x.safetensors", &errand.bytes)]);
        Self { civitai, hugging_face, errand, commit }
    }

    fn get(&mut self, source: &str, with_key: bool) -> Outcome {
        self.errand.wanted.sources = vec![Source::parse(source).unwrap()];
        let endpoints = Endpoints {
            civitai: Url::parse(&self.civitai.site.url("")).ok(),
            hugging_face: Url::parse(&self.hugging_face.site.url("")).ok(),
            civitai_token: with_key.then(|| civitai::KEY.to_owned()),
            hugging_face_token: with_key.then(|| hugging_face::TOKEN.to_owned()),
            ..Endpoints::default()
        };
        self.errand.at(endpoints)
    }

    /// That it does not come, in exactly these words, and is asked so often.
    fn refuses(&mut self, source: &str, with_key: bool, times: usize, verdict: Verdict, words: &str) {
        let before = self.asked();
        let outcome = self.get(source, with_key);
        assert_eq!(outcome.arrived.unwrap_err().reason(), format!("{source}: {words}"));
        assert_eq!(outcome.observations[0].verdict, verdict, "{words}");
        assert_eq!(self.asked() - before, times, "{words}");
    }

    fn asked(&self) -> usize {
        self.civitai.site.log().len() + self.hugging_face.site.log().len()
    }
}

#[test]
fn what_civitai_says_of_a_file_is_told_with_its_remedy() {
    let mut world = World::new();
    let own = "if you have the file elsewhere, put it into a models folder";
    let early = format!("it is in early access on CivitAI until 2030-01-01T00:00:00.000Z; {own} (HTTP status 403)");
    let disabled = format!("its owner on CivitAI lets nobody download it; {own} (HTTP status 401)");
    let archived = format!("it was archived on CivitAI; {own} (HTTP status 410)");
    let login = "CivitAI gives it only to who is logged in (The creator of this asset requires you to be logged in to \
                 download it); set CIVITAI_API_TOKEN to a key of your account there (HTTP status 401)";
    for (bar, with_key, verdict, words) in [
        (Bar::Login, false, Verdict::AuthRequired, login),
        (Bar::Disabled, false, Verdict::AuthRequired, &disabled),
        (Bar::Disabled, true, Verdict::AuthRequired, &disabled),
        (Bar::EarlyAccess, false, Verdict::AuthRequired, &early),
        (Bar::EarlyAccess, true, Verdict::AuthRequired, &early),
        (Bar::Archived, true, Verdict::Gone, &archived),
    ] {
        world.civitai.bar(25, bar);
        world.refuses("civitai:25/2", with_key, 1, verdict, words);
    }
    world.refuses("civitai:25/9", true, 1, Verdict::Gone, &archived);
    world.refuses("civitai:26/2", true, 2, Verdict::Gone, "CivitAI does not know it (HTTP status 404)");
    world.civitai.bar(25, Bar::Login);
    let region = Reply::json(451, &serde_json::json!({ "code": "REGION_BLOCKED" }));
    world.civitai.mood(region, 1);
    let words = "CivitAI does not serve the region you are in (HTTP status 451)";
    world.refuses("civitai:25/2", true, 1, Verdict::RegionBlocked, words);
    assert!(world.get("civitai:25/2", true).arrived.is_ok(), "with the key");
}

#[test]
fn what_hugging_face_says_of_a_file_is_told_with_its_remedy() {
    let mut world = World::new();
    let source = format!("hf:o/r@{}/x.safetensors", world.commit);
    world.hugging_face.gate("o/r");
    let gated = "Hugging Face gives it only to who has accepted its terms; accept the terms on the repository's page and \
                 set HF_TOKEN (HTTP status 401)";
    world.refuses(&source, false, 1, Verdict::AuthRequired, gated);
    world.hugging_face.make_private("o/r");
    let login = "Hugging Face gives it only to who is logged in (Invalid username or password.); if the repository exists \
                 and you may see it, set HF_TOKEN (HTTP status 401)";
    world.refuses(&source, false, 1, Verdict::AuthRequired, login);
    let down = Reply::new(403).with("X-Error-Message", "Access to this resource is disabled.");
    world.hugging_face.mood(down, 1);
    let disabled = "Hugging Face lets nobody download it any more; if you have the file elsewhere, put it into a models \
                    folder (HTTP status 403)";
    world.refuses(&source, true, 1, Verdict::AuthRequired, disabled);
    let busy = Reply::new(429).with("RateLimit", "\"api\";r=3;t=5, \"resolvers\";r=0;t=3600").with("Retry-After", "1");
    world.hugging_face.mood(busy, 1);
    let outcome = world.get(&source, true);
    let reason = outcome.arrived.unwrap_err().reason();
    assert!(reason.contains("Hugging Face wants to be left alone for 3601 s"), "{reason}");
    assert!(world.get(&source, true).arrived.is_ok(), "with the token");
}

#[test]
fn an_address_that_ends_while_the_file_comes_is_asked_for_anew() {
    let mut world = World::new();
    world.errand.begun(&world.errand.bytes[..100]);
    world.civitai.storage.expire_next(2);
    assert!(world.get("civitai:25/2", true).arrived.is_ok());
    assert_eq!(world.civitai.site.log().len(), 3, "the site gives a new address");
    assert!(world.civitai.storage.site.log().iter().all(|asked| asked.header("range") == Some("bytes=100-")));
}

#[test]
fn a_storage_whose_addresses_never_serve_is_given_up_in_its_own_words() {
    let mut world = World::new();
    world.civitai.storage.expire_next(9);
    let words = "the storage it leads to does not let us in (HTTP status 403)";
    world.refuses("civitai:25/2", true, 3, Verdict::AuthRequired, words);
}
