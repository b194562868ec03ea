//! Credentials of every kind that are none.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use base64::Engine as _;

use super::PATIENT;
use crate::support::{Hub, PATIENCE, send, text};

#[test]
fn credentials_that_are_none_are_refused_whatever_they_look_like() {
    let hub = Hub::start_with("hub", PATIENT);
    let good = hub.admin_token();
    let basic = |text: &[u8]| format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(text));
    let huge = format!("Bearer {}", "x".repeat(16 * 1024));
    let twice = [("Authorization", format!("Bearer {good}")), ("Authorization", format!("Bearer {good}"))];
    let mut bad: Vec<Vec<(&str, String)>> = [
        "".to_owned(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        "Basic".to_owned(),
        "Basic ".to_owned(),
        good.clone(),
        format!("Digest {good}"),
        format!("Token {good}"),
        format!("Bearer{good}"),
        format!("Bearer {good}, Bearer {good}"),
        format!("Bearer {good}x"),
        format!("Bearer {}", good.to_uppercase()),
        format!("Bearer {}", &good[..good.len() - 1]),
        format!("Bearer {good}\u{e9}"),
        format!("Bearer {good}\ttoo"),
        "Basic %%%".to_owned(),
        basic(b""),
        basic(b":"),
        basic(b"nocolon"),
        basic(good.as_bytes()),
        // The token as the user's name is no password.
        basic(format!("{good}:").as_bytes()),
        basic(format!("{good}:x-oauth-basic").as_bytes()),
        basic(b"x:\0\x01\x02"),
        basic(b"x:\xff\xfe"),
        basic(format!("x:{good}:more").as_bytes()),
        huge,
    ]
    .into_iter()
    .map(|value| vec![("Authorization", value)])
    .collect();
    bad.push(twice.to_vec());
    for headers in bad {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(key, value)| (*key, value.as_str())).collect();
        for path in ["/api/v1/whoami", "/api/v1/environments", "/admin/look/info/refs?service=git-upload-pack"] {
            let answer = send(&hub.address, "GET", path, &headers, b"");
            assert_eq!(answer.status, 401, "{headers:?} {path}");
            assert!(answer.header("www-authenticate").starts_with("Basic realm="), "{headers:?}");
            assert!(!answer.text().contains(&good));
        }
    }
    // More than any head may have: the hub need not read it all before it ends the connection.
    let mut stream = TcpStream::connect(&hub.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head =
        format!("GET /api/v1/whoami HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {}\r\n\r\n", "x".repeat(4 << 20));
    let _ = stream.write_all(head.as_bytes());
    let mut start = Vec::new();
    let _ = stream.read_to_end(&mut start);
    let start = text(&start);
    assert!(start.is_empty() || start.starts_with("HTTP/1.1 431"), "{start}");
    assert_eq!(hub.get(&good, "/api/v1/whoami").status, 200);
}
