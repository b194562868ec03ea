//! A run of uv that did not end well, and what helps.

use std::path::PathBuf;

use comfydock_core::hint::Hint;

use super::failure::{Failure, Whose};

/// More lines of uv's than this are not shown with an error.
const SHOWN: usize = 40;

/// A run of uv that did not end well.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No uv was found, and none may be fetched.
    #[error("uv was not found")]
    Missing,
    /// None was found and none could be fetched.
    #[error("uv was not found and could not be installed: {said}")]
    Install {
        /// What pip or the system said.
        said: String,
    },
    /// The one that was found is older than any we know.
    #[error("`{}` is uv {version}; 0.9 or newer is needed", .path.display())]
    TooOld {
        /// The program.
        path: PathBuf,
        /// What it calls its version.
        version: String,
    },
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
    #[error("uv could not {what}{}", because(.failure))]
    Failed {
        /// What was being done.
        what: &'static str,
        /// Why it failed.
        failure: Failure,
        /// What uv said.
        output: String,
    },
}

impl Error {
    /// A failure, read from what uv said.
    pub(super) fn failed(what: &'static str, output: &str) -> Self {
        Self::Failed { what, failure: Failure::read(output), output: output.to_owned() }
    }

    /// Why uv failed, if it was uv that did.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Failed { failure, .. } => Some(failure),
            _ => None,
        }
    }

    /// uv's own words, by line.
    pub fn details(&self) -> Vec<String> {
        let Self::Failed { output, .. } = self else { return Vec::new() };
        let mut lines: Vec<String> = output.lines().take(SHOWN).map(str::to_owned).collect();
        if output.lines().count() > SHOWN {
            lines.push("…".to_owned());
        }
        lines
    }
}

/// The failure as the end of a sentence; empty when there is nothing to say but uv's words.
fn because(failure: &Failure) -> String {
    match failure {
        Failure::DependencyConflict { wishes } => {
            let owner = |whose: &Whose| match whose {
                Whose::Core => "ComfyUI".to_owned(),
                Whose::Group(group) => group.strip_prefix("node-").unwrap_or(group).to_owned(),
                Whose::Package(package) => package.clone(),
            };
            let wishes: Vec<String> =
                wishes.iter().map(|wish| format!("{} wants {}", owner(&wish.whose), wish.requirement)).collect();
            format!(": requirements contradict each other or what there is ({})", wishes.join(", "))
        }
        Failure::UnknownPackage { name } => format!(": there is no package `{name}`"),
        Failure::NewerThanDate { name } => format!(": what is wanted of `{name}` is newer than the environment's date"),
        Failure::Network => ": a package could not be fetched".to_owned(),
        Failure::NotCached { name } => format!(": `{name}` is not in the cache, and there is no network"),
        Failure::BuildRefused { name } => {
            format!(": `{name}` has no wheel that fits, and source is not built without consent")
        }
        Failure::BuildFailed { name } => format!(": `{name}` could not be built"),
        Failure::GroupConflict => ": dependency groups are declared to exclude each other".to_owned(),
        Failure::PythonMissing => ": that version of Python is not here".to_owned(),
        Failure::PlatformWheel { name } if name.is_empty() => ": the lock does not cover this platform".to_owned(),
        Failure::PlatformWheel { name } => format!(": `{name}` has no wheel for this platform"),
        Failure::LockStale => ": the lock is not that of the manifest".to_owned(),
        Failure::InternalManifest => ": it cannot read the manifest".to_owned(),
        Failure::DiskFull => ": the file system is full".to_owned(),
        Failure::HashMismatch { name } => format!(": what came for `{name}` is not what the lock says"),
        Failure::Other => String::new(),
    }
}

impl Hint for Error {
    fn hint(&self) -> Option<String> {
        let failure = match self {
            Self::Missing => return Some("run once without --offline, which installs it; or install it (`pip install uv`), or name it with COMFYDOCK_UV".to_owned()),
            Self::Install { .. } => return Some("install it yourself (`pip install uv`), or name it with COMFYDOCK_UV".to_owned()),
            Self::TooOld { .. } => return Some("update it (`pip install --upgrade uv`, or `uv self update`), or name another with COMFYDOCK_UV".to_owned()),
            Self::Start { .. } => return None,
            Self::Failed { failure, .. } => failure,
        };
        let hint = match failure {
            Failure::DependencyConflict { .. } => {
                "one of them has to give way: take another version of the node pack, or put what all can live with into \
                 override-dependencies of [tool.uv] in .cec/pyproject.toml"
            }
            Failure::UnknownPackage { name } if comfydock_core::requirements::is_standard(name) => {
                "it is a part of Python itself; whoever made the node pack has to take it off its requirements"
            }
            Failure::UnknownPackage { .. } => {
                "is its name right? Packages of another index need it in [[tool.uv.index]] of .cec/pyproject.toml"
            }
            Failure::NewerThanDate { name } => {
                return Some(format!(
                    "packages are those of ComfyUI's time; to let this one be newer, add `exclude-newer-package = {{ {name} = false }}` to [tool.uv] in \
                     .cec/pyproject.toml, or update ComfyUI"
                ));
            }
            Failure::Network => "check the network; with --offline only what is in the cache is used",
            Failure::NotCached { .. } => "run it once with a network",
            Failure::BuildRefused { name } => {
                return Some(format!(
                    "source code of packages is run when it is built. If you trust it, add `accepted_builds = [\"{name}\"]` to the environment's \
                     .comfydock/machine.toml. It may also be that a version with a wheel is newer than [tool.uv] exclude-newer in .cec/pyproject.toml allows"
                ));
            }
            Failure::BuildFailed { .. } => {
                "building needs a compiler and the package's own prerequisites; its words are above"
            }
            Failure::GroupConflict => {
                "take `conflicts` out of [tool.uv] in .cec/pyproject.toml: one environment has one set of packages"
            }
            Failure::PythonMissing => "install that version of Python, or choose another with --python",
            Failure::PlatformWheel { .. } => {
                "the environment was locked for other systems ([tool.comfydock.environment] platforms in .cec/pyproject.toml); --add-platform of `clone`, `pull`, `repair` and `rollback` adds this one if it is not among them"
            }
            Failure::LockStale => "whoever changed the manifest has to lock it again: `comfydock commit` there",
            Failure::InternalManifest => "look at .cec/pyproject.toml: uv's words name the place",
            Failure::DiskFull => {
                "free some space (`df -h` shows which file system is full) and run the command again; nothing was changed"
            }
            Failure::HashMismatch { .. } => {
                "nothing of it was installed. If the index replaced a file, whoever made the environment has to lock it again"
            }
            Failure::Other => return None,
        };
        Some(hint.to_owned())
    }
}
