//! What is decided about each model before anything is fetched, and what comes of it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Strategy, Wanted};
use crate::resolve::{Index, Similar, by_likeness};
use crate::source::Source;

/// What is decided about one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It is brought from where the environment or a look-up says.
    Download,
    /// It is downloaded from here.
    From(Source),
    /// This model of this machine, by its key, stands in for it in every workflow.
    Substitute(String),
    /// The environment is built without it.
    LeaveOut,
}

/// A way to settle a model that is not here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From where it is said to be.
    Download,
    /// By a model of this machine.
    Substitute,
    /// By leaving it out.
    LeaveOut,
    /// From an address that is typed.
    Url,
}

impl Wanted {
    /// The ways that are open for it, and which is taken when nothing else is said. `substitutes` is how many
    /// models of this machine could stand in for it.
    ///
    /// An address is asked for only where nobody says one, and where what comes from it would be taken.
    pub fn ways(&self, substitutes: usize) -> (Vec<Way>, Way) {
        let mut ways = Vec::new();
        if self.can_be_had {
            ways.push(Way::Download);
        }
        if substitutes > 0 {
            ways.push(Way::Substitute);
        }
        ways.push(Way::LeaveOut);
        if !self.can_be_had && self.would_be_taken {
            ways.push(Way::Url);
        }
        // Enter alone never puts one model in the place of another.
        (ways, if self.can_be_had { Way::Download } else { Way::LeaveOut })
    }
}

/// The models of this machine that could stand in for one: those of its category that ComfyUI finds, the most
/// alike by name first.
pub fn substitutes<'files>(index: &Index<'files>, model: &Wanted) -> Vec<Similar<'files>> {
    let mut found = by_likeness(index, &model.filename, Some(&model.category));
    found.retain(|similar| *similar.file.key != *model.key);
    found
}

/// What comes of every model.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sorted<'a> {
    /// On this machine.
    pub here: Vec<&'a Wanted>,
    /// To be downloaded.
    pub download: Vec<&'a Wanted>,
    /// Another one stands in, by its key.
    pub substitute: Vec<(&'a Wanted, &'a str)>,
    /// Left out by choice.
    pub left_out: Vec<&'a Wanted>,
    /// Wanted, and not to be had.
    pub missing: Vec<&'a Wanted>,
}

/// Sorts models by what comes of them: what was decided about one, else what the shortcut says. What is on this
/// machine costs nothing and is taken unless it was decided otherwise.
pub fn sort<'a>(wanted: &'a [Wanted], strategy: Strategy, decisions: &'a BTreeMap<String, Decision>) -> Sorted<'a> {
    let mut sorted = Sorted::default();
    for model in wanted {
        match decisions.get(&model.key) {
            Some(Decision::Substitute(with)) => sorted.substitute.push((model, with)),
            Some(Decision::LeaveOut) => sorted.left_out.push(model),
            _ if model.is_here => sorted.here.push(model),
            Some(Decision::From(_)) if model.would_be_taken => sorted.download.push(model),
            None if !strategy.takes(model.criticality) => sorted.left_out.push(model),
            _ if model.can_be_had => sorted.download.push(model),
            _ => sorted.missing.push(model),
        }
    }
    sorted
}

impl Sorted<'_> {
    /// Bytes that are downloaded, as far as they are known.
    pub fn bytes(&self) -> u64 {
        self.download.iter().map(|model| model.size).sum()
    }

    /// The keys of the models that are left out.
    pub fn without(&self) -> BTreeSet<String> {
        self.left_out.iter().map(|model| model.key.clone()).collect()
    }
}
