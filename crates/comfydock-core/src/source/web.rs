//! URLs, and what the sites' own URLs mean.

use url::Url;

use super::{Error, HuggingFaceFile, Source};

/// The site's host; a mirror serves the same files, but nothing is kept under its name.
pub const HUGGING_FACE_HOST: &str = "huggingface.co";

/// CivitAI's hosts: three fronts of one site, with the same ids.
pub const CIVITAI_HOSTS: [&str; 3] = ["civitai.com", "civitai.red", "civitai.green"];

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

/// What a URL of CivitAI names: a version, and perhaps one of its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CivitaiPlace {
    /// The version's id.
    pub version: u64,
    /// The file's id.
    pub file: Option<u64>,
}

/// A number as sites write ids: no sign, no leading zero, never nought.
pub(super) fn id(text: &str) -> Option<u64> {
    let plain = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}

impl CivitaiPlace {
    /// Reads `…/api/download/models/<version>[?fileId=<file>]` and a model's page with
    /// `?modelVersionId=<version>`.
    pub(super) fn of_url(url: &Url) -> Option<Self> {
        if !url.host_str().is_some_and(|host| CIVITAI_HOSTS.contains(&host)) || url.port().is_some() {
            return None;
        }
        let value =
            |wanted: &str| url.query_pairs().find(|(key, _)| key == wanted).map(|(_, value)| value.into_owned());
        if let Some(version) = url.path().strip_prefix("/api/download/models/") {
            let file = match value("fileId") {
                Some(text) => Some(id(&text)?),
                None => None,
            };
            return Some(Self { version: id(version.trim_end_matches('/'))?, file });
        }
        let page = url.path().starts_with("/models/");
        let version = value("modelVersionId").filter(|_| page)?;
        Some(Self { version: id(&version)?, file: None })
    }
}

pub(super) fn parse(text: &str) -> Result<Source, Error> {
    let shown = text.split(['?', '#']).next().unwrap_or(text);
    let fault = |reason: String| Error::Url { text: shown.chars().take(200).collect(), reason };
    let mut url = Url::parse(text).map_err(|error| fault(error.to_string()))?;
    let host = url.host_str().ok_or_else(|| fault("it has no host".to_owned()))?.to_owned();
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::Secret { host, key: "user:password".to_owned() });
    }
    for (key, _) in url.query_pairs() {
        let lower = key.to_ascii_lowercase();
        if SECRET_KEYS.contains(&lower.as_str()) || lower.starts_with("x-amz-") || lower.starts_with("x-goog-") {
            return Err(Error::Secret { host, key: key.into_owned() });
        }
    }
    url.set_fragment(None);
    if host == HUGGING_FACE_HOST {
        if let Some(path) = of_page(url.path()) {
            url.set_path(&path);
        }
        if url.query() == Some("download=true") {
            url.set_query(None);
        }
        if let Some(file) = HuggingFaceFile::of_url(&url).and_then(|file| file.pinned()) {
            return Ok(Source::HuggingFace(file));
        }
    }
    if let Some(CivitaiPlace { version, file: Some(file) }) = CivitaiPlace::of_url(&url) {
        return Ok(Source::Civitai { version, file });
    }
    Ok(Source::Url(url.into()))
}

/// The path of the file whose page has this path: a repository has two names, few one, datasets and
/// spaces that word before them; a repository or a folder may be called `blob` too.
fn of_page(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let kind = usize::from(matches!(parts.first(), Some(&("datasets" | "spaces"))));
    let is = |at: usize, word: &str| parts.get(at).is_some_and(|part| *part == word);
    let place = match kind {
        kind if is(kind + 2, "blob") => kind + 2,
        kind if is(kind + 1, "blob") && !is(kind + 2, "resolve") => kind + 1,
        _ => return None,
    };
    parts[place] = "resolve";
    Some(format!("/{}", parts.join("/")))
}

/// A part of a path without its escapes; none if they give no text.
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let value = digit(rest.next()?)? * 16 + digit(rest.next()?)?;
        bytes.push(u8::try_from(value).ok()?);
    }
    String::from_utf8(bytes).ok()
}
