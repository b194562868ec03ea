//! An environment from a bundle that comes into one that is at home here (decision 89).

use toml_edit::DocumentMut;

use super::question::Subject;
use crate::digest::CommitId;
use crate::manifest::{Document, EnvironmentFacts, Error};

/// The manifest that two environments have in common which never were one. What only one of them has is there
/// afterwards, what both have otherwise is asked; but what is said here of the guest does not count as its own.
///
/// That is the platforms: a guest does not say on which machines its host runs. And the date up to which packages
/// are considered, where its host has none.
///
/// # Errors
/// When one of the manifests cannot be taken.
pub fn nothing_in_common(home: &str, guest: &str) -> Result<String, Error> {
    let (host, visitor) = (Document::parse(home)?.manifest()?, Document::parse(guest)?.manifest()?);
    let facts = EnvironmentFacts {
        // A ComfyUI and a Python that neither has: where both have the same, there is nothing to ask.
        comfyui_version: "none".to_owned(),
        comfyui_commit: CommitId::parse(&"0".repeat(40)).expect("forty hexadecimal digits"),
        comfyui_url: host.environment.comfyui_url,
        python_version: "3.0".to_owned(),
        platforms: visitor.environment.platforms,
    };
    let newest = if newest(home).is_some() { None } else { newest(guest) };
    Ok(Document::new(&facts, newest.as_deref()).text())
}

/// The date up to which packages are considered.
fn newest(manifest: &str) -> Option<String> {
    let document: DocumentMut = manifest.parse().ok()?;
    Some(document.get("tool")?.get("uv")?.get("exclude-newer")?.as_str()?.to_owned())
}

/// Whether it stays as it is at home unless somebody says otherwise, without a question: another ComfyUI or Python
/// is more than a guest can expect.
pub fn is_the_hosts(subject: &Subject) -> bool {
    matches!(subject, Subject::ComfyUi | Subject::Python)
}
