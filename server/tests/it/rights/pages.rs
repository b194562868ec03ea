//! The pages, asked by browsers signed in with each caller's token.

use super::{CALLERS, Cast};
use crate::support::browser::Browser;

/// A token that is no good opens no session, so that its last three columns are like the first.
const ROWS: &str = r#"
# anon read_ write chief forgn strng hub__ hubpu read_ push_ studi other look_ disab revok expir
200   200   200   200   200   200   200   200   200   200   200   200   200   200   200   200   GET /
200   200   200   200   200   200   200   200   200   200   200   200   200   200   200   200   GET /login
303   200   200   200   200   200   200   200   200   200   200   200   200   303   303   303   GET /account
303   403   403   200   404   404   200   403   403   403   200   404   200   303   303   303   GET /studio/look/settings
303   403   403   200   403   403   200   403   403   403   200   404   404   303   303   303   GET /studio/open/settings
303   404   404   200   404   404   200   404   404   404   200   404   404   303   303   303   GET /studio/gone/settings
303   403   403   200   404   404   200   403   403   403   200   404   404   303   303   303   GET /studio/before/settings
303   404   404   404   404   404   404   404   404   404   404   404   404   303   303   303   GET /studio/new/settings
# With the word that the page had: refused for another reason where it is allowed.
303   403   403   409   404   404   409   403   403   403   409   404   409   303   303   303   POST /studio/look/settings action=rename&value=open
303   403   403   422   404   404   422   403   403   403   422   404   422   303   303   303   POST /studio/look/settings action=delete&value=wrong
303   403   403   409   403   403   409   403   403   403   409   404   404   303   303   303   POST /studio/open/settings action=rename&value=gone
303   404   404   404   404   404   404   404   404   404   404   404   404   303   303   303   POST /studio/gone/settings action=rename&value=open
303   422   422   422   422   422   422   403   403   403   403   403   403   303   303   303   POST /account/tokens scope=read&expires=2001-01-01
303   404   404   404   404   404   404   404   404   404   404   404   404   303   303   303   POST /account/tokens/999999/revoke x=
"#;

#[test]
fn every_browser_sees_and_does_what_its_token_may() {
    let cast = Cast::new();
    let browsers: Vec<Browser> = cast
        .tokens
        .iter()
        .map(|token| {
            let mut browser = Browser::new(&cast.hub);
            if let Some(token) = token {
                browser.sign_in(token);
            }
            browser
        })
        .collect();
    for row in ROWS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let words: Vec<&str> = row.split_whitespace().collect();
        let (expected, question) = words.split_at(CALLERS.len());
        for ((caller, browser), expected) in CALLERS.iter().zip(&browsers).zip(expected) {
            let answer = match question {
                ["GET", path] => browser.get(path),
                ["POST", path, body] => {
                    let forged = browser.post_with("forged", path, body).status;
                    assert!(forged == 403 || forged == 303, "{caller} {row}: {forged}");
                    browser.post(path, body)
                }
                _ => panic!("{row}"),
            };
            assert_eq!(answer.status.to_string(), **expected, "{caller} {question:?}: {}", answer.text());
        }
    }
}
