//! Bare URLs in requirements files, which pip takes and PEP 508 does not.

use super::pep508::{Requirement, Where};
use super::{name, wheel};

/// What keeps us from taking a URL; none when it may be taken. A URL with a password would be
/// committed and pushed.
pub(super) fn reason_against(text: &str) -> Option<&'static str> {
    let Ok(url) = ::url::Url::parse(text) else { return Some("it is no URL") };
    let (version_control, scheme) =
        url.scheme().split_once('+').map_or(("", url.scheme()), |(kind, rest)| (kind, rest));
    if scheme == "file" {
        return Some("a path on the author's machine");
    }
    if !matches!((version_control, scheme), ("", "http" | "https") | ("git", "https" | "http" | "ssh" | "git")) {
        return Some("packages from such a URL cannot be had here; git+https:// and https:// can");
    }
    let named = !url.username().is_empty() && url.username() != "git";
    (url.password().is_some() || named).then_some("it carries a name or password, which would be committed")
}

/// `git+https://host/x@ref#egg=name&subdirectory=y` and URLs of wheels and archives, as PEP 508
/// writes them.
pub(super) fn to_requirement(text: &str) -> Result<Requirement, String> {
    let (url, marker) = match text.split_once(|character: char| character.is_whitespace() || character == ';') {
        Some((url, rest)) => (url, Some(rest.trim_start_matches([' ', '\t', ';']).trim().to_owned())),
        None => (text, None),
    };
    if let Some(reason) = reason_against(url) {
        return Err(reason.to_owned());
    }
    let (place, fragment) = url.split_once('#').unwrap_or((url, ""));
    let egg = fragment.split('&').find_map(|part| part.strip_prefix("egg="));
    let file = place.split('?').next().unwrap_or(place).rsplit('/').next().unwrap_or_default();
    let file = file.replace("%2B", "+").replace("%2b", "+");
    let (package, found) = if let Some(egg) = egg {
        (Some(egg.to_owned()), None)
    } else if let Some(wheel) = wheel::read(&file) {
        (Some(wheel.name), wheel.marker)
    } else {
        (archive_name(&file), None)
    };
    let package = package.ok_or("which package this is, it does not say; write it as `name @ URL`")?;
    // An egg may have extras, and a version that a URL has no need of.
    let known = Requirement::parse(&package)
        .map_err(|_| format!("`{package}` is no name of a package; write it as `name @ URL`"))?;
    let requirement = Requirement { which: Where::Url(url.to_owned()), marker: marker.or(found), ..known };
    Requirement::parse(&without_egg(&requirement).to_string())
}

/// The same requirement without `egg=` in its URL, which PEP 508 has no use for.
pub(super) fn without_egg(requirement: &Requirement) -> Requirement {
    let Where::Url(url) = &requirement.which else { return requirement.clone() };
    let Some((place, fragment)) = url.split_once('#') else { return requirement.clone() };
    let rest: Vec<&str> = fragment.split('&').filter(|part| !part.is_empty() && !part.starts_with("egg=")).collect();
    let url = if rest.is_empty() { place.to_owned() } else { format!("{place}#{}", rest.join("&")) };
    Requirement { which: Where::Url(url), ..requirement.clone() }
}

/// `name-1.0.tar.gz`: what comes before the last `-` with a digit after it. The archive of a
/// branch (`main.zip`) has no name.
fn archive_name(file: &str) -> Option<String> {
    let stem = [".tar.gz", ".zip", ".tgz", ".tar.bz2"].iter().find_map(|ending| file.strip_suffix(ending))?;
    let (package, version) = stem.rsplit_once('-')?;
    let fits = name::is_valid(package) && version.starts_with(|first: char| first.is_ascii_digit());
    fits.then(|| package.to_owned())
}
