//! Finding uv, and getting it where there is none.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use comfydock_store::file;
use serde::{Deserialize, Serialize};

use super::Error;
use crate::reporter::Reporter;
use crate::workspace::Workspace;

/// The oldest uv whose locks and words are known to fit.
const OLDEST: (u32, u32) = (0, 9);

/// The version that is installed where there is none: the one our tests run with.
const INSTALLED: &str = "0.13.8";

/// What is known of a uv: asking it takes longer than reading this.
#[derive(Serialize, Deserialize, PartialEq)]
struct Seen {
    path: PathBuf,
    size: u64,
    /// Nanoseconds since the epoch.
    modified: u128,
    version: String,
}

/// Finds uv: COMFYDOCK_UV, the workspace's own, PATH; else installs it into the workspace. Returns
/// the program and its version.
pub(super) fn find(workspace: &Workspace, offline: bool, reporter: &dyn Reporter) -> Result<(PathBuf, String), Error> {
    let own = workspace.root().join("uv/bin/uv");
    let named = std::env::var_os("COMFYDOCK_UV").filter(|named| !named.is_empty()).map(PathBuf::from);
    let found = named.or_else(|| own.is_file().then(|| own.clone())).or_else(|| on_path("uv"));
    let program = match found {
        Some(program) => program,
        None if offline => return Err(Error::Missing),
        None => {
            reporter.step(format!("Installing uv {INSTALLED} into the workspace"));
            install(&own)?;
            own
        }
    };
    let version = version(workspace, &program)?;
    let is_old = || Error::TooOld { path: program.clone(), version: version.clone() };
    let mut numbers = version.split('.').map_while(|part| part.parse::<u32>().ok());
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) if (major, minor) >= OLDEST => Ok((program, version)),
        _ => Err(is_old()),
    }
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// The version of a uv, as it was noted for this file or as it says now.
fn version(workspace: &Workspace, program: &Path) -> Result<String, Error> {
    let start = |source| Error::Start { path: program.to_owned(), source };
    let about = std::fs::metadata(program).map_err(start)?;
    let modified = about.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    let (size, modified) = (about.len(), modified.map_or(0, |since| since.as_nanos()));
    let note = workspace.cache("uv.json");
    let seen = std::fs::read(&note).ok().and_then(|text| serde_json::from_slice::<Seen>(&text).ok());
    if let Some(seen) = seen.filter(|seen| seen.path == program && seen.size == size && seen.modified == modified) {
        return Ok(seen.version);
    }
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output().map_err(start)?;
    let said = String::from_utf8_lossy(&output.stdout);
    let version =
        said.strip_prefix("uv ").and_then(|rest| rest.split_whitespace().next()).unwrap_or_default().to_owned();
    let seen = Seen { path: program.to_owned(), size, modified, version };
    // Only a note: without it uv is asked again.
    let _ = serde_json::to_vec(&seen).map(|text| file::write(&note, &text));
    Ok(seen.version)
}

/// Gets uv from the package index with pip, which knows this machine's indexes, proxies and
/// certificates and checks the hash that the index gives. Of what comes only the program is kept.
fn install(target: &Path) -> Result<(), Error> {
    let python = ["python3", "python"].iter().find_map(|name| on_path(name));
    let python = python.ok_or_else(|| Error::Install { said: "there is no `python3` on PATH".to_owned() })?;
    let folder = target.parent().unwrap_or(target);
    file::create_folder(folder).map_err(|error| Error::Install { said: error.to_string() })?;
    let work = folder.join(format!(".uv-{}", std::process::id()));
    let outcome = download(&python, &work).and_then(|()| {
        std::fs::rename(work.join("bin/uv"), target).map_err(|error| Error::Install { said: error.to_string() })
    });
    // What is left over is swept with the next installation at the latest.
    let _ = std::fs::remove_dir_all(&work);
    outcome
}

fn download(python: &Path, work: &Path) -> Result<(), Error> {
    let mut command = Command::new(python);
    command
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-input",
            "--no-deps",
            "--no-compile",
        ])
        .args(["--only-binary", ":all:", "--target"])
        .arg(work)
        .arg(format!("uv=={INSTALLED}"))
        .env("PIP_USER", "0")
        .stdin(Stdio::null());
    let index =
        ["UV_DEFAULT_INDEX", "UV_INDEX_URL"].iter().find_map(std::env::var_os).filter(|index| !index.is_empty());
    if let Some(index) = index {
        command.arg("--index-url").arg(index);
    }
    let output = command.output().map_err(|source| Error::Start { path: python.to_owned(), source })?;
    if output.status.success() {
        return Ok(());
    }
    Err(Error::Install { said: String::from_utf8_lossy(&output.stderr).trim().to_owned() })
}
