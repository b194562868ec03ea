//! CivitAI and Hugging Face through the program: who is asked, when, and what is noted.

use crate::support::civitai::{self, Civitai};
use crate::support::hugging_face::{self, HuggingFace};
use crate::support::{Machine, safetensors, sha256};

/// A stand-in needs no second hash that holds; nothing here asks by it.
fn hashes(bytes: &[u8]) -> (String, String) {
    (sha256(bytes), "0".repeat(64))
}

struct World {
    civitai: Civitai,
    hugging_face: HuggingFace,
    machine: Machine,
}

impl World {
    /// A machine with a measured model that CivitAI has, as the second file of a version.
    fn new() -> Self {
        let civitai = Civitai::start(hashes);
        let hugging_face = HuggingFace::start(sha256);
        let mut machine = Machine::new();
        machine.set("COMFYDOCK_CIVITAI_URL", civitai.site.url(""));
        machine.set("HF_ENDPOINT", hugging_face.site.url(""));
        machine.set("CIVITAI_API_TOKEN", civitai::KEY);
        machine.set("HF_TOKEN", hugging_face::TOKEN);
        let mine = safetensors::model(1, 40_000);
        let files = [
            civitai::file(1, "full.safetensors", &safetensors::model(2, 40_000)),
            civitai::file(2, "x.safetensors", &mine),
        ];
        civitai.publish(25, &files);
        machine.put_model("loras/mine.safetensors", &mine);
        machine.init();
        machine.ok(&["models", "index", "--full"]);
        Self { civitai, hugging_face, machine }
    }

    fn asked(&self) -> usize {
        self.civitai.site.log().len() + self.hugging_face.site.log().len()
    }
}

#[test]
fn outside_sites_are_asked_only_with_consent_which_is_given_once() {
    let world = World::new();
    let find = ["models", "source", "find"];
    // Nobody can answer here, and `--yes` is no answer to this.
    world.machine.run(&find).code(1).says("were not asked").says("--allow-lookup");
    world.machine.run(&[&find[..], &["--yes"]].concat()).code(1).says("were not asked");
    world.machine.run(&[&find[..], &["--no-lookup"]].concat()).code(1);
    assert_eq!(world.asked(), 0);
    world.machine.ok(&["config", "set", "external_lookup", "always"]);
    world.machine.run(&[&find[..], &["--no-lookup"]].concat()).code(1);
    assert_eq!(world.asked(), 0, "the flag wins");
    world.machine.ok(&find).line(&["found", "mine.safetensors", "civitai:25/2", "CivitAI"]);
    assert_eq!(world.asked(), 2);
    world.machine.ok(&["models", "source", "list"]).says("mine.safetensors civitai:25/2");
    world.machine.ok(&["config", "set", "external_lookup", "never"]);
    world.machine.ok(&["models", "source", "remove", "mine.safetensors", "civitai:25/2"]).says("removed");
    world.machine.run(&["models", "source", "remove", "mine.safetensors", "civitai:25/2"]).code(1);
    world.machine.run(&[&find[..], &["--refresh"]].concat()).code(1);
    assert_eq!(world.asked(), 2, "a no holds");
}

#[test]
fn offline_nobody_is_asked_and_kept_answers_serve() {
    let world = World::new();
    world.machine.run(&["models", "source", "find", "--offline", "--allow-lookup"]).code(1).says("--offline");
    assert_eq!(world.asked(), 0);
    world.machine.ok(&["models", "source", "find", "--allow-lookup"]);
    let asked = world.asked();
    world.machine.ok(&["models", "source", "remove", "mine.safetensors", "civitai:25/2"]);
    world.machine.ok(&["models", "source", "find", "--offline"]).says("civitai:25/2");
    assert_eq!(world.asked(), asked);
}

#[test]
fn a_page_that_somebody_notes_is_pinned_by_a_look_up() {
    let world = World::new();
    let mine = safetensors::model(1, 40_000);
    world.civitai.publish(25, &[civitai::file(1, "full.safetensors", b"another")]);
    let commit = world.hugging_face.commit("studio/loras", &[("mine.safetensors", &mine)]);
    let page = "https://huggingface.co/studio/loras/blob/main/mine.safetensors";
    world.machine.ok(&["models", "source", "add", "mine.safetensors", page]);
    let pinned = format!("hf:studio/loras@{commit}/mine.safetensors");
    world.machine.ok(&["models", "source", "find", "mine.safetensors", "--allow-lookup"]).line(&[
        "found",
        &pinned,
        "Hugging Face",
    ]);
    world.machine.ok(&["models", "source", "list"]).says(&pinned);
    world
        .machine
        .run(&["models", "source", "add", "mine.safetensors", "civitai:25"])
        .code(1)
        .says("civitai:<version id>/<file id>");
    for asked in world.civitai.site.log().iter().chain(&world.civitai.storage.site.log()) {
        assert!(!format!("{asked:?}").contains(hugging_face::TOKEN));
    }
    for asked in world.hugging_face.site.log() {
        assert!(!format!("{asked:?}").contains(civitai::KEY));
    }
}
