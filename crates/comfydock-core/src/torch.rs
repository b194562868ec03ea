//! The torch family: packages that fit one build of torch, which the environment chooses and the
//! machine has (decisions 17, 74 and 76).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::requirements::Requirement;

/// The three that each backend's index has in a build of its own, with a local version.
pub const BUILT: [&str; 3] = ["torch", "torchvision", "torchaudio"];

/// Whether a package comes in one build for each backend, so that a machine may have another than
/// the lock says: [`BUILT`] and xformers.
pub fn has_builds(package: &str) -> bool {
    BUILT.contains(&package) || package == "xformers"
}

/// Whether a package's version follows from torch's: a node pack that asks for another would replace
/// torch for all of them.
pub fn is_family(package: &str) -> bool {
    let cuda = || {
        let (_, version) = package.strip_prefix("nvidia-")?.rsplit_once("-cu")?;
        Some(!version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit()))
    };
    has_builds(package) || package.starts_with("pytorch-triton") || package == "triton" || cuda() == Some(true)
}

/// A node pack's requirement of the torch family without its version, when the environment has
/// torch; `versions` are those of the environment's packages. With it a note, when the version that
/// is there is not one the pack wants.
pub fn left_aside(wish: &Requirement, versions: &BTreeMap<String, String>) -> Option<(Requirement, Option<String>)> {
    let package = wish.package();
    let torch = versions.get("torch")?;
    if !is_family(&package) || wish.wish().is_empty() {
        return None;
    }
    let here = versions.get(&package);
    let fits = here.is_some_and(|here| wish.allows(here) == Some(true));
    let (name, version) = here.map_or(("torch", torch), |here| (package.as_str(), here));
    let note = || format!("`{}{}` is left aside: the environment has {name} {version}", wish.name, wish.wish());
    Some((wish.of_any_version(), (!fits).then(note)))
}

/// Which build of torch a machine has (decision 76).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Backend {
    /// What the package index everybody locks from serves.
    #[default]
    Pypi,
    /// The processor alone.
    Cpu,
    /// NVIDIA, by the version of CUDA: `cu128`.
    Cuda(u32),
    /// AMD, by the version of ROCm: `rocm6.4`.
    Rocm(String),
}

/// What a machine's owner says about the build of torch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Choice {
    /// Looked up: what the graphics driver can run.
    Auto,
    /// This one.
    Set(Backend),
    /// Nothing was said; as [`Backend::Pypi`].
    #[default]
    Unsaid,
}

/// A word that names no backend.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no torch backend; known are pypi, auto, cpu, cuNNN (as cu128) and rocmN.N (as rocm6.4)")]
pub struct Unknown(String);

impl Backend {
    /// The local part of this build's versions: `2.9.0+cu128`. None for [`Backend::Pypi`].
    pub fn tag(&self) -> Option<String> {
        (*self != Self::Pypi).then(|| self.to_string())
    }

    /// The newest CUDA build that a driver can run, by what `nvidia-smi` prints as its CUDA
    /// version; the builds are those that torch 2.x has had.
    pub fn for_driver(major: u32, minor: u32) -> Self {
        let version = major.saturating_mul(10).saturating_add(minor);
        let built = [130, 129, 128, 126, 124, 121, 118];
        built.into_iter().find(|build| *build <= version).map_or(Self::Cpu, Self::Cuda)
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pypi => formatter.write_str("pypi"),
            Self::Cpu => formatter.write_str("cpu"),
            Self::Cuda(version) => write!(formatter, "cu{version}"),
            Self::Rocm(version) => write!(formatter, "rocm{version}"),
        }
    }
}

impl FromStr for Backend {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        let digits = |text: &str| !text.is_empty() && text.len() < 5 && text.bytes().all(|byte| byte.is_ascii_digit());
        match text {
            "pypi" => return Ok(Self::Pypi),
            "cpu" => return Ok(Self::Cpu),
            _ => {}
        }
        if let Some(version) = text.strip_prefix("cu").filter(|version| digits(version)) {
            return version.parse().map(Self::Cuda).map_err(|_| Unknown(text.to_owned()));
        }
        let rocm = text.strip_prefix("rocm").filter(|version| {
            version.split_once('.').is_some_and(|(major, minor)| digits(major) && minor.split('.').all(digits))
        });
        rocm.map(|version| Self::Rocm(version.to_owned())).ok_or_else(|| Unknown(text.to_owned()))
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => formatter.write_str("auto"),
            Self::Set(backend) => backend.fmt(formatter),
            Self::Unsaid => Backend::Pypi.fmt(formatter),
        }
    }
}

