//! What the hub keeps: the database, the repositories, and whether they agree.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use comfydock_core::digest::Sha256;
use comfydock_git::bare::{list_leftovers, list_references};
use comfydock_git::serve::Git;
use comfydock_store::hash;
use rusqlite::Connection;

use super::{Finding, Tell};
use crate::barrier::{self, Standstill};
use crate::clock;
use crate::configuration::Configuration;
use crate::data::DataFolder;
use crate::db::snapshot::{self, Kept};
use crate::db::{self, blobs, environments, jobs};
use crate::service::Error;
use crate::service::maintenance::leftover_age;
use crate::words::count;

/// How long pushes under way are waited for before the two sides are compared.
const PATIENCE: Duration = Duration::from_secs(5);

/// Looks at the database, then at every repository.
pub(super) fn examine(
    data: &DataFolder,
    configuration: &Configuration,
    git: Option<&Git>,
    full: bool,
    tell: Tell<'_>,
) -> Result<(), Error> {
    let restore = "stop the hub and restore a backup into a new folder";
    let connection = match snapshot::peek(&data.database()) {
        Ok(connection) => connection,
        Err(error) => return tell(Finding::problem(format!("the database cannot be opened: {error}"), restore)),
    };
    match snapshot::check(&connection) {
        Ok(problems) if problems.is_empty() => tell(Finding::sound("the database"))?,
        Ok(problems) => {
            problems.into_iter().try_for_each(|it| tell(Finding::problem(format!("the database: {it}"), restore)))?;
        }
        Err(error) => return tell(Finding::problem(format!("the database cannot be read: {error}"), restore)),
    }
    let found = snapshot::version(&connection).map_err(db::Error::from)?;
    if found != snapshot::VERSION {
        let text = format!("the database has version {found}, this program works with {}", snapshot::VERSION);
        return tell(Finding::problem(
            text,
            "use the program that serves this folder; a newer one brings it up to date",
        ));
    }
    tell(time(&connection)?)?;
    let kept = snapshot::environments(&connection).map_err(db::Error::from)?;
    let age = leftover_age(configuration.push.total.duration());
    let mut problems = 0;
    for environment in &kept {
        for finding in repository(data, &connection, git, environment, full, age)? {
            problems += 1;
            tell(finding)?;
        }
    }
    if problems == 0 {
        tell(Finding::sound(format!("{}, as the catalog has them", count(kept.len(), "repository"))))?;
    }
    files(data, &connection, full, tell)?;
    strays(data, &kept).into_iter().try_for_each(&mut *tell)?;
    for job in jobs::failed(&connection).map_err(db::Error::from)? {
        let text = format!(
            "{} {} failed {} times: {}",
            job.kind,
            job.subject,
            job.attempts,
            job.last_error.unwrap_or_default()
        );
        tell(Finding::problem(text, format!("it is tried again at {}", clock::rfc3339(job.due_at))))?;
    }
    Ok(())
}

/// A clock that was set back lets tokens live longer and finds everything too young to be removed.
fn time(connection: &Connection) -> Result<Finding, Error> {
    let newest = db::audit::newest(connection).map_err(db::Error::from)?.unwrap_or(0);
    let now = clock::now();
    if newest > now + 60 {
        let text =
            format!("it is {} here, but something was recorded at {}", clock::rfc3339(now), clock::rfc3339(newest));
        return Ok(Finding::problem(text, "set the machine's clock"));
    }
    Ok(Finding::sound(format!("the clock: {}", clock::rfc3339(now))))
}

