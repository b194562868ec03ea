//! Why requirements could not be locked, in words, and who would have to give way.

use std::collections::BTreeSet;

use comfydock_core::manifest::{Document, Manifest};
use comfydock_core::opencv;

use super::Resolver;
use super::families::Unresolved;
use crate::Error;
use crate::environment::Environment;
use crate::process::uv::{self, Failure, Whose, Wish};

/// So many packs are held against a new one at most: each takes uv up to some seconds.
const TRIED: usize = 12;

/// What a hint says of a flag that only `node add` and `node update` have.
pub const NO_TEST: &str = "--no-test takes it without its packages; ";

/// Lines of uv's own words that are shown beside ours.
const SHOWN: usize = 12;

/// Names the packs that a failure is about, instead of dependency groups, and what would help.
pub(super) fn explain(
    resolver: &Resolver<'_>,
    environment: &Environment,
    document: &Document,
    unresolved: Unresolved,
) -> Error {
    let Unresolved { error: Error::Uv(error), torch } = unresolved else { return unresolved.error };
    let Ok(manifest) = document.manifest() else { return error.into() };
    match error.failure() {
        Some(Failure::DependencyConflict { wishes }) => {
            conflict(resolver, environment, document, &manifest, &error, wishes, torch)
        }
        Some(_) => {
            // Everything else is about one package; whose it is, is worth a word.
            let Some(owner) = owner(document, &manifest, &error) else { return error.into() };
            let hint = comfydock_core::hint::Hint::hint(&error);
            Error::Refused { message: format!("{error} ({owner} needs it)"), details: error.details(), hint }
        }
        None => error.into(),
    }
}

/// The pack whose group names the package a failure is about.
fn owner(document: &Document, manifest: &Manifest, error: &uv::Error) -> Option<String> {
    let (Failure::UnknownPackage { name }
    | Failure::NewerThanDate { name }
    | Failure::BuildRefused { name }
    | Failure::BuildFailed { name }
    | Failure::PlatformWheel { name }) = error.failure()?
    else {
        return None;
    };
    let wants = |line: &String| {
        comfydock_core::requirements::Requirement::parse(line).is_ok_and(|requirement| requirement.package() == *name)
    };
    let group = document.groups().into_iter().find(|(_, lines)| lines.iter().any(wants))?.0;
    Some(pack_of(manifest, &group))
}

fn pack_of(manifest: &Manifest, group: &str) -> String {
    let node = manifest.nodes.values().find(|node| node.group.as_deref() == Some(group));
    node.map_or_else(|| group.strip_prefix("node-").unwrap_or(group).to_owned(), |node| node.name.to_string())
}

fn conflict(
    resolver: &Resolver<'_>,
    environment: &Environment,
    document: &Document,
    manifest: &Manifest,
    error: &uv::Error,
    wishes: &[Wish],
    torch: Option<String>,
) -> Error {
    let name = |whose: &Whose| match whose {
        Whose::Core => "ComfyUI".to_owned(),
        Whose::Group(group) if group == opencv::GROUP => "OpenCV".to_owned(),
        Whose::Group(group) => pack_of(manifest, group),
        Whose::Package(package) => package.clone(),
    };
    let mut details: Vec<String> =
        wishes.iter().map(|wish| format!("{} wants {}", name(&wish.whose), wish.requirement)).collect();
    let new = changed(environment, document);
    let named: Vec<&String> = wishes
        .iter()
        .filter_map(|wish| match &wish.whose {
            Whose::Group(group) => Some(group),
            _ => None,
        })
        .collect();
    let at_fault = if torch.is_some() { None } else { search(resolver, document, &new, &named) };
    let message = match (&torch, &at_fault) {
        (Some(torch), _) => {
            format!("a node pack needs another torch than the environment's {torch}, which all the others use")
        }
        (None, Some(AtFault::Core(group))) => {
            format!("the requirements of {} do not go together with ComfyUI's own", pack_of(manifest, group))
        }
        (None, Some(AtFault::Pair(one, other))) => format!(
            "the requirements of {} and {} contradict each other",
            pack_of(manifest, one),
            pack_of(manifest, other)
        ),
        (None, Some(AtFault::Itself(group))) => {
            format!(
                "the requirements of {} contradict each other, or name versions that do not exist",
                pack_of(manifest, group)
            )
        }
        (None, None) => "the requirements of the node packs contradict each other".to_owned(),
    };
    details.extend(error.details().into_iter().take(SHOWN));
    let group = match &at_fault {
        Some(AtFault::Core(group) | AtFault::Itself(group) | AtFault::Pair(group, _)) => Some(group),
        None => named.iter().copied().find(|group| new.contains(group)).or_else(|| named.first().copied()),
    };
    let pack = group.map_or_else(|| "the pack".to_owned(), |group| pack_of(manifest, group));
    let group = group.map_or("its group", String::as_str);
    Error::Refused {
        message,
        details,
        hint: Some(format!(
            "another version of {pack} may fit; {NO_TEST}or edit .cec/pyproject.toml and run the command again: \
             what {group} of [dependency-groups] says is taken instead of what the pack asks for, and override-dependencies of [tool.uv] \
             hold for all"
        )),
    }
}

/// The dependency groups that are new or changed beside the manifest as it lies on disk.
fn changed(environment: &Environment, document: &Document) -> Vec<String> {
    let before = environment.manifest().map(|document| document.groups()).unwrap_or_default();
    let groups = document.groups().into_iter();
    groups
        .filter(|(name, lines)| name != opencv::GROUP && before.get(name) != Some(lines))
        .map(|(name, _)| name)
        .collect()
}

/// Who does not go together.
enum AtFault {
    /// A group that has no solution even by itself.
    Itself(String),
    /// A group and ComfyUI's own requirements.
    Core(String),
    /// Two groups.
    Pair(String, String),
}

/// Finds the smallest thing that has no solution: the new group alone, with ComfyUI, then with each
/// other group, those first that uv named. Each question is put to uv in a copy.
fn search(resolver: &Resolver<'_>, document: &Document, new: &[String], named: &[&String]) -> Option<AtFault> {
    let groups = document.groups();
    let solves = |keep: &[&String], core: bool| {
        let mut copy = document.clone();
        for group in groups.keys().filter(|group| !keep.contains(group)) {
            copy.set_group(group, &[]);
        }
        if !core {
            copy.set_dependencies(&[]);
        }
        match resolver.lock(&copy, None) {
            Err(Error::Uv(error)) => !matches!(error.failure(), Some(Failure::DependencyConflict { .. })),
            // What fails for another reason says nothing about who contradicts whom.
            _ => true,
        }
    };
    let first: BTreeSet<&String> = named.iter().copied().collect();
    for group in new.iter().take(TRIED) {
        if !solves(&[group], true) {
            let fault = if solves(&[group], false) { AtFault::Core } else { AtFault::Itself };
            return Some(fault(group.clone()));
        }
        let (likely, others): (Vec<_>, Vec<_>) = groups.keys().partition(|other| first.contains(other));
        let others = likely.into_iter().chain(others).filter(|other| *other != group && *other != opencv::GROUP);
        if let Some(other) = others.take(TRIED).find(|other| !solves(&[group, other], true)) {
            return Some(AtFault::Pair(group.clone(), other.clone()));
        }
    }
    None
}
