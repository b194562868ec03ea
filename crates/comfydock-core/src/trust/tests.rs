use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::digest::Sha256;
use crate::signature::Place;

fn fingerprint(digit: char) -> Fingerprint {
    Sha256::parse(&digit.to_string().repeat(64)).unwrap().into()
}

fn key(digit: char, name: &str, scopes: &[&str]) -> Key {
    Key {
        fingerprint: fingerprint(digit),
        name: Some(name.to_owned()).filter(|name| !name.is_empty()),
        scopes: scopes.iter().map(|scope| scope.parse().unwrap()).collect(),
        added: Some("2026-11-28T00:00:00Z".to_owned()),
        means: Some(Means::Command),
        revoked: None,
        public_key: Some("-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----\n".to_owned()),
    }
}

/// a: everything of team; b: one repository of it; c: the whole host; d: everywhere; f: revoked.
fn trust() -> Trust {
    let mut trust = Trust::default();
    for key in [
        key('a', "alice", &["ghcr.io/team/*"]),
        key('b', "bob", &["ghcr.io/team/look", "quay.io/*"]),
        key('c', "", &["ghcr.io/*"]),
        key('d', "", &["*"]),
        key('f', "mallory", &["ghcr.io/*"]),
    ] {
        trust.add(key).unwrap();
    }
    trust.revoke(&fingerprint('f'), "2026-11-29T00:00:00Z");
    trust
}

#[test]
fn the_narrowest_scope_says_whose_signature_counts() {
    let trust = trust();
    for (place, believed) in [
        ("ghcr.io/team/look:1.2", "b"),
        ("ghcr.io/team/other", "a"),
        ("ghcr.io/team/look/sub", "a"),
        ("ghcr.io/team", "c"),
        ("ghcr.io/teams/look", "c"),
        ("GHCR.IO/x", "c"),
        ("quay.io/x/y", "b"),
        ("ghcr.io.evil.example/team/look", "d"),
        ("docker.io/x/y", "d"),
    ] {
        let place = Place::read(place);
        for digit in "abcdef".chars() {
            let verdict = trust.judge(Some(&place), &[fingerprint(digit)], 0);
            let trusted = matches!(verdict, Verdict::Trusted { .. });
            assert_eq!(trusted, believed.contains(digit), "{place}, {digit}: {verdict:?}");
        }
    }
}

#[test]
fn one_who_is_believed_is_enough_and_a_revoked_one_weighs_more_than_an_unknown_one() {
    let trust = trust();
    let place = Place::read("ghcr.io/team/other");
    let (alice, revoked, nobody) = (fingerprint('a'), fingerprint('f'), fingerprint('0'));
    let named = |name: &str| Verdict::Trusted { fingerprint: fingerprint('a'), name: Some(name.to_owned()) };
    let gone = Verdict::Revoked { fingerprint: revoked.clone(), on: "2026-11-29T00:00:00Z".to_owned() };
    let unknown = |signers: &[Fingerprint]| Verdict::Unknown { fingerprints: signers.to_vec() };
    for (signers, refused, expected) in [
        (vec![], 0, Verdict::Unsigned),
        (vec![], 3, Verdict::Refused),
        (vec![alice.clone()], 3, named("alice")),
        (vec![nobody.clone(), revoked.clone(), alice.clone()], 0, named("alice")),
        (vec![nobody.clone(), revoked.clone()], 0, gone),
        (vec![nobody.clone()], 2, unknown(&[nobody])),
        // Known, and not believed there.
        (vec![fingerprint('b')], 0, unknown(&[fingerprint('b')])),
    ] {
        assert_eq!(trust.judge(Some(&place), &signers, refused), expected, "{signers:?}");
    }
    // A file lies nowhere.
    assert_eq!(trust.judge(None, &[alice], 0), named("alice"));
    assert!(matches!(trust.judge(None, &[revoked], 0), Verdict::Revoked { .. }));
    assert_eq!(trust.judge(None, &[], 0), Verdict::Unsigned);
}

#[test]
fn a_revoked_key_stays_revoked() {
    let mut trust = trust();
    let revoked = fingerprint('f');
    let refused = trust.add(key('f', "again", &["ghcr.io/*"])).unwrap_err();
    assert!(refused.to_string().contains("final") && refused.to_string().contains("mallory"), "{refused}");
    assert!(matches!(trust.remove(&revoked, None), Err(Error::Revoked { .. })));
    assert!(!trust.revoke(&revoked, "2027-01-01T00:00:00Z"));
    assert_eq!(trust.find(&revoked).unwrap().revoked.as_deref(), Some("2026-11-29T00:00:00Z"));
    // One that nobody knew can be revoked before it is ever believed.
    assert!(trust.revoke(&fingerprint('0'), "2027-01-01T00:00:00Z"));
    assert!(matches!(trust.add(key('0', "", &["ghcr.io/*"])), Err(Error::Revoked { .. })));
    assert_eq!(Trust::parse(&trust.write().unwrap()).unwrap(), trust);
}

