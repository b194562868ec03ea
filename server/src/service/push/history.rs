//! Which models the whole history of an environment names: what its branches and tags reach can be checked
//! out again, so that the files it names must not go (decision 70).

use std::collections::{BTreeMap, BTreeSet, HashSet};

use comfydock_core::foreign::MANIFEST;
use comfydock_core::manifest::Manifest;
use comfydock_git::bare::list_references;
use comfydock_git::objects::{self, Objects, TreeItem, WALK_LIMIT};

use super::MAIN;
use crate::barrier::Standstill;
use crate::data::DataFolder;
use crate::db::environments::Environment;
use crate::db::{Database, history};
use crate::service::Error;

/// What a look at the history found that the database does not have.
pub(super) struct Learned {
    tips: BTreeMap<String, String>,
    /// SHA-256 of models.
    named: BTreeSet<String>,
    is_anew: bool,
}

impl Learned {
    pub(super) fn record(&self, transaction: &rusqlite::Transaction<'_>, environment: &str) -> rusqlite::Result<()> {
        history::record(transaction, environment, &self.tips, &self.named, self.is_anew)
    }
}

fn read_tips(data: &DataFolder, environment: &Environment) -> Result<BTreeMap<String, String>, Error> {
    let mut tips = list_references(&data.repository(&environment.id)).map_err(Error::repository)?;
    tips.retain(|name, _| name.starts_with("refs/heads/") || name.starts_with("refs/tags/"));
    // Nobody can remove main: where it is not, references were lost, and what they named is unknown and not nothing.
    if environment.tip.is_some() && !tips.contains_key(MAIN) {
        let lost = "the branch main is missing, and so may be others";
        return Err(Error::repository(std::io::Error::new(std::io::ErrorKind::NotFound, lost)));
    }
    Ok(tips)
}

/// Whether branches and tags do not stand where they were last read.
pub(super) fn lags(database: &Database, data: &DataFolder, environment: &Environment) -> Result<bool, Error> {
    let known = database.read(|connection| history::tips(connection, &environment.id))?;
    Ok(read_tips(data, environment)? != known)
}

/// Reads what branches and tags have that was not read before; nothing when they stand where they stood.
pub(super) fn learn(
    database: &Database,
    data: &DataFolder,
    environment: &Environment,
) -> Result<Option<Learned>, Error> {
    let tips = read_tips(data, environment)?;
    let known = database.read(|connection| history::tips(connection, &environment.id))?;
    if tips == known {
        return Ok(None);
    }
    let objects = Objects::open(&[data.repository(&environment.id).join("objects")]).map_err(Error::repository)?;
    let is_anew = !grows(&objects, &known, &tips);
    let old: Vec<String> = if is_anew { Vec::new() } else { known.into_values().collect() };
    let new: Vec<String> = tips.values().cloned().collect();
    let commits = objects.new_commits(&new, &old, WALK_LIMIT).map_err(Error::repository)?;
    let named = models(&objects, &commits).map_err(Error::repository)?;
    Ok(Some(Learned { tips, named, is_anew }))
}

/// Reads and records what a history has that was not read before; only while no push is between its hook's yes and
/// its end, because what is not settled may go back.
pub(crate) fn learn_all(
    database: &Database,
    data: &DataFolder,
    environment: &Environment,
    _still: &Standstill,
) -> Result<(), Error> {
    if !data.repository(&environment.id).join("HEAD").exists() && environment.tip.is_none() {
        return Ok(());
    }
    if let Some(learned) = learn(database, data, environment)? {
        database.write(|transaction| learned.record(transaction, &environment.id))?;
    }
    Ok(())
}

/// Whether everything that was reached before is still reached. What cannot be told is read anew.
fn grows(objects: &Objects, known: &BTreeMap<String, String>, tips: &BTreeMap<String, String>) -> bool {
    let reaches = |old: &str, new: &str| {
        let [old, new] = [old, new].map(|id| objects.peel_to_commit(id));
        matches!((old, new), (Ok(old), Ok(new)) if objects.is_ancestor(&old, &new).unwrap_or(false))
    };
    known.iter().all(|(name, old)| tips.get(name).is_some_and(|new| new == old || reaches(old, new)))
}

/// The SHA-256 of every model that a manifest of these commits names.
fn models(objects: &Objects, commits: &[String]) -> Result<BTreeSet<String>, objects::Error> {
    let (mut seen, mut named) = (HashSet::new(), BTreeSet::new());
    for commit in commits {
        let items = objects.folder(&objects.commit(commit)?.tree, 0)?;
        let manifest = items.into_iter().find_map(|item| match item {
            TreeItem::File { name, id } if name == MANIFEST.as_bytes() => Some(id),
            _ => None,
        });
        let Some(id) = manifest.filter(|id| seen.insert(id.clone())) else { continue };
        // An old program may have written what this one does not read; it names no file of this hub then.
        let text = String::from_utf8(objects.blob(&id)?).unwrap_or_default();
        let manifest = Manifest::parse(&text);
        let models = manifest.iter().flat_map(|manifest| manifest.models.values());
        named.extend(models.filter_map(|model| model.sha256.as_ref()).map(ToString::to_string));
    }
    Ok(named)
}
