//! A hub: who we are there, and what its catalog knows.

use std::collections::BTreeMap;

pub(super) use comfydock_core::address::is_loopback;
use comfydock_core::digest::Sha256;
use comfydock_core::name::RepoPath;
use comfydock_core::source::Source;
use comfydock_core::wire;
use comfydock_git::remote::Credential;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use url::Url;

use super::{Error, block_on, bounded, client, retry};
use crate::configuration::{Configuration, Credentials};

/// How the network may be used in this run.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// Not at all.
    pub offline: bool,
    /// Credentials may go to plain http addresses off this machine.
    pub insecure_http: bool,
    /// Hosts that models may be downloaded from besides public https ones.
    pub allow_hosts: Vec<String>,
    /// Pickles may come, which can run code when they are loaded.
    pub allow_pickle: bool,
    /// Models may come whose SHA-256 nobody recorded.
    pub allow_unverified: bool,
    /// CivitAI and Hugging Face may be asked about models.
    pub outside: bool,
}

/// A hub, and the token for it.
#[derive(Clone)]
pub struct Hub {
    url: Url,
    token: Option<String>,
    /// It may be known and must not be asked.
    offline: bool,
}

/// Reads a hub's address: `https://host[:port]`, nothing after it.
///
/// # Errors
/// When it is no URL, carries credentials, or is plain http to another machine without consent.
pub fn parse_url(text: &str, network: &Network) -> Result<Url, Error> {
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let shown = comfydock_git::program::without_credentials(&with_scheme);
    let fault = |reason: &str| Error::Url { text: shown.clone(), reason: reason.to_owned() };
    let mut url = Url::parse(&with_scheme).map_err(|error| fault(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(fault("a hub is reached by http or https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(fault("give the token to `comfydock hub login`, not in the URL"));
    }
    url.set_path("/");
    url.set_query(None);
    url.set_fragment(None);
    if url.scheme() == "http" && !is_loopback(&url) && !network.insecure_http {
        return Err(Error::Guarded {
            message: format!(
                "`{}` is plain http: everyone on the way could read the token",
                url.host_str().unwrap_or_default()
            ),
            hint: "use https, or --insecure-http in a network you trust".to_owned(),
        });
    }
    Ok(url)
}

/// Bytes of an answer at most.
const LARGEST: usize = 64 * 1024 * 1024;

/// What the hub's catalog knows of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Where it can be had.
    pub sources: Vec<Source>,
    /// Bytes.
    pub size: u64,
    /// The file name it was last pushed with.
    pub filename: String,
    /// The category it was last pushed with.
    pub category: String,
}

/// A variable of the environment, when it says something.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

/// `https://host:port`, the key tokens are kept under.
pub fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

impl Hub {
    /// The hub at this address, with the token that is kept for it, if any.
    ///
    /// # Errors
    /// As [`parse_url`]. Where the network is not to be used, what is asked of the hub fails with
    /// [`Error::Offline`].
    pub fn at(text: &str, network: &Network) -> Result<Self, crate::Error> {
        let url = parse_url(text, network)?;
        let key = origin(&url);
        // The variable's token is for the variable's hub and no other: a clone from elsewhere must
        // not carry it along.
        let token = match (variable("COMFYDOCK_HUB"), variable("COMFYDOCK_TOKEN")) {
            (Some(meant), Some(token)) if origin(&parse_url(&meant, network)?) == key => Some(token),
            _ => Credentials::load()?.tokens.get(&key).cloned(),
        };
        Ok(Self { url, token, offline: network.offline })
    }

    /// The hub that `TEAM/NAME` means: COMFYDOCK_HUB, else the one logged in to.
    ///
    /// # Errors
    /// When there is none.
    pub fn default_hub(network: &Network) -> Result<Option<Self>, crate::Error> {
        match variable("COMFYDOCK_HUB").or(Configuration::load()?.hub) {
            Some(text) => Self::at(&text, network).map(Some),
            None => Ok(None),
        }
    }

    /// The hub with another token, before it is kept.
    #[must_use]
    pub fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// The hub's address.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The hub's host, which the user consented to by logging in.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// The token for it, if it is at this `host[:port]`.
    pub fn token_at(&self, host: &str) -> Option<String> {
        let own = match self.url.port() {
            Some(port) => format!("{}:{port}", self.url.host_str()?),
            None => self.url.host_str()?.to_owned(),
        };
        self.token.clone().filter(|_| own.eq_ignore_ascii_case(host))
    }

    /// Whether there is a token for it.
    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// The token for it.
    pub(super) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The address of an environment's repository.
    pub fn repository_url(&self, path: &RepoPath) -> String {
        format!("{}{path}.git", self.url)
    }

    /// The environment whose repository has this URL, when it is on this hub.
    pub fn environment_at(&self, url: &str) -> Option<RepoPath> {
        let url = Url::parse(url).ok().filter(|url| origin(url) == origin(&self.url))?;
        let path = url.path().trim_matches('/');
        RepoPath::parse(path.strip_suffix(".git").unwrap_or(path)).ok()
    }

    /// What lets git in.
    pub fn credential(&self) -> Option<Credential> {
        let token = self.token.as_ref()?;
        Some(Credential { origin: origin(&self.url), header: format!("Authorization: Bearer {token}") })
    }

    /// Who the token's user is.
    ///
    /// # Errors
    /// When the hub cannot be reached or does not know the token.
    pub fn whoami(&self) -> Result<wire::Whoami, Error> {
        block_on(self.ask::<(), _>(Method::GET, "api/v1/whoami", None))
    }

    /// Where models can be had, by SHA-256; what the catalog does not know is absent.
    ///
    /// # Errors
    /// When the hub cannot be reached or refuses.
    pub fn sources(&self, wanted: &[Sha256]) -> Result<BTreeMap<Sha256, Vec<Source>>, Error> {
        Ok(self.models(wanted)?.into_iter().map(|(sha256, known)| (sha256, known.sources)).collect())
    }

    /// What the catalog knows of models that can be had somewhere, by SHA-256.
    ///
    /// # Errors
    /// When the hub cannot be reached or refuses.
    pub fn models(&self, wanted: &[Sha256]) -> Result<BTreeMap<Sha256, Known>, Error> {
        let mut found = BTreeMap::new();
        for part in wanted.chunks(wire::LOOKUP_LIMIT) {
            let request = wire::LookupRequest { keys: part.iter().map(|sha256| format!("sha256:{sha256}")).collect() };
            let answer: wire::LookupAnswer = block_on(self.ask(Method::POST, "api/v1/models/lookup", Some(&request)))?;
            for sha256 in part {
                let Some(Some(entry)) = answer.models.get(&format!("sha256:{sha256}")) else { continue };
                let models = || entry.models().iter().filter(|model| model.sha256.as_ref() == Some(sha256));
                let sources = models().flat_map(|model| &model.sources);
                let sources: Vec<Source> = sources.filter_map(|source| Source::parse(&source.locator).ok()).collect();
                let Some(model) = models().next().filter(|_| !sources.is_empty()) else { continue };
                let (filename, category) = (model.filename.clone(), model.category.clone());
                found.insert(sha256.clone(), Known { sources, size: model.size, filename, category });
            }
        }
        Ok(found)
    }

    /// Asks the hub and reads its answer.
    pub(super) async fn ask<B: serde::Serialize, A: serde::de::DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&B>,
    ) -> Result<A, Error> {
        let bytes = self.send(method, path, body).await?;
        let place = self.host().to_owned();
        serde_json::from_slice(&bytes)
            .map_err(|error| Error::Unexpected { place, message: format!("no answer of a hub ({error})") })
    }

    /// Asks the hub, again if it is busy; what it answers is given as it came.
    pub(super) async fn send<B: serde::Serialize>(
        &self,
        method: Method,
        path: &str,
        body: Option<&B>,
    ) -> Result<Vec<u8>, Error> {
        let mut failed = 0;
        loop {
            let mut response = self.send_once(method.clone(), path, body).await?;
            let status = response.status();
            if status == StatusCode::SERVICE_UNAVAILABLE {
                // It has done nothing yet, so that whatever was asked may be asked again.
                failed += 1;
                if let Some(pause) = retry::wait(failed, retry::asked(response.headers())) {
                    tokio::time::sleep(pause).await;
                    continue;
                }
            }
            let place = self.host().to_owned();
            if status.is_redirection() {
                return Err(Error::Unexpected {
                    place,
                    message: "a redirect; a hub does not redirect, and the token is not carried along".to_owned(),
                });
            }
            let bytes = bounded(&mut response, LARGEST).await.map_err(|error| self.unreachable(error))?;
            let Some(bytes) = bytes else {
                return Err(Error::Unexpected { place, message: "an endless answer".to_owned() });
            };
            return if status.is_success() { Ok(bytes) } else { Err(refusal(place, status.as_u16(), &bytes)) };
        }
    }

    async fn send_once<B: serde::Serialize>(
        &self,
        method: Method,
        path: &str,
        body: Option<&B>,
    ) -> Result<Response, Error> {
        self.online()?;
        let client = client().build().map_err(|error| self.unreachable(error))?;
        let mut request = client.request(method, self.at_path(path)?);
        if let Some(body) = body {
            request = request.json(body);
        }
        self.authorized(request).send().await.map_err(|error| self.unreachable(error))
    }

    /// That the network may be used.
    pub(super) fn online(&self) -> Result<(), Error> {
        if self.offline { Err(Error::Offline { what: format!("talking to {}", self.host()) }) } else { Ok(()) }
    }

    /// An address on the hub.
    pub(super) fn at_path(&self, path: &str) -> Result<Url, Error> {
        self.url.join(path).map_err(|error| Error::Url { text: path.to_owned(), reason: error.to_string() })
    }

    /// The request with the token.
    pub(super) fn authorized(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub(super) fn unreachable(&self, source: reqwest::Error) -> Error {
        Error::Unreachable { place: self.host().to_owned(), source: source.without_url() }
    }
}

pub(super) fn refusal(place: String, status: u16, body: &[u8]) -> Error {
    let parsed: Option<wire::ErrorBody> = serde_json::from_slice(body).ok();
    let (message, hint) = match parsed {
        Some(answer) => (answer.error.message, answer.error.hint),
        None => (format!("HTTP status {status}"), None),
    };
    let hint = hint.or_else(|| match status {
        401 => Some(format!("log in with `comfydock hub login {place}`")),
        502..=504 => Some("the hub is busy or being restarted; run the command again in a while".to_owned()),
        _ => None,
    });
    Error::Refused { place, status, message, hint }
}
