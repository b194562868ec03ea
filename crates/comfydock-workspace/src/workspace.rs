//! A workspace: environments, caches and the folders models lie in (formats.md, Workspace).

use std::path::{Path, PathBuf};

use comfydock_core::category;
use comfydock_core::name::EnvironmentName;
use comfydock_store::file;
use comfydock_store::lock::Lock;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::environment::Environment;

/// The version of `workspace.json` this program writes.
const VERSION: u32 = 1;

/// A folder in which models lie, by category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelsFolder {
    /// Its absolute path.
    pub path: PathBuf,
    /// When it was added, RFC 3339.
    pub added_at: String,
    /// When it was last scanned, RFC 3339.
    #[serde(default)]
    pub last_sync: Option<String>,
    /// Whether downloads go here.
    #[serde(default)]
    pub download_target: bool,
}

/// `.metadata/workspace.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Settings {
    version: u32,
    /// The environment commands mean when none is named.
    pub active_environment: Option<EnvironmentName>,
    /// When the workspace was made, RFC 3339.
    pub created_at: String,
    /// Tells two workspaces apart.
    pub workspace_id: String,
    /// Where models lie, in the order ComfyUI searches.
    pub model_directories: Vec<ModelsFolder>,
    /// Whether CivitAI and Hugging Face may be asked about models.
    #[serde(default)]
    pub external_lookup: ExternalLookup,
    /// Files like ComfyUI's `extra_model_paths.yaml` that name further folders.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extra_model_paths: Vec<PathBuf>,
}

/// Whether outside sites may be asked: a hash tells them which model is used here (decision 66).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExternalLookup {
    /// The user is asked once.
    #[default]
    Ask,
    /// No.
    Never,
    /// Yes.
    Always,
}

/// An open workspace.
#[derive(Debug, Clone)]
pub struct Workspace {
    root: PathBuf,
    /// What `workspace.json` says.
    pub settings: Settings,
    /// Where Hugging Face's programs keep repositories on this machine.
    pub huggingface_cache: Option<PathBuf>,
    /// Folders of a workspace that were there before it was one.
    older: Vec<&'static str>,
}

/// What a workspace makes for itself in its folder.
const OWN: [&str; 5] = [".metadata", CACHE, "logs", "uv_cache", "uv"];
/// What can be had again.
const CACHE: &str = "comfydock_cache";
/// The part of the cache that bundles come into.
pub(crate) const BUNDLES: &str = "bundles";

/// Whether a file below a folder has anything in it.
fn holds_bytes(folder: &Path) -> bool {
    std::fs::read_dir(folder).into_iter().flatten().flatten().any(|entry| match entry.metadata() {
        Ok(about) if about.is_dir() => holds_bytes(&entry.path()),
        Ok(about) => about.len() > 0,
        Err(_) => false,
    })
}

/// The time now, RFC 3339 in UTC, whole seconds.
pub fn now() -> String {
    let now = jiff::Timestamp::now();
    jiff::Timestamp::from_second(now.as_second()).unwrap_or(now).to_string()
}

/// Reads what `workspace.json` says.
fn parse_settings(path: &Path, text: &str) -> Result<Settings, Error> {
    let settings: Settings = serde_json::from_str(text).map_err(|error| {
        Error::refused(
            format!("`{}` cannot be read: {error}", path.display()),
            "restore it from a backup; nothing was changed",
        )
    })?;
    if settings.version > VERSION {
        return Err(Error::refused(
            format!("`{}` has version {}; this comfydock knows up to {VERSION}", path.display(), settings.version),
            "update comfydock on this machine",
        ));
    }
    Ok(settings)
}

impl Workspace {
    /// Makes a workspace.
    ///
    /// # Errors
    /// When there is one already or the folder cannot be written.
    pub fn init(root: &Path, models: &[PathBuf]) -> Result<Self, Error> {
        let root = std::path::absolute(root).map_err(file::Error::at("find", root))?;
        if root.join(".metadata/workspace.json").exists() {
            return Err(Error::refused(
                format!("`{}` is a workspace already", root.display()),
                "use it as it is, or give another path to `comfydock init`",
            ));
        }
        let older = OWN.into_iter().filter(|own| root.join(own).symlink_metadata().is_ok()).collect();
        let mut folders = Vec::new();
        for (index, given) in models.iter().enumerate() {
            let path = models_folder(given)?;
            folders.push(ModelsFolder { path, added_at: now(), last_sync: None, download_target: index == 0 });
        }
        if folders.is_empty() {
            let path = root.join("models");
            file::create_folder(&path)?;
            folders.push(ModelsFolder { path, added_at: now(), last_sync: None, download_target: true });
        }
        for folder in [".metadata/txn", "environments", "comfydock_cache/git", "logs"] {
            file::create_folder(&root.join(folder))?;
        }
        file::write(&root.join(".metadata/settings.lock"), b"")?;
        let settings = Settings {
            version: VERSION,
            active_environment: None,
            created_at: now(),
            workspace_id: ulid::Ulid::generate().to_string().to_lowercase(),
            model_directories: folders,
            external_lookup: ExternalLookup::default(),
            extra_model_paths: Vec::new(),
        };
        let workspace = Self { root, settings, huggingface_cache: huggingface_cache(), older };
        workspace.save()?;
        Ok(workspace)
    }

