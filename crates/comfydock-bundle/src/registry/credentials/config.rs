//! Docker's `config.json` and podman's `auth.json`.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use comfydock_core::oci::RepositoryName;
use serde::Deserialize;

use super::super::Secret;
use super::{Error, Given, Kind, helper};

/// Bytes such a file may have.
const LARGEST: u64 = 1024 * 1024;
/// What docker calls its own registry.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Content {
    auths: BTreeMap<String, Entry>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
    registrytoken: Option<String>,
}

/// A file with credentials.
pub(super) struct Config {
    path: PathBuf,
    content: Content,
}

/// Reads a file that may be absent.
pub(super) fn read(path: &Path) -> Result<Option<Config>, Error> {
    let fault = |reason: String| Error::File { path: path.to_owned(), reason };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(fault(error.to_string())),
    };
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| fault(error.to_string()))?;
    if bytes.len() as u64 > LARGEST {
        return Err(fault("it is too large".to_owned()));
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    // The parser's own words quote what they complain about, which may be a password.
    let content = serde_json::from_slice(&bytes)
        .map_err(|error| fault(format!("line {}, column {}", error.line(), error.column())))?;
    Ok(Some(Config { path: path.to_owned(), content }))
}

impl Config {
    /// What the file has for a repository of a registry.
    pub(super) fn find(
        &self,
        host: &str,
        repository: &RepositoryName,
        path: Option<&OsStr>,
        notes: &mut Vec<String>,
    ) -> Result<Option<Kind>, Error> {
        let host = named(host);
        for name in self.helpers(&host) {
            let asked = if host == named(DOCKER_HUB) { DOCKER_HUB } else { &host };
            let program = helper::program(name).ok_or_else(|| Error::Name {
                path: self.path.clone(),
                name: name.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(80).collect(),
            })?;
            match helper::ask(&program, asked, path)? {
                helper::Answer::Known(user, password) => {
                    return Ok(Some(Given::Password { user, password }.into()));
                }
                helper::Answer::Unknown => {}
                helper::Answer::Missing => notes.push(format!(
                    "`{}` names the credential helper `{program}`, which is not installed",
                    self.path.display()
                )),
            }
        }
        let repository = repository.as_str();
        let ends = repository.match_indices('/').map(|(place, _)| place).chain([repository.len()]);
        let mut keys: Vec<String> = ends.map(|end| format!("{host}/{}", &repository[..end])).collect();
        keys.reverse();
        keys.push(host);
        for key in &keys {
            for (_, entry) in self.content.auths.iter().filter(|(written, _)| named(written) == *key) {
                if let Some(kind) = self.kind(entry)? {
                    return Ok(Some(kind));
                }
            }
        }
        Ok(None)
    }

    /// The helpers to be asked: the host's own, else the one for all.
    fn helpers(&self, host: &str) -> impl Iterator<Item = &str> {
        let own = self.content.cred_helpers.iter().find(|(written, _)| named(written) == host);
        own.map(|(_, name)| name)
            .or(self.content.creds_store.as_ref())
            .map(String::as_str)
            .into_iter()
            .filter(|name| !name.is_empty())
    }

    fn kind(&self, entry: &Entry) -> Result<Option<Kind>, Error> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        if let Some(token) = given(&entry.registrytoken) {
            return Ok(Some(Kind::Bearer(Secret::new(token))));
        }
        if let Some(token) = given(&entry.identitytoken) {
            return Ok(Some(Kind::Identity(Secret::new(token))));
        }
        if let (Some(user), Some(password)) = (given(&entry.username), given(&entry.password)) {
            return Ok(Some(Given::Password { user, password: Secret::new(password) }.into()));
        }
        let Some(auth) = given(&entry.auth) else { return Ok(None) };
        let fault =
            || Error::File { path: self.path.clone(), reason: "an `auth` is not base64 of USER:PASSWORD".to_owned() };
        let bytes =
            STANDARD.decode(auth.trim()).or_else(|_| STANDARD_NO_PAD.decode(auth.trim())).map_err(|_| fault())?;
        let text = String::from_utf8(bytes).map_err(|_| fault())?;
        // Docker's own reader takes zeros away as well.
        let (user, password) = text.trim_end_matches('\0').split_once(':').ok_or_else(fault)?;
        Ok(Some(Given::Password { user: user.to_owned(), password: Secret::new(password) }.into()))
    }
}

/// A key of such a file as `host[:port][/path]`, in one spelling.
fn named(key: &str) -> String {
    let bare = key.trim().split_once("://").map_or(key.trim(), |(_, rest)| rest).trim_end_matches('/');
    let bare = if key.contains("://") {
        bare.strip_suffix("/v1").or_else(|| bare.strip_suffix("/v2")).unwrap_or(bare)
    } else {
        bare
    };
    let (host, path) = bare.split_once('/').map_or((bare, None), |(host, path)| (host, Some(path)));
    let host = match host.to_ascii_lowercase() {
        host if matches!(host.as_str(), "index.docker.io" | "registry-1.docker.io") => "docker.io".to_owned(),
        host => host,
    };
    path.map_or(host.clone(), |path| format!("{host}/{path}"))
}
