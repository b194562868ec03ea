//! Hugging Face's answers: headers of a file, entries of a tree, and what it says instead.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Refusal, list};
use crate::digest::{CommitId, Sha256};

/// What the headers of the site's own hop tell about a file. Those of the storage it sends on to mean
/// something else and are never read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    /// The commit that the revision stood for.
    pub commit: CommitId,
    /// What the bytes hash to; absent for small files that git itself keeps.
    pub sha256: Option<Sha256>,
    /// Bytes.
    pub size: Option<u64>,
}

/// A file of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its path in the repository.
    pub path: String,
    /// Bytes.
    pub size: Option<u64>,
    /// What the bytes hash to; absent for small files that git itself keeps.
    pub sha256: Option<Sha256>,
}

/// Reads the headers of an answer to a request for a file; nothing if the commit is missing.
pub fn resolved<'header>(header: impl Fn(&str) -> Option<&'header str>) -> Option<Resolved> {
    Some(Resolved {
        commit: CommitId::parse(header("x-repo-commit")?.trim()).ok()?,
        sha256: header("x-linked-etag").map(bare_tag).and_then(|tag| Sha256::parse(tag).ok()),
        size: header("x-linked-size").and_then(|size| size.trim().parse().ok()),
    })
}

/// An ETag without its quotes and without the mark of a weak one.
pub fn bare_tag(tag: &str) -> &str {
    tag.trim().trim_start_matches("W/").trim_matches('"')
}

/// Reads the files of a tree or of an answer about paths.
///
/// # Errors
/// What is wrong with it, as a clause.
pub fn entries(body: &[u8]) -> Result<Vec<Entry>, String> {
    let entry = |value: &Value| {
        (value.get("type")?.as_str()? == "file").then_some(())?;
        let lfs = value.get("lfs");
        let oid = lfs.and_then(|lfs| lfs.get("oid")).and_then(Value::as_str);
        Some(Entry {
            path: value.get("path")?.as_str()?.to_owned(),
            size: lfs.and_then(|lfs| lfs.get("size")).or(value.get("size")).and_then(Value::as_u64),
            sha256: oid.and_then(|oid| Sha256::parse(oid.strip_prefix("sha256:").unwrap_or(oid)).ok()),
        })
    };
    list::entries(body, entry).map_err(|_| "no list of files".to_owned())
}

/// The address of the next page, from a `Link` header.
pub fn next_page(link: &str) -> Option<&str> {
    link.split(',').find_map(|part| {
        let (address, parameters) = part.trim().strip_prefix('<')?.split_once('>')?;
        parameters
            .split(';')
            .any(|parameter| matches!(parameter.trim(), "rel=\"next\"" | "rel=next"))
            .then_some(address)
    })
}

/// What a status and headers mean; nothing if they are no refusal.
///
/// The site answers 401 to who is not logged in for what does not exist too, unless its code says so.
/// `wait` are the seconds it asks to stay away.
pub fn refusal<'header>(
    status: u16,
    wait: Option<u32>,
    header: impl Fn(&str) -> Option<&'header str>,
) -> Option<Refusal> {
    let message = || header("x-error-message").map(|text| text.chars().take(200).collect::<String>());
    // What was taken down for everybody; no token helps.
    let disabled = || message().is_some_and(|text| text.to_lowercase().contains("is disabled"));
    Some(match (status, header("x-error-code")) {
        (200..=399, _) => return None,
        (_, Some("GatedRepo")) => Refusal::Gated,
        (_, Some("RepoNotFound")) if status == 401 => Refusal::Login(message()),
        (_, Some("RepoNotFound" | "RevisionNotFound" | "EntryNotFound")) | (404, _) => Refusal::Missing,
        (401, _) => Refusal::Login(message()),
        (403, _) if disabled() => Refusal::Disabled,
        (403, _) => Refusal::Forbidden(message()),
        (410, _) => Refusal::Archived,
        (429, _) => Refusal::Busy(wait),
        (451, _) => Refusal::Region,
        (500..=599, _) => Refusal::Broken(status),
        _ => Refusal::Odd(status),
    })
}

#[cfg(test)]
mod tests;
