//! One environment: where its parts lie, and what they say.

use std::path::{Path, PathBuf};

use comfydock_core::hint::Hint as _;
use comfydock_core::manifest::{self, Document, Manifest};
use comfydock_core::name::EnvironmentName;
use comfydock_git::repository::Repository;
use comfydock_store::file;
use comfydock_store::lock::Lock;
use serde::{Deserialize, Serialize};

use crate::Error;

/// What helps against a manifest that was lost or broken.
const BRING_BACK: &str = "`comfydock rollback` brings the committed one back";

/// The `.gitignore` of `.cec`: only what an environment is made of is tracked.
pub const GITIGNORE: &str =
    "*\n!.gitignore\n!.comfydock_ignore\n!.python-version\n!pyproject.toml\n!uv.lock\n!workflows/\n!workflows/**\n";

/// `current.json`: the venv generation in force.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Current {
    /// The generation's id.
    pub generation: String,
}

/// An environment on disk.
#[derive(Debug, Clone)]
pub struct Environment {
    name: EnvironmentName,
    root: PathBuf,
}

impl Environment {
    /// Opens an environment and ends what a crash left of its transactions.
    ///
    /// # Errors
    /// When an unfinished transaction cannot be ended.
    pub fn open(name: EnvironmentName, root: PathBuf) -> Result<Self, Error> {
        let environment = Self { name, root };
        crate::transaction::recover(&environment.home()).map_err(|error| Error::Refused {
            message: format!(
                "a change of environment `{}` was interrupted and cannot be brought to its end yet",
                environment.name
            ),
            details: std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source())
                .map(ToString::to_string)
                .collect(),
            hint: Some(
                "put that right, then run any command again: it goes on where it stopped, and nothing is lost"
                    .to_owned(),
            ),
        })?;
        Ok(environment)
    }

    /// The environment whose folder is `root`, while it is being made.
    pub fn at(name: EnvironmentName, root: PathBuf) -> Self {
        Self { name, root }
    }

    /// Makes the folders and lock files that an environment has from the start.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn furnish(&self) -> Result<(), Error> {
        for folder in [self.cec(), self.home().join("txn"), self.home().join("venvs")] {
            file::create_folder(&folder)?;
        }
        for path in [self.home().join("lock"), self.running_path()] {
            std::fs::write(&path, "").map_err(file::Error::at("write", &path))?;
        }
        Ok(())
    }

    /// Its name on this machine.
    pub fn name(&self) -> &EnvironmentName {
        &self.name
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// ComfyUI's folder.
    pub fn comfyui(&self) -> PathBuf {
        self.root.join("ComfyUI")
    }

    /// The folder of the tracked state.
    pub fn cec(&self) -> PathBuf {
        self.root.join(".cec")
    }

    /// The folder of ComfyDock's own state.
    pub fn home(&self) -> PathBuf {
        self.root.join(".comfydock")
    }

    /// The folder of the custom nodes.
    pub fn custom_nodes(&self) -> PathBuf {
        self.comfyui().join("custom_nodes")
    }

    /// The folder of ComfyUI's workflows.
    pub fn workflows(&self) -> PathBuf {
        self.comfyui().join("user/default/workflows")
    }

    /// The file of a workflow in ComfyUI.
    pub fn workflow_file(&self, name: &str) -> PathBuf {
        self.workflows().join(format!("{name}.json"))
    }

    /// ComfyUI's own models folder.
    pub fn own_models(&self) -> PathBuf {
        self.comfyui().join("models")
    }

    /// The folder of a venv generation.
    pub fn generation_folder(&self, id: &str) -> PathBuf {
        self.home().join("venvs").join(id)
    }

    /// Whether a generation's Python can be started.
    pub fn has_interpreter(&self, id: &str) -> bool {
        self.generation_folder(id).join("bin/python").exists()
    }

    /// The environment's history.
    ///
    /// # Errors
    /// When `.cec` is no repository.
    pub fn repository(&self) -> Result<Repository, Error> {
        Ok(Repository::open(&self.cec())?)
    }

    /// The manifest as it lies in `.cec`, for editing.
    ///
    /// # Errors
    /// When it is missing or cannot be taken.
    pub fn manifest(&self) -> Result<Document, Error> {
        let Some(text) = self.manifest_text()? else {
            return Err(Error::refused(
                format!("the manifest of environment `{}` is gone: .cec/pyproject.toml", self.name),
                BRING_BACK,
            ));
        };
        Document::parse(&text).map_err(|source| self.unusable_manifest(source))
    }

    /// The text of the manifest as it lies in `.cec`, whatever it says; none when it is gone.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn manifest_text(&self) -> Result<Option<String>, Error> {
        Ok(file::find_text(&self.cec().join("pyproject.toml"))?)
    }

    /// Why the manifest in `.cec` cannot be taken, and what helps.
    pub fn unusable_manifest(&self, source: manifest::Error) -> Error {
        let message = format!("the manifest of environment `{}` cannot be taken", self.name);
        // A newer program's has its own remedy.
        if source.hint().is_some() {
            return Error::Manifest { place: message, source };
        }
        let details = source.to_string().lines().map(str::to_owned).collect();
        Error::Refused { message, details, hint: Some(format!("mend it, or {BRING_BACK}")) }
    }

    /// The manifest's text read as a manifest of `place`.
    ///
    /// # Errors
    /// When it cannot be taken.
    pub fn parse_manifest(text: &str, place: &str) -> Result<Manifest, Error> {
        Manifest::parse(text).map_err(|source| Error::Manifest { place: place.to_owned(), source })
    }

    /// The venv generation in force; none when its interpreter is gone.
    ///
    /// # Errors
    /// When `current.json` is there and cannot be read.
    pub fn generation(&self) -> Result<Option<String>, Error> {
        let text = file::find_text(&self.home().join("current.json"))?;
        Ok(text
            .and_then(|text| serde_json::from_str::<Current>(&text).ok())
            .map(|current| current.generation)
            .filter(|id| self.has_interpreter(id)))
    }

    /// Takes the lock of those who change the environment.
    ///
    /// # Errors
    /// When another comfydock has it.
    pub fn lock(&self) -> Result<Lock, Error> {
        Lock::try_exclusive(&self.home().join("lock"))?.ok_or_else(|| {
            Error::refused(
                format!("another comfydock is changing environment `{}`", self.name),
                "wait until it has ended, then run the command again",
            )
        })
    }

    /// The lease file that a running ComfyUI holds.
    pub fn running_path(&self) -> PathBuf {
        self.home().join("running")
    }

    /// Refuses while ComfyUI runs; `what` is what would be moved under it. The returned lock keeps
    /// it from starting meanwhile.
    ///
    /// # Errors
    /// When ComfyUI runs.
    pub fn keep_from_running(&self, what: &str) -> Result<Lock, Error> {
        let path = self.running_path();
        if let Some(lock) = Lock::try_exclusive(&path)? {
            return Ok(lock);
        }
        let holder = file::find_text(&path)?.unwrap_or_default();
        let holder = holder.lines().last().map(|line| format!(" (process {line})")).unwrap_or_default();
        Err(Error::refused(
            format!("ComfyUI of environment `{}` is running{holder}; {what} cannot change under it", self.name),
            "stop ComfyUI, then run the command again",
        ))
    }
}
