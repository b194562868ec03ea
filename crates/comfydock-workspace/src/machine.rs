//! What belongs to this machine and never travels: `.comfydock/machine.toml` of an environment
//! (formats.md).

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr;

use comfydock_core::torch::{Backend, Choice};
use comfydock_store::file;
use serde::Deserialize;
use toml_edit::{Array, DocumentMut, value};

use crate::Error;
use crate::environment::Environment;
use crate::reporter::Reporter;

/// Where builds of torch come from when nothing else is said; `{backend}` is the build's name.
const TORCH_INDEX: &str = "https://download.pytorch.org/whl/{backend}";

/// `machine.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Machine {
    /// Which build of torch is wanted.
    pub torch: Choice,
    /// The index of these builds, with `{backend}` for the build's name.
    pub torch_index: Option<String>,
    /// Packages whose source code may be built here.
    pub accepted_builds: Vec<String>,
}

/// The file's own form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    torch: Option<String>,
    torch_index: Option<String>,
    #[serde(default)]
    accepted_builds: Vec<String>,
}

impl Machine {
    /// What the environment's owner said on this machine; nothing where the file is missing.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn load(environment: &Environment) -> Result<Self, Error> {
        let path = path(environment);
        let Some(text) = file::find_text(&path)? else { return Ok(Self::default()) };
        let wrong = |reason: String| {
            let message = format!("`{}`: {reason}", path.display());
            Error::refused(message, "correct the file, or remove it: then torch is what the package index has")
        };
        let raw: Raw =
            toml_edit::de::from_str(&text).map_err(|error| wrong(error.to_string().trim_end().to_owned()))?;
        let torch = raw.torch.map_or(Ok(Choice::default()), |word| Choice::from_str(&word));
        let torch = torch.map_err(|error| wrong(error.to_string()))?;
        Ok(Self { torch, torch_index: raw.torch_index, accepted_builds: raw.accepted_builds })
    }

    /// Writes the file, keeping what else the user wrote into it.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub fn save(&self, environment: &Environment) -> Result<(), Error> {
        let path = path(environment);
        let text = file::find_text(&path)?.unwrap_or_default();
        let mut document: DocumentMut = text.parse().unwrap_or_default();
        let torch = (self.torch != Choice::Unsaid).then(|| value(self.torch.to_string()));
        let builds = (!self.accepted_builds.is_empty()).then(|| value(self.accepted_builds.iter().collect::<Array>()));
        for (key, said) in
            [("torch", torch), ("torch_index", self.torch_index.as_ref().map(value)), ("accepted_builds", builds)]
        {
            match said {
                // By its place, so that a comment above it stays.
                Some(said) => document[key] = said,
                None => {
                    document.remove(key);
                }
            }
        }
        Ok(file::write(&path, document.to_string().as_bytes())?)
    }

    /// The build of torch this machine has.
    pub fn backend(&self) -> Backend {
        match &self.torch {
            Choice::Set(backend) => backend.clone(),
            Choice::Auto => detect(),
            Choice::Unsaid => Backend::Pypi,
        }
    }

    /// The index of a backend's builds: COMFYDOCK_TORCH_INDEX, the file's, PyTorch's own.
    pub fn index(&self, backend: &Backend) -> String {
        let named = std::env::var("COMFYDOCK_TORCH_INDEX").ok().filter(|index| !index.is_empty());
        let index = named.or_else(|| self.torch_index.clone()).unwrap_or_else(|| TORCH_INDEX.to_owned());
        index.replace("{backend}", &backend.to_string())
    }
}

fn path(environment: &Environment) -> PathBuf {
    environment.home().join("machine.toml")
}

/// Takes `--torch` for a new environment. `auto` is looked up once, and what was found is what is
/// kept: another driver shall not change the packages by itself.
pub fn choose(choice: &Choice, reporter: &dyn Reporter) -> Machine {
    let torch = match choice {
        Choice::Auto => {
            let found = detect();
            reporter.note(format!("torch: `{found}` fits this machine"));
            Choice::Set(found)
        }
        other => other.clone(),
    };
    Machine { torch, ..Machine::default() }
}

/// The build that fits the graphics driver: of NVIDIA by the newest CUDA it says it can run, of AMD by
/// the version of ROCm; without either the processor's.
fn detect() -> Backend {
    nvidia().or_else(|| rocm(Path::new("/opt/rocm/.info/version"))).unwrap_or(Backend::Cpu)
}

fn nvidia() -> Option<Backend> {
    let output = Command::new("nvidia-smi").stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    if output.status.success() { from_smi(&String::from_utf8_lossy(&output.stdout)) } else { None }
}

/// Reads `CUDA Version: 12.8` in the head of what `nvidia-smi` prints.
fn from_smi(text: &str) -> Option<Backend> {
    let (_, rest) = text.split_once("CUDA Version:")?;
    let (major, minor) = rest.split_whitespace().next()?.split_once('.')?;
    Some(Backend::for_driver(major.parse().ok()?, minor.parse().ok()?))
}

fn rocm(version_file: &Path) -> Option<Backend> {
    let text = std::fs::read_to_string(version_file).ok()?;
    let mut numbers = text.trim().split(['.', '-']);
    let (major, minor) = (numbers.next()?, numbers.next()?);
    format!("rocm{major}.{minor}").parse().ok()
}

#[cfg(test)]
mod tests {
    use comfydock_core::name::EnvironmentName;

    use super::*;

    fn environment(folder: &Path) -> Environment {
        let environment = Environment::at(EnvironmentName::parse("x").unwrap(), folder.to_owned());
        environment.furnish().unwrap();
        environment
    }

    #[test]
    fn what_was_said_is_kept_beside_the_users_own_lines() {
        let folder = tempfile::tempdir().unwrap();
        let environment = environment(folder.path());
        assert_eq!(Machine::load(&environment).unwrap(), Machine::default());
        let path = path(&environment);
        std::fs::write(&path, "# mine\ntorch = \"cu128\" # the big card\naccepted_builds = [\"sd\"]\n").unwrap();
        let mut machine = Machine::load(&environment).unwrap();
        assert_eq!((machine.torch.to_string(), &machine.accepted_builds[..]), ("cu128".into(), &["sd".to_owned()][..]));
        machine.torch_index = Some("https://mirror.example/{backend}/".to_owned());
        machine.save(&environment).unwrap();
        assert_eq!(Machine::load(&environment).unwrap(), machine);
        assert_eq!(machine.index(&machine.backend()), "https://mirror.example/cu128/");
        assert!(std::fs::read_to_string(&path).unwrap().starts_with("# mine\n"));
        for (text, reason) in
            [("torch = \"gpu\"", "no torch backend"), ("tocrh = \"cpu\"", "unknown field"), ("[[", "expected")]
        {
            std::fs::write(&path, text).unwrap();
            assert!(Machine::load(&environment).unwrap_err().to_string().contains(reason), "{text}");
        }
    }

    #[test]
    fn drivers_say_what_they_can_run() {
        let head = "| NVIDIA-SMI 570.124.06    Driver Version: 570.124.06    CUDA Version: 12.8     |\n";
        assert_eq!(from_smi(head), Some(Backend::Cuda(128)));
        assert_eq!(from_smi("NVIDIA-SMI has failed"), None);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("version");
        assert_eq!(rocm(&file), None);
        std::fs::write(&file, "6.4.1-83\n").unwrap();
        assert_eq!(rocm(&file).unwrap().to_string(), "rocm6.4");
    }
}
