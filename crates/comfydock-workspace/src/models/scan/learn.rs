//! Reading what other programs wrote beside the models (decision 62): nothing is opened that was
//! read before and has not changed.

use std::collections::{HashMap, HashSet};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use comfydock_core::category;
use comfydock_core::sidecar::{self, About, Claim, huggingface, webui};
use comfydock_store::hash::Stamp;

use super::walk::Found;
use crate::Error;
use crate::models::index::claims::{Read, Said};
use crate::models::index::{Index, Location};
use crate::models::roots::Root;
use crate::reporter::Reporter;

/// No sidecar is as long; a longer file is something else.
const LONGEST: u64 = 64 << 20;

/// A folder that was looked through.
pub(super) struct Heard<'a> {
    pub(super) root: &'a Root,
    pub(super) found: Found,
    /// What the index remembers of its files, if nothing of that changed.
    pub(super) locations: Option<HashMap<String, Location>>,
}

/// Brings the claims in the index up to date with what lies beside the models of these folders.
pub(super) fn learn(index: &mut Index, heard: Vec<Heard<'_>>, reporter: &dyn Reporter) -> Result<(), Error> {
    let mut learning = Learning { known: index.sidecars()?, seen: HashSet::new(), said: Vec::new() };
    let roots: Vec<&Root> = heard.iter().map(|heard| heard.root).collect();
    for Heard { root, found, locations } in heard {
        let caches: Vec<PathBuf> = root
            .path()
            .ancestors()
            .take(3)
            .map(|folder| folder.join("cache.json"))
            .filter(|file| file.is_file())
            .collect();
        if found.sidecars.is_empty() && found.noted.is_empty() && caches.is_empty() && root.is_seen() {
            continue;
        }
        let locations = locations.map_or_else(|| index.locations(root), Ok)?;
        let models = Models::new(root, &locations);
        for (path, stamp) in &found.sidecars {
            learning.beside(&models, path, stamp);
        }
        for folder in &found.noted {
            learning.notes(&models, folder);
        }
        for cache in &caches {
            learning.web_ui(&models, cache);
        }
        if !root.is_seen() {
            learning.cached(&models);
        }
    }
    let Learning { known, seen, said } = learning;
    let gone: Vec<String> = known
        .into_keys()
        .filter(|origin| !seen.contains(origin))
        .filter(|origin| {
            let (file, about) = parts(origin);
            roots.iter().any(|root| about.starts_with(root.path())) && !file.exists()
        })
        .collect();
    if !said.is_empty() || !gone.is_empty() {
        index.claim(&said, &gone)?;
        tell_contradictions(index, reporter)?;
    }
    Ok(())
}

/// The file of an origin, and what it is about: the web UI's cache lies above the folder it is read for.
fn parts(origin: &str) -> (&Path, &Path) {
    let (file, about) = match origin.find("/cache.json#") {
        Some(at) => (&origin[..at + "/cache.json".len()], &origin[at + "/cache.json#".len()..]),
        None => (origin, origin),
    };
    (Path::new(file), Path::new(about))
}

/// Says once which files name another hash than was measured.
pub(crate) fn tell_contradictions(index: &mut Index, reporter: &dyn Reporter) -> Result<(), Error> {
    for origin in index.contradicted()? {
        reporter.warn(format!("`{origin}` names another hash than its model has; it is not believed"));
    }
    Ok(())
}

/// The models of one folder.
struct Models<'a> {
    root: &'a Root,
    by_path: &'a HashMap<String, Location>,
    /// By the path without its extension.
    by_stem: HashMap<&'a str, Vec<&'a str>>,
}

impl<'a> Models<'a> {
    fn new(root: &'a Root, by_path: &'a HashMap<String, Location>) -> Self {
        let mut by_stem: HashMap<&str, Vec<&str>> = HashMap::with_capacity(by_path.len());
        for path in by_path.keys() {
            if let Some((stem, _)) = path.rsplit_once('.') {
                by_stem.entry(stem).or_default().push(path);
            }
        }
        by_stem.values_mut().for_each(|paths| paths.sort_unstable());
        Self { root, by_path, by_stem }
    }

    /// The files that a path without, or with, its extension means.
    fn named(&self, stem: &str) -> Vec<(&str, &Location)> {
        let whole = self.by_path.get_key_value(stem).into_iter();
        let stems = self.by_stem.get(stem).into_iter().flatten().filter_map(|path| self.by_path.get_key_value(*path));
        whole.chain(stems).map(|(path, location)| (path.as_str(), location)).collect()
    }
}

fn about<'a>(path: &'a str, location: &Location) -> About<'a> {
    let name = path.rsplit('/').next().unwrap_or(path);
    About { name, size: location.stamp.size, mtime_ns: location.stamp.mtime_ns }
}

struct Learning {
    known: HashMap<String, Read>,
    seen: HashSet<String>,
    said: Vec<Said>,
}

