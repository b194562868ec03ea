//! Repositories in a folder of this machine.

use super::remote::decoded;
use super::{Error, RepositoryUrl, reference};

/// The path of a `file://` URL.
pub(super) fn of_file(text: &str, encoded: &str) -> Result<RepositoryUrl, Error> {
    let (path, reference) = split(text, encoded)?;
    let key = decoded(text, path)?;
    take(text, &key, format!("file://{path}"), reference)
}

/// An absolute path.
pub(super) fn of_path(text: &str, path: &str) -> Result<RepositoryUrl, Error> {
    let (path, reference) = split(text, path)?;
    take(text, path, path.to_owned(), reference)
}

/// Splits off what trails, and the reference.
fn split<'path>(text: &str, path: &'path str) -> Result<(&'path str, Option<String>), Error> {
    let path = path.trim_end_matches(|letter: char| letter == '/' || letter.is_whitespace());
    let start = path.rfind('/').map_or(0, |at| at + 1);
    let Some((name, reference)) = reference::split(&path[start..]) else { return Ok((path, None)) };
    Ok((path[..start + name.len()].trim_end(), Some(reference::check(text, reference)?)))
}

fn take(text: &str, path: &str, fetch: String, reference: Option<String>) -> Result<RepositoryUrl, Error> {
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.contains(&"..") {
        return Err(Error::new(text, "it climbs with `..`").with_hint("give the path without `..`"));
    }
    if parts.first().is_some_and(|part| part.len() == 2 && part.ends_with(':')) {
        return Err(Error::new(text, "it is a path of Windows"));
    }
    // The repository inside a checkout is the checkout's.
    if parts.last() == Some(&".git") {
        parts.pop();
    }
    let Some(last) = parts.last() else { return Err(Error::new(text, "it names no repository")) };
    let name = last.strip_suffix(".git").unwrap_or(last).to_owned();
    // `R` and `R.git` beside each other are a checkout and its origin, so the ending stays here.
    Ok(RepositoryUrl { fetch, reference, key: format!("/{}", parts.join("/")), name })
}
