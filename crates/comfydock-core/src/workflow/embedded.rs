//! `properties.models`: where the author of a workflow says its models come from.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::found::Found;
use super::lookup::normalise_for_lookup;
use super::model_refs::{Confidence, ModelRef};
use super::reason::Reason;
use crate::category;
use crate::digest::Sha256;
use crate::json::Value;

/// What the workflow itself says about a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedSource {
    /// Where to get it, as written but trimmed; empty if the entry gives only a hash. Unchecked: it
    /// comes from whoever wrote the workflow.
    pub url: String,
    /// The folder below `models/` it belongs in.
    pub directory: Option<String>,
    /// Lower-case hexadecimal SHA-256, if one is given and well formed.
    pub sha256: Option<String>,
}

/// Of entries with one name so many are read; more are no list of places but an attack.
const MOST_OF_ONE_NAME: usize = 8;

/// An entry is told to so many references of its name.
const MOST_REFERENCES: usize = 256;

/// A longer address or folder is none.
const LONGEST_ADDRESS: usize = 2048;

/// Names with more folders than this are compared by the innermost.
const DEEPEST_NAME: usize = 16;

/// A `models` list, ready to be asked.
#[derive(Debug, Default)]
pub(super) struct Listing<'workflow> {
    /// The entries by their names as they are looked up.
    by_path: HashMap<String, Vec<Entry<'workflow>>>,
    names: HashSet<&'workflow str>,
}

/// One entry of a `models` list.
#[derive(Debug)]
struct Entry<'workflow> {
    name: &'workflow str,
    name_span: Range<usize>,
    source: EmbeddedSource,
}

fn entry(value: &Value) -> Option<Entry<'_>> {
    let text = |key| value.get(key).and_then(Value::as_str).filter(|text| text.len() <= LONGEST_ADDRESS);
    let name = value.get("name")?;
    let is_sha256 = text("hash_type")
        .is_some_and(|kind| kind.eq_ignore_ascii_case("sha256") || kind.eq_ignore_ascii_case("sha-256"));
    let sha256 = text("hash").filter(|_| is_sha256).and_then(|hash| Sha256::parse(hash.trim()).ok());
    Some(Entry {
        name: name.as_str().filter(|name| !name.trim().is_empty())?,
        name_span: name.span.clone(),
        source: EmbeddedSource {
            url: text("url").unwrap_or_default().trim().to_owned(),
            directory: text("directory").map(str::trim).filter(|directory| !directory.is_empty()).map(str::to_owned),
            sha256: sha256.map(String::from),
        },
    })
}

impl<'workflow> Listing<'workflow> {
    /// A node's `properties.models`.
    pub(super) fn of_node(node: &'workflow Value) -> Self {
        let models = node.get("properties").and_then(|properties| properties.get("models"));
        models.map_or_else(Self::default, Self::of)
    }

    /// A `models` list; what is not an object with a name is passed over.
    pub(super) fn of(models: &'workflow Value) -> Self {
        let mut listing = Self::default();
        for entry in models.as_array().unwrap_or_default().iter().filter_map(entry) {
            listing.names.insert(entry.name);
            let same_name = listing.by_path.entry(normalise_for_lookup(entry.name).path).or_default();
            if same_name.len() < MOST_OF_ONE_NAME {
                same_name.push(entry);
            }
        }
        listing
    }

