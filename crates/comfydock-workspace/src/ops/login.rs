//! `comfydock hub …`: accounts on hubs.

use comfydock_core::wire::Whoami;

use super::Context;
use crate::Error;
use crate::configuration::{Configuration, Credentials};
use crate::remote::catalog;
use crate::remote::hub::{Hub, origin};
use crate::workspace::Workspace;

/// The hub at an address, before there is a token for it.
///
/// # Errors
/// When the address cannot be used.
pub fn check(url: &str, context: &Context<'_>) -> Result<Hub, Error> {
    Hub::at(url, &context.network)
}

/// Asks the hub whether it knows the token, then keeps it and makes the hub the one in use.
///
/// # Errors
/// When the hub cannot be reached or does not know the token; nothing is kept then.
pub fn login(hub: Hub, token: &str) -> Result<Whoami, Error> {
    let key = origin(hub.url());
    let who = hub.with_token(token).whoami()?;
    let mut credentials = Credentials::load()?;
    credentials.tokens.insert(key.clone(), token.to_owned());
    credentials.users.insert(key.clone(), who.user.clone());
    credentials.save()?;
    let mut configuration = Configuration::load()?;
    configuration.hub = Some(key);
    configuration.save()?;
    Ok(who)
}

/// Forgets the token of a hub. Returns the hub's address.
///
/// # Errors
/// When there is none.
pub fn logout(url: Option<&str>, workspace: Option<&Workspace>, context: &Context<'_>) -> Result<String, Error> {
    let mut configuration = Configuration::load()?;
    let key = match url {
        Some(url) => origin(&crate::remote::hub::parse_url(url, &context.network)?),
        None => configuration.hub.clone().ok_or_else(not_logged_in)?,
    };
    let mut credentials = Credentials::load()?;
    if credentials.tokens.remove(&key).is_none() {
        return Err(Error::refused(format!("there is no login at {key}"), "there is nothing to do"));
    }
    credentials.users.remove(&key);
    credentials.save()?;
    if configuration.hub.as_ref() == Some(&key) {
        configuration.hub = None;
        configuration.save()?;
    }
    // What it said of private environments goes with the right to ask.
    if let Some(workspace) = workspace {
        catalog::forget(workspace, &key)?;
    }
    Ok(key)
}

/// Who the user is on the hub in use.
///
/// # Errors
/// When there is no hub in use, or it does not know the token.
pub fn whoami(context: &Context<'_>) -> Result<(String, Whoami), Error> {
    let hub = hub_in_use(context)?;
    Ok((origin(hub.url()), hub.whoami()?))
}

/// The hub in use: COMFYDOCK_HUB, else the one logged in to.
///
/// # Errors
/// When there is none.
pub fn hub_in_use(context: &Context<'_>) -> Result<Hub, Error> {
    Hub::default_hub(&context.network)?.ok_or_else(not_logged_in)
}

fn not_logged_in() -> Error {
    Error::refused("no hub is in use", "log in with `comfydock hub login URL`")
}
