//! "Locate the file myself": making a file that the user named visible to ComfyUI.

use std::path::{Path, PathBuf};

use comfydock_core::category;
use comfydock_core::path::ModelPath;
use comfydock_core::plan::library::Place;
use comfydock_core::plan::resolve::Question;
use comfydock_store::hash;

use crate::Error;
use crate::environment::Environment;
use crate::models::place::bring;
use crate::models::roots::Roots;
use crate::ops::Context;
use crate::ops::seen::Seen;
use crate::workspace::Workspace;

/// Makes the file visible to ComfyUI; returns where it was brought to, if it was.
pub(super) fn locate(
    workspace: &Workspace,
    environment: &Environment,
    seen: &Seen,
    question: &Question,
    path: &Path,
    context: &Context<'_>,
) -> Result<Option<String>, Error> {
    let real = real_file(path)?;
    if let Some((_, model)) = &question.absent
        && let Some(wanted) = &model.sha256
    {
        context.reporter.step(format!("Measuring {}", real.display()));
        let (digests, _) = hash::full(&real, |_| {})?;
        if digests.sha256 != *wanted {
            return Err(Error::refused(
                format!(
                    "`{}` is another model than `{}` (SHA-256 {}…, not {}…)",
                    path.display(),
                    question.value,
                    digests.sha256.short(12),
                    wanted.short(12)
                ),
                "to use it all the same, put it into a models folder and name it with --substitute",
            ));
        }
    }
    if place_of(workspace, environment, seen, &real).is_some() {
        return Ok(None);
    }
    let category = question.category.as_deref().map(category::canonical).ok_or_else(|| {
        Error::refused(
            format!(
                "nobody knows what kind of model `{}` is, so there is no folder to link the file into",
                question.value
            ),
            "put it into the right folder below a models folder, then run the command again",
        )
    })?;
    let folder = category::folders(category).first().copied().unwrap_or(category).to_owned();
    let file_name = real.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let relative_path = match &question.absent {
        Some((_, model)) if category::of_folder(model.relative_path.folder()) == category => {
            model.relative_path.as_str().to_owned()
        }
        _ => format!("{folder}/{file_name}"),
    };
    ModelPath::parse(&relative_path).map_err(|error| Error::refused(error.to_string(), "rename the file"))?;
    let target = workspace.download_target()?.path.clone();
    bring(&real, &target.join(&relative_path))?;
    Ok(Some(relative_path))
}

fn real_file(path: &Path) -> Result<PathBuf, Error> {
    let fault =
        |what: &str| Error::refused(format!("`{}` {what}", path.display()), "name a model file on this machine");
    let real = path.canonicalize().map_err(|_| fault("is not there"))?;
    let name = real.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if !real.is_file() || !category::wide_model_extension(&name) {
        return Err(fault("is no model file"));
    }
    Ok(real)
}

/// The key of the model that lies at this path.
fn place_of(workspace: &Workspace, environment: &Environment, seen: &Seen, real: &Path) -> Option<String> {
    let roots = Roots::of(workspace, Some(environment)).ok()?;
    let lies_there = |place: &Place| roots.path(place).canonicalize().is_ok_and(|known| known == real);
    let file_name = real.file_name()?.to_string_lossy().into_owned();
    let named = |path: &str| path.rsplit('/').next() == Some(&*file_name);
    let found = seen
        .library
        .iter()
        .find(|(_, model)| model.places.iter().any(|place| named(&place.relative_path) && lies_there(place)));
    found.map(|(key, _)| key.to_owned())
}

pub(super) fn key_at(
    workspace: &Workspace,
    environment: &Environment,
    seen: &Seen,
    question: &Question,
    path: &Path,
) -> Result<String, Error> {
    let real = real_file(path)?;
    let target = workspace.download_target()?.path.clone();
    let by_path = place_of(workspace, environment, seen, &real);
    // A hard link has another path; its name and inode are those of what was brought in.
    let stamp = hash::quick(&real)?.0;
    let by_bytes = || {
        seen.library
            .iter()
            .find(|(_, model)| {
                model.quick == stamp
                    && model.places.iter().any(|place| same_file(&target.join(&place.relative_path), &real))
            })
            .map(|(key, _)| key.to_owned())
    };
    by_path.or_else(by_bytes).ok_or_else(|| {
        Error::refused(
            format!("`{}` was not found again after it was linked in for `{}`", path.display(), question.value),
            "run `comfydock models index`, then the command again",
        )
    })
}

fn same_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    match (one.metadata(), other.metadata()) {
        (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
        _ => false,
    }
}
