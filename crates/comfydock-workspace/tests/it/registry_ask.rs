//! The Comfy registry asked about packs.

use std::fs;
use std::time::Duration;

use comfydock_core::hint::Hint as _;
use comfydock_core::pack_identifier::{RegistryId, Version};
use comfydock_core::registry::NodeVersionStatus;
use comfydock_workspace::remote::Error;
use comfydock_workspace::remote::registry::{Patience, Registry};

use crate::registry::{self, KINDS};
use crate::site::{Reply, Site};
use crate::support::{Listener, Place};

pub(crate) fn id(text: &str) -> RegistryId {
    RegistryId::parse(text).unwrap()
}

pub(crate) fn version(text: &str) -> Version {
    Version::parse(text).unwrap()
}

/// A registry with one pack, a workspace, and somebody who listens.
pub(crate) struct World {
    pub(crate) registry: registry::Registry,
    pub(crate) place: Place,
    pub(crate) listener: Listener,
}

impl World {
    pub(crate) fn new() -> Self {
        let registry = registry::Registry::start();
        let files: [(&str, &[u8]); 3] =
            [("__init__.py", b"NODE_CLASS_MAPPINGS = {}\n"), ("web/a b.js", b"x"), ("requirements.txt", b"piexif\n")];
        registry.publish_files("comfyui-pack", "1.0.0", &files);
        registry.publish_files("comfyui-pack", "1.2.0", &files[..2]);
        Self { registry, place: Place::new(), listener: Listener::default() }
    }

    /// The client, in no hurry to wait.
    pub(crate) fn client(&self, offline: bool) -> Registry<'_> {
        self.client_at(&self.registry.url(), offline)
    }

    pub(crate) fn client_at(&self, url: &str, offline: bool) -> Registry<'_> {
        let patience = Patience { longest: Duration::from_secs(2), second: Duration::from_millis(2) };
        Registry::at(Some(url), &self.place.workspace, offline, &self.listener).unwrap().with_patience(patience)
    }

    pub(crate) fn calls(&self) -> Vec<usize> {
        KINDS.iter().map(|kind| self.registry.calls(kind)).collect()
    }

    pub(crate) fn said(&self) -> Vec<String> {
        let [notes, warnings] = [&self.listener.notes, &self.listener.warnings];
        [notes.lock().unwrap().clone(), warnings.lock().unwrap().clone()].concat()
    }

    /// Makes everything that was kept so much older.
    fn age(&self, seconds: i64) {
        let folder = self.place.workspace.cache("api_cache").join("registry");
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let text = fs::read_to_string(entry.path()).unwrap();
            let mut kept: serde_json::Value = serde_json::from_str(&text).unwrap();
            kept["at"] = (kept["at"].as_i64().unwrap() - seconds).into();
            fs::write(entry.path(), kept.to_string()).unwrap();
        }
    }
}

fn told(error: &Error) -> String {
    format!("{error} | {}", error.hint().unwrap_or_default())
}

#[test]
fn what_the_registry_knows_of_a_pack() {
    let world = World::new();
    world.registry.change("comfyui-pack", |pack| pack.repository = "https://github.com/U/R".to_owned());
    world.registry.publish_files("comfyui-pack", "1.3.0", &[("a", b"a")]);
    world.registry.change_newest("comfyui-pack", |newest| newest.status = "NodeVersionStatusFlagged");
    let client = world.client(false);
    let (node, newest) = client.newest(&id("comfyui-pack")).unwrap();
    assert_eq!((node.repository.as_str(), newest.version.as_str()), ("https://github.com/U/R", "1.2.0"));
    let versions = client.versions(&id("comfyui-pack")).unwrap();
    let numbers: Vec<&str> = versions.iter().map(|one| one.version.as_str()).collect();
    assert_eq!(numbers, ["1.3.0", "1.2.0", "1.0.0"]);
    assert_eq!(client.version(&id("comfyui-pack"), version("1.3")).unwrap().status, NodeVersionStatus::Flagged);
    assert_eq!(world.registry.calls("install"), 0, "asking is no installation");
    for asked in world.registry.site.log() {
        assert!(asked.header("user-agent").unwrap().starts_with("comfydock/"));
        assert_eq!(asked.header("authorization"), None);
    }
}

