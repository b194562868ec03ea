//! Who we are to a registry: what it wants to be told, and tokens for as long as they last.
//!
//! The token flow is that of distribution's `docs/spec/auth/{token,oauth,scope}.md`.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use comfydock_core::address::is_loopback;
use comfydock_core::oci::{RepositoryName, challenges};
use comfydock_core::redact::redact;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use super::credentials::{Credentials, Kind};
use super::request::{Fault, bounded};
use super::{Error, Inner};

/// Bytes of a token's answer at most.
const LARGEST: usize = 1024 * 1024;
/// How long a token lasts that does not say (distribution, token.md).
const USUAL: u64 = 60;

/// What is to be done, as tokens are asked for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Scope {
    pub(super) repository: String,
    /// Written, not only read.
    pub(super) push: bool,
    /// Another repository that a blob is taken from.
    pub(super) from: Option<String>,
}

impl Scope {
    pub(super) fn pull(repository: &RepositoryName) -> Self {
        Self { repository: repository.to_string(), push: false, from: None }
    }

    pub(super) fn push(repository: &RepositoryName) -> Self {
        Self { push: true, ..Self::pull(repository) }
    }

    fn texts(&self) -> Vec<String> {
        let own = format!("repository:{}:{}", self.repository, if self.push { "pull,push" } else { "pull" });
        std::iter::once(own).chain(self.from.as_ref().map(|from| format!("repository:{from}:pull"))).collect()
    }
}

/// What the registry wants to be told.
#[derive(Clone)]
enum Offer {
    /// Nothing, as far as we know.
    Nothing,
    Basic,
    /// A token from there.
    Bearer {
        realm: Url,
        service: Option<String>,
    },
}

struct Token {
    header: HeaderValue,
    until: Instant,
}

struct State {
    offer: Offer,
    tokens: HashMap<Scope, Token>,
}

pub(super) struct Auth {
    credentials: Credentials,
    state: Mutex<State>,
}

impl Auth {
    pub(super) fn new(credentials: Credentials) -> Self {
        Self { credentials, state: Mutex::new(State { offer: Offer::Nothing, tokens: HashMap::new() }) }
    }

    /// A registry's words without our secret in them.
    pub(super) fn redacted(&self, text: &str) -> String {
        redact(text, self.credentials.secret())
    }
}

