//! The Comfy registry, asked about node packs (decision 73).
//!
//! Questions cost nothing but [`Registry::install`], which the registry counts as an installation: only
//! [`crate::packs`] asks it, for a zip that is then fetched.

mod ask;
mod kept;
mod list;
mod zip;

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use comfydock_core::pack_identifier::{RegistryId, Version};
use comfydock_core::registry::{Node, NodeVersion, Refusal};
use serde::de::DeserializeOwned;
use url::Url;

use self::ask::Reply;
use super::answers::{Answers, Use};
use super::hub::{is_loopback, variable};
use super::{Error, address, guard};
use crate::reporter::Reporter;
use crate::workspace::Workspace;

/// Where the registry is unless the user says otherwise.
pub const REGISTRY: &str = "https://api.comfy.org";

/// How patient the client is.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// How long an answer may take in all, and a zip may stand still.
    pub longest: Duration,
    /// What waits are told in: a second.
    pub second: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { longest: Duration::from_secs(30), second: Duration::from_secs(1) }
    }
}

/// The registry, and what it answered before.
pub struct Registry<'a> {
    base: Url,
    consent: guard::Consent,
    answers: Answers,
    offline: bool,
    patience: Patience,
    reporter: &'a dyn Reporter,
    /// That old answers serve is said once.
    said: AtomicBool,
}

impl<'a> Registry<'a> {
    /// The registry at `COMFYDOCK_REGISTRY_URL`, else at [`REGISTRY`].
    ///
    /// # Errors
    /// When the variable is no address that may be asked.
    pub fn open(workspace: &Workspace, offline: bool, reporter: &'a dyn Reporter) -> Result<Self, Error> {
        Self::at(variable("COMFYDOCK_REGISTRY_URL").as_deref(), workspace, offline, reporter)
    }

    /// The registry at this address.
    ///
    /// # Errors
    /// When it is not https, and not on this machine.
    pub fn at(
        address: Option<&str>,
        workspace: &Workspace,
        offline: bool,
        reporter: &'a dyn Reporter,
    ) -> Result<Self, Error> {
        let base = base(address.unwrap_or(REGISTRY))?;
        let host = base.host_str().unwrap_or_default().to_owned();
        let port = base.port_or_known_default().unwrap_or(443);
        // What the user has set may be asked. A stand-in on this machine may have its zips at another
        // port; a registry elsewhere never leads to this machine.
        let consent = match address {
            Some(_) if is_loopback(&base) => guard::Consent::to([host]),
            Some(_) => guard::Consent::to([format!("{host}:{port}")]),
            None => guard::Consent::default(),
        };
        Ok(Self {
            base,
            consent,
            answers: Answers::new(workspace.cache("api_cache"), if offline { Use::Any } else { Use::Young }),
            offline,
            patience: Patience::default(),
            reporter,
            said: AtomicBool::new(false),
        })
    }

    /// The same, as patient as this.
    #[must_use]
    pub fn with_patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    /// The same, which asks anew whatever was kept.
    #[must_use]
    pub fn afresh(self) -> Self {
        let answers = if self.offline { self.answers } else { self.answers.with_use(Use::None) };
        Self { answers, ..self }
    }

    /// Who listens.
    pub fn reporter(&self) -> &dyn Reporter {
        self.reporter
    }

    /// A pack.
    ///
    /// # Errors
    /// When the registry cannot be asked, has banned it, or has no such pack; as with everything here.
    pub fn node(&self, id: &RegistryId) -> Result<Node, Error> {
        let what = format!("node pack `{id}`");
        self.kept(&format!("node-{}", id.key()), &what, || self.of(id, &[], &[], &what))
    }

    /// The newest version of a pack, with the pack.
    ///
    /// # Errors
    /// As [`Self::node`], and when nothing of it was released.
    pub fn newest(&self, id: &RegistryId) -> Result<(Node, NodeVersion), Error> {
        let node = self.node(id)?;
        match node.latest_version.clone().filter(|version| !version.version.is_empty()) {
            Some(version) => Ok((node, version)),
            None => Err(Error::Refused {
                place: self.place(),
                status: 200,
                message: format!("node pack `{id}` has no released version"),
                hint: Some(match node.repository.as_str() {
                    "" => "ask its author for a release".to_owned(),
                    url => format!("add its repository instead: {}", crate::shown_url(url)),
                }),
            }),
        }
    }

    /// A version of a pack.
    ///
    /// # Errors
    /// As [`Self::node`]; the hint names the versions there are.
    pub fn version(&self, id: &RegistryId, version: Version) -> Result<NodeVersion, Error> {
        let what = format!("version {version} of node pack `{id}`");
        let number = version.to_string();
        self.kept(&format!("version-{}-{number}", id.key()), &what, || self.of(id, &["versions", &number], &[], &what))
            .map_err(|error| self.with_versions(error, id))
    }

    /// All versions of a pack that may be had, as the registry orders them.
    ///
    /// # Errors
    /// As [`Self::node`].
    pub fn versions(&self, id: &RegistryId) -> Result<Vec<NodeVersion>, Error> {
        const STATUSES: [(&str, &str); 4] = [
            ("statuses", "NodeVersionStatusActive"),
            ("statuses", "NodeVersionStatusPending"),
            ("statuses", "NodeVersionStatusFlagged"),
            ("include_status_reason", "true"),
        ];
        let what = format!("node pack `{id}`");
        self.kept(&format!("versions-{}", id.key()), &what, || self.of(id, &["versions"], &STATUSES, &what))
    }

