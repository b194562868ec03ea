//! Addresses that cannot be used.

use crate::hint::Hint;

/// An address that cannot be used as a git repository's, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a usable repository address: {reason}")]
pub struct Error {
    text: String,
    reason: String,
    hint: Option<String>,
}

impl Error {
    pub(super) fn new(text: &str, reason: impl Into<String>) -> Self {
        Self { text: shown(text), reason: reason.into(), hint: None }
    }

    pub(super) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl Hint for Error {
    fn hint(&self) -> Option<String> {
        self.hint.clone()
    }
}

/// The text as a message may show it: escaped, not endless, and without what stands before the `@` of
/// a URL's host, which may be a token.
fn shown(text: &str) -> String {
    let bare = match text.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = authority.rsplit('@').next().unwrap_or(authority);
            format!("{scheme}://{host}{path}")
        }
        None => text.to_owned(),
    };
    bare.escape_debug().take(200).collect()
}
