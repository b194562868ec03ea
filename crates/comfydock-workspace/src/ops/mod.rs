//! What `comfydock` does, one file a command. Each observes, plans with core, and applies.

pub mod adopt;
pub mod adopt_install;
pub mod arrive;
pub mod change;
pub mod clone;
pub mod comfyui_update;
pub mod commit;
pub mod config;
pub mod create;
pub mod delete;
pub mod departure;
pub mod development;
pub mod diff;
pub mod elsewhere;
pub mod export;
pub mod fetch_models;
pub mod gc;
pub mod import;
pub mod inspect;
pub mod install_scripts;
pub mod keys;
pub mod log;
pub mod login;
pub mod look_up;
pub mod missing_packs;
pub mod models;
pub mod node;
pub mod platform;
pub mod publish;
pub mod pull;
pub mod push;
pub mod reach;
pub mod readiness;
pub mod registry;
pub mod relock;
pub mod remotes;
pub mod repair;
pub mod requirements;
pub mod resolve;
pub mod rollback;
pub mod seen;
pub mod status;
mod together;
pub mod vendor;
pub mod version;
pub mod workflow_show;

use comfydock_git::repository::Author;

use crate::configuration::{Configuration, Credentials};
use crate::remote::hub::Network;
use crate::reporter::Reporter;

/// What every operation is given besides its own options.
pub struct Context<'a> {
    /// Who listens.
    pub reporter: &'a dyn Reporter,
    /// How the network may be used.
    pub network: Network,
}

/// Who commits on this machine: git's identity, else the account on the hub in use, else a name of
/// the machine, said once.
pub fn author(context: &Context<'_>) -> Author {
    let ask = |key: &str| {
        comfydock_git::program::Git::new("config").args(["--get", key]).text().ok().filter(|text| !text.is_empty())
    };
    if let (Some(name), Some(email)) = (ask("user.name"), ask("user.email")) {
        return Author { name, email };
    }
    let configuration = Configuration::load().unwrap_or_default();
    let account = configuration.hub.as_ref().and_then(|hub| {
        let user = Credentials::load().ok()?.users.get(hub)?.clone();
        let host = url::Url::parse(hub).ok()?.host_str()?.to_owned();
        Some(Author { email: format!("{user}@{host}"), name: user })
    });
    if let Some(author) = account {
        return author;
    }
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "localhost".to_owned(), |text| text.trim().to_owned());
    let email = format!("comfydock@{host}");
    if !configuration.identity_noted {
        context.reporter.note(format!(
            "git has no identity here; commits are by {email} (set one with `git config --global user.name` and `user.email`)"
        ));
        // Said once; that it cannot be noted down only means that it is said again.
        let _ = Configuration { identity_noted: true, ..configuration }.save();
    }
    Author { name: "comfydock".to_owned(), email }
}

/// Seconds since the epoch.
pub fn seconds_now() -> i64 {
    jiff::Timestamp::now().as_second()
}
