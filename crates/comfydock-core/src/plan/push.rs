//! What a push must tell or refuse before anything is sent.

use crate::manifest::{Manifest, ModelStatus};

/// A model of the manifest and the workflows that use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The manifest's key.
    pub key: String,
    /// The file's name.
    pub filename: String,
    /// The workflows.
    pub workflows: Vec<String>,
}

/// What a push finds in the manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// Models without a SHA-256: to be measured first.
    pub unmeasured: Vec<Named>,
    /// Models nobody can download: named, and no obstacle.
    pub without_source: Vec<Named>,
    /// Workflows with names that resolve to no model.
    pub unresolved: Vec<(String, String)>,
    /// Node packs of which nothing says how to have them elsewhere.
    pub unpublished: Vec<String>,
}

/// Looks through a manifest that is about to be pushed.
pub fn plan_push(manifest: &Manifest) -> Findings {
    let mut findings = Findings::default();
    for (key, model) in &manifest.models {
        let named = || Named {
            key: key.clone(),
            filename: model.filename.clone(),
            workflows: manifest.workflows_using(key).into_iter().map(str::to_owned).collect(),
        };
        if model.sha256.is_none() {
            findings.unmeasured.push(named());
        }
        if model.sources.is_empty() {
            findings.without_source.push(named());
        }
    }
    for (name, models) in &manifest.workflows {
        for model in models.iter().filter(|model| model.status == ModelStatus::Unresolved) {
            findings.unresolved.push((name.clone(), model.filename.clone()));
        }
    }
    findings.unpublished =
        manifest.nodes.values().filter(|node| !node.can_be_had()).map(|node| node.name.to_string()).collect();
    findings
}
