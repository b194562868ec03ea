//! `--add-platform`: an environment that was locked for other systems, locked for this machine too
//! (decision 16).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use comfydock_core::foreign;
use comfydock_core::manifest::{self, Document, Manifest};
use comfydock_core::python_lock;

use super::{Context, relock};
use crate::Error;
use crate::environment::Environment;
use crate::observe::Committed;
use crate::python;
use crate::workspace::Workspace;

/// A platform that was added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// Its name, as `linux-x86_64`.
    pub platform: String,
    /// Packages that did not stay at the versions they were locked at, each with both.
    pub moved: Vec<String>,
}

/// Adds this machine's platform to a state that is not locked for it, and locks it anew with the versions
/// that are locked. None when the state covers this machine. `project` is a folder to work in.
///
/// # Errors
/// When the packages cannot be had for this platform too; the state is as it was.
pub fn add(
    workspace: &Workspace,
    environment: &Environment,
    target: &mut Committed,
    project: &Path,
    context: &Context<'_>,
) -> Result<Option<Added>, Error> {
    // The text may say more than the manifest of the commit: what was added here and is not committed.
    let mut document = Document::parse(&target.manifest_text).map_err(of_manifest())?;
    if python::covers(&document.manifest().map_err(of_manifest())?) {
        return Ok(None);
    }
    let platform = python::platform();
    document.add_platform(&platform);
    let mut files = target.files.clone();
    let before = versions(&files);
    let how = relock::Options::default();
    relock::lock(workspace, environment, &mut document, &mut files, project, how, context)
        .map_err(|error| not_for(&platform, error))?;
    let moved = moved(&before, &versions(&files));
    target.manifest.environment.platforms = document.manifest().map_err(of_manifest())?.environment.platforms;
    target.manifest_text = document.text();
    files.insert(foreign::MANIFEST.to_owned(), target.manifest_text.clone().into_bytes());
    target.files = files;
    Ok(Some(Added { platform, moved }))
}

/// Refuses a state that is not locked for this machine.
///
/// # Errors
/// When it is not.
pub fn check(target: &Committed) -> Result<(), Error> {
    let manifest = Manifest::parse(&target.manifest_text).map_err(of_manifest())?;
    if python::covers(&manifest) { Ok(()) } else { Err(python::not_covered(&manifest)) }
}

fn of_manifest() -> impl FnOnce(manifest::Error) -> Error {
    Error::of_manifest("the manifest cannot be taken")
}

/// Each package's locked versions: several, where platforms have different ones.
type Versions = BTreeMap<String, BTreeSet<String>>;

fn versions(files: &BTreeMap<String, Vec<u8>>) -> Versions {
    let lock = files.get(foreign::PYTHON_LOCK).map(|lock| String::from_utf8_lossy(lock).into_owned());
    lock.and_then(|lock| python_lock::packages(&lock).ok()).unwrap_or_default()
}

/// What was locked and is not locked so any more. Versions that came besides are the new platform's own.
fn moved(before: &Versions, after: &Versions) -> Vec<String> {
    let words = |versions: &BTreeSet<String>| versions.iter().cloned().collect::<Vec<_>>().join(" and ");
    let differ =
        before.iter().filter(|(name, versions)| !after.get(*name).is_some_and(|now| now.is_superset(versions)));
    differ
        .map(|(name, versions)| match after.get(name) {
            Some(now) => format!("{name} from {} to {}", words(versions), words(now)),
            None => format!("{name} {} is not locked any more", words(versions)),
        })
        .collect()
}

fn not_for(platform: &str, error: Error) -> Error {
    // Nothing is added here that could be added without its packages.
    match relock::without_no_test(error) {
        Error::Refused { message, details, hint } => {
            Error::Refused { message: format!("{platform} cannot be added: {message}"), details, hint }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_that_stay_or_come_besides_are_no_moves() {
        let table = |text: &str| -> Versions {
            let pairs = text.split_whitespace().filter_map(|pair| pair.split_once('='));
            pairs.map(|(name, all)| (name.to_owned(), all.split(',').map(str::to_owned).collect())).collect()
        };
        for (before, after, expected) in [
            ("six=1", "six=1", vec![]),
            ("six=1", "six=1,2 idna=3", vec![]),
            ("six=1", "six=2", vec!["six from 1 to 2"]),
            ("six=1,2", "six=2", vec!["six from 1 and 2 to 2"]),
            ("six=1 idna=3", "idna=3", vec!["six 1 is not locked any more"]),
        ] {
            assert_eq!(moved(&table(before), &table(after)), expected, "{before} to {after}");
        }
    }
}