impl Learning {
    /// Reads a file's claims about these models, unless it was read for them as it is now.
    fn hear(
        &mut self,
        origin: String,
        size: u64,
        mtime_ns: i64,
        models: &[(&str, &Location)],
        read: impl FnOnce() -> Vec<(i64, Claim)>,
    ) {
        let now = Read { size, mtime_ns, models: models.iter().map(|(_, location)| location.model).collect() };
        if !models.is_empty() && self.known.get(&origin) != Some(&now) {
            let mut claims = read();
            claims.iter_mut().for_each(|(_, claim)| claim.origin.clone_from(&origin));
            self.said.push(Said { origin: origin.clone(), read: now, claims });
        }
        self.seen.insert(origin);
    }

    fn beside(&mut self, models: &Models<'_>, path: &str, stamp: &Stamp) {
        let Some(stem) = sidecar::stem(path) else { return };
        let named = models.named(stem);
        let file = models.root.path().join(path);
        let origin = file.to_string_lossy().into_owned();
        self.hear(origin.clone(), stamp.size, stamp.mtime_ns, &named, || {
            let Some(text) = text(&file, stamp.size) else { return Vec::new() };
            let name = path.rsplit('/').next().unwrap_or(path);
            let claim = |(path, location): &(&str, &Location)| {
                Some((location.model, sidecar::read(name, &text, &about(path, location), &origin)?))
            };
            named.iter().filter_map(claim).collect()
        });
    }

    /// The notes of files that were downloaded into a folder and those below it.
    fn notes(&mut self, models: &Models<'_>, folder: &str) {
        let notes = models.root.path().join(folder).join(".cache/huggingface/download");
        let mut found = Vec::new();
        files_below(&notes, "", &mut found);
        for (path, meta) in found {
            let Some(name) = path.strip_suffix(".metadata") else { continue };
            let model = format!("{folder}{name}");
            let Some((path, location)) = models.by_path.get_key_value(&model) else { continue };
            let file = notes.join(format!("{name}.metadata"));
            let stamp = Stamp::of(&meta);
            self.hear(file.to_string_lossy().into_owned(), stamp.size, stamp.mtime_ns, &[(path, location)], || {
                let claim =
                    text(&file, stamp.size).and_then(|text| huggingface::downloaded(&text, &about(path, location)));
                claim.map(|claim| (location.model, claim)).into_iter().collect()
            });
        }
    }

    /// The web UI's hashes of the files in this folder.
    fn web_ui(&mut self, models: &Models<'_>, file: &Path) {
        let Ok(meta) = file.metadata() else { return };
        let mut all: Vec<(&str, &Location)> = models.by_path.iter().map(|(path, at)| (path.as_str(), at)).collect();
        all.sort_by_key(|(_, location)| location.model);
        // Several folders may share the cache: what it says is remembered for each.
        let origin = format!("{}#{}", file.display(), models.root.path().display());
        let stamp = Stamp::of(&meta);
        self.hear(origin, stamp.size, stamp.mtime_ns, &all, || {
            let entries = text(file, stamp.size).map(|text| webui::read(&text)).unwrap_or_default();
            let claims = entries.iter().flat_map(|entry| web_ui_claims(models, entry));
            claims.collect()
        });
    }

    /// What the cache's own names say of the files in it.
    fn cached(&mut self, models: &Models<'_>) {
        for (path, location) in models.by_path {
            let file = models.root.path().join(path);
            let origin = file.to_string_lossy().into_owned();
            let stamp = location.stamp;
            self.hear(origin, stamp.size, stamp.mtime_ns, &[(path, location)], || {
                let blob = std::fs::read_link(&file).ok();
                let blob = blob.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
                let claim = blob.and_then(|blob| huggingface::cached(path, &blob));
                claim.map(|claim| (location.model, claim)).into_iter().collect()
            });
        }
    }
}

fn web_ui_claims(models: &Models<'_>, entry: &webui::Entry) -> Vec<(i64, Claim)> {
    let stems: Vec<String> = match models.root.category() {
        Some(category) if category == entry.category => vec![entry.name.clone()],
        Some(_) => Vec::new(),
        None => category::folders(entry.category).iter().map(|folder| format!("{folder}/{}", entry.name)).collect(),
    };
    let named = stems.iter().flat_map(|stem| models.named(stem));
    named
        .filter(|(path, location)| about(path, location).changed_at(entry.mtime))
        .map(|(_, location)| (location.model, entry.claim()))
        .collect()
}

/// A text file that is not too long to be one of ours.
fn text(path: &Path, size: u64) -> Option<String> {
    if size > LONGEST { None } else { std::fs::read_to_string(path).ok() }
}

fn files_below(folder: &Path, prefix: &str, found: &mut Vec<(String, Metadata)>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let Ok(meta) = entry.metadata() else { continue };
        if meta.is_dir() {
            files_below(&entry.path(), &format!("{prefix}{name}/"), found);
        } else if meta.is_file() && meta.size() > 0 {
            found.push((format!("{prefix}{name}"), meta));
        }
    }
}