/// A header that is not shown.
fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn basic(user: &str, password: &str) -> Option<HeaderValue> {
    sensitive(&format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
}

impl Inner {
    /// What is sent along to this address: something only if it is the registry's own.
    pub(super) async fn authorization(&self, url: &Url, scope: &Scope) -> Result<Option<HeaderValue>, Fault> {
        if url.origin() != self.base.origin() {
            return Ok(None);
        }
        let mut state = self.auth.state.lock().await;
        let kind = self.auth.credentials.kind();
        match state.offer.clone() {
            Offer::Nothing => Ok(None),
            Offer::Basic => match kind {
                Kind::Password { user, password } => Ok(basic(user, password.reveal())),
                _ => Err(self.unauthorized(scope, "it wants a user and a password").into()),
            },
            Offer::Bearer { realm, service } => {
                if let Kind::Bearer(token) = kind {
                    return Ok(sensitive(&format!("Bearer {}", token.reveal())));
                }
                if let Some(token) = state.tokens.get(scope).filter(|token| Instant::now() < token.until) {
                    return Ok(Some(token.header.clone()));
                }
                let token = self.fetch_token(&realm, service.as_deref(), scope).await?;
                let header = token.header.clone();
                state.tokens.insert(scope.clone(), token);
                Ok(Some(header))
            }
        }
    }

    /// Learns from a 401 what the registry wants to be told; what was sent is not sent again.
    pub(super) async fn learn(
        &self,
        headers: &HeaderMap,
        scope: &Scope,
        sent: Option<&HeaderValue>,
    ) -> Result<(), Error> {
        let offers: Vec<_> = headers
            .get_all(WWW_AUTHENTICATE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(challenges)
            .collect();
        let find = |scheme: &str| offers.iter().find(|challenge| challenge.scheme == scheme);
        let offer = match (find("bearer"), find("basic")) {
            (Some(bearer), _) if bearer.parameter("realm").is_some() => Offer::Bearer {
                realm: self.judge_realm(bearer.parameter("realm").unwrap_or_default())?,
                service: bearer.parameter("service").map(str::to_owned),
            },
            (_, Some(_)) => Offer::Basic,
            _ => return Err(self.unauthorized(scope, "it does not say how it wants to be told who asks")),
        };
        let mut state = self.auth.state.lock().await;
        state.offer = offer;
        if state.tokens.get(scope).is_some_and(|token| Some(&token.header) == sent) {
            state.tokens.remove(scope);
        }
        Ok(())
    }

    /// Where a token may be asked for: our password goes there.
    pub(super) fn judge_realm(&self, text: &str) -> Result<Url, Error> {
        let refuse = |reason: &str| Error::Guarded {
            message: format!(
                "{} wants the password sent to `{}`, which is refused: {reason}",
                self.host,
                Url::parse(text).map_or_else(|_| "…".to_owned(), |url| comfydock_core::redact::shown(&url))
            ),
            hint: "is this the registry you mean? Its operator can say where its tokens come from".to_owned(),
        };
        let realm = Url::parse(text).map_err(|_| refuse("it is no address"))?;
        if !realm.username().is_empty() || realm.password().is_some() || realm.host().is_none() {
            return Err(refuse("it is no plain address"));
        }
        let plain = self.base.scheme() == "http";
        match realm.scheme() {
            // A registry elsewhere has no business with what listens on this machine.
            _ if is_loopback(&realm) && !plain => Err(refuse("it is this machine")),
            "https" => Ok(realm),
            "http" if plain && (is_loopback(&realm) || self.options.plain_http) => Ok(realm),
            _ => Err(refuse("it is not https, so that everyone on the way could read it")),
        }
    }

    async fn fetch_token(&self, realm: &Url, service: Option<&str>, scope: &Scope) -> Result<Token, Fault> {
        let place = realm.host_str().unwrap_or_default().to_owned();
        let mut pairs: Vec<(&str, String)> = Vec::new();
        pairs.extend(service.map(|service| ("service", service.to_owned())));
        let request = match self.auth.credentials.kind() {
            Kind::Identity(token) => {
                pairs.extend([
                    ("grant_type", "refresh_token".to_owned()),
                    ("client_id", "comfydock".to_owned()),
                    ("scope", scope.texts().join(" ")),
                    ("refresh_token", token.reveal().to_owned()),
                ]);
                let mut form = url::form_urlencoded::Serializer::new(String::new());
                let body = form.extend_pairs(&pairs).finish();
                let kind = "application/x-www-form-urlencoded";
                self.http.post(realm.clone()).header(reqwest::header::CONTENT_TYPE, kind).body(body)
            }
            kind => {
                pairs.extend(scope.texts().into_iter().map(|text| ("scope", text)));
                let mut url = realm.clone();
                url.query_pairs_mut().extend_pairs(&pairs);
                let request = self.http.get(url);
                match kind {
                    Kind::Password { user, password } => match basic(user, password.reveal()) {
                        Some(header) => request.header(AUTHORIZATION, header),
                        None => request,
                    },
                    _ => request,
                }
            }
        };
        let asked = Instant::now();
        let mut response = self.answer(request, &place).await?;
        let status = response.status().as_u16();
        self.judge_passing(&response, &place)?;
        let body = self.in_time(bounded(&mut response, LARGEST), &place).await?;
        if !response.status().is_success() {
            return Err(self.unauthorized(scope, &format!("no token from {place} (HTTP status {status})")).into());
        }
        // What is wrong with the answer is not repeated: it may hold the token.
        let odd = || Error::Unexpected { place: place.clone(), message: "no token in the answer for one".to_owned() };
        let answer: Answer = body.and_then(|body| serde_json::from_slice(&body).ok()).ok_or_else(odd)?;
        let token = answer.token.or(answer.access_token).filter(|token| !token.is_empty()).ok_or_else(odd)?;
        let header = sensitive(&format!("Bearer {token}")).ok_or_else(odd)?;
        // Some time is left for the way; the clocks of others are not asked.
        let lasts = Duration::from_secs(answer.expires_in.unwrap_or(USUAL).min(24 * 3600));
        Ok(Token { header, until: asked + lasts.mul_f64(0.8) })
    }

    pub(super) fn unauthorized(&self, scope: &Scope, message: &str) -> Error {
        Error::Unauthorized {
            place: self.host.clone(),
            repository: scope.repository.clone(),
            known: !matches!(self.auth.credentials.kind(), Kind::Nobody),
            message: message.to_owned(),
            notes: self.auth.credentials.notes().to_vec(),
        }
    }
}

/// What a token's answer holds of what we read.
#[derive(Deserialize)]
struct Answer {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
}
