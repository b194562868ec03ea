//! "Locate the file myself": making a file that the user named visible to ComfyUI.

use std::path::{Path, PathBuf};

use comfydock_core::category;
use comfydock_core::digest::Sha256;
use comfydock_core::path::ModelPath;
use comfydock_core::plan::library::Place;
use comfydock_core::plan::resolve::{Question, Sheet};
use comfydock_store::hash;

use crate::Error;
use crate::environment::Environment;
use crate::models::place::bring;
use crate::models::roots::Roots;
use crate::ops::Context;
use crate::ops::seen::Seen;
use crate::workspace::Workspace;

/// Where a file that was named is for ComfyUI.
pub(super) enum Located {
    /// It sees it there already.
    There(PathBuf),
    /// It was brought to this path below the models folder for new files.
    Brought(String),
}

/// Makes the file visible to ComfyUI.
pub(super) fn locate(
    workspace: &Workspace,
    environment: &Environment,
    seen: &Seen,
    question: &Question,
    path: &Path,
    context: &Context<'_>,
) -> Result<Located, Error> {
    let real = real_file(path)?;
    let measure = || -> Result<Sha256, Error> {
        context.reporter.step(format!("Measuring {}", real.display()));
        Ok(hash::full(&real, |_| {})?.0.sha256)
    };
    if let Some((_, model)) = &question.absent
        && let Some(wanted) = &model.sha256
    {
        let measured = measure()?;
        if measured != *wanted {
            return Err(Error::refused(
                format!(
                    "`{}` is another model than `{}` (SHA-256 {}…, not {}…)",
                    path.display(),
                    question.value,
                    measured.short(12),
                    wanted.short(12)
                ),
                "to use it all the same, put it into a models folder and name it with --substitute",
            ));
        }
    }
    if let Some(path) = seen_at(workspace, environment, seen, &real)? {
        return Ok(Located::There(path));
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
    let folder = category::folders(category).first().copied().unwrap_or(category);
    let file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let sheet = Sheet::read(&seen.observed())?;
    let relative_path = match &question.absent {
        Some((_, model)) if category::of_folder(model.relative_path.folder()) == category => {
            model.relative_path.as_str().to_owned()
        }
        _ if sheet.is_taken(category, &file_name) => sheet.free_place(category, &file_name, &measure()?),
        _ => format!("{folder}/{file_name}"),
    };
    let target = workspace.download_target()?.path.clone();
    ModelPath::parse(&relative_path).map_err(|error| Error::refused(error.to_string(), "rename the file"))?;
    bring(&real, &target.join(&relative_path))?;
    Ok(Located::Brought(relative_path))
}

fn real_file(path: &Path) -> Result<PathBuf, Error> {
    let fault =
        |what: &str| Error::refused(format!("`{}` {what}", path.display()), "name a model file on this machine");
    let real = path.canonicalize().map_err(|_| fault("is not there"))?;
    // What the name leads to may have another one: a blob of Hugging Face's cache is called by its hash.
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if !real.is_file() || !category::wide_model_extension(&name) {
        return Err(fault("is no model file"));
    }
    Ok(real)
}

/// Where ComfyUI sees this file, if it does.
fn seen_at(
    workspace: &Workspace,
    environment: &Environment,
    seen: &Seen,
    real: &Path,
) -> Result<Option<PathBuf>, Error> {
    let roots = Roots::of(workspace, Some(environment))?;
    let paths = seen.library.iter().flat_map(|(_, model)| &model.places).map(|place| roots.path(place));
    let file_name = real.file_name();
    // A link may be called otherwise than what it leads to; asking every file would be slow.
    let (alike, others): (Vec<PathBuf>, Vec<PathBuf>) = paths.partition(|path| path.file_name() == file_name);
    let others = others.into_iter().filter(|path| path.is_symlink());
    Ok(alike.into_iter().chain(others).find(|path| path.canonicalize().is_ok_and(|known| known == real)))
}

/// The key of the model at a path that ComfyUI sees.
pub(super) fn key_at(
    workspace: &Workspace,
    environment: &Environment,
    seen: &Seen,
    question: &Question,
    path: &Path,
) -> Result<String, Error> {
    let roots = Roots::of(workspace, Some(environment))?;
    let real = path.canonicalize().ok();
    let file_name = path.file_name().and_then(|name| name.to_str());
    let lies_there = |place: &Place| {
        place.relative_path.rsplit('/').next() == file_name && {
            let known = roots.path(place);
            known == path || known.canonicalize().ok() == real
        }
    };
    let found = seen.library.iter().find(|(_, model)| model.places.iter().any(lies_there));
    found.map(|(key, _)| key.to_owned()).ok_or_else(|| {
        Error::refused(
            format!("`{}` was not found again for `{}`", path.display(), question.value),
            "run `comfydock models index`, then the command again",
        )
    })
}
