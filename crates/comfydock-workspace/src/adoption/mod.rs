//! Looking at a ComfyUI that somebody else installed (decision 79). Nothing of it is written or started.
//!
//! - [`place`]: where ComfyUI and its Python lie in a folder that was named.
//! - [`packs`]: what lies in `custom_nodes`.
//! - [`interpreter`]: its Python and the packages installed there.
//! - [`models`], [`user`]: folders of models, workflows and settings.
//! - [`copy`]: copying out of it.
//! - [`told`]: files that tell of an installation.

use std::path::{Path, PathBuf};

use comfydock_core::adoption::{ComfyUi, Found, Left, Origin, PackageOrigin, marks, opinion};
use comfydock_git::look::{look as look_at_repository, tracked_below};
use comfydock_store::file;

use crate::Error;

pub mod copy;
pub mod interpreter;
pub mod models;
pub mod packs;
pub mod place;
pub mod told;
pub mod user;

use models::ModelsFound;
use user::UserFiles;

/// An installation as it was found.
#[derive(Debug, Clone)]
pub struct Installation {
    /// ComfyUI's folder.
    pub comfyui: PathBuf,
    /// Everything that is known of it.
    pub found: Found,
    /// Folders that models lie in.
    pub models: ModelsFound,
    /// Workflows and settings.
    pub user: UserFiles,
    /// The Python it was run with: the folder above `lib`.
    pub python: Option<PathBuf>,
    /// The snapshot that was taken as a second opinion, and where it says something else.
    pub opinion: Option<(PathBuf, Vec<Left>)>,
}

/// Looks at the installation in `given`; `python` is the interpreter, or the folder of its environment,
/// when it lies elsewhere.
///
/// # Errors
/// When there is no ComfyUI, or one of its folders cannot be read.
pub fn look(given: &Path, python: Option<&Path>) -> Result<Installation, Error> {
    let comfyui = place::comfyui(given)?;
    let mut found = Found { comfyui: of_comfyui(&comfyui)?, ..Found::default() };
    let own = tracked_by_comfyui(&comfyui, &found.comfyui);
    packs::look(&comfyui.join("custom_nodes"), &own, &mut found)?;
    let models = models::look(&comfyui, &mut found.left)?;
    let user = user::look(&comfyui.join("user"), &mut found.left)?;
    let prefix = place::python(&comfyui, python)?;
    match &prefix {
        Some(prefix) => interpreter::look(prefix, &mut found)?,
        None => found.left.push(Left::new(
            "installed Python packages",
            "no Python was found beside ComfyUI; --from-python names the one it was run with",
        )),
    }
    if let Some(manifest) = told::beside(&comfyui)? {
        add_what_is_told(&mut found, manifest);
    }
    let opinion = told::newest_snapshot(&comfyui)?.map(|(path, snapshot)| {
        let differences = opinion::differences(&found, &snapshot);
        (path, differences)
    });
    Ok(Installation { comfyui, found, models, user, python: prefix, opinion })
}

fn of_comfyui(folder: &Path) -> Result<ComfyUi, Error> {
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).ok();
    let version = text("comfyui_version.py").and_then(|text| marks::comfyui_version(&text));
    let version = version.or_else(|| text("pyproject.toml").and_then(|text| marks::project_version(&text)));
    // A repository that cannot be read is as good as none: the version is left.
    let looked = look_at_repository(folder).ok().flatten();
    Ok(match looked {
        Some(looked) => ComfyUi {
            commit: looked.commit,
            url: looked.url,
            version,
            modified: looked.modified,
            published: looked.published,
        },
        None => ComfyUi { version, ..ComfyUi::default() },
    })
}

/// What ComfyUI itself puts into `custom_nodes`: it arrives with it.
fn tracked_by_comfyui(folder: &Path, comfyui: &ComfyUi) -> Vec<String> {
    let tracked = match comfyui.commit {
        Some(_) => tracked_below(folder, "custom_nodes").unwrap_or_default(),
        None => Vec::new(),
    };
    let below = tracked.iter().filter_map(|path| path.strip_prefix("custom_nodes/"));
    let top = below.filter_map(|path| path.split('/').next()).map(str::to_owned);
    top.chain(["websocket_image_save.py".to_owned()]).collect()
}

/// What comfygit's manifest knows better than the disk: the releases it unpacked without a mark, and
/// the packages where no Python is left.
fn add_what_is_told(found: &mut Found, manifest: Found) {
    for pack in &mut found.packs {
        let told = manifest.packs.iter().find(|told| told.name.eq_ignore_ascii_case(&pack.name));
        if let (Origin::Folder(_), Some(Origin::Registry(release))) = (&pack.origin, told.map(|told| &told.origin))
            && release.version.is_some()
        {
            pack.origin = Origin::Registry(release.clone());
        }
    }
    for told in manifest.packs {
        if !found.packs.iter().any(|pack| pack.name.eq_ignore_ascii_case(&told.name)) {
            found.left.push(Left::new(
                format!("node pack `{}`", told.name),
                "the environment's manifest has it, `custom_nodes` does not",
            ));
        }
    }
    found.python = found.python.take().or(manifest.python);
    if found.packages.is_empty() {
        found.packages = manifest.packages;
        found.packages.retain(|package| package.origin == PackageOrigin::Index);
    }
    found.left.extend(manifest.left);
}

/// What lies in a folder, sorted; nothing when it is not there.
fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>, Error> {
    let listed = match std::fs::read_dir(folder) {
        Ok(listed) => listed.collect::<Result<Vec<_>, _>>().map_err(file::Error::at("read", folder))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(file::Error::at("read", folder)(error).into()),
    };
    let mut found: Vec<(String, PathBuf)> =
        listed.iter().map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path())).collect();
    found.sort();
    Ok(found)
}
