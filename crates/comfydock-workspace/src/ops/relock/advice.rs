//! Why requirements could not be locked, in words, and who would have to give way.

use std::collections::BTreeSet;

use comfydock_core::foreign;
use comfydock_core::manifest::{Document, Manifest};
use comfydock_core::opencv;

use super::Resolver;
use super::behind::{self, Unlocked};
use super::families::Unresolved;
use crate::Error;
use crate::environment::Environment;
use crate::process::uv::{self, Failure, Whose, Wish};

/// So many packs are held against a new one at most: each takes uv up to some seconds.
const TRIED: usize = 12;

/// What a hint says of a flag that not every command has.
const NO_TEST: &str = "--no-test takes it without its packages; ";

/// The error for a command that has no `--no-test`.
pub fn without_no_test(error: Error) -> Error {
    match error {
        Error::Refused { message, details, hint } => {
            Error::Refused { message, details, hint: hint.map(|hint| hint.replace(NO_TEST, "")) }
        }
        other => other,
    }
}

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
    let suspects = Suspects::of(environment, document);
    match error.failure() {
        Some(Failure::DependencyConflict { wishes }) => {
            conflict(resolver, &suspects, document, &manifest, &error, wishes, torch)
        }
        Some(_) => {
            // Everything else is about one package; whose it is, is worth a word.
            let Some(group) = owner(document, &error) else { return error.into() };
            let message = format!("{error} ({} needs it)", pack_of(&manifest, &group));
            let (mut details, mut hint) = (error.details(), comfydock_core::hint::Hint::hint(&error));
            if let Some(unlocked) = suspects.before(&group) {
                details.splice(0..0, unlocked.because());
                hint = Some(settle(unlocked, hint.as_deref().unwrap_or_default()));
            }
            Error::Refused { message, details, hint }
        }
        None => error.into(),
    }
}

/// The groups that may be at fault: those that the environment's lock does not have.
struct Suspects {
    /// What this command brings.
    new: Vec<String>,
    /// What was there before, in the manifest and in no lock.
    before: Vec<Unlocked>,
}

impl Suspects {
    fn of(environment: &Environment, document: &Document) -> Self {
        let there = environment.manifest().ok();
        let lock = std::fs::read(environment.cec().join(foreign::PYTHON_LOCK)).ok();
        let groups = there.as_ref().map(Document::groups).unwrap_or_default();
        let mut new: Vec<String> = document
            .groups()
            .into_iter()
            .filter(|(name, lines)| name != opencv::GROUP && groups.get(name) != Some(lines))
            .map(|(name, _)| name)
            .collect();
        let mut before = there.iter().zip(&lock).flat_map(|(there, lock)| behind::unlocked(there, lock)).collect();
        // What a commit brings is what lies there already.
        if new.is_empty() {
            let edited = |unlocked: &Unlocked| !unlocked.untested;
            let (edited, untested): (Vec<Unlocked>, Vec<Unlocked>) = Vec::into_iter(before).partition(edited);
            new = edited.into_iter().filter_map(|unlocked| unlocked.group).collect();
            new.dedup();
            before = untested;
        }
        before.retain(|unlocked| unlocked.group.as_ref().is_some_and(|group| !new.contains(group)));
        before.dedup_by(|one, other| one.group == other.group);
        Self { new, before }
    }

    /// Those that are to be looked at, in this order.
    fn groups(&self) -> Vec<String> {
        self.new.iter().cloned().chain(self.before.iter().filter_map(|unlocked| unlocked.group.clone())).collect()
    }

    /// A group that was in no lock before this command.
    fn before(&self, group: &str) -> Option<&Unlocked> {
        self.before.iter().find(|unlocked| unlocked.group.as_deref() == Some(group))
    }
}

/// What helps where something in the manifest keeps everything from being locked.
fn settle(unlocked: &Unlocked, otherwise: &str) -> String {
    match (&unlocked.pack, unlocked.untested) {
        (Some(pack), true) => format!(
            "nothing is locked until {pack} is settled: `comfydock node remove {pack}` takes it out, \
             `comfydock node update {pack}` takes its newest version; {otherwise}"
        ),
        _ => otherwise.to_owned(),
    }
}

/// The group that names the package a failure is about.
fn owner(document: &Document, error: &uv::Error) -> Option<String> {
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
    Some(document.groups().into_iter().find(|(_, lines)| lines.iter().any(wants))?.0)
}

fn pack_of(manifest: &Manifest, group: &str) -> String {
    let node = manifest.nodes.values().find(|node| node.group.as_deref() == Some(group));
    node.map_or_else(|| group.strip_prefix("node-").unwrap_or(group).to_owned(), |node| node.name.to_string())
}

fn conflict(
    resolver: &Resolver<'_>,
    suspects: &Suspects,
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
    let new = suspects.groups();
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
    let group = match &at_fault {
        Some(AtFault::Core(group) | AtFault::Itself(group) | AtFault::Pair(group, _)) => Some(group),
        None => named.iter().copied().find(|group| new.contains(group)).or_else(|| named.first().copied()),
    };
    let other = match &at_fault {
        Some(AtFault::Pair(_, other)) => Some(other),
        _ => None,
    };
    let unlocked = group.into_iter().chain(other).find_map(|group| suspects.before(group));
    details.extend(unlocked.and_then(Unlocked::because));
    details.extend(error.details().into_iter().take(SHOWN));
    let pack = group.map_or_else(|| "the pack".to_owned(), |group| pack_of(manifest, group));
    let group = group.map_or("its group", String::as_str);
    let otherwise = format!(
        "{NO_TEST}or edit .cec/pyproject.toml and run the command again: \
         what {group} of [dependency-groups] says is taken instead of what the pack asks for, and override-dependencies of [tool.uv] \
         hold for all"
    );
    let hint = match unlocked {
        Some(unlocked) => settle(unlocked, &otherwise),
        None => format!("another version of {pack} may fit; {otherwise}"),
    };
    Error::Refused { message, details, hint: Some(hint) }
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
