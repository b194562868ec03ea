//! Repositories on a host.

use url::Url;

use super::forge::{self, Forge};
use super::{Error, RepositoryUrl, reference};

/// A URL of the network.
pub(super) fn of_url(text: &str, mut url: Url) -> Result<RepositoryUrl, Error> {
    let host = url.host_str().unwrap_or_default().to_owned();
    let host = host_name(text, &host, url.username())?;
    // The parser knows no default port of ssh and git, and has left out the others.
    let default = match url.scheme() {
        "ssh" => Some(22),
        "git" => Some(9418),
        _ => None,
    };
    let port = url.port().filter(|port| Some(*port) != default);
    let (host, port) = forge::canonical(host, port);
    let path = url.path().to_owned();
    let found = Found::read(text, Forge::of(&host), &path)?;
    url.set_query(None);
    url.set_fragment(None);
    url.set_path(&format!("/{}", found.segments.join("/")));
    found.take(text, &host, port, url.to_string())
}

/// `[user@]host:path`.
pub(super) fn of_ssh(text: &str, place: &str, path: &str) -> Result<RepositoryUrl, Error> {
    let (user, host) = place.rsplit_once('@').unwrap_or(("", place));
    let (host, _) = forge::canonical(host_name(text, host, user)?, None);
    let path = path.split(['#', '?']).next().unwrap_or(path);
    if path.starts_with('-') {
        return Err(Error::new(text, "its path starts with `-`, which a program would take for an option"));
    }
    let found = Found::read(text, Forge::of(&host), path.trim_end())?;
    if found.segments.contains(&"..") {
        return Err(Error::new(text, "it climbs with `..`"));
    }
    let root = if path.starts_with('/') { "/" } else { "" };
    let fetch = format!("{place}:{root}{}", found.segments.join("/"));
    found.take(text, &host, None, fetch)
}

/// The host in lower case, if it is one.
fn host_name(text: &str, host: &str, user: &str) -> Result<String, Error> {
    let lower = host.trim_end_matches('.').to_ascii_lowercase();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_');
    let address = lower.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let fits = match address {
        Some(address) => {
            !address.is_empty() && address.chars().all(|letter| letter.is_ascii_hexdigit() || ":.".contains(letter))
        }
        None => lower.chars().all(plain),
    };
    if lower.is_empty() {
        Err(Error::new(text, "it has no host"))
    } else if !fits || lower.starts_with('-') {
        Err(Error::new(text, "its host is no name of a host"))
    } else if user.starts_with('-') || user.contains(char::is_whitespace) {
        Err(Error::new(text, "its user is no name of a user"))
    } else {
        Ok(lower)
    }
}

/// A path taken apart.
struct Found<'path> {
    /// The repository's segments, as spelled.
    segments: Vec<&'path str>,
    reference: Option<String>,
    forge: Option<Forge>,
}

impl<'path> Found<'path> {
    fn read(text: &str, forge: Option<Forge>, path: &'path str) -> Result<Self, Error> {
        let mut segments: Vec<&str> =
            path.split('/').map(str::trim_end).filter(|part| !part.is_empty() && *part != ".").collect();
        let mut found: Vec<String> = Vec::new();
        // No forge that we know has names with `@`, so what follows it there may have slashes. Elsewhere
        // it must be the last segment.
        let mut places = match forge {
            Some(_) => 1..segments.len(),
            None => segments.len().saturating_sub(1)..segments.len(),
        };
        if let Some((at, (name, first))) = places.find_map(|at| Some((at, reference::split(segments[at])?))) {
            let rest = std::iter::once(first).chain(segments[at + 1..].iter().copied()).collect::<Vec<_>>();
            found.push(plain(text, &rest.join("/"))?);
            segments.truncate(at);
            segments.push(name.trim_end());
        }
        let page = forge::page(text, forge, &segments)?;
        segments.truncate(page.repository);
        if let Some(reference) = page.reference {
            found.push(plain(text, reference)?);
        }
        if found.len() > 1 || segments.last().is_some_and(|last| reference::split(last).is_some()) {
            return Err(Error::new(text, "it names two references"));
        }
        let reference = found.pop().map(|reference| reference::check(text, &reference)).transpose()?;
        Ok(Self { segments, reference, forge })
    }

    fn take(self, text: &str, host: &str, port: Option<u16>, fetch: String) -> Result<RepositoryUrl, Error> {
        let mut path = decoded(text, &self.segments.join("/"))?;
        let ending = path.len().checked_sub(4).and_then(|at| path.get(at..));
        if ending.is_some_and(|ending| ending == ".git" || self.forge.is_some() && ending.eq_ignore_ascii_case(".git"))
        {
            path.truncate(path.len() - 4);
        }
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        if name.is_empty() {
            return Err(Error::new(text, "it names no repository"));
        }
        if self.forge.is_some() {
            path.make_ascii_lowercase();
        }
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        Ok(RepositoryUrl { fetch, reference: self.reference, key: format!("{host}{port}/{path}"), name })
    }
}

/// A reference, in which an encoded slash is one.
fn plain(text: &str, encoded: &str) -> Result<String, Error> {
    Ok(decoded(text, encoded)?.replace("%2F", "/").replace("%2f", "/"))
}

/// Takes `%41` for `A`. An encoded slash stays what it is, because it is part of a name.
pub(super) fn decoded(text: &str, encoded: &str) -> Result<String, Error> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let [first, tail @ ..] = rest {
        let value = match (first, tail) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)).map(|(high, low)| high * 16 + low),
            _ => None,
        };
        match value.filter(|value| *value != b'/') {
            Some(value) => {
                bytes.push(value);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    match String::from_utf8(bytes) {
        Ok(plain) if !plain.chars().any(char::is_control) => Ok(plain),
        Ok(_) => Err(Error::new(text, "it contains a control character")),
        Err(_) => Err(Error::new(text, "its path is not UTF-8")),
    }
}

fn hex(digit: u8) -> Option<u8> {
    u8::try_from(char::from(digit).to_digit(16)?).ok()
}
