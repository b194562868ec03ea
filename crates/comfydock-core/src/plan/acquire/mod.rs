//! Which of an environment's models its receiver wants: each with what it is needed for, and the shortcuts by
//! how much they matter (design/bundles.md, Export and import).
//!
//! - `decision`: what is decided about each, and what comes of it.

mod decision;

pub use decision::{Decision, Sorted, Way, sort, substitutes};

use crate::category::Criticality;
use crate::manifest::Manifest;
use crate::plan::models::{Action, ModelStep};

/// A model of an environment that is about to be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The manifest's key.
    pub key: String,
    /// The file's name.
    pub filename: String,
    /// ComfyUI's category.
    pub category: String,
    /// Bytes; nought when nobody says.
    pub size: u64,
    /// How much it matters: the most any workflow says.
    pub criticality: Criticality,
    /// The workflows that need it.
    pub workflows: Vec<String>,
    /// Where it would come from first; none when nobody says.
    pub source: Option<String>,
    /// Whether it is on this machine, under whatever name.
    pub is_here: bool,
    /// Whether it can be downloaded.
    pub can_be_had: bool,
    /// Whether what arrives would be taken: its SHA-256 is known, or that is not asked for.
    pub would_be_taken: bool,
}

/// The models of a plan, one for each file: those that matter most first, then the largest. `unverified` says
/// that models without a SHA-256 are taken too.
pub fn wanted(manifest: &Manifest, steps: &[ModelStep], unverified: bool) -> Vec<Wanted> {
    let mut found: Vec<Wanted> = Vec::new();
    for step in steps {
        let is_here = matches!(step.action, Action::Here | Action::Link { .. });
        let would_be_taken = step.sha256.is_some() || unverified;
        let can_be_had = match step.action {
            Action::Download => true,
            Action::Unverifiable => unverified && !step.sources.is_empty(),
            _ => false,
        };
        if let Some(known) = found.iter_mut().find(|wanted| wanted.key == step.key) {
            // One file in two categories comes once.
            known.is_here &= is_here;
            known.can_be_had |= can_be_had;
            known.workflows.extend(step.workflows.iter().cloned());
            known.workflows.sort();
            known.workflows.dedup();
            continue;
        }
        found.push(Wanted {
            key: step.key.clone(),
            filename: step.filename.clone(),
            category: step.category.clone(),
            size: step.size,
            criticality: criticality(manifest, &step.key),
            workflows: step.workflows.clone(),
            source: step.sources.first().map(ToString::to_string),
            is_here,
            can_be_had,
            would_be_taken,
        });
    }
    found.sort_by(|one, other| {
        let rank = |wanted: &Wanted| (wanted.criticality, std::cmp::Reverse(wanted.size));
        rank(one).cmp(&rank(other)).then_with(|| one.filename.cmp(&other.filename))
    });
    found
}

/// The most any workflow says of a model.
fn criticality(manifest: &Manifest, key: &str) -> Criticality {
    let uses = manifest.workflows.values().flatten().filter(|model| model.hash.as_deref() == Some(key));
    uses.map(|model| model.criticality).min().unwrap_or(Criticality::Optional)
}

/// A shortcut: which models are brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strategy {
    /// All that can be had.
    #[default]
    All,
    /// Those without which a workflow does not run, and those that another could stand in for.
    Flexible,
    /// Only those without which a workflow does not run.
    Required,
    /// None.
    Nothing,
}

impl Strategy {
    /// Whether a model of this importance is brought.
    pub fn takes(self, criticality: Criticality) -> bool {
        match self {
            Self::All => true,
            Self::Flexible => criticality != Criticality::Optional,
            Self::Required => criticality == Criticality::Required,
            Self::Nothing => false,
        }
    }

    /// Bytes that are downloaded.
    pub fn bytes(self, wanted: &[Wanted]) -> u64 {
        let taken = wanted.iter().filter(|model| !model.is_here && model.can_be_had && self.takes(model.criticality));
        taken.map(|model| model.size).sum()
    }
}

impl std::str::FromStr for Strategy {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "all" => Ok(Self::All),
            "flexible" => Ok(Self::Flexible),
            "required" => Ok(Self::Required),
            "none" => Ok(Self::Nothing),
            _ => Err("it must be all, flexible (required and flexible ones), required or none".to_owned()),
        }
    }
}
