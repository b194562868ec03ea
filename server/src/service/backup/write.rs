//! Taking a backup.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use comfydock_core::digest::Sha256;
use comfydock_git::bare::list_object_files;
use comfydock_git::serve::Git;
use comfydock_store::file;

use super::contents::{self, CONFIGURATION, Contents, DATABASE, Environment, Files, SCHEMA, SUMS, Sums};
use super::moment::{self, Recorded};
use super::partial::Partial;
use super::{Report, Tell};
use crate::clock;
use crate::data::{DataFolder, blob_place, repository_place};
use crate::db::{self, blobs, snapshot};
use crate::service::Error;
use crate::service::maintenance::{Lease, Purpose};
use crate::words::count;

/// How long a backup waits for another one, or for a repository that is being packed.
const PATIENCE: Duration = Duration::from_secs(60 * 60);

/// Writes a backup into a folder that does not exist yet, or is empty. The hub may serve meanwhile.
pub(crate) fn write(
    data: &DataFolder,
    git: &Git,
    target: &Path,
    files: Files,
    tell: Tell<'_>,
) -> Result<Report, Error> {
    let partial = Partial::make(data, target)?;
    let database = data.database();
    let backup = wait_for(|| Lease::take(&database, Purpose::Backup), "another backup", tell)?;
    // Nothing may pack or prune while files are copied.
    let upkeep = wait_for(|| backup.and(&database, Purpose::Upkeep), "maintenance", tell)?;
    tell("reading the database and all references");
    let moment = moment::record(data, &partial.path, tell)?;

    let mut sums = Sums::default();
    let mut environments = Vec::new();
    for (index, recorded) in moment.environments.into_iter().enumerate() {
        if index > 0 && index.is_multiple_of(100) {
            tell(&format!("{index} environments copied"));
        }
        environments.push(keep(data, git, &partial.path, recorded, &mut sums)?);
    }
    let failed = |what: &str| {
        let what = format!("cannot back up {what}");
        move |error| Error::system(what, error)
    };
    if data.configuration().exists() {
        let sum = contents::copy(&data.configuration(), &partial.path.join(CONFIGURATION));
        sums.0.insert(CONFIGURATION.into(), sum.map_err(failed("hub.toml"))?);
    }
    let sum = contents::sum_of_file(&partial.path.join(DATABASE)).map_err(failed("the database"))?;
    sums.0.insert(DATABASE.into(), sum);
    let damaged_files = keep_files(data, &partial.path, files, &mut sums, tell)?;
    if !backup.confirm(&database)? || !upkeep.confirm(&database)? {
        return Err(Error::Interrupted(
            "the backup was suspended for so long that maintenance may have gone on; take it again".to_owned(),
        ));
    }
    let sums = sums.to_text();
    let contents = Contents {
        schema: SCHEMA,
        created_at: clock::rfc3339(moment.at),
        hub_version: env!("CARGO_PKG_VERSION").to_owned(),
        migrations: snapshot::VERSION,
        environments,
        files,
        damaged_files,
        sums: contents::sum(sums.as_bytes()),
    };
    file::write_with_mode(&partial.path.join(SUMS), sums.as_bytes(), 0o600)?;
    let text = serde_json::to_vec_pretty(&contents).map_err(|error| Error::Interrupted(error.to_string()))?;
    partial.finish(target, &text)?;
    Ok(Report::new(&contents))
}

fn wait_for(take: impl Fn() -> Result<Option<Lease>, Error>, what: &str, tell: Tell<'_>) -> Result<Lease, Error> {
    let deadline = Instant::now() + PATIENCE;
    let mut told = false;
    loop {
        if let Some(lease) = take()? {
            return Ok(lease);
        }
        if Instant::now() >= deadline {
            let message = format!("{what} is still under way after an hour");
            return Err(Error::Invalid { message, hint: Some("`comfydock-hub doctor` says what fails".to_owned()) });
        }
        if !told {
            tell(&format!("waiting: {what} is under way"));
            told = true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Brings along the model files that the database of the backup has. They never change, and none goes while the
/// backup has the lease of upkeep. Returns those that were not what they should be.
fn keep_files(
    data: &DataFolder,
    partial: &Path,
    files: Files,
    sums: &mut Sums,
    tell: Tell<'_>,
) -> Result<Vec<String>, Error> {
    let kept = snapshot::peek(&partial.join(DATABASE)).and_then(|it| blobs::all(&it)).map_err(db::Error::from)?;
    let mut damaged = Vec::new();
    if kept.is_empty() || files == Files::Leave {
        return Ok(damaged);
    }
    let bytes: u64 = kept.iter().map(|(_, size)| size).sum();
    tell(&format!("{} with {bytes} bytes", count(kept.len(), "model file")));
    for (sha256, _) in kept {
        let Ok(sha256) = Sha256::parse(&sha256) else { continue };
        let (place, from) = (blob_place(&sha256), data.blob(&sha256));
        let to = partial.join(&place);
        let failed = |error| Error::system(format!("cannot back up {}", from.display()), error);
        to.parent().map_or(Ok(()), std::fs::create_dir_all).map_err(failed)?;
        let sum = match files {
            // Its name is what it was when it arrived; `doctor --full` reads it again.
            Files::Link => std::fs::hard_link(&from, &to).map(|()| sha256.to_string()),
            _ => contents::copy(&from, &to),
        };
        match sum {
            Ok(sum) => {
                damaged.extend((sum != sha256.as_str()).then(|| format!("{place:?} has the SHA-256 {sum}")));
                sums.0.insert(place, sum);
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                damaged.push(format!("{} is missing", from.display()));
            }
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(damaged)
}

/// Copies one repository as it was at the moment.
fn keep(
    data: &DataFolder,
    git: &Git,
    partial: &Path,
    recorded: Recorded,
    sums: &mut Sums,
) -> Result<Environment, Error> {
    let Recorded { environment, references, logs, mut damaged } = recorded;
    let from = data.repository(&environment.id);
    let place = repository_place(&environment.id);
    let to = partial.join(&place);
    let failed = |error| Error::system(format!("cannot copy {}", from.display()), error);
    if from.is_dir() {
        for folder in ["refs", "objects/pack"] {
            std::fs::create_dir_all(to.join(folder)).map_err(failed)?;
        }
        let single = ["HEAD", "config"].map(PathBuf::from).into_iter().filter(|file| from.join(file).exists());
        for file in single.chain(list_object_files(&from).map_err(failed)?) {
            let sum = contents::copy(&from.join(&file), &to.join(&file)).map_err(failed)?;
            sums.0.insert(place.join(file), sum);
        }
        let packed: String = references.iter().map(|(name, id)| format!("{id} {name}\n")).collect();
        let mut put = |file: PathBuf, bytes: &[u8]| {
            let path = to.join(&file);
            path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
            sums.0.insert(place.join(&file), contents::sum(bytes));
            std::fs::write(path, bytes)
        };
        put("packed-refs".into(), packed.as_bytes()).map_err(failed)?;
        for (name, length) in logs {
            let file = Path::new("logs").join(name);
            // A branch that was deleted since has no log any more.
            let Ok(log) = std::fs::File::open(from.join(&file)) else { continue };
            let mut bytes = Vec::new();
            log.take(length).read_to_end(&mut bytes).map_err(failed)?;
            put(file, &bytes).map_err(failed)?;
        }
        if damaged.is_none() {
            damaged = git.check(&to, false).err().map(|error| error.to_string());
        }
    }
    Ok(Environment {
        id: environment.id,
        owner: environment.owner,
        name: environment.name,
        tip: environment.tip,
        references: references.len(),
        damaged,
    })
}
