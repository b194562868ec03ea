//! Cookies, as far as the pages need them.

use axum::http::HeaderMap;
use axum::http::header::COOKIE;

use crate::http::peer::Peer;

/// The cookie of a signed-in browser.
pub(super) const SESSION: &str = "comfydock_session";
/// The cookie that ties the login form to the browser that was shown it.
pub(super) const FORM: &str = "comfydock_form";

/// The value of a cookie.
pub(super) fn find(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
}

/// The header that sets a cookie no script and no other site can use. An empty value removes it.
pub(super) fn set(peer: Peer, name: &str, value: &str, seconds: i64) -> String {
    let age = if value.is_empty() { 0 } else { seconds };
    // Behind a proxy that speaks TLS the cookie must never leave it; on plain http it must work.
    let secure = if peer.is_encrypted { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict{secure}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, "a=1; comfydock_session=x".parse().unwrap());
        headers.append(COOKIE, "b=2".parse().unwrap());
        assert_eq!(find(&headers, SESSION).as_deref(), Some("x"));
        assert_eq!(find(&headers, "b").as_deref(), Some("2"));
        assert_eq!(find(&headers, "session"), None);
    }
}
