//! Remotes: names for where an environment is pushed to and pulled from.

use comfydock_core::name::{RemoteName, RepoPath};
use comfydock_git::program::without_credentials;
use comfydock_git::remote::{self, Credential, Remote};
use url::Url;

use super::Context;
use crate::Error;
use crate::environment::Environment;
use crate::remote::hub::{Hub, Network, origin};

/// The remote taken when none is named.
pub const DEFAULT: &str = "origin";

/// Where an environment lives: its URL, and the hub there when it is one we know.
#[derive(Clone)]
pub struct Location {
    /// The URL for git.
    pub url: String,
    /// The hub, when the URL is on one with a token.
    pub hub: Option<Hub>,
}

impl Location {
    /// What lets git in.
    pub fn credential(&self) -> Option<Credential> {
        self.hub.as_ref().and_then(Hub::credential)
    }
}

/// Reads what a user writes: `TEAM/NAME` on the hub, or any git URL.
///
/// # Errors
/// When there is no hub to ask, or the URL carries credentials.
pub fn locate(given: &str, network: &Network) -> Result<Location, Error> {
    let is_url = given.contains("://") || given.split('/').next().is_some_and(|start| start.contains(':'));
    let path = std::path::Path::new(given);
    if !is_url && path.exists() {
        let path = path.canonicalize().map_err(comfydock_store::file::Error::at("find", path))?;
        return Ok(Location { url: path.to_string_lossy().into_owned(), hub: None });
    }
    if !is_url && given.starts_with(['.', '/', '~']) {
        return Err(Error::refused(
            format!("there is no folder `{given}`"),
            "give TEAM/NAME on the hub, a git URL, or the path of a git repository",
        ));
    }
    if !is_url {
        let path = RepoPath::parse(given)?;
        let hub = Hub::default_hub(network)?.ok_or_else(|| {
            Error::refused(
                format!("`{given}` is on a hub, and none is known here"),
                "log in with `comfydock hub login URL`, or set COMFYDOCK_HUB and COMFYDOCK_TOKEN",
            )
        })?;
        online(network, hub.host())?;
        return Ok(Location { url: hub.repository_url(&path), hub: Some(hub) });
    }
    if without_credentials(given) != given && given.starts_with("http") {
        return Err(Error::refused(
            "the URL carries a credential, which would be kept in .git/config",
            "give it without, and use `comfydock hub login` or git's credential helper",
        ));
    }
    at_url(given, network)
}

/// The location of a URL: with the hub's token when it is on a hub that was logged in to.
///
/// # Errors
/// When the credentials cannot be read.
pub fn at_url(url: &str, network: &Network) -> Result<Location, Error> {
    let Some(parsed) = web_url(url) else { return Ok(Location { url: url.to_owned(), hub: None }) };
    online(network, parsed.host_str().unwrap_or_default())?;
    Ok(Location { url: url.to_owned(), hub: hub_at(&parsed, network)? })
}

/// The URL, if it is one by which a hub could be reached.
fn web_url(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}

/// That the network may be used: git would use it.
fn online(network: &Network, place: &str) -> Result<(), Error> {
    if network.offline {
        return Err(crate::remote::Error::Offline { what: format!("talking to {place}") }.into());
    }
    Ok(())
}

/// The hub at the origin of a URL, if one was logged in to there.
fn hub_at(url: &Url, network: &Network) -> Result<Option<Hub>, Error> {
    // A plain-http address off this machine is only a problem once a token would go there.
    let relaxed = Network { insecure_http: true, ..network.clone() };
    if !Hub::at(&origin(url), &relaxed)?.has_token() {
        return Ok(None);
    }
    Hub::at(&origin(url), network).map(Some)
}

/// The remotes of an environment.
///
/// # Errors
/// When git fails.
pub fn list(environment: &Environment) -> Result<Vec<Remote>, Error> {
    Ok(remote::list(&environment.cec())?)
}

/// Adds a remote.
///
/// # Errors
/// When the name is taken or the location cannot be used.
pub fn add(environment: &Environment, name: &RemoteName, given: &str, network: &Network) -> Result<Remote, Error> {
    let location = locate(given, network)?;
    if list(environment)?.iter().any(|remote| remote.name == name.as_str()) {
        return Err(Error::refused(
            format!("there is a remote `{name}` already"),
            format!("remove it first with `comfydock remote remove {name}`"),
        ));
    }
    remote::add(&environment.cec(), name.as_str(), &location.url)?;
    Ok(Remote { name: name.to_string(), url: location.url })
}

/// Removes a remote.
///
/// # Errors
/// When there is none of this name.
pub fn remove(environment: &Environment, name: &RemoteName) -> Result<(), Error> {
    find(environment, Some(name))?;
    Ok(remote::remove(&environment.cec(), name.as_str())?)
}

/// The remote of this name, or the default one.
///
/// # Errors
/// When there is none.
pub fn find(environment: &Environment, name: Option<&RemoteName>) -> Result<Remote, Error> {
    let wanted = name.map_or(DEFAULT, RemoteName::as_str);
    let remotes = list(environment)?;
    remotes.iter().find(|remote| remote.name == wanted).cloned().ok_or_else(|| {
        let known: Vec<&str> = remotes.iter().map(|remote| remote.name.as_str()).collect();
        let hint = if known.is_empty() {
            "add one with `comfydock remote add origin TEAM/NAME`".to_owned()
        } else {
            format!("there are: {}", known.join(", "))
        };
        Error::refused(format!("environment `{}` has no remote `{wanted}`", environment.name()), hint)
    })
}

/// What a failed fetch or push means: git only says that nobody told it a name when the hub did not
/// accept the token, so the hub is asked why.
pub fn explain(error: comfydock_git::program::Error, location: &Location) -> Error {
    use comfydock_git::program::Error as Git;
    let turned_away = matches!(&error, Git::Failed { message, .. } if message.contains("could not read Username") || message.contains("Authentication failed"));
    match &location.hub {
        Some(hub) if turned_away => match hub.whoami() {
            Err(refusal @ crate::remote::Error::Refused { .. }) => refusal.into(),
            _ => error.into(),
        },
        _ => error.into(),
    }
}

/// The hub the environment is on, else the one that is logged in to. Offline it is known and not asked.
pub fn hub_of(environment: Option<&Environment>, context: &Context<'_>) -> Option<Hub> {
    let Some(environment) = environment else { return Hub::default_hub(&context.network).ok().flatten() };
    let origin: Option<Remote> = find(environment, None).ok();
    hub_at(&web_url(&origin?.url)?, &context.network).ok().flatten()
}
