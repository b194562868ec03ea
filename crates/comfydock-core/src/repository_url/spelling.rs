//! Which of the spellings it is, and what is refused whatever it is.

use url::Url;

use super::Error;

/// Schemes that are taken, `git+` already off.
const SCHEMES: [&str; 4] = ["https", "http", "ssh", "git"];

/// An address, sorted.
pub(super) enum Spelling<'text> {
    /// `scheme://…` on the network.
    Url(Url),
    /// `[user@]host:path`.
    Ssh {
        /// With the user.
        host: &'text str,
        /// What follows the colon.
        path: &'text str,
    },
    /// The path of a `file://` URL, encoded.
    File(&'text str),
    /// An absolute path.
    Path(&'text str),
}

/// Sorts a trimmed address.
pub(super) fn read(text: &str) -> Result<Spelling<'_>, Error> {
    let fault = |reason: &str| Error::new(text, reason);
    if text.is_empty() {
        return Err(fault("it is empty"));
    }
    if text.chars().any(char::is_control) {
        return Err(fault("it contains a control character"));
    }
    if text.starts_with('-') {
        return Err(fault("it starts with `-`, which git would take for an option"));
    }
    let (first, rest) = text.split_at(text.find(|letter: char| !is_scheme_letter(letter)).unwrap_or(text.len()));
    // What git calls a remote helper: it would run a program `git-remote-<transport>`.
    if rest.starts_with("::") {
        return Err(fault("`transport::address` makes git run another program"));
    }
    let drive = text.as_bytes()[0].is_ascii_alphabetic() && text.as_bytes().get(1) == Some(&b':');
    if drive || text.starts_with("\\\\") {
        return Err(fault("it is a path of Windows"));
    }
    if text.contains('\\') {
        return Err(fault("it contains a backslash; write `/`"));
    }
    if let Some(after) = rest.strip_prefix("://") {
        return url(text, first, after);
    }
    if text.starts_with('/') {
        return Ok(Spelling::Path(text));
    }
    if text.starts_with(['.', '~']) {
        return Err(fault("it is a relative path").with_hint("give the whole path, from `/` on"));
    }
    ssh(text)
}

fn is_scheme_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '+' | '-' | '.')
}

/// A URL, given its scheme and what follows `://`.
fn url<'text>(text: &'text str, scheme: &str, after: &'text str) -> Result<Spelling<'text>, Error> {
    let lower = scheme.to_ascii_lowercase();
    // `ssh+git` is an old spelling that git still takes.
    let scheme = match lower.as_str() {
        "git+ssh" | "ssh+git" => "ssh",
        other => other.strip_prefix("git+").unwrap_or(other),
    };
    if scheme == "file" {
        let path = after.strip_prefix("localhost").unwrap_or(after);
        return if path.starts_with('/') {
            Ok(Spelling::File(path))
        } else {
            Err(Error::new(text, "a file URL names a path of this machine, `file:///…`"))
        };
    }
    if !SCHEMES.contains(&scheme) {
        let near = SCHEMES.iter().find(|known| strsim::damerau_levenshtein(known, scheme) <= 1);
        let error = Error::new(text, format!("`{scheme}` is not among https, http, ssh, git and file"));
        return Err(match near {
            Some(near) => error.with_hint(format!("did you mean {near}?")),
            None => error,
        });
    }
    // The parser of the web would take `https:///owner/name` for a host `owner`.
    if after.is_empty() || after.starts_with('/') {
        return Err(Error::new(text, "it has no host"));
    }
    let url = Url::parse(&format!("{scheme}://{after}")).map_err(|error| Error::new(text, error.to_string()))?;
    Ok(Spelling::Url(url))
}

/// `[user@]host:path`: the colon comes before the first slash.
fn ssh(text: &str) -> Result<Spelling<'_>, Error> {
    let slash = text.find('/').unwrap_or(text.len());
    // An IPv6 address stands in brackets and has colons of its own.
    let bracket = text[..slash].find(']').map_or(0, |at| at + 1);
    if let Some(colon) = text[bracket..slash].find(':') {
        let (host, path) = text.split_at(bracket + colon);
        return Ok(Spelling::Ssh { host, path: &path[1..] });
    }
    let error = Error::new(text, "it has neither a scheme nor a host");
    let first = &text[..slash];
    Err(if slash == text.len() {
        error
    } else if first.contains('.') {
        error.with_hint(format!("did you mean https://{text}?"))
    } else {
        error.with_hint(format!("a repository on GitHub is written https://github.com/{text}"))
    })
}
