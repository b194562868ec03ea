//! `workflow resolve`: what is not clear in a workflow, what could settle it, and what an answer
//! changes.
//!
//! Questions are found by reading the workflow as a commit does. An answer rewrites the name in
//! ComfyUI's file, so that ComfyUI itself loads what was meant (decision 10), or is kept in the
//! manifest where there is nothing to write.

mod question;
mod settle;

pub use question::{Choice, Likeness, Question};
pub use settle::{Answer, Bring, Renamed, Settled, settle};

use std::collections::BTreeMap;

use crate::category;
use crate::digest::Sha256;
use crate::manifest::Manifest;
use crate::plan::commit::{Error, Observed, ReadAll, parse_all, read_all};
use crate::plan::library::Library;
use crate::plan::misnamed::{self, Misnamed};
use crate::plan::models::free_name;
use crate::resolve::Index;
use crate::workflow::Workflow;

/// All workflows of an environment, read.
pub struct Sheet<'a> {
    manifest: Manifest,
    library: &'a Library,
    index: Index<'a>,
    live: BTreeMap<&'a str, Workflow>,
    readings: ReadAll<'a>,
}

impl<'a> Sheet<'a> {
    /// Reads everything that was observed.
    ///
    /// # Errors
    /// When a workflow cannot be read, or the manifest cannot stand.
    pub fn read(observed: &Observed<'a>) -> Result<Self, Error> {
        let manifest = observed.manifest.manifest()?;
        let live = parse_all(observed.live)?;
        let index = Index::new(&observed.library.files);
        let readings = read_all(&live, observed.tracked, &manifest, &index)?;
        Ok(Self { manifest, library: observed.library, index, live, readings })
    }

    /// The names of the workflows.
    pub fn names(&self) -> impl Iterator<Item = &'a str> {
        self.live.keys().copied()
    }

    /// What ComfyUI does not find under the name a workflow has for it, although it is here.
    pub fn misnamed(&self, workflow: &str) -> Vec<Misnamed> {
        let reading = self.readings.get(workflow).map(|(reading, _)| reading);
        reading.map_or_else(Vec::new, |reading| misnamed::of(workflow, reading, self.library, &self.index))
    }

    /// Whether a category has a file of this name.
    pub fn is_taken(&self, category: &str, name: &str) -> bool {
        self.index.file(category::canonical(category), name).is_some()
    }

    /// A free place in a category for a file of this name: a path below a models folder.
    pub fn free_place(&self, category: &str, file_name: &str, sha256: &Sha256) -> String {
        let (folder, name) = free_name(&self.index, "", category::canonical(category), file_name, Some(sha256));
        format!("{folder}/{name}")
    }

    /// What is not clear in a workflow, what was skipped too; nothing for one that is not there.
    pub fn questions(&self, workflow: &str) -> Vec<Question> {
        let Some((reading, _)) = self.readings.get(workflow) else { return Vec::new() };
        question::of(workflow, reading, &self.manifest, self.library, &self.index)
    }
}
