//! Plans held against tables; what must hold for any machine, against random ones.

use std::collections::BTreeMap;

use super::commit::{Error, Observed, Plan, plan_commit};
use super::library::{KnownModel, Library, Place};
use crate::digest::{Blake3, CommitId, QuickHash, Sha256};
use crate::manifest::{Document, EnvironmentFacts, Manifest, Model};
use crate::path::ModelPath;
use crate::source::Source;

mod acquire;
mod commit;
mod commit_models;
mod commit_open;
mod doctor;
mod localise;
mod merged;
mod models;
mod push;
mod quiet;
mod reach;
mod reach_packs;
mod reach_workflows;
mod ready;
mod resolve;
mod tracked;

const NOW: &str = "2025-10-14T12:00:00Z";

/// Hexadecimal digits that tell this number from others at the first eight.
fn hex(number: u32) -> String {
    format!("{number:08x}").repeat(8)
}

/// The key of model N: its quick hash.
fn key(number: u32) -> String {
    hex(number)
}

fn sha256(number: u32) -> Sha256 {
    Sha256::parse(&hex(0x5000_0000 + number)).unwrap()
}

fn commit_id(number: u32) -> CommitId {
    CommitId::parse(&hex(number)[..40]).unwrap()
}

fn source(text: &str) -> Source {
    Source::parse(text).unwrap()
}

fn place(root: usize, relative_path: &str) -> Place {
    Place { root, relative_path: relative_path.to_owned() }
}

/// Model N of the index, measured, at this path of the first models folder.
fn known(number: u32, relative_path: &str) -> KnownModel {
    KnownModel {
        id: i64::from(number),
        quick: QuickHash::parse(&key(number)).unwrap(),
        size: 1000 + u64::from(number),
        sha256: Some(sha256(number)),
        blake3: Some(Blake3::parse(&hex(0x6000_0000 + number)).unwrap()),
        sources: Vec::new(),
        claims: vec![],
        places: vec![place(0, relative_path)],
        elsewhere: vec![],
    }
}

fn unmeasured(number: u32, relative_path: &str) -> KnownModel {
    KnownModel { sha256: None, blake3: None, ..known(number, relative_path) }
}

/// Model N as a manifest has it.
fn model(number: u32, relative_path: &str) -> Model {
    let path = ModelPath::parse(relative_path).unwrap();
    Model {
        filename: path.file_name().to_owned(),
        size: 1000 + u64::from(number),
        category: crate::category::of_folder(path.folder()).to_owned(),
        relative_path: path,
        sha256: Some(sha256(number)),
        blake3: None,
        sources: vec![source(&format!("https://example.org/{number}.safetensors"))],
    }
}

fn facts() -> EnvironmentFacts {
    EnvironmentFacts {
        comfyui_version: "v0.3.64".to_owned(),
        comfyui_commit: commit_id(1),
        comfyui_url: "https://example.org/ComfyUI".to_owned(),
        python_version: "3.11".to_owned(),
        platforms: vec!["linux-x86_64".to_owned()],
    }
}

fn manifest() -> Manifest {
    Document::new(&facts(), None).manifest().unwrap()
}

/// A node that loads models; `more` are further members of its JSON.
fn loader(id: u32, class: &str, values: &[&str], more: &str) -> String {
    format!(r#"{{"id":{id},"type":"{class}","widgets_values":{}{more}}}"#, serde_json::to_string(values).unwrap())
}

fn checkpoint(id: u32, value: &str) -> String {
    loader(id, "CheckpointLoaderSimple", &[value], "")
}

/// What an author wrote about a model: `properties.models` with one entry.
fn says(name: &str, rest: &str) -> String {
    format!(r#","properties":{{"models":[{{"name":"{name}",{rest}}}]}}"#)
}

fn workflow(nodes: &[String]) -> String {
    format!("{{\"nodes\":[{}],\"extra\":{{}}}}", nodes.join(","))
}

/// An environment on a machine.
#[derive(Clone)]
struct Studio {
    manifest: Document,
    tracked: BTreeMap<String, String>,
    live: BTreeMap<String, String>,
    models: Vec<KnownModel>,
}

impl Studio {
    fn new(models: Vec<KnownModel>) -> Self {
        Self { manifest: Document::new(&facts(), None), tracked: BTreeMap::new(), live: BTreeMap::new(), models }
    }

    /// With one workflow of these nodes.
    fn with(models: Vec<KnownModel>, nodes: &[String]) -> Self {
        let mut studio = Self::new(models);
        studio.save("hero", nodes);
        studio
    }

    fn save(&mut self, name: &str, nodes: &[String]) {
        self.live.insert(name.to_owned(), workflow(nodes));
    }

    fn said(&self) -> Manifest {
        self.manifest.manifest().unwrap()
    }

    fn library(&self) -> Library {
        Library::new(self.models.clone(), Some(&self.said()))
    }

    fn try_plan(&self) -> Result<Plan, Error> {
        plan_commit(&Observed {
            manifest: &self.manifest,
            tracked: &self.tracked,
            live: &self.live,
            library: &self.library(),
            now: NOW,
        })
    }

    fn plan(&self) -> Plan {
        self.try_plan().unwrap()
    }

    /// Plans a commit and makes it.
    fn commit(&mut self) -> Plan {
        let plan = self.plan();
        self.manifest = plan.manifest.clone();
        for (name, text) in &plan.workflows {
            match text {
                Some(text) => self.tracked.insert(name.clone(), text.clone()),
                None => self.tracked.remove(name),
            };
        }
        plan
    }

    /// That there is nothing to commit, not even a byte of the manifest.
    fn assert_quiet(&self) {
        let plan = self.plan();
        assert_eq!(plan.changes, BTreeMap::new());
        assert_eq!(plan.workflows, BTreeMap::new());
        assert_eq!(plan.manifest.text(), self.manifest.text());
    }
}
