//! Locking with what holds for the families of torch and OpenCV (decision 74).

use std::collections::BTreeMap;

use comfydock_core::manifest::Document;
use comfydock_core::opencv;
use comfydock_core::python_lock::Lock;
use comfydock_core::requirements::Requirement;
use comfydock_core::torch::{self, BUILT};

use super::Resolver;
use crate::Error;
use crate::process::uv::Failure;

/// Requirements that could not be locked.
pub struct Unresolved {
    /// Why.
    pub error: Error,
    /// What torch is to stay at, when that was the reason.
    pub torch: Option<String>,
}

impl From<Error> for Unresolved {
    fn from(error: Error) -> Self {
        Self { error, torch: None }
    }
}

/// The versions a lock has.
fn versions(lock: Option<&[u8]>) -> BTreeMap<String, String> {
    let lock = lock.and_then(|lock| Lock::parse(&String::from_utf8_lossy(lock)).ok());
    lock.map(|lock| lock.versions()).unwrap_or_default()
}

/// Those of torch and the two built with it.
fn of_torch(versions: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let theirs = BUILT.iter().filter_map(|name| Some(((*name).to_owned(), versions.get(*name)?.clone())));
    theirs.collect()
}

impl Resolver<'_> {
    /// Locks a document, into which goes what was settled.
    ///
    /// # Errors
    /// When the requirements contradict each other or a package cannot be had.
    pub fn resolve(
        &self,
        document: &mut Document,
        old: Option<&[u8]>,
        hold_torch: bool,
    ) -> Result<Vec<u8>, Unresolved> {
        let before = versions(old);
        self.leave_torch_aside(document, &before);
        let settled = document.groups().remove(opencv::GROUP);
        document.settle_opencv(None);
        if !hold_torch {
            document.hold_torch(&BTreeMap::new());
        }
        let mut lock = self.lock(document, old)?;
        let torch = of_torch(&before);
        let moved = of_torch(&versions(Some(&lock)));
        let changed = torch.iter().find(|(name, version)| moved.get(*name).is_some_and(|other| other != *version));
        if let Some((name, version)) = changed.filter(|_| hold_torch) {
            document.hold_torch(&torch);
            let what = format!("{name} {version}");
            lock = self.lock(document, old).map_err(|error| Unresolved { error, torch: Some(what.clone()) })?;
            self.reporter.note(format!(
                "{what} is held (constraint-dependencies of [tool.uv] in .cec/pyproject.toml): another package would have replaced it"
            ));
        }
        self.settle_opencv(document, old, lock, settled)
    }

    /// Takes versions of the torch family off the requirements of node packs.
    fn leave_torch_aside(&self, document: &mut Document, versions: &BTreeMap<String, String>) {
        for (group, lines) in document.groups() {
            let Some(pack) = group.strip_prefix("node-") else { continue };
            let mut changed = false;
            let kept: Vec<String> = lines
                .iter()
                .map(|line| {
                    let wish = Requirement::parse(line).ok();
                    let Some((kept, note)) = wish.and_then(|wish| torch::left_aside(&wish, versions)) else {
                        return line.clone();
                    };
                    changed = true;
                    if let Some(note) = note {
                        self.reporter.note(format!("{pack}: {note}"));
                    }
                    kept.to_string()
                })
                .collect();
            if changed {
                document.set_group(&group, &kept);
            }
        }
    }

    /// Locks again with one OpenCV where there are several; `before` is what the group for it said.
    fn settle_opencv(
        &self,
        document: &mut Document,
        old: Option<&[u8]>,
        lock: Vec<u8>,
        before: Option<Vec<String>>,
    ) -> Result<Vec<u8>, Unresolved> {
        let asked: Vec<Requirement> = document
            .groups()
            .into_values()
            .flatten()
            .chain(document.dependencies())
            .filter_map(|line| Requirement::parse(&line).ok())
            .collect();
        let Some(settlement) = opencv::settle(&versions(Some(&lock)), &asked) else { return Ok(lock) };
        document.settle_opencv(Some(&settlement));
        let mut requirement = settlement.requirement.clone();
        let (chosen, instead_of) = (settlement.chosen, settlement.instead_of.join(" and "));
        let settled = match self.lock(document, old) {
            Err(Error::Uv(error)) if matches!(error.failure(), Some(Failure::DependencyConflict { .. })) => {
                let later = settlement.of_later_versions();
                document.settle_opencv(Some(&later));
                let lock = self.lock(document, old)?;
                self.reporter.warn(format!(
                    "node packs contradict each other about the version of OpenCV ({requirement}); only the lower bounds hold"
                ));
                requirement = later.requirement;
                lock
            }
            done => done?,
        };
        if before != Some(vec![requirement]) {
            self.reporter.note(format!(
                "{chosen} is installed instead of {instead_of}: they would overwrite each other's files"
            ));
        }
        Ok(settled)
    }
}