    /// Whether an entry has this very string for its name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Gives those references at `positions` what the entries know of them.
    ///
    /// An entry speaks of the names it is equal to. If there are none, it speaks of the one name that
    /// is the end of its own or the other way round (`m.pt` and `sub/m.pt`); where several could be
    /// meant, on either side, none is: a wrong hash is worse than none.
    pub(super) fn attach(&self, references: &mut [Found<'_>], positions: &[usize], scope: Scope) {
        if self.by_path.is_empty() {
            return;
        }
        let mut by_path: HashMap<String, Vec<usize>> = HashMap::new();
        for &position in positions {
            let path = normalise_for_lookup(&references[position].reference.value).path;
            by_path.entry(path).or_default().push(position);
        }
        let pairs =
            self.by_path.keys().filter(|path| by_path.contains_key(*path)).map(|path| (path.as_str(), path.as_str()));
        for (path, name) in pairs.chain(self.nearly(&by_path)) {
            for &position in by_path[name].iter().take(MOST_REFERENCES) {
                for entry in &self.by_path[path] {
                    entry.attach(&mut references[position].reference, scope);
                }
            }
        }
    }

    /// The entries and the names that belong together though they are not equal, one to one.
    fn nearly<'all>(
        &'all self,
        names: &'all HashMap<String, Vec<usize>>,
    ) -> impl Iterator<Item = (&'all str, &'all str)> {
        let entries = || self.by_path.keys().filter(|path| !names.contains_key(*path)).map(String::as_str);
        let names = || names.keys().filter(|name| !self.by_path.contains_key(*name)).map(String::as_str);
        let (of_entries, of_names) = (Endings::of(entries()), Endings::of(names()));
        entries().filter_map(move |path| {
            let name = of_names.partner(path)?;
            (of_entries.partner(name) == Some(path)).then_some((path, name))
        })
    }
}

/// Paths by everything they may end with, and by themselves.
struct Endings<'all> {
    whole: HashSet<&'all str>,
    /// None where several paths end so.
    longer: HashMap<&'all str, Option<&'all str>>,
}

impl<'all> Endings<'all> {
    fn of(paths: impl Iterator<Item = &'all str>) -> Self {
        let mut endings = Self { whole: HashSet::new(), longer: HashMap::new() };
        for path in paths {
            endings.whole.insert(path);
            for ending in shorter(path) {
                endings.longer.entry(ending).and_modify(|known| *known = None).or_insert(Some(path));
            }
        }
        endings
    }

    /// The one path that ends with this one, or that this one ends with.
    fn partner(&self, path: &str) -> Option<&'all str> {
        let shorter = shorter(path).filter_map(|ending| self.whole.get(ending).copied()).map(Some);
        let mut found = shorter.chain(self.longer.get(path).copied());
        let first = found.next()??;
        found.next().is_none().then_some(first)
    }
}

/// What a path ends with, whole segments.
fn shorter(path: &str) -> impl Iterator<Item = &str> {
    path.rmatch_indices('/').take(DEEPEST_NAME).map(|(slash, _)| &path[slash + 1..])
}

/// Which references a list can speak of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Those of the node it stands at.
    Node,
    /// Those of many nodes: one file name may lie in two categories, so a directory that disagrees is
    /// another model.
    Category,
}

impl Entry<'_> {
    /// The category of the entry's directory.
    fn category(&self) -> Option<&str> {
        let first = self.source.directory.as_deref()?.split(['/', '\\']).find(|part| !part.is_empty())?;
        Some(category::of_folder(first))
    }

    /// Gives the reference what the entry knows. The string moves with the reference only if equal: an
    /// entry whose name differs from the widget is ignored by ComfyUI.
    fn attach(&self, reference: &mut ModelRef, scope: Scope) {
        let disagrees = match (self.category(), reference.category.as_deref()) {
            (Some(entry), Some(known)) => entry != known,
            _ => false,
        };
        if disagrees && scope == Scope::Category {
            return;
        }
        if reference.category.is_none() {
            reference.category = self.category().map(str::to_owned);
        }
        reference.confidence = Confidence::High;
        if reference.reason == Reason::Ending {
            reference.reason = Reason::Listed;
        }
        if self.name == reference.value {
            reference.mirrors.push(self.name_span.clone());
        }
        let says_something = !self.source.url.is_empty() || self.source.sha256.is_some();
        if says_something && reference.embedded.len() < MOST_OF_ONE_NAME && !reference.embedded.contains(&self.source) {
            reference.embedded.push(self.source.clone());
        }
    }
}
