//! Sources that cannot be used.

/// A source that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text has none of the known forms.
    #[error("`{0}` is no model source: expected https://…, http://…, hf:…, civitai:…, hub:… or share:…")]
    Unknown(String),
    /// The text is longer than a source may be.
    #[error("the source `{0}…` is longer than 2048 bytes")]
    Long(String),
    /// The kind is known, but the rest does not say which file.
    #[error("`{text}` does not say which file it is; write {form}")]
    Unclear {
        /// What was given.
        text: String,
        /// How it is written.
        form: &'static str,
    },
    /// The URL does not parse.
    #[error("`{text}` is not a usable URL: {reason}")]
    Url {
        /// What was given, without its query.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The URL carries a credential, which must never be committed.
    #[error("the URL for `{host}` carries a secret (`{key}`); give it without")]
    Secret {
        /// The URL's host.
        host: String,
        /// The query key, or `user:password`.
        key: String,
    },
}

impl Error {
    pub(super) fn unknown(text: &str) -> Self {
        Self::Unknown(text.chars().take(120).collect())
    }
}