fn repository(
    data: &DataFolder,
    connection: &Connection,
    git: Option<&Git>,
    environment: &Kept,
    full: bool,
    age: Duration,
) -> Result<Vec<Finding>, Error> {
    let name = format!("{}/{}", environment.owner, environment.name);
    let path = data.repository(&environment.id);
    let restore = "stop the hub, restore a backup into a new folder, and have the newer pushes pushed again";
    if !path.join("HEAD").is_file() {
        // Before a first push there may be none.
        let missing = || vec![Finding::problem(format!("{name}: {} is missing", path.display()), restore)];
        return Ok(environment.tip.as_ref().map_or_else(Vec::new, |_| missing()));
    }
    let mut findings = Vec::new();
    if let Some(Err(error)) = git.map(|git| git.check(&path, full)) {
        findings.push(Finding::problem(format!("{name}: {}: {error}", path.display()), restore));
    }
    if let Some(difference) = difference(data, connection, environment)? {
        findings.push(Finding::problem(format!("{name}: {difference}"), format!("`comfydock-hub reindex {name}`")));
    }
    let leftovers = list_leftovers(&path, age).unwrap_or_default();
    if let Some(first) = leftovers.first() {
        let text = format!("{name}: {} files of dead processes, such as {}", leftovers.len(), first.display());
        findings.push(Finding::problem(text, "the serving hub removes them within an hour"));
    }
    Ok(findings)
}

/// How main and the catalog differ, while no push is between the two.
fn difference(data: &DataFolder, connection: &Connection, environment: &Kept) -> Result<Option<String>, Error> {
    let compare = || -> Result<Option<String>, Error> {
        let references = match list_references(&data.repository(&environment.id)) {
            Ok(references) => references,
            Err(error) => return Ok(Some(Error::repository(error).chain())),
        };
        let main = references.get("refs/heads/main");
        let tip = environments::tip(connection, &environment.id).map_err(db::Error::from)?;
        let show = |id: Option<&String>| id.map_or_else(|| "nowhere".to_owned(), |id| format!("at {id}"));
        Ok((main != tip.as_ref()).then(|| format!("main is {}, in the catalog {}", show(main), show(tip.as_ref()))))
    };
    if compare()?.is_none() {
        return Ok(None);
    }
    match Standstill::bring_about(data, PATIENCE) {
        Ok(_still) => compare(),
        // What is under way may well be the difference.
        Err(barrier::Error::Busy(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Model files: each is there with its size; with `full` each is read.
fn files(data: &DataFolder, connection: &Connection, full: bool, tell: Tell<'_>) -> Result<(), Error> {
    let kept = blobs::all(connection).map_err(db::Error::from)?;
    let mut problems = 0;
    for (name, size) in &kept {
        let Ok(sha256) = Sha256::parse(name) else { continue };
        let path = data.blob(&sha256);
        let problem = match path.metadata() {
            Err(error) => Some(error.to_string()),
            Ok(meta) if meta.len() != *size => Some(format!("it has {} bytes, not {size}", meta.len())),
            Ok(_) if full => match hash::full(&path, |_| {}) {
                Ok((digests, _)) if digests.sha256 == sha256 => None,
                Ok((digests, _)) => Some(format!("its SHA-256 is {}", digests.sha256)),
                Err(error) => Some(format!("{error}: {}", error.source)),
            },
            Ok(_) => None,
        };
        if let Some(problem) = problem {
            problems += 1;
            let remedy = "bring the file back from a backup, or move it away and have it uploaded again";
            tell(Finding::problem(format!("the model file {}: {problem}", path.display()), remedy))?;
        }
    }
    if problems == 0 && !kept.is_empty() {
        tell(Finding::sound(count(kept.len(), "model file")))?;
    }
    Ok(())
}

/// Repositories that belong to no environment.
fn strays(data: &DataFolder, kept: &[Kept]) -> Vec<Finding> {
    let known: BTreeSet<PathBuf> = kept.iter().map(|environment| data.repository(&environment.id)).collect();
    let folders = |path: PathBuf| {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect::<Vec<_>>()
    };
    let all = folders(data.repositories()).into_iter().flat_map(folders);
    let stray = all.filter(|path| !known.contains(path));
    stray
        .map(|path| {
            let text = format!("{} belongs to no environment", path.display());
            Finding::problem(text, "move it out of the hub's folder once you are sure that nobody misses it")
        })
        .collect()
}