    /// Takes back a workspace that this run made and nothing was put into. The cache stays where a bundle came in
    /// part: the same command goes on with it.
    ///
    /// # Errors
    /// When its own files cannot be removed. Folders that hold anything else, or were there before, stay.
    pub fn unmake(self) -> Result<(), Error> {
        let begun = holds_bytes(&self.cache(BUNDLES));
        for own in OWN.into_iter().filter(|own| !(self.older.contains(own) || begun && *own == CACHE)) {
            file::remove(&self.root.join(own))?;
        }
        // It is no workspace any more, whatever stays.
        file::remove(&self.root.join(".metadata/workspace.json"))?;
        for folder in [self.root.join("environments"), self.root.join("models"), self.root] {
            // A folder that is not empty is not ours to remove.
            let _ = std::fs::remove_dir(folder);
        }
        Ok(())
    }

    /// Opens a workspace and ends what a crash left of its transactions.
    ///
    /// # Errors
    /// When there is none, or it was made by a newer program.
    pub fn open(root: &Path) -> Result<Self, Error> {
        let root = std::path::absolute(root).map_err(file::Error::at("find", root))?;
        let path = root.join(".metadata/workspace.json");
        let Some(text) = file::find_text(&path)? else {
            return Err(Error::refused(
                format!("there is no workspace at `{}`", root.display()),
                "make one with `comfydock init`, or name another with --workspace or COMFYDOCK_HOME",
            ));
        };
        crate::transaction::recover(&root.join(".metadata"))?;
        let text = file::find_text(&path)?.unwrap_or(text);
        let settings = parse_settings(&path, &text)?;
        Ok(Self { root, settings, huggingface_cache: huggingface_cache(), older: Vec::new() })
    }

    /// The workspace's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where transactions of the workspace itself lie.
    pub fn home(&self) -> PathBuf {
        self.root.join(".metadata")
    }

    /// The file that [`Workspace::settings_text`] belongs in.
    pub fn settings_path(&self) -> PathBuf {
        self.root.join(".metadata/workspace.json")
    }

    /// What `workspace.json` is to say.
    pub fn settings_text(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec_pretty(&self.settings).unwrap_or_default();
        text.push(b'\n');
        text
    }

