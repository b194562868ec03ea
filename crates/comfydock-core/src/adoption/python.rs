//! Which Python an installation was run with, from names and texts: it is not started.

/// `3.11` of `3.11.7`, `3.11`, `3.11.7.final.0` or `Python 3.11.7`; none when it is no Python 3.
pub fn minor(text: &str) -> Option<String> {
    let text = text.trim().trim_start_matches("Python ").trim_start_matches(['=', '>', '~', '^']).trim();
    let mut parts = text.split('.');
    let (major, minor) = (parts.next()?, parts.next()?);
    let number: u8 = minor.split(|other: char| !other.is_ascii_digit()).next()?.parse().ok()?;
    (major == "3").then(|| format!("3.{number}"))
}

/// What `pyvenv.cfg` of a virtual environment says.
pub fn of_venv(text: &str) -> Option<String> {
    let said = |wanted: &str| {
        let lines = text.lines().filter_map(|line| line.split_once('='));
        lines.filter(|(key, _)| key.trim() == wanted).find_map(|(_, value)| minor(value))
    };
    said("version_info").or_else(|| said("version"))
}

/// The version that a folder in `lib` is named by, as `python3.11`.
pub fn of_library_folder(name: &str) -> Option<String> {
    name.strip_prefix("python").and_then(minor)
}

/// The version of an embedded Python for Windows, by the names beside `python.exe`:
/// `python311._pth`, `python311.dll`, `python311.zip`.
pub fn of_embedded<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let digits = |name: &str| {
        let lower = name.to_ascii_lowercase();
        let stem = ["._pth", ".dll", ".zip"].iter().find_map(|ending| lower.strip_suffix(ending))?.to_owned();
        let digits = stem.strip_prefix("python3")?;
        (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| format!("3.{digits}"))
    };
    names.into_iter().find_map(digits)
}