impl FromStr for Choice {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        if text == "auto" { Ok(Self::Auto) } else { text.parse().map(Self::Set) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_family_is_what_fits_one_torch() {
        for member in [
            "torch",
            "torchvision",
            "torchaudio",
            "xformers",
            "triton",
            "pytorch-triton-rocm",
            "nvidia-cudnn-cu12",
            "nvidia-nccl-cu13",
        ] {
            assert!(is_family(member), "{member}");
        }
        for other in
            ["torchsde", "torchmetrics", "nvidia-ml-py", "nvidia-cuda", "nvidia-x-cu", "numpy", "triton-windows"]
        {
            assert!(!is_family(other), "{other}");
        }
    }

    #[test]
    fn what_a_pack_says_of_torch_is_left_aside() {
        let versions: BTreeMap<String, String> = [("torch", "2.9.0"), ("torchaudio", "2.9.0"), ("numpy", "2.3")]
            .map(|(name, version)| (name.into(), version.into()))
            .into();
        for (line, expected, note) in [
            ("torch==2.0.1", Some("torch"), Some("`torch==2.0.1` is left aside: the environment has torch 2.9.0")),
            ("Torch >= 2.0 ; sys_platform == 'linux'", Some("Torch ; sys_platform == 'linux'"), None),
            ("torch>=2.0,!=2.4.*,<3", Some("torch"), None),
            ("torch~=2.10", Some("torch"), Some("`torch~=2.10` is left aside: the environment has torch 2.9.0")),
            (
                "torch>=2.9.0rc1",
                Some("torch"),
                Some("`torch>=2.9.0rc1` is left aside: the environment has torch 2.9.0"),
            ),
            ("torch==2.9.0+cu128", Some("torch"), None),
            (
                "torch @ https://x.org/torch-2.1-cp311-cp311-linux_x86_64.whl",
                Some("torch"),
                Some(
                    "`torch @ https://x.org/torch-2.1-cp311-cp311-linux_x86_64.whl` is left aside: the environment has torch 2.9.0",
                ),
            ),
            (
                "xformers==0.0.20",
                Some("xformers"),
                Some("`xformers==0.0.20` is left aside: the environment has torch 2.9.0"),
            ),
            ("torch", None, None),
            ("numpy<2", None, None),
            ("torchsde==0.1", None, None),
        ] {
            let found = left_aside(&Requirement::parse(line).unwrap(), &versions);
            assert_eq!(found.as_ref().map(|(kept, _)| kept.to_string()).as_deref(), expected, "{line}");
            assert_eq!(found.and_then(|(_, note)| note).as_deref(), note, "{line}");
        }
        let none = BTreeMap::new();
        assert!(left_aside(&Requirement::parse("torch==2.0.1").unwrap(), &none).is_none(), "nobody else has torch");
    }

    #[test]
    fn backends_are_spelled_one_way() {
        for word in ["pypi", "cpu", "cu128", "cu118", "rocm6.4", "rocm6.2.4"] {
            let backend: Backend = word.parse().unwrap();
            assert_eq!(backend.to_string(), word);
            assert_eq!(backend.tag().as_deref(), Some(word).filter(|word| *word != "pypi"));
        }
        for word in ["", "cuda", "cu", "cu12.8", "cu128/../x", "rocm", "rocm6", "rocm6.", "gpu", "CPU", "auto"] {
            assert!(word.parse::<Backend>().is_err(), "{word}");
        }
        assert_eq!("auto".parse::<Choice>().unwrap(), Choice::Auto);
        assert_eq!("cpu".parse::<Choice>().unwrap(), Choice::Set(Backend::Cpu));
        assert_eq!(Choice::default().to_string(), "pypi");
    }

    #[test]
    fn a_driver_runs_builds_up_to_its_own_version() {
        for (driver, expected) in
            [((13, 2), "cu130"), ((12, 8), "cu128"), ((12, 7), "cu126"), ((12, 0), "cu118"), ((11, 4), "cpu")]
        {
            assert_eq!(Backend::for_driver(driver.0, driver.1).to_string(), expected);
        }
    }
}
