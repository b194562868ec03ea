use std::os::unix::fs::PermissionsExt as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::*;

const COSIGNS: &str = include_str!("../../../../tests/fixtures/signatures/cosign.key");
const COSIGNS_PUBLIC: &str = include_str!("../../../../tests/fixtures/signatures/cosign.pub");

const FINGERPRINT: &str = "SHA256:ec4172df7035d2296b046f8967123326f3d6990b8505f683e04f4240900f5bb2";

/// cosign's key with its container changed.
fn with(change: impl FnOnce(&mut Value)) -> String {
    let (label, json) = pem::read(COSIGNS).unwrap();
    let mut container: Value = serde_json::from_slice(&json).unwrap();
    change(&mut container);
    pem::write(&label, container.to_string().as_bytes())
}

#[test]
fn cosigns_key_is_opened_and_its_public_half_is_the_one_cosign_wrote() {
    let key = PrivateKey::open(COSIGNS, "pw").unwrap();
    assert_eq!(key.public().unwrap().to_pem(), COSIGNS_PUBLIC);
    let older = COSIGNS.replace("SIGSTORE", "COSIGN");
    assert_eq!(PrivateKey::open(&older, "pw").unwrap().public().unwrap(), key.public().unwrap());
    // openssl pkey -pubin -in cosign.pub -outform DER | sha256sum
    assert_eq!(key.public().unwrap().fingerprint().to_string(), FINGERPRINT);
    assert_eq!(key.public().unwrap().hint(), "7EFy33A10ilrBG+JZxIzJvPWmQuFBfaD4E9CQJAPW7I=");
    assert_eq!(
        PublicKey::of_hint("7EFy33A10ilrBG+JZxIzJvPWmQuFBfaD4E9CQJAPW7I="),
        Some(key.public().unwrap().fingerprint())
    );
}

#[test]
fn a_new_key_comes_back_with_its_password_and_no_other() {
    let key = PrivateKey::generate().unwrap();
    let text = key.seal("päss").unwrap();
    assert!(
        text.starts_with("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n")
            && text.lines().all(|line| line.len() <= 64)
    );
    assert_eq!(PrivateKey::open(&text, "päss").unwrap().public().unwrap(), key.public().unwrap());
    assert!(matches!(PrivateKey::open(&text, "pass"), Err(Error::Password)));
    let (message, public) = (b"what is signed".as_slice(), key.public().unwrap());
    assert_eq!(public.verify(message, &key.sign(message)), Ok(()));
    assert_eq!(key.sign(message), PrivateKey::open(&text, "päss").unwrap().sign(message));
    assert!(public.verify(b"something else", &key.sign(message)).is_err());
    assert_ne!(key.seal("päss").unwrap(), text, "salt and nonce are new each time");
}

#[test]
fn what_is_no_key_of_ours_says_why() {
    let bounds =
        |n: u64, r: u64, p: u64| with(|container| container["kdf"]["params"] = json!({ "N": n, "r": r, "p": p }));
    let rows: Vec<(String, &str)> = vec![
        (String::new(), "not a key in PEM"),
        (COSIGNS.replace("-----END", "-----AND"), "last line is missing"),
        (format!("{COSIGNS}{COSIGNS}"), "more than one key"),
        (COSIGNS.replacen("eyJ", "e!J", 1), "base64 is damaged"),
        (COSIGNS_PUBLIC.to_owned(), "it is a public key"),
        (COSIGNS.replace("ENCRYPTED SIGSTORE", "EC"), "it is a ec private key"),
        ("x".repeat(70_000), "too large"),
        (with(|container| container["kdf"]["name"] = json!("argon2")), "uses argon2"),
        (with(|container| container["cipher"]["name"] = json!("none")), "uses scrypt and none"),
        (with(|container| container["cipher"]["nonce"] = json!("AAAA")), "24 bytes"),
        (with(|container| container["ciphertext"] = json!("!")), "ciphertext is not base64"),
        (with(|container| drop(container.as_object_mut().unwrap().remove("kdf"))), "missing field"),
        (with(|container| container["ciphertext"] = json!(STANDARD.encode([0; 64]))), "password does not open"),
        (bounds(1 << 21, 8, 1), "N=2097152, r=8, p=1"),
        (bounds(1 << 63, 1, 1), "N=9223372036854775808"),
        (bounds(65_537, 8, 1), "N=65537"),
        (bounds(1 << 20, 64, 1), "N=1048576, r=64"),
        (bounds(0, 8, 1), "N=0,"),
        (bounds(1 << 16, 8, 9), "p=9"),
        (bounds(1 << 16, 0, 1), "r=0"),
        (bounds(1 << 16, 4_294_967_295, 4_294_967_295), "r=4294967295"),
    ];
    for (text, words) in rows {
        let error = PrivateKey::open(&text, "pw").expect_err(words);
        assert!(error.to_string().contains(words) && error.hint().is_some(), "{words}: {error}");
    }
    for (text, words) in [
        (COSIGNS, "it is a encrypted sigstore private key"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "neither ECDSA"),
        // The neutral element of Ed25519: every signature of a kind would fit.
        (
            "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n-----END PUBLIC KEY-----\n",
            "no usable one",
        ),
    ] {
        let error = PublicKey::from_pem(text).expect_err(words);
        assert!(error.to_string().contains(words), "{words}: {error}");
    }
}

#[test]
fn a_pair_is_written_for_its_owner_and_replaces_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let prefix = folder.path().join("studio.2026");
    let key = PrivateKey::generate().unwrap();
    let written = write_pair(&key, &prefix, "pw").unwrap();
    assert_eq!(
        (&written.private, &written.public),
        (&folder.path().join("studio.2026.key"), &folder.path().join("studio.2026.pub"))
    );
    assert_eq!(std::fs::metadata(&written.private).unwrap().permissions().mode() & 0o777, 0o600);
    let before = std::fs::read(&written.private).unwrap();
    assert!(matches!(write_pair(&key, &prefix, "pw"), Err(Error::Taken { .. })));
    assert_eq!(std::fs::read(&written.private).unwrap(), before);
    // Only the public half is there, or a link that leads nowhere: neither file is written.
    std::fs::remove_file(&written.private).unwrap();
    assert!(matches!(write_pair(&key, &prefix, "pw"), Err(Error::Taken { .. })));
    std::fs::remove_file(&written.public).unwrap();
    std::os::unix::fs::symlink("nowhere", &written.public).unwrap();
    assert!(matches!(write_pair(&key, &prefix, "pw"), Err(Error::Taken { .. })));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    assert!(write_pair(&key, &folder.path().join("no/folder"), "pw").is_err());
}
