//! Where a model can be downloaded, in its canonical spelling (decision 65; formats.md, Sources).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::digest::Sha256;

mod error;
mod hugging_face;
mod share;
#[cfg(test)]
mod tests;
mod web;

pub use error::Error;
pub use hugging_face::{HuggingFaceFile, PinnedFile};
pub use share::{ShareFile, is_share_name};
pub use web::{CIVITAI_HOSTS, CivitaiPlace, HUGGING_FACE_HOST};

/// Bytes that a source may have at most.
pub const LONGEST: usize = 2048;

/// One place where a model's bytes can be had.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Source {
    /// A plain URL, http or https.
    Url(String),
    /// One file of one version of a model on CivitAI: `civitai:<version>/<file>`.
    Civitai {
        /// The version's id; a model has many.
        version: u64,
        /// The file's id; a version may have several.
        file: u64,
    },
    /// A file on Hugging Face at a commit: `hf:<repository>@<commit>/<path>`.
    HuggingFace(PinnedFile),
    /// Bytes kept by the hub: `hub:sha256:<hex>`.
    Hub(Sha256),
    /// A file in a folder that each machine maps for itself: `share:<name>/<path>`.
    Share(ShareFile),
    /// A blob of a registry, `oci://host/repository@sha256:…`, kept as written.
    Oci(String),
    /// A known kind in a form that says too little or nothing we can use: read, kept, never made.
    Unclear {
        /// The part before the first colon.
        kind: String,
        /// The part after it.
        locator: String,
    },
}

impl Source {
    /// Reads a source as people and files write it, into its canonical form.
    ///
    /// A page of Hugging Face becomes the file behind it, an address at one of its commits `hf:`, a
    /// download of CivitAI that names the file `civitai:`. What is known by kind only is kept as
    /// [`Source::Unclear`], so that a manifest that has it can still be read.
    ///
    /// # Errors
    /// When the kind is unknown, the URL does not parse, it carries a secret, or is longer than
    /// [`LONGEST`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        if text.len() > LONGEST {
            return Err(Error::Long(text.chars().take(80).collect()));
        }
        if text.starts_with("http://") || text.starts_with("https://") {
            return web::parse(text);
        }
        let Some((kind, locator)) = text.split_once(':').filter(|(_, locator)| !locator.is_empty()) else {
            return Err(Error::unknown(text));
        };
        let exact = match kind {
            "hf" | "huggingface" => PinnedFile::parse(locator).map(Self::HuggingFace),
            "civitai" => civitai(locator),
            "hub" => locator.strip_prefix("sha256:").and_then(|hex| Sha256::parse(hex).ok()).map(Self::Hub),
            "share" => ShareFile::parse(locator).map(Self::Share),
            "oci" => Some(Self::Oci(locator.to_owned())),
            _ => return Err(Error::unknown(text)),
        };
        Ok(exact.unwrap_or_else(|| Self::Unclear { kind: kind.to_owned(), locator: locator.to_owned() }))
    }

    /// Reads a source that somebody gives us now: as [`Source::parse`], but one that says too little
    /// is refused.
    ///
    /// # Errors
    /// As [`Source::parse`], and [`Error::Unclear`].
    pub fn given(text: &str) -> Result<Self, Error> {
        match Self::parse(text)? {
            Self::Unclear { kind, locator } => {
                let form = match kind.as_str() {
                    "hf" | "huggingface" => "hf:<owner>/<repository>@<40-digit commit>/<path>, or the file's https URL",
                    "civitai" => "civitai:<version id>/<file id>, or the download URL",
                    "hub" => "hub:sha256:<64 digits>",
                    _ => "share:<name>/<path below it>",
                };
                Err(Error::Unclear { text: format!("{kind}:{locator}"), form })
            }
            source => Ok(source),
        }
    }

    /// The URL, when this source is one.
    pub fn url(&self) -> Option<&str> {
        match self {
            Self::Url(url) => Some(url),
            _ => None,
        }
    }

    /// The word its text begins with; `url` for a URL.
    pub fn kind(&self) -> &str {
        match self {
            Self::Url(_) => "url",
            Self::Civitai { .. } => "civitai",
            Self::HuggingFace(_) => "hf",
            Self::Hub(_) => "hub",
            Self::Share(_) => "share",
            Self::Oci(_) => "oci",
            Self::Unclear { kind, .. } => kind,
        }
    }

    /// The file on Hugging Face that this source names, at whatever revision it names.
    pub fn hugging_face(&self) -> Option<HuggingFaceFile> {
        match self {
            Self::HuggingFace(file) => Some(file.clone().into()),
            Self::Url(url) => HuggingFaceFile::of_url(&url::Url::parse(url).ok()?),
            Self::Unclear { kind, locator } if kind == "hf" || kind == "huggingface" => HuggingFaceFile::parse(locator),
            _ => None,
        }
    }

    /// What this source names on CivitAI: at least a version.
    pub fn civitai(&self) -> Option<CivitaiPlace> {
        match self {
            Self::Civitai { version, file } => Some(CivitaiPlace { version: *version, file: Some(*file) }),
            Self::Url(url) => CivitaiPlace::of_url(&url::Url::parse(url).ok()?),
            _ => None,
        }
    }

    /// The place in the order in which sources are asked, lower first: what is near, then what is
    /// pinned, then what may serve another file by now.
    pub fn rank(&self) -> u8 {
        match self {
            Self::Share(_) => 0,
            Self::Hub(_) => 1,
            Self::HuggingFace(_) => 2,
            Self::Civitai { .. } => 3,
            Self::Url(_) if self.hugging_face().is_none() && self.civitai().is_none() => 4,
            Self::Url(_) => 5,
            Self::Oci(_) => 6,
            Self::Unclear { .. } => 7,
        }
    }

    /// Whether the same bytes can be expected there for good: it is no URL that may point to another
    /// file tomorrow.
    pub fn is_pinned(&self) -> bool {
        !matches!(self, Self::Url(_) | Self::Share(_) | Self::Unclear { .. })
    }
}

fn civitai(locator: &str) -> Option<Source> {
    let (version, file) = locator.split_once('/')?;
    Some(Source::Civitai { version: web::id(version)?, file: web::id(file)? })
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => formatter.write_str(url),
            Self::Civitai { version, file } => write!(formatter, "civitai:{version}/{file}"),
            Self::HuggingFace(file) => write!(formatter, "hf:{file}"),
            Self::Hub(sha256) => write!(formatter, "hub:sha256:{sha256}"),
            Self::Share(file) => write!(formatter, "share:{file}"),
            Self::Oci(locator) => write!(formatter, "oci:{locator}"),
            Self::Unclear { kind, locator } => write!(formatter, "{kind}:{locator}"),
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
