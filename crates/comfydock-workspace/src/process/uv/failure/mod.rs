//! What uv's words mean (decision 75). They differ between its versions, and until 0.9 they are
//! broken at 80 columns; so they are read with the line breaks taken out.

/// Why uv failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Requirements contradict each other.
    DependencyConflict {
        /// Who wants what, in the order uv says it.
        wishes: Vec<Wish>,
    },
    /// No index has such a package.
    UnknownPackage {
        /// The package.
        name: String,
    },
    /// The package is newer than the environment's date allows (decision 18).
    NewerThanDate {
        /// The package.
        name: String,
    },
    /// Something could not be reached.
    Network,
    /// Without a network the package could not be had from the cache.
    NotCached {
        /// The package.
        name: String,
    },
    /// The package would have to be built from source, which needs consent (decision 19).
    BuildRefused {
        /// The package.
        name: String,
    },
    /// The package could not be built.
    BuildFailed {
        /// The package.
        name: String,
    },
    /// Groups are declared as contradicting each other.
    GroupConflict,
    /// There is no such Python.
    PythonMissing,
    /// The package has no wheel for this platform, or the lock does not cover it.
    PlatformWheel {
        /// The package; empty when it is the whole lock.
        name: String,
    },
    /// The lock is not that of the manifest.
    LockStale,
    /// A file that we wrote, or the user did, is not what uv takes.
    InternalManifest,
    /// There is no room.
    DiskFull,
    /// Something that was fetched is not what the lock says.
    HashMismatch {
        /// The package.
        name: String,
    },
    /// Anything else.
    Other,
}

/// Somebody's wish for a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Who wishes it.
    pub whose: Whose,
    /// The package with its versions, as uv writes it.
    pub requirement: String,
}

/// Who wishes for a package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whose {
    /// ComfyUI's own requirements.
    Core,
    /// A dependency group: a node pack.
    Group(String),
    /// Another package.
    Package(String),
}

/// The same text on one line, without the drawing that older versions frame it with.
fn flat(text: &str) -> String {
    let is_frame = |word: &&str| !matches!(*word, "×" | "╰─▶" | "├─▶" | "│");
    text.split_whitespace().filter(is_frame).collect::<Vec<_>>().join(" ")
}

/// What stands between two pieces of text, without quotes.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    let (found, _) = rest.split_once(after)?;
    Some(found.trim().trim_matches('`'))
}

/// The package of `name==1.0` or `name @ URL`.
fn package(text: &str) -> String {
    text.split(['=', ' ', '<', '>', '~', '!']).next().unwrap_or(text).to_owned()
}

impl Failure {
    /// Reads what uv said.
    pub fn read(text: &str) -> Self {
        let text = flat(text);
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        if has(&["No space left on device", "Disk quota exceeded", "os error 28)", "os error 122)"]) {
            return Self::DiskFull;
        }
        if let Some(name) = between(&text, "Hash mismatch for `", "`") {
            return Self::HashMismatch { name: package(name) };
        }
        if has(&["are incompatible with the conflicts"]) {
            return Self::GroupConflict;
        }
        if has(&[
            "No interpreter found",
            "Failed to inspect Python",
            "No Python at",
            "Could not find a suitable Python",
        ]) {
            return Self::PythonMissing;
        }
        if has(&[
            "Failed to parse: `pyproject.toml`",
            "Failed to parse: pyproject.toml",
            "comfydock-environment @ file://",
        ]) {
            return Self::InternalManifest;
        }
        if text.contains("The lockfile at `uv.lock` needs to be updated") || text.contains("Unable to find lockfile") {
            return Self::LockStale;
        }
        if text.contains("is not compatible with the lockfile's supported environments") {
            return Self::PlatformWheel { name: String::new() };
        }
        if let Some(name) =
            between(&text, "Distribution `", "`").filter(|_| text.contains("has no binary distribution"))
        {
            return Self::BuildRefused { name: package(name) };
        }
        if let Some(name) = between(&text, "Building source distributions for `", "` is disabled") {
            return Self::BuildRefused { name: name.to_owned() };
        }
        if text.contains("No solution found") && !text.contains("No solution found when resolving: `") {
            return Self::unsolved(&text);
        }
        if has(&[
            "dns error",
            "error sending request",
            "Failed to fetch",
            "operation timed out",
            "connection reset",
            "unable to access",
            "Could not resolve host",
            "Network connectivity is disabled",
        ]) {
            return Self::Network;
        }
        if let Some(name) =
            ["Failed to build `", "Failed to download and build `"].iter().find_map(|words| between(&text, words, "`"))
        {
            return Self::BuildFailed { name: package(name) };
        }
        if text.contains("Failed to download") {
            return Self::Network;
        }
        Self::Other
    }

    /// Why there is no solution. The most particular reason counts.
    fn unsolved(text: &str) -> Self {
        if let Some(name) = between(text, "hint: `", "` was filtered by `exclude-newer`") {
            return Self::NewerThanDate { name: name.to_owned() };
        }
        let before = |words: &str| {
            let (start, _) = text.split_once(words)?;
            start.rsplit(' ').next().map(str::to_owned)
        };
        if let Some(name) = before(" was not found in the cache") {
            return Self::NotCached { name };
        }
        if let Some(name) = before(" was not found in the package registry")
            .or_else(|| before(" was not found in the provided package locations"))
        {
            return Self::UnknownPackage { name };
        }
        if let Some(name) = between(text, "Wheels are required for `", "`") {
            return Self::BuildRefused { name: name.to_owned() };
        }
        if text.contains("-compatible wheels") || text.contains("has no wheels with a matching") {
            let name = before(" has no `").or_else(|| before(" has no wheels")).map(|name| package(&name));
            return Self::PlatformWheel { name: name.unwrap_or_default() };
        }
        Self::DependencyConflict { wishes: wishes(text) }
    }
}

/// Every `X depends on Y` with who X is, once each.
fn wishes(text: &str) -> Vec<Wish> {
    let mut found: Vec<Wish> = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(" depends on ") {
        let subject = before.trim_end();
        let whose = if subject.ends_with("your project") {
            Whose::Core
        } else {
            let last = subject.rsplit(' ').next().unwrap_or(subject);
            match last.split_once(':') {
                Some((_, group)) => Whose::Group(group.to_owned()),
                None => Whose::Package(last.to_owned()),
            }
        };
        // `a>=1 and a<2` belong to one wish; `a>=1 and b:c depends on …` do not.
        let mut words = after.split(' ').peekable();
        while let Some(word) = words.next() {
            let requirement = word.trim_end_matches([',', '.']).to_owned();
            let wish = Wish { whose: whose.clone(), requirement };
            if !found.contains(&wish) {
                found.push(wish);
            }
            let more = word == word.trim_end_matches([',', '.']) && words.next_if_eq(&"and").is_some();
            let next = words.peek().copied().unwrap_or_default();
            let is_wish = next.contains(['=', '<', '>'])
                && !next.contains(':')
                && !after.contains(&format!("{next} depends on "));
            if !(more && is_wish) {
                break;
            }
        }
        rest = after;
    }
    found
}

#[cfg(test)]
mod tests;
