//! What a registry says when it refuses (distribution specification, "Error Codes").

use serde::Deserialize;

/// What a refusal is about, in the words of the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// No such blob here.
    BlobUnknown,
    /// The upload went wrong and cannot go on.
    BlobUploadInvalid,
    /// No such upload, or no more.
    BlobUploadUnknown,
    /// The bytes are not those of the digest.
    DigestInvalid,
    /// The manifest names something that is not here.
    ManifestBlobUnknown,
    /// The manifest is not one.
    ManifestInvalid,
    /// No such manifest here.
    ManifestUnknown,
    /// The repository cannot be called that.
    NameInvalid,
    /// No such repository here.
    NameUnknown,
    /// There are more or fewer bytes than was said.
    SizeInvalid,
    /// Who asks has to say who he is.
    Unauthorized,
    /// Who asks may not.
    Denied,
    /// The registry cannot do that.
    Unsupported,
    /// Too much was asked in too short a time.
    TooManyRequests,
}

impl Code {
    /// The code of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "BLOB_UNKNOWN" => Self::BlobUnknown,
            "BLOB_UPLOAD_INVALID" => Self::BlobUploadInvalid,
            "BLOB_UPLOAD_UNKNOWN" => Self::BlobUploadUnknown,
            "DIGEST_INVALID" => Self::DigestInvalid,
            "MANIFEST_BLOB_UNKNOWN" => Self::ManifestBlobUnknown,
            "MANIFEST_INVALID" => Self::ManifestInvalid,
            "MANIFEST_UNKNOWN" => Self::ManifestUnknown,
            "NAME_INVALID" => Self::NameInvalid,
            "NAME_UNKNOWN" => Self::NameUnknown,
            "SIZE_INVALID" => Self::SizeInvalid,
            "UNAUTHORIZED" => Self::Unauthorized,
            "DENIED" => Self::Denied,
            "UNSUPPORTED" => Self::Unsupported,
            "TOOMANYREQUESTS" => Self::TooManyRequests,
            _ => return None,
        })
    }
}

/// A refusal, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Complaint {
    /// What it is about, if the registry said so in a word of the specification.
    pub code: Option<Code>,
    /// Its words, on one line and not many.
    pub message: String,
}

/// Characters of a registry's words that are repeated.
const LONGEST: usize = 300;

/// What the body of a refusal says; nothing of a body that is not in the specification's form.
pub fn complaint(body: &[u8]) -> Complaint {
    #[derive(Deserialize)]
    struct Body {
        errors: Vec<Entry>,
    }
    #[derive(Deserialize)]
    struct Entry {
        code: Option<String>,
        message: Option<String>,
    }
    let Ok(Body { errors }) = serde_json::from_slice(body) else { return Complaint::default() };
    let code = errors.iter().find_map(|entry| Code::parse(entry.code.as_deref()?));
    let words =
        errors.iter().find_map(|entry| entry.message.clone().or_else(|| entry.code.clone())).unwrap_or_default();
    let words: String = words.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    Complaint { code, message: words.trim().chars().take(LONGEST).collect() }
}
