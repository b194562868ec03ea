//! Measuring again what may have changed without a trace, before anything is decided (decision 61).

use comfydock_core::manifest::Manifest;

use crate::Error;
use crate::environment::Environment;
use crate::models::index::Index;
use crate::models::roots::Roots;
use crate::models::scan::{self, Unmeasured};
use crate::observe;
use crate::reporter::Reporter;

/// Measures the doubted files that the manifest has or a workflow of the environment may name. The
/// others wait: a `chmod` of a whole library is no reason to read it.
///
/// # Errors
/// When the index fails or a workflow cannot be read.
pub(crate) fn doubted(
    index: &mut Index,
    roots: &Roots,
    manifest: Option<&Manifest>,
    environment: Option<&Environment>,
    reporter: &dyn Reporter,
) -> Result<(), Error> {
    let Some(manifest) = manifest else { return Ok(()) };
    let doubted = index.doubted(roots)?;
    if doubted.is_empty() {
        return Ok(());
    }
    let workflows = environment.map(observe::live_workflows).transpose()?.unwrap_or_default();
    let texts: Vec<String> = workflows.into_values().map(|text| text.to_lowercase()).collect();
    let named = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_lowercase();
        texts.iter().any(|text| text.contains(&stem) || (!stem.is_ascii() && text.contains("\\u")))
    };
    let files: Vec<Unmeasured> = doubted
        .into_iter()
        .filter(|file| manifest.models.keys().any(|key| key.starts_with(&file.quick)) || named(&file.relative_path))
        .map(|file| Unmeasured { root: file.root, relative_path: file.relative_path, size: file.size })
        .collect();
    scan::measure(index, &files, reporter).map(drop)
}
