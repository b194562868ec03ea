//! docker-registry with tokens, and the server that gives them.

use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use comfydock_bundle::registry::{Error, Registry};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use p256::pkcs8::DecodePrivateKey as _;
use serde_json::json;

use super::docker::{Access, Docker};
use super::proxy::{Deed, Head, Proxy};
use super::{described, hasty, name, noise, open, password, source};

/// A key and a certificate over it; none where there is no openssl.
fn make_key(folder: &Path) -> Option<(SigningKey, String)> {
    let (key, certificate) = (folder.join("key.pem"), folder.join("certificate.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
        .args(["-subj", "/CN=tests", "-days", "2", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output();
    if !made.is_ok_and(|output| output.status.success()) {
        let _ = std::io::Write::write_all(&mut std::io::stderr(), b"SKIPPED: there is no openssl\n");
        return None;
    }
    let key = SigningKey::from_pkcs8_pem(&std::fs::read_to_string(key).unwrap()).unwrap();
    let pem = std::fs::read_to_string(certificate).unwrap();
    Some((key, pem.lines().filter(|line| !line.starts_with("-----")).collect()))
}

/// A token as distribution's `docs/spec/auth/jwt.md` has it, for what the query asks for.
fn token(key: &SigningKey, certificate: &str, query: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let access: Vec<_> = url::form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| name == "scope")
        .map(|(_, scope)| {
            let parts: Vec<_> = scope.split(':').collect();
            json!({"type": parts[0], "name": parts[1], "actions": parts[2].split(',').collect::<Vec<_>>()})
        })
        .collect();
    let head = json!({"typ": "JWT", "alg": "ES256", "x5c": [certificate]});
    let body = json!({"iss": "tests", "aud": "tests", "sub": "me", "exp": now + 300, "nbf": now - 5, "iat": now,
        "jti": "1", "access": access});
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&head), part(&body));
    let signature: Signature = key.sign(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

#[test]
fn docker_registry_with_tokens_lets_in_who_has_one() {
    let folder = tempfile::tempdir().unwrap();
    let Some((key, certificate)) = make_key(folder.path()) else { return };
    let basic = format!("Basic {}", STANDARD.encode("me:hunter2"));
    let server = Proxy::start("127.0.0.1:1", move |head: &Head| {
        let query = head.path.split_once('?').map_or("", |(_, query)| query);
        match head.header("authorization") {
            Some(given) if given == basic => {
                let body = json!({"token": token(&key, &certificate, query), "expires_in": 300}).to_string();
                Deed::Answer(200, vec![], body.into_bytes())
            }
            _ => Deed::Answer(401, vec![], vec![]),
        }
    });
    let access = Access::Tokens {
        realm: format!("http://{}/auth", server.host()),
        certificate: folder.path().join("certificate.pem"),
    };
    let Some(docker) = Docker::start(&access) else { return };
    let bytes = noise(6, 1_000_000);
    let blob = described("x", &bytes);
    let error = open(&docker.host()).push_blob(&name("team/studio"), &blob, &source(&bytes)).unwrap_err();
    assert!(matches!(error, Error::Unauthorized { known: false, .. }), "{error}");
    let wrong = Registry::open(&docker.host(), password("me", "no"), hasty()).unwrap();
    let error = wrong.push_blob(&name("team/studio"), &blob, &source(&bytes)).unwrap_err();
    assert!(matches!(error, Error::Unauthorized { known: true, .. }), "{error}");

    let registry = Registry::open(&docker.host(), password("me", "hunter2"), hasty()).unwrap();
    registry.push_blob(&name("team/studio"), &blob, &source(&bytes)).unwrap();
    assert!(registry.mount(&name("team/other"), &blob.digest, &name("team/studio")).unwrap());
    registry.pull_blob(&name("team/other"), &blob, &folder.path().join("layer")).unwrap();
    assert!(std::fs::read(folder.path().join("layer")).unwrap() == bytes);
}
