//! Where a model can be downloaded, in its canonical spelling (formats.md, Sources).

use std::fmt;

use serde::{Deserialize, Serialize};

/// A source that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text has none of the known forms.
    #[error("`{0}` is no model source: expected https://…, http://…, hf:…, civitai:…, hub:… or share:…")]
    Unknown(String),
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

/// One place where a model's bytes can be had.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Source {
    /// A plain URL, http or https.
    Url(String),
    /// Any other known kind, kept as written: `hf:`, `civitai:`, `hub:`, `share:`, `oci:`.
    Named {
        /// The part before the first colon.
        kind: String,
        /// The part after it.
        locator: String,
    },
}

/// Query keys whose value is a credential or a signature.
const SECRET_KEYS: &[&str] = &[
    "token",
    "access_token",
    "api_key",
    "apikey",
    "key",
    "sig",
    "signature",
    "auth",
    "password",
    "secret",
    "se",
    "sp",
];

impl Source {
    /// Reads a source as people and files write it.
    ///
    /// A Hugging Face page (`/blob/`) becomes the file (`/resolve/`), and `?download=true` goes.
    ///
    /// # Errors
    /// When the kind is unknown, the URL does not parse, or it carries a secret.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        if text.starts_with("http://") || text.starts_with("https://") {
            return parse_url(text);
        }
        match text.split_once(':') {
            Some((kind @ ("hf" | "civitai" | "hub" | "share" | "oci"), locator)) if !locator.is_empty() => {
                Ok(Self::Named { kind: kind.to_owned(), locator: locator.to_owned() })
            }
            _ => Err(Error::Unknown(text.chars().take(120).collect())),
        }
    }

    /// The URL, when this source is one.
    pub fn url(&self) -> Option<&str> {
        match self {
            Self::Url(url) => Some(url),
            Self::Named { .. } => None,
        }
    }
}

fn parse_url(text: &str) -> Result<Source, Error> {
    let shown = text.split(['?', '#']).next().unwrap_or(text);
    let fault = |reason: String| Error::Url { text: shown.chars().take(200).collect(), reason };
    let mut url = url::Url::parse(text).map_err(|error| fault(error.to_string()))?;
    let host = url.host_str().ok_or_else(|| fault("it has no host".to_owned()))?.to_owned();
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::Secret { host, key: "user:password".to_owned() });
    }
    for (key, _) in url.query_pairs() {
        let lower = key.to_ascii_lowercase();
        if SECRET_KEYS.contains(&lower.as_str()) || lower.starts_with("x-amz-") {
            return Err(Error::Secret { host, key: key.into_owned() });
        }
    }
    url.set_fragment(None);
    if host == "huggingface.co" {
        let path = url.path().replacen("/blob/", "/resolve/", 1);
        url.set_path(&path);
        if url.query() == Some("download=true") {
            url.set_query(None);
        }
    }
    Ok(Source::Url(url.into()))
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => formatter.write_str(url),
            Self::Named { kind, locator } => write!(formatter, "{kind}:{locator}"),
        }
    }
}

impl TryFrom<String> for Source {
    type Error = Error;
    fn try_from(text: String) -> Result<Self, Error> {
        Self::parse(&text)
    }
}

impl From<Source> for String {
    fn from(source: Source) -> Self {
        source.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_spelling() {
        for (given, canonical) in [
            (" https://example.org/a.safetensors#x ", "https://example.org/a.safetensors"),
            (
                "https://huggingface.co/o/r/blob/main/a.safetensors?download=true",
                "https://huggingface.co/o/r/resolve/main/a.safetensors",
            ),
            ("https://example.org/get?id=5", "https://example.org/get?id=5"),
            ("civitai:4384/3290", "civitai:4384/3290"),
            ("hub:sha256:abc", "hub:sha256:abc"),
        ] {
            assert_eq!(Source::parse(given).unwrap().to_string(), canonical);
        }
    }

    #[test]
    fn secrets_are_refused() {
        for text in [
            "https://civitai.com/api/download/models/1?token=abc",
            "https://s3.example.org/x?X-Amz-Signature=abc",
            "https://me:pw@example.org/x",
        ] {
            let error = Source::parse(text).unwrap_err();
            assert!(matches!(error, Error::Secret { .. }), "{text}");
            assert!(!error.to_string().contains("abc") && !error.to_string().contains("pw@"));
        }
    }

    #[test]
    fn unknown_kinds_are_refused() {
        for text in ["", "file:///etc/passwd", "ftp://x/y", "model.safetensors", "hf:"] {
            assert!(Source::parse(text).is_err(), "{text}");
        }
    }
}
