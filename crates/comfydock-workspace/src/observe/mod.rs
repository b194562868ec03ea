//! The one place that looks at an environment's disk.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use comfydock_core::digest::CommitId;
use comfydock_core::foreign;
use comfydock_core::manifest::Manifest;
use comfydock_core::plan::library::{KnownModel, Library};
use comfydock_core::plan::tracked;
use comfydock_core::workflow::{self, Workflow};
use comfydock_git::objects::{Mode, Objects};
use comfydock_store::file;

use crate::Error;
use crate::environment::Environment;
use crate::ignored::Ignored;
use crate::models::index::Index;
use crate::models::roots::{self, Roots};
use crate::models::scan::{self, Unmeasured};
use crate::reporter::Reporter;
use crate::settle;
use crate::workspace::Workspace;

pub mod packs;

/// A committed state of an environment.
#[derive(Debug, Clone)]
pub struct Committed {
    /// The commit.
    pub commit: CommitId,
    /// Its manifest's text.
    pub manifest_text: String,
    /// Its manifest.
    pub manifest: Manifest,
    /// Tracked workflows, by name.
    pub workflows: BTreeMap<String, String>,
    /// Every other file, by path.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Committed {
    /// Its files without the manifest.
    pub fn files_besides_manifest(&self) -> BTreeMap<String, Vec<u8>> {
        let others = self.files.iter().filter(|(path, _)| *path != foreign::MANIFEST);
        others.map(|(path, bytes)| (path.clone(), bytes.clone())).collect()
    }
}

/// Reads a committed state, judging it as a foreign tree: it may have come from anywhere.
///
/// # Errors
/// When it breaks a rule; every violation is named.
pub fn committed(objects: &Objects, commit: &CommitId, place: &str) -> Result<Committed, Error> {
    let entries = objects.tree(commit.as_str())?;
    let mut violations = foreign::judge_entries(&objects.foreign(&entries)?);
    if !violations.is_empty() {
        return Err(refused(place, &violations));
    }
    let mut files = BTreeMap::new();
    for entry in entries.iter().filter(|entry| matches!(entry.mode, Mode::File | Mode::Executable)) {
        let path = String::from_utf8_lossy(&entry.path).into_owned();
        files.insert(path, objects.blob(&entry.id)?);
    }
    let Some(manifest_text) = files.get(foreign::MANIFEST) else {
        return Err(Error::refused(
            format!("{place} is no ComfyDock environment: it has no {}", foreign::MANIFEST),
            "is this the right repository? `comfydock create` makes an environment",
        ));
    };
    let manifest_text = String::from_utf8_lossy(manifest_text).into_owned();
    let manifest = Environment::parse_manifest(&manifest_text, &format!("the manifest of {place} cannot be taken"))?;
    let mut workflows = BTreeMap::new();
    for (path, bytes) in &files {
        let Some(name) = foreign::workflow_name(path) else { continue };
        match foreign::judge_workflow(path, bytes.clone()) {
            Ok(workflow) => {
                workflows.insert(name.to_owned(), workflow.text().to_owned());
            }
            Err(violation) => violations.push(violation),
        }
    }
    if !violations.is_empty() {
        return Err(refused(place, &violations));
    }
    files.retain(|path, _| foreign::workflow_name(path).is_none());
    Ok(Committed { commit: commit.clone(), manifest_text, manifest, workflows, files })
}

fn refused(place: &str, violations: &[foreign::Violation]) -> Error {
    Error::Refused {
        message: format!("{place} is refused"),
        details: violations.iter().map(ToString::to_string).collect(),
        hint: violations.iter().find_map(|violation| violation.hint.clone()),
    }
}

/// The last commit of an environment.
///
/// # Errors
/// When there is none, or it cannot be read.
pub fn head(environment: &Environment) -> Result<Committed, Error> {
    let repository = environment.repository()?;
    let head = repository.head()?.ok_or_else(|| {
        Error::refused(
            format!("environment `{}` has no commit", environment.name()),
            "run `comfydock commit --env NAME` for it",
        )
    })?;
    committed(&repository.objects()?, &head, &format!("environment `{}`", environment.name()))
}

/// ComfyUI's workflows, by name, without those that are ignored. A file that is being written is read again.
///
/// # Errors
/// When a file cannot be read or is no text.
pub fn live_workflows(environment: &Environment) -> Result<BTreeMap<String, String>, Error> {
    let mut found = BTreeMap::new();
    walk(&environment.workflows(), "", &mut found, 0)?;
    let ignored = Ignored::of(environment)?;
    found.retain(|name, _| !ignored.has_workflow(name));
    Ok(found)
}

