//! Taking over what a comfygit workspace knows.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use comfydock_core::sidecar::{About, Claim, Trust};
use comfydock_store::file;
use comfydock_store::hash::Stamp;

use super::{Listed, list};
use crate::Error;
use crate::models::comfygit;
use crate::models::index::Index;
use crate::models::index::claims::{Read, Said};
use crate::models::scan;
use crate::ops::Context;
use crate::workspace::Workspace;

/// Reads a comfygit workspace's index and manifests into claims about the models here. Returns about
/// how many models something was learned.
///
/// # Errors
/// When there is neither, or one cannot be read.
pub fn import_comfygit(workspace: &Workspace, from: &Path, context: &Context<'_>) -> Result<usize, Error> {
    let database = comfygit::database(from);
    let manifests = comfygit::manifests(from)?;
    if !database.is_file() && manifests.is_empty() {
        return Err(Error::refused(
            format!(
                "`{}` is no comfygit workspace: it has neither comfygit_cache/models.db nor environments",
                from.display()
            ),
            "name the folder that COMFYGIT_HOME means",
        ));
    }
    let listed = list(workspace, context)?;
    let mut said = Vec::new();
    if database.is_file() {
        let claims = of_index(&listed, &comfygit::files(&database)?);
        said.push(heard(&database, claims)?);
    }
    for (path, entries) in manifests {
        let claims = entries.iter().flat_map(|entry| {
            let named = |listed: &&Listed| {
                listed.model.size == entry.size && listed.paths.iter().any(|path| path.ends_with(&entry.filename))
            };
            let claim = |listed: &Listed| (listed.model.id, claim(Trust::Hint, "comfygit manifest", &entry.sources));
            listed.iter().filter(named).map(claim)
        });
        said.push(heard(&path, claims.collect())?);
    }
    let mut learned: Vec<i64> = said.iter().flat_map(|said| said.claims.iter().map(|(model, _)| *model)).collect();
    learned.sort_unstable();
    learned.dedup();
    let mut index = Index::open(workspace)?;
    index.claim(&said, &[])?;
    scan::tell_contradictions(&mut index, context.reporter)?;
    Ok(learned.len())
}

/// Claims about files that lie where it saw them, with the size it saw.
fn of_index(listed: &[Listed], known: &[comfygit::Known]) -> Vec<(i64, Claim)> {
    let by_path: HashMap<&PathBuf, &Listed> =
        listed.iter().flat_map(|listed| listed.paths.iter().map(move |path| (path, listed))).collect();
    let mut claims = Vec::new();
    for known in known {
        let Some(listed) = by_path.get(&known.path).filter(|listed| listed.model.size == known.size) else { continue };
        let Ok(meta) = known.path.metadata() else { continue };
        let about = About { name: "", size: meta.size(), mtime_ns: Stamp::of(&meta).mtime_ns };
        let trust = if about.changed_at(known.mtime) { Trust::Claimed } else { Trust::Hint };
        let claim = claim(trust, "comfygit index", &known.sources);
        let claim = Claim { sha256: known.sha256.clone(), blake3: known.blake3.clone(), ..claim };
        if claim.sha256.is_some() || claim.blake3.is_some() || !claim.sources.is_empty() {
            claims.push((listed.model.id, claim));
        }
    }
    claims
}

fn claim(trust: Trust, format: &str, sources: &[comfydock_core::source::Source]) -> Claim {
    Claim {
        trust,
        sha256: None,
        blake3: None,
        sources: sources.to_vec(),
        format: format.to_owned(),
        origin: String::new(),
    }
}

fn heard(path: &Path, claims: Vec<(i64, Claim)>) -> Result<Said, Error> {
    let stamp = Stamp::of(&path.metadata().map_err(file::Error::at("inspect", path))?);
    let models = claims.iter().map(|(model, _)| *model).collect();
    let read = Read { size: stamp.size, mtime_ns: stamp.mtime_ns, models };
    Ok(Said { origin: path.to_string_lossy().into_owned(), read, claims })
}
