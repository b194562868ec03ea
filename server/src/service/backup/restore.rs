//! Putting a backup into service.

use std::path::{Path, PathBuf};

use comfydock_core::digest::Sha256;
use comfydock_git::serve::Git;
use comfydock_store::file;

use super::contents::{self, CONFIGURATION, CONTENTS, Contents, DATABASE, Files, SUMS, Sums, damaged};
use super::{Report, Tell};
use crate::data::{DataFolder, blob_place, repository_place};
use crate::db::{self, snapshot};
use crate::service::Error;
use crate::words::count;

/// Where a backup is put together before anything gets its place.
const STAGE: &str = ".restoring";

/// Restores a backup into a hub's folder that has no database yet. All of the backup is verified
/// before anything gets its place.
pub(crate) fn restore(backup: &Path, root: &Path, git: &Git, tell: Tell<'_>) -> Result<Report, Error> {
    let contents = Contents::load(backup)?;
    let sums = load_sums(backup, &contents)?;
    let is_new = !root.exists();
    check_free(root)?;
    let failed = |error| Error::system(format!("cannot use the folder {}", root.display()), error);
    let data = DataFolder::open(root).map_err(failed)?;
    // A hub must not start on half of it.
    let lock = data.lock().map_err(failed)?;
    let stage = Stage { path: data.root().join(STAGE), root: is_new.then(|| data.root().to_owned()) };
    // Only a restore that died leaves one: the lock is ours.
    file::remove(&stage.path)?;
    tell("copying and checking every file");
    copy(backup, &stage.path, &sums)?;
    tell("checking the database and every repository");
    check(backup, &stage.path, &contents, git)?;
    // What is not there is uploaded again by those who have it.
    let lost = snapshot::forget_files(&stage.path.join(DATABASE), |sha256| {
        Sha256::parse(sha256).is_ok_and(|sha256| stage.path.join(blob_place(&sha256)).exists())
    });
    let lost = lost.map_err(db::Error::from)?;
    snapshot::make_ready(&stage.path.join(DATABASE)).map_err(db::Error::from)?;
    let mut report = Report::new(&contents);
    if lost > 0 {
        report
            .notes
            .push(format!("{} did not come along: whoever has them uploads them again", count(lost, "model file")));
    }
    let folder = std::fs::File::open(&stage.path).map_err(failed)?;
    rustix::fs::syncfs(&folder).map_err(|error| failed(error.into()))?;
    stage.put_in_place(&data, &mut report)?;
    data.link_hook().map_err(failed)?;
    drop(lock);
    Ok(report)
}

fn load_sums(backup: &Path, contents: &Contents) -> Result<Sums, Error> {
    let bytes = file::read(&backup.join(SUMS)).map_err(|error| damaged(backup, SUMS, error.source))?;
    if contents::sum(&bytes) != contents.sums {
        return Err(damaged(backup, SUMS, "its own SHA-256 is not the one in backup.json"));
    }
    let sums = std::str::from_utf8(&bytes).ok().and_then(Sums::parse);
    sums.ok_or_else(|| damaged(backup, SUMS, "it is no list of checksums"))
}

/// A folder in use stays as it is.
fn check_free(root: &Path) -> Result<(), Error> {
    let in_use = |what: &str| {
        Err(Error::Invalid {
            message: format!("cannot restore into {}: it has {what} already", root.display()),
            hint: Some("give --data a new or empty folder; nothing that exists is overwritten".to_owned()),
        })
    };
    if root.join(DATABASE).symlink_metadata().is_ok() {
        return in_use("a hub's database");
    }
    if std::fs::read_dir(root.join("repos")).is_ok_and(|mut entries| entries.next().is_some()) {
        return in_use("repositories");
    }
    if std::fs::read_dir(root.join("blobs")).is_ok_and(|mut entries| entries.next().is_some()) {
        return in_use("model files");
    }
    Ok(())
}

fn copy(backup: &Path, stage: &Path, sums: &Sums) -> Result<(), Error> {
    file::create_folder(stage)?;
    for (path, wanted) in &sums.0 {
        let sum = contents::copy(&backup.join(path), &stage.join(path)).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => damaged(backup, &path.to_string_lossy(), "it is missing"),
            _ => Error::system(format!("cannot copy {}", backup.join(path).display()), error),
        })?;
        if sum != *wanted {
            return Err(damaged(backup, &path.to_string_lossy(), "its SHA-256 is not the one in SHA256SUMS"));
        }
    }
    Ok(())
}

fn check(backup: &Path, stage: &Path, contents: &Contents, git: &Git) -> Result<(), Error> {
    let connection = snapshot::peek(&stage.join(DATABASE)).map_err(db::Error::from)?;
    let problems = snapshot::check(&connection).map_err(|error| damaged(backup, DATABASE, error))?;
    if let Some(problem) = problems.first() {
        return Err(damaged(backup, DATABASE, problem));
    }
    let kept = snapshot::environments(&connection).map_err(db::Error::from)?;
    let listed = contents.environments.iter().map(|it| (&it.id, &it.tip));
    if !kept.iter().map(|it| (&it.id, &it.tip)).eq(listed) {
        return Err(damaged(backup, CONTENTS, "it lists other environments than the database"));
    }
    for (sha256, _) in snapshot::files(&connection).map_err(db::Error::from)? {
        let Some(place) = Sha256::parse(&sha256).ok().map(|sha256| blob_place(&sha256)) else { continue };
        if !stage.join(&place).exists() && contents.files != Files::Leave && contents.damaged_files.is_empty() {
            return Err(damaged(backup, &place.to_string_lossy(), "it is missing"));
        }
    }
    for environment in &contents.environments {
        let place = repository_place(&environment.id);
        let repository = stage.join(&place);
        if !repository.exists() {
            continue;
        }
        // Folders without files are in no list.
        for folder in ["refs", "objects/pack"] {
            file::create_folder(&repository.join(folder))?;
        }
        if environment.damaged.is_none() {
            git.check(&repository, false).map_err(|error| damaged(backup, &place.to_string_lossy(), error))?;
        }
    }
    Ok(())
}

/// What is being put together; it goes away with a failure, and so does a folder made for it.
struct Stage {
    path: PathBuf,
    root: Option<PathBuf>,
}

impl Stage {
    /// The database comes last: a folder without one holds no hub.
    fn put_in_place(mut self, data: &DataFolder, report: &mut Report) -> Result<(), Error> {
        let failed = |path: &Path| {
            let what = format!("cannot put {} in its place", path.display());
            move |error| Error::system(what, error)
        };
        let staged = self.path.join("repos");
        if staged.exists() {
            // Onto the empty folder only.
            std::fs::rename(&staged, data.repositories()).map_err(failed(&data.repositories()))?;
        }
        let staged = self.path.join("blobs");
        if staged.exists() {
            std::fs::rename(&staged, data.blobs()).map_err(failed(&data.blobs()))?;
        }
        let staged = self.path.join(CONFIGURATION);
        if staged.exists() {
            if data.configuration().symlink_metadata().is_ok() {
                report.notes.push(format!("{} was there already and stays", data.configuration().display()));
            } else {
                file::rename_new(&staged, &data.configuration())?;
            }
        }
        file::rename_new(&self.path.join(DATABASE), &data.database())?;
        self.root = None;
        Ok(file::sync_folder(data.root())?)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = file::remove(&self.path);
        if let Some(root) = &self.root {
            let _ = std::fs::remove_file(root.join("hub.lock"));
            for folder in ["repos", "hooks", ""] {
                let _ = std::fs::remove_dir(root.join(folder));
            }
        }
    }
}