    /// The pack that has this node type, as the registry knows; none if it knows of none.
    ///
    /// # Errors
    /// As [`Self::node`].
    pub fn owner_of(&self, node_type: &str) -> Result<Option<Node>, Error> {
        // Such a segment would climb out of the route.
        if matches!(node_type, "" | "." | "..") {
            return Ok(None);
        }
        let what = format!("owner of the node type `{}`", node_type.escape_debug());
        let key = comfydock_store::hash::of_bytes(node_type.as_bytes()).sha256;
        self.kept(&format!("owner-{key}"), &what, || {
            let url = self.url(&["comfy-nodes", node_type, "node"], &[])?;
            match self.ask(&url)? {
                (Reply { body, .. }, None) => self.read(&body).map(Some),
                (_, Some(Refusal::Missing | Refusal::Banned)) => Ok(None),
                (Reply { status, .. }, Some(refusal)) => Err(self.refused(&what, status, &refusal)),
            }
        })
    }

    /// Where the zip of a version is. The registry counts this as an installation.
    pub(crate) fn install(&self, id: &RegistryId, version: Version) -> Result<NodeVersion, Error> {
        let what = format!("version {version} of node pack `{id}`");
        if self.offline {
            return Err(Error::Offline { what: format!("fetching {what}") });
        }
        self.of(id, &["install"], &[("version", &version.to_string())], &what)
            .map_err(|error| self.with_versions(error, id))
    }

    /// Asks for something of a pack: as the id is written, then in lower case.
    fn of<T: DeserializeOwned>(
        &self,
        id: &RegistryId,
        rest: &[&str],
        query: &[(&str, &str)],
        what: &str,
    ) -> Result<T, Error> {
        let lower = id.key();
        let spellings = if lower == id.as_str() { vec![lower.as_str()] } else { vec![id.as_str(), &lower] };
        let mut last = None;
        for spelling in spellings {
            let parts: Vec<&str> = ["nodes", spelling].into_iter().chain(rest.iter().copied()).collect();
            match self.ask(&self.url(&parts, query)?)? {
                (Reply { body, .. }, None) => return self.read(&body),
                (Reply { status, .. }, Some(refusal)) => {
                    let missing = refusal == Refusal::Missing;
                    last = Some(self.refused(what, status, &refusal));
                    if !missing {
                        break;
                    }
                }
            }
        }
        Err(last.unwrap_or_else(|| self.refused(what, 404, &Refusal::Missing)))
    }

    fn url(&self, parts: &[&str], query: &[(&str, &str)]) -> Result<Url, Error> {
        let mut url = address::below(self.base.clone(), parts.iter().copied())
            .map_err(|message| Error::Unexpected { place: self.place(), message })?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    fn read<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, Error> {
        comfydock_core::registry::read(body).map_err(|message| Error::Unexpected { place: self.place(), message })
    }

    fn refused(&self, what: &str, status: u16, refusal: &Refusal) -> Error {
        Error::Refused { place: self.place(), status, message: refusal.told(what), hint: Some(refusal.remedy()) }
    }

    /// Adds the versions there are to what says that there is no such version.
    fn with_versions(&self, error: Error, id: &RegistryId) -> Error {
        let Error::Refused { place, status: 404, message, hint } = error else { return error };
        let mut known: Vec<Version> =
            self.versions(id).unwrap_or_default().iter().filter_map(NodeVersion::number).collect();
        known.sort_unstable();
        let newest: Vec<String> = known.iter().rev().take(5).map(ToString::to_string).collect();
        let hint =
            if newest.is_empty() { hint } else { Some(format!("the newest versions are {}", newest.join(", "))) };
        Error::Refused { place, status: 404, message, hint }
    }

    /// How messages call it.
    fn place(&self) -> String {
        match (self.base.host_str(), self.base.port()) {
            (Some(host), Some(port)) => format!("the Comfy registry ({host}:{port})"),
            (host, _) => format!("the Comfy registry ({})", host.unwrap_or_default()),
        }
    }
}

/// Reads the registry's address.
fn base(text: &str) -> Result<Url, Error> {
    let shown = crate::shown_url(text);
    let fault = |reason: &str| Error::Url { text: shown.clone(), reason: reason.to_owned() };
    let mut url = Url::parse(text).map_err(|error| fault(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(fault("the registry is reached by https"));
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err(fault("plain http is for this machine only: what arrives on the way could be anybody's"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(fault("the registry is asked without a name"));
    }
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_addresses_a_registry_may_have() {
        for (text, taken) in [
            ("https://api.comfy.org", true),
            ("https://registry.studio.example/comfy/", true),
            ("http://127.0.0.1:8080", true),
            ("http://localhost:8080", true),
            ("http://[::1]:8080", true),
            ("http://registry.studio.example", false),
            ("http://localhost.evil.example", false),
            ("ftp://api.comfy.org", false),
            ("https://user:secret@api.comfy.org", false),
            ("api.comfy.org", false),
            ("", false),
        ] {
            let read = base(text);
            assert_eq!(read.is_ok(), taken, "{text}");
            assert!(!read.err().is_some_and(|error| error.to_string().contains("secret")), "{text}");
        }
    }
}
