//! File names of wheels: `name-version(-build)?-python-abi-platform.whl`.

use super::name;

/// What the name of a wheel's file says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wheel {
    /// The package.
    pub(super) name: String,
    /// Where it can be installed, as a marker; none where it can be anywhere.
    pub(super) marker: Option<String>,
}

/// Reads the name of a wheel's file; none when it is not one.
pub(super) fn read(file: &str) -> Option<Wheel> {
    let parts: Vec<&str> = file.strip_suffix(".whl")?.split('-').collect();
    let [package, _version, .., python, abi, platform] = parts[..] else { return None };
    if !(5..=6).contains(&parts.len()) || !name::is_valid(package) {
        return None;
    }
    let conditions: Vec<String> = version_of(python, abi).into_iter().chain(system_of(platform)).collect();
    let marker = (!conditions.is_empty()).then(|| conditions.join(" and "));
    Some(Wheel { name: package.replace('_', "-"), marker })
}

/// `cp311` with its own ABI runs on one version, with `abi3` on later ones too.
fn version_of(python: &str, abi: &str) -> Option<String> {
    let digits = python.strip_prefix("cp").filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let (major, minor) = digits.split_at_checked(1)?;
    let operator = if abi == "abi3" { ">=" } else { "==" };
    (!minor.is_empty()).then(|| format!("python_version {operator} '{major}.{minor}'"))
}

/// The system and machine, when all platform tags agree about them.
fn system_of(platform: &str) -> Vec<String> {
    let tags: Vec<&str> = platform.split('.').collect();
    let all = |prefixes: &[&str]| tags.iter().all(|tag| prefixes.iter().any(|prefix| tag.starts_with(prefix)));
    let (system, machines) = if all(&["win"]) {
        ("win32", [("amd64", "AMD64"), ("arm64", "ARM64")])
    } else if all(&["macosx"]) {
        ("darwin", [("x86_64", "x86_64"), ("arm64", "arm64")])
    } else if all(&["linux", "manylinux", "musllinux"]) {
        ("linux", [("x86_64", "x86_64"), ("aarch64", "aarch64")])
    } else {
        return Vec::new();
    };
    let machine = machines.iter().find(|(ending, _)| tags.iter().all(|tag| tag.ends_with(ending)));
    let machine = machine.map(|(_, machine)| format!("platform_machine == '{machine}'"));
    std::iter::once(format!("sys_platform == '{system}'")).chain(machine).collect()
}
