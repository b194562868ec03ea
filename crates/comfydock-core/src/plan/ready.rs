//! Whether each workflow of an environment would run here, and the command that mends what it lacks.

use std::collections::BTreeMap;

use crate::category::Criticality;
use crate::manifest::Manifest;
use crate::packs::MissingPack;
use crate::plan::commit::Open;
use crate::plan::library::Library;
use crate::plan::misnamed::Misnamed;
use crate::plan::models::{Action, plan_models};

/// A workflow and what it lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// Its name.
    pub workflow: String,
    /// What it lacks; what matters most comes first.
    pub lacks: Vec<Lack>,
}

/// Something a workflow needs and has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// How much it matters to this workflow.
    pub criticality: Criticality,
    /// What it is.
    pub what: What,
    /// Its name.
    pub name: String,
}

/// What a workflow may lack.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// A node type that no pack here has.
    NodeType {
        /// Whether packs of the manifest are not here: one of them may have it.
        awaited: bool,
    },
    /// A model that is not on this machine.
    Model {
        /// The manifest's key.
        key: String,
        /// Whether anybody says where it can be had.
        has_source: bool,
    },
    /// A name that means no model, or several.
    Unsettled,
    /// A model that is here, where ComfyUI does not find it by the workflow's name.
    Misnamed,
}

impl Ready {
    /// Whether it runs: what is optional may be absent.
    pub fn is_ready(&self) -> bool {
        !self.lacks.iter().any(Lack::stops)
    }
}

impl Lack {
    /// Whether the workflow does not do its work without it.
    pub fn stops(&self) -> bool {
        self.criticality != Criticality::Optional
    }

    /// The word for it in JSON documents.
    pub fn word(&self) -> &'static str {
        match self.what {
            What::NodeType { .. } => "node_type",
            What::Model { .. } => "model",
            What::Unsettled => "unsettled",
            What::Misnamed => "misnamed",
        }
    }

    /// The command that mends it, without the program's name.
    pub fn command(&self, workflow: &str) -> String {
        match self.what {
            What::NodeType { awaited: true } => "repair".to_owned(),
            What::NodeType { awaited: false } => "node missing".to_owned(),
            What::Model { has_source: true, .. } => format!("models download {}", quoted(&self.name)),
            What::Model { has_source: false, .. } => format!("models source add {} URL", quoted(&self.name)),
            What::Unsettled | What::Misnamed => format!("workflow resolve {}", quoted(workflow)),
        }
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "/._-+,:@%".contains(letter);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// What was found out about an environment's workflows.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// The manifest as the workflows are now.
    pub manifest: &'a Manifest,
    /// The models of this machine.
    pub library: &'a Library,
    /// Names that are not settled.
    pub open: &'a [Open],
    /// Models that ComfyUI does not find under the workflows' names.
    pub misnamed: &'a [Misnamed],
    /// Node types that no pack here declares.
    pub packs: &'a [MissingPack],
    /// Whether packs of the manifest are not here.
    pub awaits_packs: bool,
}

/// Every workflow of the manifest, and what it lacks.
pub fn readiness(found: &Found<'_>) -> Vec<Ready> {
    let workflows = found.manifest.workflows.keys();
    let mut lacks: BTreeMap<&str, Vec<Lack>> = workflows.map(|name| (name.as_str(), Vec::new())).collect();
    let mut add = |workflow: &str, lack: Lack| {
        if let Some(known) = lacks.get_mut(workflow).filter(|known| !known.contains(&lack)) {
            known.push(lack);
        }
    };
    // A type whose pack is here is named by its code or belongs to the editor alone: nobody can tell.
    for kind in found.packs.iter().filter(|pack| pack.here.is_none()).flat_map(|pack| &pack.types) {
        for workflow in kind.workflows.iter().filter(|_| kind.active) {
            let (what, name) = (What::NodeType { awaited: found.awaits_packs }, kind.name.clone());
            add(workflow, Lack { criticality: Criticality::Required, what, name });
        }
    }
    for step in plan_models(found.manifest, found.library, &BTreeMap::new()) {
        let what = match step.action {
            Action::Here => continue,
            Action::Link { .. } => What::Misnamed,
            _ => What::Model { key: step.key.clone(), has_source: !step.sources.is_empty() },
        };
        for workflow in &step.workflows {
            let uses = found.manifest.workflows.get(workflow).into_iter().flatten();
            let uses = uses.filter(|model| model.hash.as_deref() == Some(&step.key));
            let criticality = uses.map(|model| model.criticality).min().unwrap_or(Criticality::Required);
            add(workflow, Lack { criticality, what: what.clone(), name: step.name.clone() });
        }
    }
    for open in found.open {
        let (criticality, what) = (open.criticality, What::Unsettled);
        add(&open.workflow, Lack { criticality, what, name: open.value.clone() });
    }
    for known in found.misnamed {
        let (criticality, what) = (Criticality::Required, What::Misnamed);
        add(&known.workflow, Lack { criticality, what, name: known.value.clone() });
    }
    let ready = lacks.into_iter().map(|(workflow, mut lacks)| {
        lacks.sort_by(|one, other| {
            (one.criticality, &one.what, &one.name).cmp(&(other.criticality, &other.what, &other.name))
        });
        Ready { workflow: workflow.to_owned(), lacks }
    });
    ready.collect()
}
