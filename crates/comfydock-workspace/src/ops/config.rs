//! `comfydock config`: the settings that people set, by their names.

use std::path::PathBuf;

use comfydock_core::source::is_share_name;
use url::Url;

use crate::Error;
use crate::configuration::Configuration;
use crate::workspace::{ExternalLookup, Workspace};

/// Where a setting is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// In the workspace's settings.
    Workspace,
    /// In the user's `config.toml`.
    User,
}

/// A setting with its value; none if it is as it always is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its name, as `shares.nas`.
    pub name: String,
    /// Its value as text.
    pub value: Option<String>,
    /// Where it is kept.
    pub kept: Kept,
}

/// The part of a share's name before the share's own.
const SHARES: &str = "shares.";

/// All settings.
///
/// # Errors
/// When the configuration cannot be read.
pub fn list(workspace: &Workspace) -> Result<Vec<Setting>, Error> {
    let configuration = Configuration::load()?;
    let hosts = configuration.allowed_hosts;
    let user = |name: &str, value: Option<String>| Setting { name: name.to_owned(), value, kept: Kept::User };
    let lookup = match workspace.settings.external_lookup {
        ExternalLookup::Ask => "ask",
        ExternalLookup::Never => "never",
        ExternalLookup::Always => "always",
    };
    let mut settings = vec![
        Setting { name: "external_lookup".to_owned(), value: Some(lookup.to_owned()), kept: Kept::Workspace },
        user("hub", configuration.hub),
        user("allowed_hosts", Some(hosts.join(",")).filter(|text| !text.is_empty())),
        user("sites.civitai", configuration.sites.civitai),
        user("sites.huggingface", configuration.sites.huggingface),
    ];
    for (name, folder) in configuration.shares {
        settings.push(user(&format!("{SHARES}{name}"), Some(folder.display().to_string())));
    }
    Ok(settings)
}

/// One setting.
///
/// # Errors
/// When there is none of this name.
pub fn get(workspace: &Workspace, name: &str) -> Result<Setting, Error> {
    let mut settings = list(workspace)?;
    match settings.iter().position(|setting| setting.name == name) {
        Some(position) => Ok(settings.swap_remove(position)),
        None => Err(unknown(name)),
    }
}

fn unknown(name: &str) -> Error {
    Error::refused(
        format!("there is no setting `{name}`"),
        "there are external_lookup, allowed_hosts, sites.civitai, sites.huggingface and shares.NAME",
    )
}

/// Changes a setting; no value makes it as it always is.
///
/// # Errors
/// When there is none of this name, the value is not one of its kind, or it cannot be written.
pub fn set(workspace: &mut Workspace, name: &str, value: Option<&str>) -> Result<Setting, Error> {
    let wrong =
        |expected: &str| Error::refused(format!("`{}` is no value of `{name}`", value.unwrap_or_default()), expected);
    if name == "external_lookup" {
        let lookup = match value {
            None | Some("ask") => ExternalLookup::Ask,
            Some("never") => ExternalLookup::Never,
            Some("always") => ExternalLookup::Always,
            Some(_) => return Err(wrong("give ask, never or always")),
        };
        super::look_up::settle(workspace, lookup)?;
        return get(workspace, name);
    }
    let mut configuration = Configuration::load()?;
    let address = |text: &str| match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.username().is_empty() => Ok(text.to_owned()),
        _ => Err(wrong("give an address that begins with https://")),
    };
    match name {
        "hub" => return Err(Error::refused("the hub is not set by hand", "use `comfydock hub login URL`")),
        "sites.civitai" => configuration.sites.civitai = value.map(address).transpose()?,
        "sites.huggingface" => configuration.sites.huggingface = value.map(address).transpose()?,
        "allowed_hosts" => {
            let hosts = value.unwrap_or_default().split(',').map(str::trim);
            configuration.allowed_hosts = hosts.filter(|host| !host.is_empty()).map(str::to_owned).collect();
        }
        _ => {
            let share = name.strip_prefix(SHARES).filter(|share| is_share_name(share)).ok_or_else(|| unknown(name))?;
            match value {
                None => drop(configuration.shares.remove(share)),
                Some(text) => {
                    let folder = std::path::absolute(text).unwrap_or_else(|_| PathBuf::from(text));
                    configuration.shares.insert(share.to_owned(), folder);
                }
            }
        }
    }
    configuration.save()?;
    Ok(get(workspace, name).unwrap_or_else(|_| Setting { name: name.to_owned(), value: None, kept: Kept::User }))
}