    /// Writes `workspace.json`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self) -> Result<(), Error> {
        Ok(file::write(&self.settings_path(), &self.settings_text())?)
    }

    /// The folder of an environment, whether it exists or not.
    pub fn environment_folder(&self, name: &EnvironmentName) -> PathBuf {
        self.root.join("environments").join(name.as_str())
    }

    /// Reads `workspace.json` as it is now, before it is changed: other commands may have saved since
    /// this one began. The lock is held until the returned guard goes.
    ///
    /// # Errors
    /// When it cannot be read, or was written by a newer program meanwhile.
    pub fn refresh(&mut self) -> Result<Lock, Error> {
        let lock = Lock::exclusive(&self.home().join("settings.lock"))?;
        let text = file::read_text(&self.settings_path())?;
        self.settings = parse_settings(&self.settings_path(), &text)?;
        Ok(lock)
    }

    /// A folder below the cache.
    pub fn cache(&self, part: &str) -> PathBuf {
        self.root.join(CACHE).join(part)
    }

    /// The names of the environments, sorted.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn environments(&self) -> Result<Vec<EnvironmentName>, Error> {
        let folder = self.root.join("environments");
        let entries = std::fs::read_dir(&folder).map_err(file::Error::at("read", &folder))?;
        let mut names: Vec<EnvironmentName> = entries
            .flatten()
            .filter(|entry| entry.path().join(".cec").is_dir())
            .filter_map(|entry| EnvironmentName::parse(&entry.file_name().to_string_lossy()).ok())
            .collect();
        names.sort();
        Ok(names)
    }

    /// Opens the environment of this name, or the active one.
    ///
    /// # Errors
    /// When there is none.
    pub fn environment(&self, name: Option<&EnvironmentName>) -> Result<Environment, Error> {
        let Some(name) = name.or(self.settings.active_environment.as_ref()) else {
            return Err(Error::refused(
                "no environment is active",
                "name one with --env, make one with `comfydock create NAME`, or choose one with `comfydock use NAME`",
            ));
        };
        let folder = self.environment_folder(name);
        if !folder.join(".cec").is_dir() {
            let names: Vec<String> = self.environments()?.iter().map(ToString::to_string).collect();
            let known = if names.is_empty() {
                "there are none yet; `comfydock create NAME` makes one".to_owned()
            } else {
                format!("there are: {}", names.join(", "))
            };
            return Err(Error::refused(format!("there is no environment `{name}`"), known));
        }
        Environment::open(name.clone(), folder)
    }

    /// The models folder that downloads go to.
    ///
    /// # Errors
    /// When none is set.
    pub fn download_target(&self) -> Result<&ModelsFolder, Error> {
        self.settings
            .model_directories
            .iter()
            .find(|folder| folder.download_target)
            .or_else(|| self.settings.model_directories.first())
            .ok_or_else(|| {
                Error::refused("the workspace has no models folder", "add one with `comfydock models index DIR`")
            })
    }

    /// Adds models folders that are not known yet; the first becomes the download target when there
    /// is none. Returns whether anything changed.
    ///
    /// # Errors
    /// When a folder does not exist, is that of a category, or one of two folders lies in the other.
    pub fn add_models_folders(&mut self, folders: &[PathBuf]) -> Result<bool, Error> {
        let mut changed = false;
        for given in folders {
            let path = models_folder(given)?;
            if self.settings.model_directories.iter().any(|known| known.path == path) {
                continue;
            }
            self.refuse_nested(&path)?;
            let first = !self.settings.model_directories.iter().any(|known| known.download_target);
            self.settings.model_directories.push(ModelsFolder {
                path,
                added_at: now(),
                last_sync: None,
                download_target: first,
            });
            changed = true;
        }
        Ok(changed)
    }

    /// What lies in two models folders would be listed twice, once below a category that is none.
    fn refuse_nested(&self, path: &Path) -> Result<(), Error> {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let own = real(path);
        for known in &self.settings.model_directories {
            let other = real(&known.path);
            let (inner, outer) = match (own.starts_with(&other), other.starts_with(&own)) {
                (true, _) => (path, known.path.as_path()),
                (_, true) => (known.path.as_path(), path),
                _ => continue,
            };
            return Err(Error::refused(
                format!("`{}` lies in `{}`, so its files would be listed twice", inner.display(), outer.display()),
                format!("`comfydock models forget {}` first, if the other is meant", known.path.display()),
            ));
        }
        Ok(())
    }
}

/// A folder that models lie in, by category, as it was given.
fn models_folder(given: &Path) -> Result<PathBuf, Error> {
    let path = std::path::absolute(given).map_err(file::Error::at("find", given))?;
    if path.is_file() {
        return Err(Error::refused(
            format!("`{}` is a file and no models folder", path.display()),
            "name the folder models lie in; a file that names folders goes behind --extra-model-paths",
        ));
    }
    if !path.is_dir() {
        return Err(Error::refused(
            format!("the models folder `{}` does not exist", path.display()),
            "create it, or mount the drive it is on",
        ));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let is_category = |name: &str| category::KNOWN.contains(&category::of_folder(name));
    let has_categories =
        category::KNOWN.iter().flat_map(|name| category::folders(name)).any(|name| path.join(name).is_dir());
    if is_category(&name) && !has_categories {
        return Err(Error::refused(
            format!("`{}` is the folder of one category", path.display()),
            "name the folder above it; folders of one category each go into a file for --extra-model-paths",
        ));
    }
    Ok(path)
}

/// `HF_HUB_CACHE`, else `HF_HOME/hub`, else `~/.cache/huggingface/hub`, as Hugging Face's programs
/// choose it.
fn huggingface_cache() -> Option<PathBuf> {
    let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = || named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache")));
    named("HF_HUB_CACHE")
        .or_else(|| Some(named("HF_HOME")?.join("hub")))
        .or_else(|| Some(cache()?.join("huggingface/hub")))
}

/// A time of git's, RFC 3339 in UTC.
pub fn time_text(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map(|time| time.to_string()).unwrap_or_default()
}
