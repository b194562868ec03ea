//! The branch, tag or commit at the end of an address.

use super::Error;

/// Splits `name@reference`. An `@` in front of a name belongs to it.
pub(super) fn split(segment: &str) -> Option<(&str, &str)> {
    let at = segment.find('@').filter(|&at| !matches!(segment[..at].trim(), "" | "." | ".."))?;
    Some((&segment[..at], &segment[at + 1..]))
}

/// Takes a reference that git can be asked for.
pub(super) fn check(text: &str, reference: &str) -> Result<String, Error> {
    let reason = if reference.is_empty() {
        Some("nothing follows its `@`".to_owned())
    } else if !is_usable(reference) {
        Some(format!("`{}` is no branch, tag or commit", reference.escape_debug()))
    } else {
        None
    };
    match reason {
        Some(reason) => Err(Error::new(text, reason)),
        None => Ok(reference.to_owned()),
    }
}

/// The rules of `git check-ref-format`, and no leading `-`.
fn is_usable(reference: &str) -> bool {
    let odd = |letter: char| letter.is_control() || letter.is_whitespace() || "~^:?*[\\".contains(letter);
    !reference.starts_with('-')
        && !reference.contains(odd)
        && !reference.contains("..")
        && !reference.contains("@{")
        && reference != "@"
        && reference
            .split('/')
            .all(|part| !part.is_empty() && !part.starts_with('.') && !part.ends_with('.') && !part.ends_with(".lock"))
}