#[test]
fn an_id_is_asked_for_as_it_is_written_and_in_lower_case() {
    let world = World::new();
    assert_eq!(world.client(false).node(&id("ComfyUI-Pack")).unwrap().id.as_str(), "comfyui-pack");
    assert_eq!(world.registry.site.lines(), ["GET /nodes/ComfyUI-Pack", "GET /nodes/comfyui-pack"]);
    world.client(false).node(&id("COMFYUI-PACK")).unwrap();
    assert_eq!(world.registry.calls("node"), 2, "it is one id, and its answer is kept");
}

#[test]
fn node_types_are_whatever_they_are() {
    let world = World::new();
    for node_type in ["KSampler (Efficient)", "Text/Find & Replace", "🎈 Sticker", "a%2Fb", "x?y#z", "Größe"] {
        world.registry.owns("comfyui-pack", node_type);
        let owner = world.client(false).owner_of(node_type).unwrap();
        assert_eq!(owner.unwrap().id.as_str(), "comfyui-pack", "{node_type}");
    }
    let asked = world.registry.calls("owner");
    for node_type in ["", ".", ".."] {
        assert!(world.client(false).owner_of(node_type).unwrap().is_none());
    }
    assert_eq!(world.registry.calls("owner"), asked, "such a name would be another question");
    for _ in 0..2 {
        assert!(world.client(false).owner_of("Nobody's").unwrap().is_none());
    }
    assert_eq!(world.registry.calls("owner"), asked + 1, "that nobody has it is kept too");
}

#[test]
fn answers_serve_for_four_hours_and_longer_when_none_comes() {
    let world = World::new();
    let ask = |client: &Registry<'_>| client.node(&id("comfyui-pack"));
    ask(&world.client(false)).unwrap();
    world.age(4 * 3600 - 60);
    ask(&world.client(false)).unwrap();
    assert_eq!(world.registry.calls("node"), 1);
    ask(&world.client(false).afresh()).unwrap();
    assert_eq!(world.registry.calls("node"), 2, "unless one wants to know");
    world.age(4 * 3600 + 60);
    ask(&world.client(false)).unwrap();
    assert_eq!(world.registry.calls("node"), 3);
    assert_eq!(world.said(), Vec::<String>::new());

    world.age(50 * 3600);
    world.registry.mood("node", Reply::new(500), usize::MAX);
    let client = world.client(false);
    ask(&client).unwrap();
    ask(&client).unwrap();
    assert_eq!(world.said(), ["the Comfy registry gives no answer; what it said 2 days ago is used"], "said once");
    ask(&world.client_at("http://127.0.0.1:9", false)).unwrap();
    let asked = world.registry.site.log().len();
    ask(&world.client(true)).unwrap();
    assert_eq!(world.registry.site.log().len(), asked);
    assert!(world.said()[2].contains("--offline"), "{:?}", world.said());
    let error = world.client(true).versions(&id("comfyui-pack")).unwrap_err();
    assert!(told(&error).contains("without --offline"), "{}", told(&error));
    assert_eq!(world.registry.site.log().len(), asked, "nobody was asked");

    // What the registry says of the pack is newer than what was kept.
    world.registry.mood("node", Reply::new(500), 0);
    world.registry.change("comfyui-pack", |pack| pack.status = Some("NodeStatusBanned"));
    assert!(ask(&world.client(false)).is_err());
}

