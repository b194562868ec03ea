//! Where a model can be had: what to ask next, and which answer to take (decision 67).
//!
//! The rungs: what is known on this machine, the hub's catalog, CivitAI, Hugging Face. Whoever asks
//! the questions hands the answers back as they are; everything is decided here. A file is taken for
//! the wanted one only on an equal full hash. What a workflow names without a hash is passed on as
//! what it is: an offer, for a person to say yes to.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::digest::{Blake3, Sha256};
use crate::site::hugging_face::{Entry, Resolved};
use crate::site::{Refusal, Site, civitai};
use crate::source::{HuggingFaceFile, Source};

mod answer;
mod rung;

/// Models that CivitAI is asked for by BLAKE3, one request each, after their SHA-256 was not known
/// there.
pub const SINGLE_LIMIT: usize = 20;

/// A place somebody names for a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The place.
    pub source: Source,
    /// The SHA-256 its file has, as they say; for a sidecar that holds both, or a workflow's hash.
    pub sha256: Option<Sha256>,
}

/// A model that is looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// What its file is called, folders aside.
    pub filename: String,
    /// What its bytes hash to, if that is known: measured, or given with the mention.
    pub sha256: Option<Sha256>,
    /// Its other hash, if both were measured in one pass.
    pub blake3: Option<Blake3>,
    /// Places that workflows, sidecars and catalogs name.
    pub said: Vec<Said>,
}

/// Why an offer is believed to be the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// The site says its file has the wanted full hash.
    SameHash,
    /// Somebody who is no site says so: the catalog, a sidecar, the workflow.
    Claimed,
    /// It is what the workflow names; nobody knows the wanted hash.
    Place,
}

impl Evidence {
    /// The word that JSON documents keep.
    pub fn word(self) -> &'static str {
        match self {
            Self::SameHash => "same_hash",
            Self::Claimed => "claimed",
            Self::Place => "place",
        }
    }
}

/// A place where a model can be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The source, as exact as it could be made.
    pub source: Source,
    /// What the file is called there.
    pub filename: String,
    /// Bytes; CivitAI rounds.
    pub size: Option<u64>,
    /// What the file there hashes to.
    pub sha256: Option<Sha256>,
    /// Who knew.
    pub site: Site,
    /// Why it is believed.
    pub evidence: Evidence,
    /// Something to be told before a yes: a scan's result, that a login is needed.
    pub warning: Option<String>,
}

/// What came of looking for one model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Finding {
    /// Where it can be had, best first.
    pub offers: Vec<Offer>,
    /// What sites said instead, as clauses.
    pub reasons: Vec<String>,
}

/// Who may be asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct May {
    /// The hub.
    pub hub: bool,
    /// CivitAI and Hugging Face.
    pub outside: bool,
}

/// What is to be asked next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// The hub: where these can be had.
    Catalog(Vec<Sha256>),
    /// CivitAI: which of these it knows; at most [`civitai::IDS_LIMIT`].
    Ids(Vec<Sha256>),
    /// CivitAI: the versions that have these; at most [`civitai::BATCH_LIMIT`].
    Versions(Vec<Sha256>),
    /// CivitAI: the version that has this one.
    BySha256(Sha256),
    /// CivitAI: the version that has this one.
    ByBlake3(Blake3),
    /// CivitAI: a version.
    Version(u64),
    /// Hugging Face: what this file is now.
    File(HuggingFaceFile),
    /// Hugging Face: the files of a repository's `main`.
    Tree(String),
}

impl Question {
    /// Who is asked.
    pub fn site(&self) -> Site {
        match self {
            Self::Catalog(_) => Site::Hub,
            Self::File(_) | Self::Tree(_) => Site::HuggingFace,
            _ => Site::Civitai,
        }
    }
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// To [`Question::Catalog`]; what is unknown is absent.
    Catalog(BTreeMap<Sha256, Vec<Source>>),
    /// To [`Question::Ids`]; what is unknown is absent.
    Ids(Vec<(Sha256, u64)>),
    /// To the questions for versions.
    Versions(Vec<civitai::Version>),
    /// To [`Question::File`].
    File(Resolved),
    /// To [`Question::Tree`].
    Tree(Vec<Entry>),
    /// The site said something else.
    Refused(Refusal),
    /// It could not be asked, and why.
    Failed(String),
    /// It may not be asked now, and no earlier answer is kept.
    Unasked,
}

/// Looking for models, rung by rung.
#[derive(Debug)]
pub struct Ladder {
    wanted: Vec<Wanted>,
    found: Vec<Finding>,
    may: May,
    rung: rung::Rung,
    queue: VecDeque<Question>,
    /// Versions that CivitAI's probe named and whose file was not found in the answers since.
    hits: BTreeMap<Sha256, u64>,
    /// Whether the probe gave an answer; else the batch is asked for everything.
    probed: bool,
    seen: BTreeSet<HuggingFaceFile>,
    searched: BTreeSet<String>,
    closed: BTreeSet<Site>,
    notes: Vec<String>,
    unasked: bool,
}

impl Ladder {
    /// Begins. What is known here is taken at once and asks nobody.
    pub fn new(wanted: Vec<Wanted>, may: May) -> Self {
        let found = wanted.iter().map(answer::known_here).collect();
        Self {
            wanted,
            found,
            may,
            rung: rung::Rung::Start,
            queue: VecDeque::new(),
            hits: BTreeMap::new(),
            probed: false,
            seen: BTreeSet::new(),
            searched: BTreeSet::new(),
            closed: BTreeSet::new(),
            notes: Vec::new(),
            unasked: false,
        }
    }

    /// What to ask now; nothing when all is known that can be.
    pub fn question(&mut self) -> Option<Question> {
        loop {
            while let Some(question) = self.queue.pop_front() {
                if !self.closed.contains(&question.site()) {
                    return Some(question);
                }
            }
            self.rung = self.rung.next()?;
            self.queue = rung::questions(self);
        }
    }

    /// Takes what was answered.
    pub fn answer(&mut self, question: &Question, answer: Answer) {
        answer::take(self, question, answer);
    }

    /// What came of it, in the order of the models; with each the sites' own words.
    pub fn finish(self) -> Outcome {
        Outcome { findings: self.found, notes: self.notes, unasked: self.unasked }
    }

    /// Whether a model is still to be looked for: none with its hash was found. Without a hash every
    /// place that is named is looked at.
    fn open(&self, position: usize) -> bool {
        self.wanted[position].sha256.is_none() || self.found[position].offers.is_empty()
    }

    fn open_hashes(&self) -> impl Iterator<Item = &Sha256> {
        let open = (0..self.wanted.len()).filter(|position| self.open(*position));
        open.filter_map(|position| self.wanted[position].sha256.as_ref())
    }
}

/// What came of looking for models.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// One for each model, in the order they were given.
    pub findings: Vec<Finding>,
    /// What went wrong with a site as a whole, as clauses.
    pub notes: Vec<String>,
    /// Whether somebody would have been asked, had that been allowed.
    pub unasked: bool,
}

#[cfg(test)]
mod tests;
