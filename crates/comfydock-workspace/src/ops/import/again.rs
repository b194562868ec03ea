//! An import that was ended before its last model came: the environment stands, and the same command goes on.

use std::collections::BTreeSet;

use comfydock_core::bundle::Description;
use comfydock_core::name::EnvironmentName;
use comfydock_core::plan::models::ModelStep;

use crate::Error;
use crate::environment::Environment;
use crate::observe::{self, Committed};
use crate::ops::fetch_models::{Fate, Report, missing};
use crate::ops::reach::models_of;
use crate::ops::{Context, elsewhere, remotes};
use crate::origin::Origin;
use crate::workspace::Workspace;

/// An environment that came from a bundle, was not changed since, and lacks models of it.
pub struct Again {
    environment: Environment,
    target: Committed,
    models: Vec<ModelStep>,
}

impl Again {
    /// The one that came from this bundle; only the one of a name, where one is given.
    pub(super) fn find(
        workspace: &Workspace,
        name: Option<&EnvironmentName>,
        description: &Description,
        context: &Context<'_>,
    ) -> Result<Option<Self>, Error> {
        for found in workspace.environments()? {
            if name.is_some_and(|name| *name != found) {
                continue;
            }
            let environment = Environment::at(found.clone(), workspace.environment_folder(&found));
            let Some(origin) = Origin::find(&environment)? else { continue };
            if origin.content_digest != description.content_digest {
                continue;
            }
            // What is broken about another environment does not keep this bundle from coming.
            let Ok(environment) = workspace.environment(Some(&found)) else { continue };
            let Ok(target) = observe::head(&environment) else { continue };
            if target.commit != origin.imported_as {
                continue;
            }
            let hub = remotes::hub_of(None, context);
            let models = models_of(workspace, Some(&environment), &target, hub.as_ref(), context)?;
            if missing(&models).next().is_some() {
                return Ok(Some(Self { environment, target, models }));
            }
        }
        Ok(None)
    }

    /// The environment.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// What it was imported as.
    pub fn target(&self) -> &Committed {
        &self.target
    }

    /// What is to be done for each model, for a look-up to add to.
    pub fn models_mut(&mut self) -> &mut [ModelStep] {
        &mut self.models
    }

    /// What is to be done for each model.
    pub fn models(&self) -> &[ModelStep] {
        &self.models
    }

    /// Brings the models that are missing, one by one, but those of these keys.
    ///
    /// # Errors
    /// When the index fails; that one does not come is in the reports.
    pub fn bring(
        self,
        workspace: &Workspace,
        without: &BTreeSet<String>,
        context: &Context<'_>,
    ) -> Result<Vec<Report>, Error> {
        let hub = remotes::hub_of(None, context);
        let (left, wanted): (Vec<ModelStep>, Vec<ModelStep>) =
            self.models.into_iter().partition(|step| without.contains(&step.key));
        let mut reports = elsewhere::fetch(workspace, Some(&self.environment), wanted, hub.as_ref(), context)?;
        reports.extend(left.into_iter().map(|step| Report::of(step, Fate::LeftOut)));
        Ok(reports)
    }
}
