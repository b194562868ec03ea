//! uv, which resolves, locks and installs Python packages (decisions 17 to 19).

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use comfydock_core::hint::Hint;

use crate::workspace::Workspace;

/// A run of uv that did not end well.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No uv was found.
    #[error("uv was not found")]
    Missing,
    /// It could not be started.
    #[error("cannot start `{}`", .path.display())]
    Start {
        /// The program.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// It ended with a failure.
    #[error("{summary}\n{output}")]
    Failed {
        /// What was being done, and how it failed.
        summary: String,
        /// What uv said.
        output: String,
        /// What to do.
        hint: Option<String>,
    },
}

impl Hint for Error {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Missing => Some("install it (`pip install uv`), or name it with COMFYDOCK_UV".to_owned()),
            Self::Start { .. } => None,
            Self::Failed { hint, .. } => hint.clone(),
        }
    }
}

/// Variables of the user's that uv gets: where packages come from and how to reach them. All other
/// UV_* and PIP_* could change what is locked from one machine to the next (decision 19).
const KEPT: &[&str] = &[
    "UV_CACHE_DIR",
    "UV_DEFAULT_INDEX",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_HTTP_TIMEOUT",
    "UV_INDEX",
    "UV_INDEX_URL",
    "UV_INSECURE_HOST",
    "UV_KEYRING_PROVIDER",
    "UV_LINK_MODE",
    "UV_NATIVE_TLS",
    "UV_NO_INDEX",
    "UV_PYTHON_INSTALL_MIRROR",
    "UV_SYSTEM_CERTS",
    "UV_CONCURRENT_DOWNLOADS",
    "UV_CONCURRENT_INSTALLS",
];

/// A uv to call for one workspace.
#[derive(Debug, Clone)]
pub struct Uv {
    program: PathBuf,
    root: PathBuf,
    offline: bool,
}

impl Uv {
    /// Finds uv: COMFYDOCK_UV, the workspace's own, PATH.
    ///
    /// # Errors
    /// When there is none.
    pub fn find(workspace: &Workspace, offline: bool) -> Result<Self, Error> {
        let own = workspace.root().join("uv/bin/uv");
        let on_path = || {
            std::env::var_os("PATH").and_then(|path| {
                std::env::split_paths(&path).map(|folder| folder.join("uv")).find(|file| file.is_file())
            })
        };
        let program = std::env::var_os("COMFYDOCK_UV")
            .filter(|named| !named.is_empty())
            .map(PathBuf::from)
            .or_else(|| own.is_file().then_some(own))
            .or_else(on_path)
            .ok_or(Error::Missing)?;
        Ok(Self { program, root: workspace.root().to_owned(), offline })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars_os() {
            let Some(text) = name.to_str() else { continue };
            let named = text.starts_with("UV_") || text.starts_with("PIP_");
            let per_index =
                text.starts_with("UV_INDEX_") && (text.ends_with("_USERNAME") || text.ends_with("_PASSWORD"));
            if named && !per_index && !KEPT.contains(&text) {
                command.env_remove(text);
            }
        }
        for name in ["VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "CONDA_PREFIX"] {
            command.env_remove(name);
        }
        if std::env::var_os("UV_CACHE_DIR").is_none() {
            command.env("UV_CACHE_DIR", self.root.join("uv_cache"));
        }
        // Never --no-config: it would ignore the project's own indexes. An empty folder in place of
        // the user's configuration keeps uv.toml from changing what is locked.
        let empty = self.root.join(".metadata/no-configuration");
        command
            .env("XDG_CONFIG_HOME", &empty)
            .env("XDG_CONFIG_DIRS", &empty)
            .env("UV_PYTHON_INSTALL_DIR", self.root.join("uv/python"))
            .env("UV_NO_PROGRESS", "1")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null());
        if self.offline {
            command.env("UV_OFFLINE", "1").env("UV_PYTHON_DOWNLOADS", "never");
        }
        command
    }

    fn run(&self, what: &str, command: &mut Command) -> Result<String, Error> {
        let output = command.output().map_err(|source| Error::Start { path: self.program.clone(), source })?;
        let text = String::from_utf8_lossy(&output.stderr);
        if output.status.success() {
            return Ok(text.into_owned());
        }
        let lines: Vec<&str> = text.lines().filter(|line| !line.contains("is missing an upload date")).collect();
        Err(failure(what, &lines.join("\n")))
    }

    /// Makes an empty venv that can be renamed.
    ///
    /// # Errors
    /// When there is no such Python.
    pub fn venv(&self, folder: &Path, python: &str) -> Result<(), Error> {
        let mut command = self.command();
        command.args(["venv", "--quiet", "--relocatable", "--no-project", "--python", python]).arg(folder);
        self.run("make the virtual environment", &mut command).map(|_| ())
    }

    /// Resolves the requirements of the project in `folder` into its `uv.lock`, without building
    /// any source.
    ///
    /// # Errors
    /// When they contradict each other or a package cannot be had.
    pub fn lock(&self, folder: &Path, python: &str) -> Result<(), Error> {
        let mut command = self.command();
        command.args(["lock", "--quiet", "--no-build", "--python", python]).current_dir(folder);
        self.run("lock the Python packages", &mut command).map(|_| ())
    }

    /// Installs what the project's `uv.lock` says into a venv.
    ///
    /// # Errors
    /// When a package cannot be had as a wheel, or the disk is full.
    pub fn sync(&self, project: &Path, venv: &Path) -> Result<(), Error> {
        let mut command = self.command();
        command
            .args(["sync", "--quiet", "--frozen", "--all-groups", "--no-build"])
            .current_dir(project)
            .env("UV_PROJECT_ENVIRONMENT", venv);
        self.run("install the Python packages", &mut command).map(|_| ())
    }

    /// What uv calls itself.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn version(&self) -> Result<String, Error> {
        let output = self
            .command()
            .arg(OsStr::new("--version"))
            .output()
            .map_err(|source| Error::Start { path: self.program.clone(), source })?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