/// What lies in a folder; nothing when there is no such folder. One that is there and cannot be
/// read, or is a link to a drive that is not mounted, is an error: taken as empty, the next commit
/// would remove everything in it.
fn entries(folder: &Path) -> Result<Vec<std::fs::DirEntry>, Error> {
    let listed = std::fs::read_dir(folder).and_then(Iterator::collect);
    match listed {
        Ok(entries) => Ok(entries),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !leads_nowhere(folder) => Ok(Vec::new()),
        Err(error) => Err(file::Error::at("read", folder)(error).into()),
    }
}

/// Whether the path goes through a link that leads nowhere.
fn leads_nowhere(path: &Path) -> bool {
    path.ancestors().any(|part| part.symlink_metadata().is_ok_and(|about| about.is_symlink()) && !part.exists())
}

fn walk(folder: &Path, prefix: &str, found: &mut BTreeMap<String, String>, depth: usize) -> Result<(), Error> {
    for entry in entries(folder)? {
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else { continue };
        let path = entry.path();
        // ComfyUI lists what is behind a linked folder too; the depth ends a link to a folder above.
        let is_folder = path.is_dir();
        if is_folder && depth < 16 {
            walk(&path, &format!("{prefix}{name}/"), found, depth + 1)?;
        } else if let Some(stem) = name.strip_suffix(".json").filter(|_| !is_folder) {
            // A link that leads nowhere, or a file that was deleted since, is no workflow.
            if !path.exists() {
                continue;
            }
            let spelled = format!("{prefix}{stem}");
            let composed = workflow::nfc(&spelled);
            if found.insert(composed.clone(), read_steadily(&path)?).is_some() {
                return Err(comfydock_core::plan::commit::Error::Collision(composed, spelled).into());
            }
        }
    }
    Ok(())
}

/// The file of one of ComfyUI's workflows, if there is one of this name.
///
/// # Errors
/// When a folder cannot be read.
pub fn find_workflow(environment: &Environment, name: &str) -> Result<Option<PathBuf>, Error> {
    let mut folder = environment.workflows();
    let mut parts = name.split('/').peekable();
    while let Some(part) = parts.next() {
        let wanted = if parts.peek().is_some() { part.to_owned() } else { format!("{part}.json") };
        // Names are compared composed; on disk they may be spelled otherwise.
        let found = entries(&folder)?.into_iter().find(|entry| {
            entry.file_name().to_str().is_some_and(|name| !name.starts_with('.') && workflow::nfc(name) == wanted)
        });
        match found {
            Some(entry) => folder = entry.path(),
            None => return Ok(None),
        }
    }
    Ok(folder.is_file().then_some(folder))
}

/// ComfyUI writes in place, so a reader can see half a file: one that was just written to and is
/// truncated is read once more.
///
/// # Errors
/// When the file cannot be read or is no text.
pub fn read_steadily(path: &Path) -> Result<String, Error> {
    let text = workflow_text(path)?;
    let written = path.metadata().and_then(|meta| meta.modified()).ok().and_then(|time| time.elapsed().ok());
    let just_now = written.is_none_or(|age| age < Duration::from_secs(5));
    let truncated = just_now && matches!(comfydock_core::json::parse(&text), Err(error) if error.truncated);
    if !truncated {
        return Ok(text);
    }
    std::thread::sleep(Duration::from_millis(200));
    workflow_text(path)
}

/// What is no text is told by what it is: people take images for workflows, since ComfyUI opens them.
fn workflow_text(path: &Path) -> Result<String, Error> {
    let (what, hint) = match file::read_text(path).map_err(|error| (error.source.kind(), error)) {
        Ok(text) => return Ok(text),
        Err((ErrorKind::IsADirectory, _)) => ("is a folder", "a workflow is one .json file"),
        Err((ErrorKind::InvalidData, _)) if is_image(path) => {
            ("is an image", "open it in ComfyUI and save the workflow; that makes a .json file")
        }
        Err((ErrorKind::InvalidData, _)) => ("is not text in UTF-8", "save the workflow from ComfyUI once more"),
        Err((_, error)) => return Err(error.into()),
    };
    Err(Error::refused(format!("`{}` {what}", path.display()), hint))
}

fn is_image(path: &Path) -> bool {
    let mut start = [0; 12];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut start));
    let riff = start.starts_with(b"RIFF") && start.ends_with(b"WEBP");
    read.is_ok() && (start.starts_with(b"\x89PNG") || start.starts_with(b"\xff\xd8\xff") || riff)
}