#[test]
fn keys_are_added_to_named_and_removed() {
    let mut trust = trust();
    trust.add(key('a', "", &["quay.io/team/*"])).unwrap();
    let alice = trust.find(&fingerprint('a')).unwrap();
    assert_eq!((alice.name.as_deref(), alice.scopes.len()), (Some("alice"), 2), "the name stays, the scope is added");
    assert_eq!(trust.named("alice").unwrap(), fingerprint('a'));
    assert_eq!(trust.named(&"A".repeat(64)).unwrap(), fingerprint('a'));
    assert_eq!(trust.named(&format!("sha256:{}", "a".repeat(64))).unwrap(), fingerprint('a'));
    assert_eq!(trust.named("nobody"), Err(Error::Unknown("nobody".to_owned())));
    trust.add(key('1', "alice", &["x.example/*"])).unwrap();
    assert_eq!(trust.named("alice"), Err(Error::Ambiguous { name: "alice".to_owned(), count: 2 }));
    let scope: Scope = "quay.io/team/*".parse().unwrap();
    assert_eq!(trust.remove(&fingerprint('a'), Some(&scope)).unwrap(), BTreeSet::from([scope.clone()]));
    assert!(matches!(trust.remove(&fingerprint('a'), Some(&scope)), Err(Error::NotThere { .. })));
    assert_eq!(trust.remove(&fingerprint('a'), None).unwrap().len(), 1);
    assert_eq!(trust.find(&fingerprint('a')), None, "a key without a scope is forgotten");
}

#[test]
fn scopes_name_their_host() {
    for (text, spelling) in [
        ("ghcr.io/team/*", "ghcr.io/team/*"),
        ("GHCR.IO/team/look", "ghcr.io/team/look"),
        ("oci://ghcr.io/team/*", "ghcr.io/team/*"),
        ("ghcr.io/*", "ghcr.io/*"),
        ("localhost:5000/a", "localhost:5000/a"),
        ("localhost/*", "localhost/*"),
        ("index.docker.io/library/*", "docker.io/library/*"),
        ("*", "*"),
    ] {
        let scope: Scope = text.parse().unwrap();
        assert_eq!(scope.to_string(), spelling);
        assert_eq!(spelling.parse::<Scope>().unwrap(), scope);
    }
    for text in [
        "",
        "team/*",
        "*/team",
        "ghcr.io",
        "ghcr.io/team*",
        "ghcr.io/*/look",
        "**",
        "/*",
        "ghcr.io//*",
        "ghcr.io/",
        "ghcr.io/a b",
        "ghcr.io/look:1.2",
        "ghcr.io/look@sha256:00",
        "https://ghcr.io/look",
        "ghcr.io/a\u{202e}b",
    ] {
        assert!(text.parse::<Scope>().is_err(), "{text:?}");
    }
    assert_eq!(Scope::of(&Place::read("ghcr.io/team/look:1.2")).to_string(), "ghcr.io/team/look");
}

#[test]
fn a_file_is_taken_to_the_last_word_or_not_at_all() {
    let text = trust().write().unwrap();
    assert_eq!(Trust::parse(&text).unwrap(), trust());
    assert_eq!(Trust::parse(&Trust::default().write().unwrap()).unwrap(), Trust::default());
    for (bad, why) in [
        (text.replace("revoked = ", "revokd = "), "a misspelt revocation"),
        (text.replace("version = 1", "version = 2\nnews = true"), "a newer version"),
        (text.replace("version = 1", ""), "no version"),
        (format!("{text}\n{}", &text[text.find("[[key]]").unwrap()..]), "every key twice"),
        (text.replace("public_key", "#"), "no key"),
        (text.replace("ghcr.io/team/*", "team/*"), "a scope without host"),
        (text.replace("SHA256:a", "SHA256:x"), "a fingerprint that is none"),
    ] {
        assert_ne!(bad, text, "{why}");
        let error = Trust::parse(&bad).expect_err(why);
        assert_eq!(matches!(error, Error::Newer { .. }), why == "a newer version", "{error}");
    }
}

proptest! {
    #[test]
    fn any_text_is_a_scope_that_reads_again_or_none(text in "\\PC{0,40}|[a-z.:/*@-]{0,20}") {
        if let Ok(scope) = text.parse::<Scope>() {
            prop_assert_eq!(scope.to_string().parse::<Scope>(), Ok(scope));
        }
        let _ = Trust::parse(&text);
    }
}
