//! `comfydock workflow show`: what workflows need, those of an environment and files anywhere.

use std::path::Path;

use comfydock_core::manifest::Manifest;
use comfydock_core::plan::library::Library;
use comfydock_core::plan::show::{Knowledge, Needs, needs};
use comfydock_core::plan::tracked;
use comfydock_core::resolve::Index;
use comfydock_core::workflow::{self, Workflow};

use super::Context;
use crate::Error;
use crate::environment::Environment;
use crate::observe;
use crate::workspace::Workspace;

/// A workflow and what it needs.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Its name: of a file the file's name without ending.
    pub name: String,
    /// The version of its format, or `api`.
    pub format: String,
    /// What it needs.
    pub needs: Needs,
}

/// Where workflows are looked at from: the workspace and environment at hand, if there are any.
#[derive(Default)]
pub struct Desk {
    environment: Option<Environment>,
    manifest: Option<Manifest>,
    library: Option<Library>,
}

impl Desk {
    /// A desk in a workspace, with an environment if one is meant.
    ///
    /// # Errors
    /// When the environment's manifest or the index cannot be read.
    pub fn new(workspace: &Workspace, environment: Option<Environment>, context: &Context<'_>) -> Result<Self, Error> {
        let manifest = environment
            .as_ref()
            .map(|environment| {
                environment.manifest()?.manifest().map_err(Error::of_manifest("the manifest cannot be taken"))
            })
            .transpose()?;
        let library = observe::library(workspace, environment.as_ref(), manifest.as_ref(), None, context.reporter)?;
        Ok(Self { environment, manifest, library: Some(library) })
    }

    /// The models of this machine by name, arranged once for all that is shown.
    pub fn index(&self) -> Option<Index<'_>> {
        self.library.as_ref().map(|library| Index::new(&library.files))
    }

    /// Shows what `word` means: a file if there is one of this name and it ends in `.json`, else a
    /// workflow of the environment, else any file.
    ///
    /// # Errors
    /// When it is neither, or cannot be read.
    pub fn show(&self, word: &str, index: Option<&Index<'_>>) -> Result<Shown, Error> {
        let file = Path::new(word);
        if word.ends_with(".json") && file.exists() {
            return self.file(file, index);
        }
        let name = workflow::nfc(word.strip_suffix(".json").unwrap_or(word));
        if let Some(environment) = &self.environment
            && let Some(path) = observe::find_workflow(environment, &name)?
        {
            return self.of_environment(environment, &name, &path, index);
        }
        if file.is_file() {
            return self.file(file, index);
        }
        let place = match &self.environment {
            Some(environment) => format!("environment `{}` has no workflow `{word}`", environment.name()),
            None => format!("there is no file `{word}`, and no environment to look for a workflow of that name"),
        };
        Err(Error::refused(place, "`comfydock workflow list` shows the names; a file is named by its path"))
    }

    fn file(&self, path: &Path, index: Option<&Index<'_>>) -> Result<Shown, Error> {
        let text = observe::read_steadily(path)?;
        let workflow =
            Workflow::parse_any(text).map_err(|source| Error::WorkflowFile { path: path.to_owned(), source })?;
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let library = self.library.as_ref().zip(index);
        let knowledge = Knowledge { library, manifest: self.manifest.as_ref(), mentions: None };
        Ok(shown(name, &workflow, knowledge))
    }

    fn of_environment(
        &self,
        environment: &Environment,
        name: &str,
        path: &Path,
        index: Option<&Index<'_>>,
    ) -> Result<Shown, Error> {
        let text = observe::read_steadily(path)?;
        let failed = |source| Error::WorkflowFile { path: path.to_owned(), source };
        let workflow = Workflow::parse_any(text).map_err(failed)?;
        let head = observe::head(environment).ok();
        let tracked = head.as_ref().and_then(|head| head.workflows.get(name));
        let tracked = tracked.and_then(|text| Workflow::parse(text.clone()).ok());
        let mut knowledge = Knowledge { library: self.library.as_ref().zip(index), ..Knowledge::default() };
        let (Some(manifest), Some(index)) = (&self.manifest, index) else {
            return Ok(shown(name.to_owned(), &workflow, knowledge));
        };
        let reading = tracked::read(name, &workflow, tracked.as_ref(), manifest, index)
            .map_err(|source| Error::WorkflowFile { path: path.to_owned(), source })?;
        knowledge.manifest = Some(manifest);
        knowledge.mentions = Some(&reading.mentions);
        Ok(shown(name.to_owned(), &workflow, knowledge))
    }
}

fn shown(name: String, workflow: &Workflow, knowledge: Knowledge<'_>) -> Shown {
    Shown { name, format: workflow.version().to_owned(), needs: needs(workflow, knowledge) }
}
