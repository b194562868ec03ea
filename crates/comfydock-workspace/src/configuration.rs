//! The user's configuration and credentials: `~/.config/comfydock/`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use comfydock_store::file;
use etcetera::BaseStrategy;
use serde::{Deserialize, Serialize};

use crate::Error;

/// `config.toml`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Configuration {
    /// The hub that `TEAM/NAME` means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hub: Option<String>,
    /// Hosts models may be downloaded from besides public https ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_hosts: Vec<String>,
    /// The user was told under which name commits are made here.
    #[serde(default)]
    pub identity_noted: bool,
    /// Where the model sites are, if not at their own addresses.
    #[serde(default, skip_serializing_if = "Sites::is_usual")]
    pub sites: Sites,
    /// Folders of this machine that `share:<name>/…` means.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shares: BTreeMap<String, PathBuf>,
}

/// `[sites]` of `config.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sites {
    /// CivitAI's address; `COMFYDOCK_CIVITAI_URL` wins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub civitai: Option<String>,
    /// The address of a mirror of Hugging Face; `HF_ENDPOINT` wins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub huggingface: Option<String>,
}

impl Sites {
    fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

/// `credentials.toml`, mode 0600: a token for each hub's URL.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Credentials {
    /// Tokens by hub URL.
    #[serde(default)]
    pub tokens: BTreeMap<String, String>,
    /// The accounts they are of, by hub URL.
    #[serde(default)]
    pub users: BTreeMap<String, String>,
}

/// The configuration folder.
///
/// # Errors
/// When the user has no home folder.
pub fn folder() -> Result<PathBuf, Error> {
    let strategy =
        etcetera::base_strategy::Xdg::new().map_err(|_| Error::refused("there is no home folder", "set HOME"))?;
    Ok(strategy.config_dir().join("comfydock"))
}

fn load<T: Default + serde::de::DeserializeOwned>(name: &str) -> Result<T, Error> {
    let path = folder()?.join(name);
    let Some(text) = file::find_text(&path)? else { return Ok(T::default()) };
    // The parser's message quotes the line it stopped at, which may be a token's.
    toml_edit::de::from_str(&text)
        .map_err(|_| Error::refused(format!("`{}` is not valid TOML", path.display()), "mend or remove the file"))
}

fn save<T: Serialize>(name: &str, value: &T) -> Result<(), Error> {
    let folder = folder()?;
    file::create_folder(&folder)?;
    let text = toml_edit::ser::to_string_pretty(value)
        .map_err(|error| Error::refused(error.to_string(), "this is a bug, please report it"))?;
    Ok(file::write_with_mode(&folder.join(name), text.as_bytes(), 0o600)?)
}

impl Configuration {
    /// Reads the file; absent is empty.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn load() -> Result<Self, Error> {
        load("config.toml")
    }

    /// Writes the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self) -> Result<(), Error> {
        save("config.toml", self)
    }
}

impl Credentials {
    /// Reads the file; absent is empty.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn load() -> Result<Self, Error> {
        load("credentials.toml")
    }

    /// Writes the file, readable by its owner only.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self) -> Result<(), Error> {
        save("credentials.toml", self)
    }
}