#[test]
fn every_refusal_has_its_own_words_and_a_remedy() {
    let page = |status| Reply::new(status).body("text/html", "<!DOCTYPE html><title>Sign in</title>");
    let json = |status, text: &str| Reply::new(status).body("application/json", text);
    for (reply, times, words) in [
        (json(403, r#"{"message":"banned"}"#), 1, "node pack `comfyui-pack` is banned | look for another pack"),
        (
            json(404, r#"{"error":"","message":"Node not found"}"#),
            1,
            "no node pack `comfyui-pack` | check the spelling",
        ),
        (
            json(400, r#"{"message":"bad id"}"#),
            1,
            "does not understand the question for node pack `comfyui-pack`: bad id",
        ),
        (json(429, "{}"), 4, "asked too much | run the command again"),
        (json(429, "{}").with("Retry-After", "300"), 1, "left alone for 300 s | run the command again"),
        (json(500, r#"{"error":"boom","message":"Failed to get node"}"#), 4, "HTTP status 500: Failed to get node"),
        (page(503), 4, "HTTP status 503) | run the command again"),
        (page(200), 1, "web page"),
        (page(403), 1, "HTTP status 403 | is COMFYDOCK_REGISTRY_URL right"),
        (json(200, r#"{"id":"comfyui-pack","na"#), 1, "cut off"),
        (json(200, "[]"), 1, "cannot be read"),
        (json(200, r#"{"id":"x"}"#).with("Content-Length", "4000"), 1, "cut off"),
        (Reply::new(302).with("Location", "ftp://x.example/y"), 1, "redirects to where nothing is fetched from"),
        (Reply::new(302).with("Location", "https://192.168.1.1/x"), 1, "not on the public network"),
        (Reply::new(302).with("Location", "/nodes/comfyui-pack"), 6, "more than 5 redirects"),
    ] {
        let world = World::new();
        world.registry.mood("node", reply.clone(), usize::MAX);
        let error = world.client(false).node(&id("comfyui-pack")).unwrap_err();
        assert!(told(&error).contains(words), "{words}: {}", told(&error));
        assert_eq!(world.registry.calls("node"), times, "{words}");
    }
}

#[test]
fn a_registry_that_was_busy_is_asked_again() {
    for reply in [Reply::new(429).with("Retry-After", "1"), Reply::new(500), Reply::new(503)] {
        let world = World::new();
        world.registry.mood("node", reply, 3);
        world.client(false).node(&id("comfyui-pack")).unwrap();
        assert_eq!(world.registry.calls("node"), 4);
    }
}

#[test]
fn nobody_there_and_no_address() {
    let world = World::new();
    let error = world.client_at("http://127.0.0.1:9", false).node(&id("x")).unwrap_err();
    assert!(told(&error).contains("cannot reach") && told(&error).contains("check the address"), "{}", told(&error));
    let error = Registry::at(Some("http://registry.example"), &world.place.workspace, false, &world.listener).err();
    assert!(error.unwrap().to_string().contains("plain http is for this machine only"));
}

#[test]
fn an_answer_that_does_not_end_is_given_up() {
    let world = World::new();
    let endless = Site::start(|_| Reply::new(200).body("application/json", vec![b' '; 20 * 1024 * 1024]));
    let error = world.client_at(&format!("http://{}", endless.address), false).node(&id("x")).unwrap_err();
    assert!(told(&error).contains("endless"), "{}", told(&error));
}

#[test]
fn a_version_that_is_not_there_is_answered_with_those_that_are() {
    let world = World::new();
    let error = world.client(false).version(&id("comfyui-pack"), version("9.9.9")).unwrap_err();
    assert!(told(&error).contains("no version 9.9.9 of node pack `comfyui-pack`"), "{}", told(&error));
    assert!(told(&error).contains("newest versions are 1.2.0, 1.0.0"), "{}", told(&error));
    world.registry.change("empty", |pack| pack.repository = "https://user:secret@git.example/r".to_owned());
    let error = world.client(false).newest(&id("empty")).unwrap_err();
    assert!(told(&error).contains("no released version"), "{}", told(&error));
    assert!(told(&error).contains("git.example/r") && !told(&error).contains("secret"), "{}", told(&error));
}