/// uv's words, with what they mean for the user in front.
fn failure(what: &str, text: &str) -> Error {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let hint = if flat.contains("No space left on device")
        || flat.contains("Disk quota exceeded")
        || flat.contains("os error 28")
    {
        Some("the file system is full; free some space (`df -h` shows which one) and run the command again; nothing was changed".to_owned())
    } else if flat.contains("was not found in the package registry") {
        Some(
            "a required package does not exist, or is newer than [tool.uv] exclude-newer in .cec/pyproject.toml allows"
                .to_owned(),
        )
    } else if flat.contains("exclude-newer") {
        Some(
            "the package is newer than the environment's date; see [tool.uv] exclude-newer in .cec/pyproject.toml"
                .to_owned(),
        )
    } else if flat.contains("Wheels are required") || flat.contains("no-build") {
        Some("the package has no wheel for this machine, and source code is not built without consent".to_owned())
    } else if ["dns error", "error sending request", "Failed to fetch", "Failed to download", "network"]
        .iter()
        .any(|word| flat.contains(word))
    {
        Some("a package could not be fetched; check the network, or use --offline when everything is cached".to_owned())
    } else if flat.contains("No solution found") {
        Some("requirements contradict each other: the names before the colon say whose they are".to_owned())
    } else if flat.contains("No interpreter found") || flat.contains("Failed to inspect Python") {
        Some("install that version of Python, or choose another with --python".to_owned())
    } else {
        None
    };
    Error::Failed { summary: format!("uv could not {what}"), output: text.trim().to_owned(), hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uvs_words_are_kept_and_the_remedy_is_named() {
        for (text, remedy) in [
            ("error: failed to write\n  cause: No space left on device (os error 28)", "full"),
            (
                "error: No solution found when resolving dependencies\n  cause: Because x:node-a depends on six",
                "contradict",
            ),
            ("hint: Wheels are required for `sd` because building from source is disabled", "no wheel"),
            ("error: Failed to fetch: `http://x`", "network"),
        ] {
            let error = failure("lock", text);
            assert!(error.to_string().contains(text), "{error}");
            assert!(error.hint().unwrap().contains(remedy), "{text}");
        }
    }
}
