//! What a commit and the settling of models look at: the last commit, the manifest as it lies there,
//! ComfyUI's workflows and the models of this machine.

use std::collections::BTreeMap;

use comfydock_core::manifest::{Document, Manifest};
use comfydock_core::plan::commit::Observed;
use comfydock_core::plan::library::Library;
use comfydock_store::file;

use super::Context;
use crate::Error;
use crate::environment::Environment;
use crate::observe::{self, Committed};
use crate::transaction::Transaction;
use crate::workspace::{Workspace, now};

/// What was seen of an environment.
pub struct Seen {
    /// The last commit.
    pub head: Committed,
    /// The manifest as it lies in `.cec`.
    pub document: Document,
    /// What it says.
    pub manifest: Manifest,
    /// ComfyUI's workflows, by name.
    pub live: BTreeMap<String, String>,
    /// The models of this machine.
    pub library: Library,
    time: String,
}

impl Seen {
    /// Looks at an environment.
    ///
    /// # Errors
    /// When something cannot be read: a workflow, the manifest, the history, the index.
    pub fn of(workspace: &Workspace, environment: &Environment, context: &Context<'_>) -> Result<Self, Error> {
        let head = observe::head(environment)?;
        let document = environment.manifest()?;
        let manifest = document.manifest().map_err(Error::of_manifest("the manifest cannot be taken"))?;
        let live = observe::live_workflows(environment)?;
        if !head.workflows.is_empty() && !environment.workflows().is_dir() {
            return Err(Error::refused(
                format!("ComfyUI's workflows folder `{}` is not there", environment.workflows().display()),
                "bring it back; to remove all workflows, make it and leave it empty",
            ));
        }
        let library = observe::library(workspace, Some(environment), Some(&manifest), Some(&live), context.reporter)?;
        Ok(Self { head, document, manifest, live, library, time: now() })
    }

    /// What was written since: the manifest, and workflows of ComfyUI.
    pub fn wrote(&mut self, document: Document, workflows: BTreeMap<String, String>) {
        self.document = document;
        self.live.extend(workflows);
    }

    /// What plans are made of.
    pub fn observed(&self) -> Observed<'_> {
        Observed {
            manifest: &self.document,
            tracked: &self.head.workflows,
            live: &self.live,
            library: &self.library,
            now: &self.time,
        }
    }
}

/// Stages a new text for ComfyUI's file of a workflow; what stood there goes, unless it was saved
/// anew since `seen`: then that stays in the trash.
///
/// # Errors
/// When the text cannot be staged.
pub fn replace_workflow(
    transaction: &mut Transaction,
    environment: &Environment,
    name: &str,
    text: &str,
    seen: Option<&str>,
) -> Result<(), Error> {
    let target = environment.workflow_file(name);
    // A file that is a link stays one: what it leads to is written.
    let target = if target.is_symlink() { target.canonicalize().unwrap_or(target) } else { target };
    // A folder of workflows may be a link to a share on another file system.
    let folder = environment.workflows();
    let parent = target.ancestors().skip(1).find(|folder| folder.is_dir()).unwrap_or(&folder).to_owned();
    let staged = transaction.stage_for(&parent)?.join("workflows").join(format!("{name}.json"));
    file::create_folder(staged.parent().unwrap_or(&parent))?;
    std::fs::write(&staged, text).map_err(file::Error::at("write", &staged))?;
    if let Some(seen) = seen.filter(|_| target.exists()) {
        transaction.discard_if_same(&target, seen.as_bytes())?;
    }
    transaction.rename(&staged, &target)
}
