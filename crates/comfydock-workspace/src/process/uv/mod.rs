//! uv, which resolves, locks and installs Python packages (decisions 17 to 19, 75 and 76).

mod backend;
mod error;
mod failure;
mod find;
mod run;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

pub use error::Error;
pub use failure::{Failure, Whose, Wish};

use crate::reporter::Reporter;
use crate::workspace::Workspace;

/// Variables of the user's that say where packages come from. They belong to what a resolution
/// follows from.
const PLACES: &[&str] =
    &["UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_INDEX", "UV_INDEX_URL", "UV_NO_INDEX"];

/// Variables of the user's that say how to reach them. All other UV_* and PIP_* could change what is
/// locked from one machine to the next (decision 19).
const WAYS: &[&str] = &[
    "UV_CACHE_DIR",
    "UV_HTTP_RETRIES",
    "UV_HTTP_TIMEOUT",
    "UV_INSECURE_HOST",
    "UV_KEYRING_PROVIDER",
    "UV_LINK_MODE",
    "UV_NATIVE_TLS",
    "UV_PYTHON_INSTALL_MIRROR",
    "UV_SYSTEM_CERTS",
    "UV_CONCURRENT_DOWNLOADS",
    "UV_CONCURRENT_INSTALLS",
];

/// uv's cache: the user's, or one in the workspace.
fn cache_below(root: &Path) -> PathBuf {
    std::env::var_os("UV_CACHE_DIR").map_or_else(|| root.join("uv_cache"), PathBuf::from)
}

/// A uv to call for one workspace.
#[derive(Clone)]
pub struct Uv<'a> {
    program: PathBuf,
    version: String,
    root: PathBuf,
    offline: bool,
    reporter: &'a dyn Reporter,
}

impl<'a> Uv<'a> {
    /// Finds uv: COMFYDOCK_UV, the workspace's own, PATH; else it is installed into the workspace.
    ///
    /// # Errors
    /// When there is none and none can be had, or it is too old.
    pub fn find(workspace: &Workspace, offline: bool, reporter: &'a dyn Reporter) -> Result<Self, Error> {
        let (program, version) = find::find(workspace, offline, reporter)?;
        Ok(Self { program, version, root: workspace.root().to_owned(), offline, reporter })
    }

    /// Its version, as `0.13.8`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What the user's surroundings say about where packages come from: a resolution with other words
    /// is another one.
    pub fn places() -> Vec<String> {
        let said = |name: &&str| Some(format!("{name}={}", std::env::var(name).ok()?));
        PLACES.iter().filter_map(said).collect()
    }

    /// A folder of the workspace's cache.
    pub fn cache(&self, part: &str) -> PathBuf {
        self.root.join("comfydock_cache").join(part)
    }

    /// Where uv keeps what it fetched.
    pub fn cache_of(workspace: &Workspace) -> PathBuf {
        cache_below(workspace.root())
    }

    /// The command by which a user takes these packages out of uv's cache.
    pub fn cleaning(&self, packages: &[&str]) -> String {
        let cache = cache_below(&self.root);
        format!("UV_CACHE_DIR={} {} cache clean {}", cache.display(), self.program.display(), packages.join(" "))
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars_os() {
            let Some(text) = name.to_str() else { continue };
            let named = text.starts_with("UV_") || text.starts_with("PIP_");
            let per_index =
                text.starts_with("UV_INDEX_") && (text.ends_with("_USERNAME") || text.ends_with("_PASSWORD"));
            // What builds a package from source has no business with our tokens.
            let ours = text.starts_with("COMFYDOCK_");
            if ours || named && !per_index && !PLACES.contains(&text) && !WAYS.contains(&text) {
                command.env_remove(text);
            }
        }
        for name in super::OTHER_PYTHONS {
            command.env_remove(name);
        }
        command.env("UV_CACHE_DIR", cache_below(&self.root));
        // Never --no-config where there is a project: it would ignore the project's own indexes. An
        // empty folder in place of the user's configuration keeps uv.toml from changing what is locked.
        let empty = self.root.join(".metadata/no-configuration");
        command
            .env("XDG_CONFIG_HOME", &empty)
            .env("XDG_CONFIG_DIRS", &empty)
            .env("UV_PYTHON_INSTALL_DIR", self.root.join("uv/python"))
            .env("UV_NO_PROGRESS", "1")
            .env("NO_COLOR", "1");
        if self.offline {
            command.env("UV_OFFLINE", "1").env("UV_PYTHON_DOWNLOADS", "never");
        }
        command
    }

    fn run(&self, what: &'static str, make: &dyn Fn(&mut Command)) -> Result<String, Error> {
        let command = || {
            let mut command = self.command();
            make(&mut command);
            command
        };
        run::run(what, self.reporter, &command)
    }

    /// Makes an empty venv that can be renamed.
    ///
    /// # Errors
    /// When there is no such Python.
    pub fn venv(&self, folder: &Path, python: &str) -> Result<(), Error> {
        let make = |command: &mut Command| {
            command.args(["venv", "--relocatable", "--no-project", "--python", python]).arg(folder);
        };
        self.run("make the virtual environment", &make).map(|_| ())
    }

    /// Resolves the requirements of the project in `folder` into its `uv.lock`. No source is built but
    /// that of the packages in `builds`, for which no wheel is used either.
    ///
    /// # Errors
    /// When they contradict each other or a package cannot be had.
    pub fn lock(&self, folder: &Path, python: &str, builds: &[&str]) -> Result<(), Error> {
        let make = |command: &mut Command| {
            command.args(["lock", "--no-build", "--python", python]).current_dir(folder);
            command.args(builds.iter().flat_map(|name| ["--no-binary-package", name]));
        };
        self.run("lock the Python packages", &make).map(|_| ())
    }

    /// Whether the `uv.lock` in `folder` is what the project there asks for. Nothing is written.
    ///
    /// # Errors
    /// When that cannot be told, say because something is not in the cache and there is no network.
    pub fn is_lock_current(&self, folder: &Path, python: &Path) -> Result<bool, Error> {
        let make = |command: &mut Command| {
            command.args(["lock", "--check", "--offline", "--no-build", "--python"]).arg(python).current_dir(folder);
        };
        match self.run("check the lock", &make) {
            Ok(_) => Ok(true),
            Err(error) if error.failure() == Some(&Failure::LockStale) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Removes what the cache keeps for nobody.
    ///
    /// # Errors
    /// When uv fails.
    pub fn prune_cache(&self) -> Result<(), Error> {
        self.run("prune its cache", &|command: &mut Command| {
            command.args(["cache", "prune", "--no-config"]);
        })
        .map(drop)
    }

    /// Installs what the project's `uv.lock` says into a venv, but for the packages named `without`.
    ///
    /// # Errors
    /// When a package cannot be had as a wheel, or the disk is full.
    pub fn sync(&self, project: &Path, venv: &Path, without: &BTreeSet<String>, builds: &[&str]) -> Result<(), Error> {
        let make = |command: &mut Command| {
            command
                .args(["sync", "--frozen", "--all-groups", "--no-build"])
                .args(builds.iter().flat_map(|name| ["--no-binary-package", name]))
                .args(without.iter().flat_map(|name| ["--no-install-package", name]))
                .current_dir(project)
                .env("UV_PROJECT_ENVIRONMENT", venv);
        };
        self.run("install the Python packages", &make).map(|_| ())
    }
}
