//! Who sends a request: `Authorization: Bearer <token>`, or Basic with the token as password.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Once;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::peer::{self, Peer};
use crate::bridge::blocking;
use crate::service::login;
use crate::service::token::Refusal;
use crate::service::visitor::Visitor;
use crate::state::App;

/// The challenge of every 401. git answers it with Basic, API clients may use Bearer.
pub(super) const CHALLENGE: &str = r#"Basic realm="comfydock", charset="UTF-8""#;

/// The sender of a request, before it is known whether their token is good.
#[derive(Debug)]
pub(super) struct Sender {
    pub(super) peer: Peer,
    presented: Presented,
}

/// What a request carries to say who sends it.
#[derive(Debug, PartialEq, Eq)]
enum Presented {
    Nothing,
    /// Something that cannot be a token.
    Nonsense,
    Token(String),
}

impl FromRequestParts<App> for Sender {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, hub: &App) -> Result<Self, Infallible> {
        let connection = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
        let trusted = &hub.configuration.access.trusted_proxies;
        if let Some(proxy) = peer::unnamed_proxy(connection, &parts.headers, trusted) {
            warn_of(proxy);
        }
        let peer = Peer::find(connection, &parts.headers, trusted);
        Ok(Self { peer, presented: presented(&parts.headers) })
    }
}

/// Once: without its name in the configuration all who come through a proxy are one address, and their
/// cookies are not for TLS only.
fn warn_of(proxy: IpAddr) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::warn!(
            %proxy,
            "X-Forwarded-For is not believed; if a proxy of yours sends it, name its address in access.trusted_proxies"
        );
    });
}

/// Who the sender is. Nobody in particular without a token; a token that is no good is refused,
/// even for what everybody may see.
pub(super) async fn authenticate(hub: &App, sender: &Sender) -> Result<Visitor, Refusal> {
    let token = match &sender.presented {
        Presented::Nothing => return Ok(Visitor::Anonymous { sees_public: hub.configuration.access.anonymous }),
        Presented::Nonsense => None,
        Presented::Token(token) => Some(token.clone()),
    };
    let (running, address) = (hub.clone(), sender.peer.address);
    let signed_in =
        refusable(move || login::sign_in(&running.database, &running.logins, address, token.as_deref())).await;
    match &signed_in {
        Ok(caller) => drop(tracing::Span::current().record("user", &caller.user)),
        Err(Refusal::Failed(_)) => {}
        Err(_) => hub.metrics.login_failed(),
    }
    signed_in.map(Visitor::Caller)
}

/// Runs blocking work that may refuse: a refusal is an answer, not a failure of the bridge.
pub(super) async fn refusable<T, F>(work: F) -> Result<T, Refusal>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, Refusal> + Send + 'static,
{
    let answer = blocking(move || match work() {
        Err(Refusal::Failed(error)) => Err(error),
        outcome => Ok(outcome),
    });
    answer.await.map_err(Refusal::Failed)?
}

fn presented(headers: &HeaderMap) -> Presented {
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    match (lines.next(), lines.next()) {
        (None, _) => Presented::Nothing,
        // Which of the two is meant is not for the hub to guess.
        (Some(_), Some(_)) => Presented::Nonsense,
        (Some(line), None) => line.to_str().ok().and_then(token_in).map_or(Presented::Nonsense, Presented::Token),
    }
}

fn token_in(line: &str) -> Option<String> {
    let (scheme, value) = line.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(value.trim().to_owned());
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let decoded = String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?;
        return decoded.split_once(':').map(|(_, password)| password.to_owned());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_as_bearer_or_as_the_password_of_any_user() {
        let token = |text: &str| Presented::Token(text.to_owned());
        for (lines, expected) in [
            (vec!["Bearer cdk_x"], token("cdk_x")),
            (vec!["bearer cdk_x"], token("cdk_x")),
            (vec!["Basic YW55Ym9keTpjZGtfeA=="], token("cdk_x")),
            (vec!["Basic !!"], Presented::Nonsense),
            (vec!["Basic YW55Ym9keQ=="], Presented::Nonsense),
            (vec!["Digest x"], Presented::Nonsense),
            (vec!["cdk_x"], Presented::Nonsense),
            (vec![""], Presented::Nonsense),
            (vec!["Bearer cdk_x", "Bearer cdk_x"], Presented::Nonsense),
            (vec![], Presented::Nothing),
        ] {
            let mut headers = HeaderMap::new();
            for line in &lines {
                headers.append(AUTHORIZATION, line.parse().unwrap());
            }
            assert_eq!(presented(&headers), expected, "{lines:?}");
        }
    }
}