/// The models of this machine under the keys of a manifest, after a look at what changed on disk.
///
/// Files that an environment's workflows may mean and that share size and samples with others are
/// measured: nothing is decided about candidates (decision 61). So are those that may be the ones whose
/// SHA-256 a workflow gives: a name alone would be believed otherwise. `live` are ComfyUI's workflows,
/// where they were read already.
///
/// # Errors
/// When the index fails, or a file that has to be measured cannot be read.
pub fn library(
    workspace: &Workspace,
    environment: Option<&Environment>,
    manifest: Option<&Manifest>,
    live: Option<&BTreeMap<String, String>>,
    reporter: &dyn Reporter,
) -> Result<Library, Error> {
    let mut index = Index::open(workspace)?;
    let roots = Roots::of(workspace, environment)?;
    scan::scan(&mut index, &roots, reporter)?;
    settle::doubted(&mut index, &roots, manifest, environment, reporter)?;
    for folder in roots::offline(workspace) {
        reporter
            .warn(format!("the models folder `{}` is not there; its models are taken as offline", folder.display()));
    }
    let library = Library::new(index.models(&roots)?, manifest);
    let (Some(manifest), Some(environment)) = (manifest, environment) else { return Ok(library) };
    let read;
    let live = match live {
        Some(live) => live,
        None => {
            read = live_workflows(environment)?;
            &read
        }
    };
    let rows: BTreeSet<i64> = undecided(&library, manifest, live).chain(provable(&library, live)).collect();
    let undecided = Unmeasured::of(&library, &roots, |model| rows.contains(&model.id));
    if undecided.is_empty() {
        return Ok(library);
    }
    scan::measure(&mut index, &undecided, reporter)?;
    Ok(Library::new(index.models(&roots)?, Some(manifest)))
}

/// The undecided rows that the manifest has or a workflow may name.
fn undecided<'a>(
    library: &'a Library,
    manifest: &Manifest,
    live: &BTreeMap<String, String>,
) -> impl Iterator<Item = i64> + use<'a> {
    let candidates: Vec<&KnownModel> = library.undecided().collect();
    let alike: HashSet<&str> = candidates.iter().map(|model| model.quick.as_str()).collect();
    let texts: Vec<String> =
        if alike.is_empty() { Vec::new() } else { live.values().map(|text| text.to_lowercase()).collect() };
    // A name counts wherever it stands in the text: to measure one file too many costs time only.
    let named = |name: &str| {
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_lowercase();
        texts.iter().any(|text| text.contains(&stem) || (!stem.is_ascii() && text.contains("\\u")))
    };
    let recorded = |model: &KnownModel| manifest.models.keys().any(|key| key.starts_with(model.quick.as_str()));
    // One that is alike and is named makes all that are alike with it matter.
    let mattering: HashSet<&str> = library
        .iter()
        .map(|(_, model)| model)
        .filter(|model| alike.contains(model.quick.as_str()))
        .filter(|model| recorded(model) || model.places.iter().any(|place| named(file_name(&place.relative_path))))
        .map(|model| model.quick.as_str())
        .collect();
    candidates.into_iter().filter(move |model| mattering.contains(model.quick.as_str())).map(|model| model.id)
}

/// The unmeasured rows that may be what a workflow gives the SHA-256 of.
fn provable<'a>(library: &'a Library, live: &BTreeMap<String, String>) -> impl Iterator<Item = i64> + use<'a> {
    // Parsing is what costs: most workflows give none, and mostly there is nothing left to measure.
    let left = library.iter().any(|(_, model)| model.sha256.is_none());
    let gives = |text: &&String| left && (text.contains("\"hash\"") || text.contains("sha256"));
    let references: Vec<_> = live
        .values()
        .filter(gives)
        .filter_map(|text| Workflow::parse(text.clone()).ok())
        .flat_map(|workflow| tracked::references(&workflow))
        .collect();
    library.provable(&references).into_iter().map(|model| model.id)
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether ComfyUI's copy of a workflow is the tracked one, but for metadata.
pub fn same(one: Option<&String>, other: Option<&String>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => workflow::same_content(one, other),
        (None, None) => true,
        _ => false,
    }
}

/// Parses a tracked workflow that was judged before.
///
/// # Errors
/// When it does not parse.
pub fn parse(name: &str, text: &str) -> Result<Workflow, Error> {
    Workflow::parse(text.to_owned()).map_err(|source| Error::Workflow { name: name.to_owned(), source })
}
