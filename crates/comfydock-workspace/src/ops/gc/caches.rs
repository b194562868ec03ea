//! Caches: what can be had again, if it has to be.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use comfydock_git::checkout::Mirror;

use super::named::Named;
use super::{Found, GONE, Kind, Look, entries};
use crate::packs::Store;

impl Look<'_> {
    /// Caches whose parts somebody may name.
    pub(super) fn named_caches(&self, named: &Named, found: &mut Found) {
        let git = self.workspace.cache("git");
        let mirrors: BTreeSet<PathBuf> = named.repositories.iter().map(|url| Mirror::place(&git, url)).collect();
        for (path, name) in entries(&git).filter(|(_, name)| name.ends_with(".git")) {
            if !mirrors.contains(&path) && self.is_old_mirror(&path) {
                let about = format!("mirror of a repository that no environment names: {}", readable(&name));
                found.items.push(self.item(Kind::Mirror, path, about, None));
            }
        }
        for (path, id, version) in Store::open(self.workspace).list() {
            if !named.packs.contains(&(id.clone(), version.clone())) && self.is_old(&path.join("metadata.json")) {
                let about = format!("node pack {id} {version}, which no environment names");
                found.items.push(self.item(Kind::Pack, path, about, None));
            }
        }
        for (path, key) in entries(&self.workspace.cache("backends")).filter(|(_, name)| !name.starts_with(GONE)) {
            if !named.backends.contains(&key) && self.is_old(&path) {
                found.items.push(self.item(
                    Kind::Backend,
                    path,
                    "a build of torch for a lock that no environment has",
                    None,
                ));
            }
        }
    }

    /// A fetch touches the folders of objects and references, and not the mirror's own.
    fn is_old_mirror(&self, path: &Path) -> bool {
        ["", "objects", "objects/pack", "refs/heads", "refs/tags", "packed-refs"]
            .iter()
            .map(|part| path.join(part))
            .filter(|path| path.exists())
            .all(|path| self.is_old(&path))
    }

    /// Caches that only save asking again.
    pub(super) fn other_caches(&self, found: &mut Found) {
        for (path, _) in entries(&self.workspace.cache("resolutions")).filter(|(path, _)| self.is_old(path)) {
            found.items.push(self.item(Kind::Resolution, path, "a lock that was resolved once", None));
        }
        for (site, name) in entries(&self.workspace.cache("api_cache")) {
            for (path, _) in entries(&site).filter(|(path, _)| self.is_old(path)) {
                found.items.push(self.item(Kind::Answer, path, format!("an answer of {name}"), None));
            }
        }
    }

    /// What a process that died was making or removing.
    pub(super) fn leftovers(&self, found: &mut Found) {
        let cache = |part| self.workspace.cache(part);
        let mut folders =
            vec![cache("git"), cache("backends"), cache("custom_nodes/store"), self.workspace.home().join("trash")];
        folders.push(self.workspace.root().join("uv/bin"));
        for name in self.workspace.environments().unwrap_or_default() {
            let home = self.workspace.environment_folder(&name).join(".comfydock");
            folders.extend([home.join("trash"), home.join("venvs")]);
        }
        for (path, name) in folders.iter().flat_map(|folder| entries(folder)) {
            let is_left = name.starts_with(GONE) || name.starts_with(".part-") || name.starts_with(".uv-");
            if is_left && self.is_old(&path) {
                found.items.push(self.item(Kind::Leftover, path, "left by a command that was ended", None));
            }
        }
    }
}

/// A mirror's name without the number that tells it from others.
fn readable(name: &str) -> &str {
    name.rsplit_once('-').map_or(name, |(readable, _)| readable)
}
