//! What import asks: at a terminal, by flags, and what came of it.

mod flags;
mod terminal;

use std::path::PathBuf;

use serde_json::json;

use crate::support::nodes::NodePack;
use crate::support::{Machine, Studio, git, safetensors, write};

/// The models of the bundle: category, name, loader, bytes, and whether the workflow says where it can be had.
const MODELS: [(&str, &str, &str, usize, bool); 4] = [
    ("checkpoints", "big.safetensors", "CheckpointLoaderSimple", 30_000, true),
    ("vae", "plain_vae.safetensors", "VAELoader", 20_000, false),
    ("loras", "style.safetensors", "LoraLoaderModelOnly", 9_000, true),
    ("upscale_models", "up.safetensors", "UpscaleModelLoader", 4_000, false),
];

/// What B has that is no model of the bundle.
const LOCAL: &str = "loras/style_v2.safetensors";

/// A has exported a bundle that leaves something to ask about: two models can be downloaded, two nobody says
/// where to get; one is required, one flexible, one optional.
struct Stall {
    studio: Studio,
    _pack: NodePack,
    bundle: PathBuf,
}

fn bytes_of(position: usize) -> Vec<u8> {
    safetensors::model(40 + position as u64, MODELS[position].3)
}

impl Stall {
    fn new() -> Self {
        let (studio, pack) = (Studio::new(), NodePack::new());
        let a = &studio.a;
        let mut nodes = Vec::new();
        for (position, (category, name, class, _, told)) in MODELS.iter().enumerate() {
            let path = format!("{category}/{name}");
            a.put_model(&path, &bytes_of(position));
            studio.server.put(&path, bytes_of(position));
            let url = studio.server.url(&path);
            let said = json!([{ "name": name, "url": url, "directory": category }]);
            let properties = if *told { json!({ "models": said }) } else { json!({}) };
            nodes
                .push(json!({ "id": position + 1, "type": class, "widgets_values": [name], "properties": properties }));
        }
        write(&a.workflow("studio", "gallery"), json!({ "nodes": nodes, "links": [] }).to_string());
        write(&a.workflow("studio", "plain"), json!({ "nodes": [nodes[0]], "links": [] }).to_string());
        a.ok(&["node", "add", &pack.url()]);
        a.ok(&["commit", "-m", "A gallery", "--yes"]);
        for (name, importance) in [
            ("big.safetensors", "required"),
            ("plain_vae.safetensors", "required"),
            ("style.safetensors", "flexible"),
            ("up.safetensors", "optional"),
        ] {
            a.ok(&["workflow", "importance", "gallery", name, importance]);
        }
        a.ok(&["commit", "-m", "What matters", "--yes"]);
        let bundle = a.root().join("gallery.tar.gz");
        a.ok(&["export", "--output", bundle.to_str().unwrap(), "--yes", "--allow-issues"]);
        studio.b.put_model(LOCAL, &safetensors::model(7, 8_000));
        studio.b.put_model("loras/zebra.safetensors", &safetensors::model(8, 8_000));
        Self { studio, _pack: pack, bundle }
    }

    fn b(&self) -> &Machine {
        &self.studio.b
    }

    /// `import` of the bundle on B, with these flags.
    fn import<'a>(&'a self, flags: &[&'a str]) -> Vec<String> {
        let folder = self.b().models();
        let words = ["import", self.bundle.to_str().unwrap(), "--models-dir", folder.to_str().unwrap(), "--no-lookup"];
        words.iter().chain(flags).map(|word| (*word).to_owned()).collect()
    }

    /// Requests for the models of the bundle.
    fn asked_for(&self) -> Vec<String> {
        self.studio.server.log().into_iter().map(|request| request.path).collect()
    }
}

fn words(line: &[String]) -> Vec<&str> {
    line.iter().map(String::as_str).collect()
}

/// That B's environment has one downloaded, one downloaded from where its receiver said, one that another
/// stands in for, on record, and one left out.
fn assert_as_wanted(stall: &Stall) {
    let b = stall.b();
    for position in [0, 1] {
        let (category, name, ..) = MODELS[position];
        assert_eq!(std::fs::read(b.models().join(category).join(name)).unwrap(), bytes_of(position), "{name}");
    }
    for position in [2, 3] {
        let (category, name, ..) = MODELS[position];
        assert!(!b.models().join(category).join(name).exists(), "{name}");
    }
    let environment = b.environment("studio");
    let manifest = std::fs::read_to_string(environment.join(".cec/pyproject.toml")).unwrap();
    assert!(manifest.contains("substitutions") && manifest.contains("style_v2.safetensors"), "{manifest}");
    let text = std::fs::read_to_string(b.workflow("studio", "gallery")).unwrap();
    assert!(text.contains("style_v2.safetensors") && text.contains("up.safetensors"), "{text}");
    // The bundle's state is the first commit, what stands in is the second.
    let log = git::git(&environment.join(".cec"), &["log", "--format=%s"]);
    assert_eq!(log.lines().collect::<Vec<_>>(), ["Models of this machine stand in for others", "Import studio"]);
    b.ok(&["status"]).line(&["missing", "up.safetensors"]).never_says("changed");
    let seen = crate::support::report::start(b, "studio").workflows();
    let loaded = |name: &str| seen["gallery"].iter().find(|one| one.value == name).unwrap().sha256.clone();
    assert!(loaded("style_v2.safetensors").is_some() && loaded("big.safetensors").is_some());
}
