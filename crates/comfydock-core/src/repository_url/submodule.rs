//! Addresses that a repository gives for its submodules (`.gitmodules`).

use super::{Error, RepositoryUrl};

impl RepositoryUrl {
    /// The repository of a submodule: `text` as `.gitmodules` has it, in the repository at `of`. What
    /// starts with `./` or `../` stands beside that, as git takes it (gitmodules(5)).
    ///
    /// # Errors
    /// When it is no address of a repository, climbs above the server, or is a folder of this machine
    /// although the repository itself came from elsewhere.
    pub fn of_submodule(text: &str, of: &str) -> Result<Self, Error> {
        let around = Self::parse(of)?;
        let is_relative = text.starts_with("./") || text.starts_with("../");
        let found = if is_relative { Self::parse(&beside(text, &around)?) } else { Self::parse(text) }?;
        if found.is_local() && !around.is_local() {
            return Err(Error::new(text, "it is a folder of this machine, and the repository that names it is not"));
        }
        Ok(found)
    }
}

/// A relative address made whole.
fn beside(text: &str, of: &RepositoryUrl) -> Result<String, Error> {
    let whole = of.fetch_url();
    // What names the server stays: scheme and host, or `user@host:`.
    let path = match whole.find("://") {
        Some(scheme) => whole[scheme + 3..].find('/').map_or(whole.len(), |slash| scheme + 3 + slash),
        None if whole.starts_with('/') => 0,
        None => {
            let bracket = whole.find(']').unwrap_or(0);
            whole[bracket..].find(':').map_or(whole.len(), |colon| bracket + colon + 1)
        }
    };
    let (server, path) = whole.split_at(path);
    let root = if path.starts_with('/') { "/" } else { "" };
    let mut segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let mut rest = text;
    loop {
        if let Some(after) = rest.strip_prefix("./") {
            rest = after;
        } else if let Some(after) = rest.strip_prefix("../") {
            if segments.pop().is_none() {
                return Err(Error::new(text, "it climbs above the server"));
            }
            rest = after;
        } else {
            break;
        }
    }
    if rest.split('/').any(|segment| segment == "..") {
        return Err(Error::new(text, "it climbs with `..`"));
    }
    segments.push(rest);
    Ok(format!("{server}{root}{}", segments.join("/")))
}
