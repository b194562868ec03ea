//! Who sends a request: `Authorization: Bearer <token>`, or Basic with the token as password.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::bridge::blocking;
use crate::service::token::{self, Caller, Refusal, Rejection};
use crate::state::App;

/// The challenge of every 401. git answers it with Basic, API clients may use Bearer.
pub(super) const CHALLENGE: &str = r#"Basic realm="comfydock", charset="UTF-8""#;

/// The signed-in user of a request.
pub(super) async fn authenticate(hub: &App, headers: &HeaderMap) -> Result<Caller, Refusal> {
    let Some(token) = presented_token(headers) else {
        let nothing = !headers.contains_key(AUTHORIZATION);
        return Err(if nothing { Rejection::Missing } else { Rejection::Unknown }.into());
    };
    let (counting, hub) = (hub, hub.clone());
    // A refusal is an answer, not a failure of the bridge: it travels inside.
    let answer = blocking(move || match token::authenticate(&hub.database, &token) {
        Ok(caller) => Ok(Ok(caller)),
        Err(Refusal::Rejected(rejection)) => Ok(Err(rejection)),
        Err(Refusal::Failed(error)) => Err(error),
    });
    let caller = answer.await.map_err(Refusal::Failed)?.map_err(|rejection| {
        counting.metrics.login_failed();
        Refusal::Rejected(rejection)
    })?;
    tracing::Span::current().record("user", &caller.user);
    Ok(caller)
}

fn presented_token(headers: &HeaderMap) -> Option<String> {
    let (scheme, value) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
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
        for (header, token) in [
            ("Bearer cdk_x", Some("cdk_x")),
            ("bearer cdk_x", Some("cdk_x")),
            ("Basic YW55Ym9keTpjZGtfeA==", Some("cdk_x")),
            ("Basic !!", None),
            ("Basic YW55Ym9keQ==", None),
            ("Digest x", None),
            ("cdk_x", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, header.parse().unwrap());
            assert_eq!(presented_token(&headers).as_deref(), token, "{header}");
        }
    }
}
