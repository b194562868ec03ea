//! How each node pack is taken over.

use std::collections::BTreeMap;

use super::comfyui::list;
use super::{How, PackStep, add_again};
use crate::adoption::{GitClone, Left, Origin, Pack, Release};
use crate::name::NodeName;
use crate::repository_url::RepositoryUrl;

/// The step for a pack; none when it stays behind.
pub(super) fn step(pack: &Pack, taken: &mut BTreeMap<String, String>, left: &mut Vec<Left>) -> Option<PackStep> {
    let what = || format!("node pack `{}`", pack.name);
    if pack.disabled {
        left.push(Left::new(what(), add_again(pack)));
        return None;
    }
    let Some(name) = usable(&pack.name) else {
        left.push(Left::new(what(), "its folder's name cannot be had on every system"));
        return None;
    };
    if let Some(other) = taken.get(&name.normalised()) {
        left.push(Left::new(what(), format!("`{other}` is there under another spelling of the same name")));
        return None;
    }
    let (how, keep) = match &pack.origin {
        Origin::Git(clone) => git(pack, clone, left),
        Origin::Registry(release) => registry(pack, release),
        Origin::Folder(reason) => {
            let reason = reason.clone().unwrap_or_else(|| "nothing says where it comes from".to_owned());
            (How::Copy { reason, url: None }, Vec::new())
        }
    };
    if let (How::Copy { reason, .. }, None) = (&how, &pack.place) {
        left.push(Left::new(what(), reason.clone()));
        return None;
    }
    if name.as_str() != pack.name {
        left.push(Left::new(
            what(),
            format!("it is called `{name}` in the environment; ComfyUI knows it by that name"),
        ));
    }
    taken.insert(name.normalised(), pack.name.clone());
    Some(PackStep { name, how, place: pack.place.clone(), keep })
}

/// The folder's name, or one close to it: ComfyUI takes names that are no module's.
fn usable(name: &str) -> Option<NodeName> {
    NodeName::parse(name).ok().or_else(|| {
        let plain = |character: char| {
            if character.is_ascii_alphanumeric() || ".-_".contains(character) { character } else { '-' }
        };
        let near: String = name.chars().map(plain).collect();
        NodeName::parse(near.trim_matches(['.', '-', '_'])).ok()
    })
}

fn git(pack: &Pack, clone: &GitClone, left: &mut Vec<Left>) -> (How, Vec<String>) {
    let copy = |reason: String| (How::Copy { reason, url: clone.url.clone() }, Vec::new());
    if !clone.modified.is_empty() {
        return copy(format!("its files were changed: {}", list(&clone.modified)));
    }
    let Some(url) = &clone.url else { return copy("its repository has no remote".to_owned()) };
    let repository = match RepositoryUrl::parse(url) {
        Ok(repository) => repository,
        Err(error) => return copy(format!("the address of its remote cannot be used: {error}")),
    };
    if clone.published == Some(false) {
        return copy("its commit was never pushed".to_owned());
    }
    match &clone.commit {
        None if pack.place.is_some() => return copy("its repository has no commit".to_owned()),
        None => left.push(Left::new(
            format!("the commit of node pack `{}`", pack.name),
            "nothing says it; the newest is taken",
        )),
        Some(_) => {}
    }
    if clone.other_work {
        let what = format!("branches or stashes of node pack `{}`", pack.name);
        left.push(Left::new(what, "they are on no remote and stay in the old folder"));
    }
    let how = How::Git {
        url: repository.fetch_url().to_owned(),
        commit: clone.commit.clone(),
        reference: clone.branch.clone(),
        published: clone.published == Some(true),
    };
    (how, clone.untracked.clone())
}

fn registry(pack: &Pack, release: &Release) -> (How, Vec<String>) {
    let copy = |reason: String| (How::Copy { reason, url: None }, Vec::new());
    let Some(version) = &release.version else { return copy("its version is no released one".to_owned()) };
    if !release.missing.is_empty() {
        return copy(format!("files of it are gone: {}", list(&release.missing)));
    }
    let how = How::Registry { id: release.id.clone(), version: version.clone() };
    (how, if pack.place.is_some() { release.added.clone() } else { Vec::new() })
}
