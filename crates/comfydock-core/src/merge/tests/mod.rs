//! Merges held against tables, and against laws that any merge keeps.

use std::collections::BTreeMap;

use super::{Answer, Answers, Merge, merge};
use crate::diff::State;
use crate::digest::{CommitId, Sha256};
use crate::manifest::{Document, EnvironmentFacts, Manifest, Model, Node, WorkflowModel};
use crate::path::ModelPath;

mod asked;
mod by_key;
mod guests;
mod laws;
mod locks;
mod whole;

const NOW: &str = "2025-11-28T12:00:00Z";

/// A state with what it is made of.
#[derive(Debug, Clone)]
struct Side {
    manifest: Document,
    workflows: BTreeMap<String, String>,
    files: BTreeMap<String, Vec<u8>>,
}

fn hex(number: u32) -> String {
    format!("{number:08x}").repeat(8)
}

fn commit(number: u32) -> CommitId {
    CommitId::parse(&hex(number)[..40]).unwrap()
}

fn model(number: u32, source: u32) -> Model {
    Model {
        filename: format!("{number}.safetensors"),
        size: u64::from(number),
        relative_path: ModelPath::parse(&format!("loras/{number}.safetensors")).unwrap(),
        category: "loras".to_owned(),
        sha256: Some(Sha256::parse(&hex(0x5000_0000 + number)).unwrap()),
        blake3: None,
        sources: vec![crate::source::Source::parse(&format!("https://example.org/{source}")).unwrap()],
    }
}

fn node(name: &str, number: u32) -> Node {
    let text = format!(
        "name = \"{name}\"\nsource = \"git\"\nrepository = \"https://example.org/{name}\"\ncommit = \"{}\"\ngroup = \"node-{name}\"\n",
        commit(number)
    );
    toml_edit::de::from_str(&text).unwrap()
}

/// One LoRA and a number that tells versions of the workflow apart.
fn workflow(number: u32, version: u32) -> String {
    format!(
        r#"{{"nodes":[{{"id":1,"type":"LoraLoaderModelOnly","widgets_values":["{number}.safetensors",1]}},{{"id":2,"type":"N","widgets_values":[{version}]}}],"extra":{{}}}}"#
    )
}

fn ties(number: u32) -> Vec<WorkflowModel> {
    let text = format!(
        "[[models]]\nfilename = \"{number}.safetensors\"\ncategory = \"loras\"\nhash = \"{}\"\nstatus = \"resolved\"\ncriticality = \"flexible\"\n\
         nodes = [{{ node_id = \"1\", node_type = \"LoraLoaderModelOnly\", widget_index = 0 }}]\n",
        hex(number)
    );
    let mut read: BTreeMap<String, Vec<WorkflowModel>> = toml_edit::de::from_str(&text).unwrap();
    read.remove("models").unwrap()
}

impl Side {
    fn new() -> Self {
        let facts = EnvironmentFacts {
            comfyui_version: "v0.3.64".to_owned(),
            comfyui_commit: commit(1),
            comfyui_url: "https://example.org/ComfyUI".to_owned(),
            python_version: "3.11".to_owned(),
            platforms: vec!["linux-x86_64".to_owned()],
        };
        let mut manifest = Document::new(&facts, Some("2025-10-15T00:00:00Z"));
        manifest.set_dependencies(&["torch".to_owned(), "numpy>=1.25".to_owned()]);
        let files = BTreeMap::from([
            ("uv.lock".to_owned(), b"base".to_vec()),
            (".python-version".to_owned(), b"3.11\n".to_vec()),
        ]);
        Self { manifest, workflows: BTreeMap::new(), files }
    }

    fn state<'a>(&'a self, text: &'a str) -> State<'a> {
        State { manifest: text, workflows: &self.workflows, files: &self.files }
    }

    /// A workflow with one model.
    fn save(&mut self, name: &str, number: u32, version: u32) -> &mut Self {
        self.workflows.insert(name.to_owned(), workflow(number, version));
        if !self.said().models.contains_key(&hex(number)) {
            self.manifest.set_model(&hex(number), &model(number, number));
        }
        self.manifest.set_workflow(name, &ties(number));
        self.sweep()
    }

    fn delete(&mut self, name: &str) -> &mut Self {
        self.workflows.remove(name);
        self.manifest.remove_workflow(name);
        self.sweep()
    }

    /// Takes models out that nothing refers to, as a commit does.
    fn sweep(&mut self) -> &mut Self {
        let said = self.said();
        let stand_in = |key: &String| said.substitutions.values().any(|other| other.with == *key);
        for key in said.models.keys().filter(|key| said.workflows_using(key).is_empty() && !stand_in(key)) {
            self.manifest.remove_model(key);
        }
        self
    }

    fn file(&mut self, path: &str, text: &str) -> &mut Self {
        self.files.insert(path.to_owned(), text.as_bytes().to_vec());
        self
    }

    /// The manifest's text with something else in it.
    fn edit(&mut self, from: &str, to: &str) -> &mut Self {
        let text = self.manifest.text();
        assert!(text.contains(from), "{from} is not in {text}");
        self.manifest = Document::parse(&text.replacen(from, to, 1)).unwrap();
        self
    }

    fn said(&self) -> Manifest {
        self.manifest.manifest().unwrap()
    }

    fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut other = self.clone();
        change(&mut other);
        other
    }
}

fn answered(base: &Side, ours: &Side, theirs: &Side, answers: &Answers) -> Merge {
    let texts = [base, ours, theirs].map(|side| side.manifest.text());
    merge(base.state(&texts[0]), ours.state(&texts[1]), theirs.state(&texts[2]), answers, NOW).unwrap()
}

fn merged(base: &Side, ours: &Side, theirs: &Side) -> Merge {
    answered(base, ours, theirs, &Answers::default())
}

fn all(workflows: Answer, others: Answer) -> Answers {
    Answers { workflows: Some(workflows), others: Some(others), named: BTreeMap::new() }
}

impl Merge {
    fn said_by(&self) -> Manifest {
        self.document.manifest().unwrap()
    }

    /// The questions by their words.
    fn asked(&self) -> Vec<String> {
        self.questions.iter().map(|question| question.subject.word()).collect()
    }

    /// The second node's value of each workflow, which tells its version.
    fn versions(&self) -> Vec<(&str, String)> {
        let version = |text: &str| {
            let value: serde_json::Value = serde_json::from_str(text).unwrap();
            value["nodes"][1]["widgets_values"][0].to_string()
        };
        self.workflows.iter().map(|(name, text)| (name.as_str(), version(text))).collect()
    }
}
