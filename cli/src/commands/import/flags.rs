//! Answers given as flags.

use std::collections::{BTreeMap, BTreeSet};

use comfydock_core::manifest::{Manifest, NodeSource};
use comfydock_core::plan::acquire::{Decision, Strategy, sort, wanted};
use comfydock_core::plan::library::Library;
use comfydock_core::plan::models::ModelStep;
use comfydock_core::source::Source;
use comfydock_workspace::Error;
use comfydock_workspace::ops::arrive::Choices;
use comfydock_workspace::ops::resolve::{key_of, manifest_key};

use crate::commands::workflow::resolve::pair;
use crate::error::Failure;

/// What is wanted of a bundle, as flags.
#[derive(clap::Args)]
#[group(id = "wanted")]
pub(crate) struct Args {
    /// Which models to bring: all, flexible (required and flexible ones), required, or none [default: all]
    #[arg(long, value_name = "WHICH")]
    models: Option<Strategy>,
    /// Bring no models; the same as `--models none`
    #[arg(long, conflicts_with = "models")]
    skip_models: bool,
    /// Do not bring this model (can be given again)
    #[arg(long, value_name = "MODEL")]
    without_model: Vec<String>,
    /// Put a model of this machine in the place of another in every workflow, on record (can be given again)
    #[arg(long, value_name = "OLD=NEW", value_parser = pair)]
    substitute: Vec<(String, String)>,
    /// Where a model can be had; asked before anybody else (can be given again)
    #[arg(long = "source", value_name = "MODEL=URL", value_parser = pair)]
    sources: Vec<(String, String)>,
    /// Do not bring this node pack; it stays in the manifest as missing (can be given again)
    #[arg(long, value_name = "PACK")]
    without_node: Vec<String>,
    /// Bring no node packs but those in the bundle
    #[arg(long)]
    skip_nodes: bool,
}

/// What flags have answered.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// The packs that are left out, if that was said.
    pub(super) without_nodes: Option<BTreeSet<String>>,
    /// Which models are brought, if that was said.
    pub(super) strategy: Option<Strategy>,
    /// What was decided about single models.
    pub(super) decisions: BTreeMap<String, Decision>,
}

impl Args {
    /// What the flags say about a bundle with this manifest.
    ///
    /// # Errors
    /// When one names what the bundle does not have, a model that is not here, or a model a second time.
    pub(super) fn given(&self, manifest: &Manifest, library: &Library) -> Result<Given, Failure> {
        let mut given = Given {
            without_nodes: self.without(manifest)?,
            strategy: self.models.or(self.skip_models.then_some(Strategy::Nothing)),
            decisions: BTreeMap::new(),
        };
        for word in &self.without_model {
            decide(&mut given.decisions, manifest, word, Decision::LeaveOut)?;
        }
        for (word, url) in &self.sources {
            decide(&mut given.decisions, manifest, word, Decision::From(Source::given(url).map_err(Error::from)?))?;
        }
        for (old, new) in &self.substitute {
            decide(&mut given.decisions, manifest, old, Decision::Substitute(key_of(library, new)?))?;
        }
        for (key, decision) in &given.decisions {
            if matches!(decision, Decision::Substitute(with) if with == key) {
                return Err(Error::refused("a model cannot stand in for itself", "name two different models").into());
            }
        }
        Ok(given)
    }

    /// What is left out, where models are neither substituted nor had from elsewhere: of an environment that is here.
    ///
    /// # Errors
    /// As [`given`](Self::given), and when a flag is for a new environment.
    pub(crate) fn choices(
        &self,
        manifest: &Manifest,
        steps: &[ModelStep],
        unverified: bool,
    ) -> Result<Choices, Failure> {
        if !self.substitute.is_empty() || !self.sources.is_empty() {
            let hint = "`comfydock workflow resolve` and `comfydock models source add` do it afterwards";
            return Err(Error::refused("--substitute and --source are for a new environment", hint).into());
        }
        let strategy = self.models.or(self.skip_models.then_some(Strategy::Nothing)).unwrap_or_default();
        let mut decisions = BTreeMap::new();
        for word in &self.without_model {
            decide(&mut decisions, manifest, word, Decision::LeaveOut)?;
        }
        let without_models = sort(&wanted(manifest, steps, unverified), strategy, &decisions).without();
        let without_nodes = self.without(manifest)?.unwrap_or_default();
        Ok(Choices { without_nodes, without_models, ..Choices::default() })
    }

    /// Whether any of them was given.
    pub(crate) fn are_given(&self) -> bool {
        self.models.is_some()
            || self.skip_models
            || self.skip_nodes
            || !(self.without_model.is_empty() && self.without_node.is_empty())
            || !(self.substitute.is_empty() && self.sources.is_empty())
    }

    fn without(&self, manifest: &Manifest) -> Result<Option<BTreeSet<String>>, Failure> {
        if !self.skip_nodes && self.without_node.is_empty() {
            return Ok(None);
        }
        let fetched = manifest.nodes.values().filter(|node| self.skip_nodes && node.source != NodeSource::Development);
        let mut found: BTreeSet<String> = fetched.map(|node| node.name.to_string()).collect();
        for word in &self.without_node {
            let is_meant = |(key, node): &(&String, &comfydock_core::manifest::Node)| {
                *key == word || node.name.as_str().eq_ignore_ascii_case(word)
            };
            let Some((_, node)) = manifest.nodes.iter().find(is_meant) else {
                let known: Vec<&str> = manifest.nodes.values().map(|node| node.name.as_str()).collect();
                let hint = format!("it has: {}", known.join(", "));
                return Err(Error::refused(format!("the bundle has no node pack `{word}`"), hint).into());
            };
            found.insert(node.name.to_string());
        }
        Ok(Some(found))
    }
}

fn decide(
    decisions: &mut BTreeMap<String, Decision>,
    manifest: &Manifest,
    word: &str,
    decision: Decision,
) -> Result<(), Failure> {
    let Some(key) = manifest_key(manifest, word) else {
        let known: Vec<&str> = manifest.models.values().map(|model| model.filename.as_str()).collect();
        let hint = format!("it needs: {}; one of several of a name is named by its hash", known.join(", "));
        return Err(Error::refused(format!("the bundle needs no one model `{word}`"), hint).into());
    };
    if decisions.insert(key, decision).is_some() {
        let hint = "a model is left out, substituted or downloaded from somewhere: say one of these";
        return Err(Error::refused(format!("two flags say what to do about model `{word}`"), hint).into());
    }
    Ok(())
}
