//! The acceptance matrix of cosign, row by row, with the rows that cosign lets through and we do not; then
//! tampering, keys and trust.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use comfydock_core::oci::{Descriptor, IMAGE_MANIFEST};
use comfydock_core::signature::manifest::{self, read_layers, read_referrer};
use comfydock_core::signature::{Claim, Origin, PUBLIC_KEY_ANNOTATION};
use comfydock_core::trust::{Key, Scope};
use ed25519_dalek::Signer as _;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::key::PrivateKey;
use crate::sign;

macro_rules! sample {
    ($name:literal) => {
        include_bytes!(concat!("../../../../tests/fixtures/signatures/", $name))
    };
}

const CREATED: &str = "2026-11-28T12:00:00Z";

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The key that cosign made.
fn cosigns() -> &'static PrivateKey {
    static KEY: OnceLock<PrivateKey> = OnceLock::new();
    KEY.get_or_init(|| PrivateKey::open(text(sample!("cosign.key")), "pw").unwrap())
}

fn manifest_digest() -> Sha256 {
    hash::of_bytes(sample!("man.json")).sha256
}

fn subject() -> Descriptor {
    Descriptor::new(IMAGE_MANIFEST, manifest_digest().into(), 605)
}

fn place() -> Place {
    Place::read("ghcr.io/team/look:1.2")
}

fn claim(reference: &str, version: &str) -> Claim {
    Claim {
        reference: Some(reference.to_owned()),
        version: Some(version.to_owned()),
        created: Some(CREATED.to_owned()),
    }
}

fn trusting(keys: &[&PublicKey], scope: &str) -> Trust {
    let mut trust = Trust::default();
    for key in keys {
        trust
            .add(Key {
                fingerprint: key.fingerprint(),
                name: None,
                scopes: BTreeSet::from([scope.parse::<Scope>().unwrap()]),
                added: None,
                means: None,
                revoked: None,
                public_key: Some(key.to_pem()),
            })
            .unwrap();
    }
    trust
}

fn trusting_cosigns() -> Trust {
    trusting(&[&cosigns().public().unwrap()], "ghcr.io/team/*")
}

/// A bundle that says what it is told to, with a signature that fits.
struct Forged {
    statement: Value,
    payload_type: &'static str,
    bundle: Value,
}

impl Forged {
    fn new() -> Self {
        let statement = json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{ "digest": { "sha256": manifest_digest().as_str() } }],
            "predicateType": "https://sigstore.dev/cosign/sign/v1",
            "predicate": {},
        });
        let hint = cosigns().public().unwrap().hint();
        let bundle = json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": { "publicKey": { "hint": hint } },
        });
        Self { statement, payload_type: dsse::PAYLOAD_TYPE, bundle }
    }

    fn sealed(mut self) -> Value {
        let payload = self.statement.to_string();
        let message = dsse::pre_authentication_encoding(self.payload_type, payload.as_bytes());
        self.bundle["dsseEnvelope"] = json!({
            "payload": STANDARD.encode(payload), "payloadType": self.payload_type,
            "signatures": [{ "sig": STANDARD.encode(cosigns().sign(&message)) }],
        });
        self.bundle
    }
}

fn judge_with(bundle: &Value, public_key: Option<&str>, trust: &Trust) -> Report {
    let bytes = bundle.to_string();
    let candidate = Candidate::Bundle { bytes: bytes.as_bytes(), public_key };
    verify(&[candidate], &manifest_digest(), Some(&place()), trust)
}

fn judge(bundle: &Value) -> Report {
    judge_with(bundle, None, &trusting_cosigns())
}

#[track_caller]
fn accepted(report: &Report) {
    assert!(matches!(report.verdict, Verdict::Trusted { .. }), "{report:?}");
}

/// The one reason why the one signature does not count.
#[track_caller]
fn refused(report: &Report) -> String {
    assert_eq!((&report.verdict, report.good.len()), (&Verdict::Refused, 0), "{report:?}");
    let [(0, refusal)] = report.refused.as_slice() else { panic!("{report:?}") };
    refusal.to_string()
}

type Change = fn(&mut Forged);

#[test]
fn bundles_that_cosign_accepts_are_accepted() {
    let rows: [(&str, Change); 6] = [
        ("as cosign writes it", |_| {}),
        ("without a hint", |forged| forged.bundle["verificationMaterial"] = json!({ "publicKey": {} })),
        ("with annotations in the subject", |forged| {
            forged.statement["subject"][0]["annotations"] = json!({ "k": "v" })
        }),
        ("with an entry of a log, which a key does not need", |forged| {
            forged.bundle["verificationMaterial"]["tlogEntries"] = json!([{ "logIndex": "1" }]);
        }),
        ("of several subjects", |forged| {
            let other = json!({ "digest": { "sha256": "0".repeat(64) } });
            forged.statement["subject"].as_array_mut().unwrap().insert(0, other);
        }),
        ("with a predicate of somebody else's", |forged| forged.statement["predicate"] = json!({ "x": [1] })),
    ];
    for (row, change) in rows {
        let mut forged = Forged::new();
        change(&mut forged);
        let report = judge(&forged.sealed());
        assert!(matches!(report.verdict, Verdict::Trusted { .. }), "{row}: {report:?}");
    }
}

#[test]
fn bundles_that_are_no_signature_are_refused_although_theirs_fits() {
    let rows: [(&str, Change, &str); 10] = [
        (
            "cosign accepts it",
            |forged| forged.statement["predicateType"] = json!("https://slsa.dev/provenance/v1"),
            "is no signature but `https://slsa",
        ),
        (
            "cosign accepts it",
            |forged| forged.statement["_type"] = json!("https://in-toto.io/Statement/v0.1"),
            "statement is of type",
        ),
        ("other payload", |forged| forged.payload_type = "application/x", "payload is of type `application/x`"),
        (
            "other content",
            |forged| forged.statement["subject"][0]["digest"]["sha256"] = json!("0".repeat(64)),
            "of other content",
        ),
        ("no subject", |forged| forged.statement["subject"] = json!([]), "of other content"),
        (
            "older version",
            |forged| {
                forged.statement["predicate"]["comfydock"] = json!({ "ref": "ghcr.io/team/look", "version": "1.1" })
            },
            "for version `1.1`",
        ),
        (
            "certificate",
            |forged| forged.bundle["verificationMaterial"] = json!({ "certificate": { "rawBytes": "" } }),
            "without a key",
        ),
        ("other bundle", |forged| forged.bundle["mediaType"] = json!("application/json"), "media type"),
        ("damaged hint", |forged| forged.bundle["verificationMaterial"]["publicKey"]["hint"] = json!("x"), "the hint"),
        ("too large", |forged| forged.bundle["padding"] = json!(" ".repeat(1 << 20)), "larger than"),
    ];
    for (row, change, words) in rows {
        let mut forged = Forged::new();
        change(&mut forged);
        let said = refused(&judge(&forged.sealed()));
        assert!(said.contains(words), "{row}: {said}");
    }
}

#[test]
fn a_bundle_over_a_bare_message_is_refused() {
    let mut bundle = Forged::new().bundle;
    let digest = STANDARD.encode([0; 32]);
    bundle["messageSignature"] =
        json!({ "messageDigest": { "algorithm": "SHA2_256", "digest": digest }, "signature": "" });
    assert!(refused(&judge(&bundle)).contains("bare message"));
}

#[test]
fn what_was_tampered_with_is_refused_with_its_own_words() {
    let good = Forged::new().sealed();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut bundle = good.clone();
        change(&mut bundle);
        bundle
    };
    let stranger = PrivateKey::generate().unwrap().public().unwrap();
    accepted(&judge(&good));
    let payload = with(&|bundle| {
        let envelope = &mut bundle["dsseEnvelope"];
        let mut bytes = STANDARD.decode(envelope["payload"].as_str().unwrap()).unwrap();
        bytes.push(b' ');
        envelope["payload"] = json!(STANDARD.encode(bytes));
    });
    assert!(refused(&judge(&payload)).contains("does not fit"));
    let signature = with(&|bundle| {
        bundle["dsseEnvelope"]["signatures"][0]["sig"] = json!(STANDARD.encode(cosigns().sign(b"other")))
    });
    assert!(refused(&judge(&signature)).contains("does not fit"));
    let noise = with(&|bundle| bundle["dsseEnvelope"]["signatures"][0]["sig"] = json!("!"));
    assert!(refused(&judge(&noise)).contains("the signature cannot be read"));
    let two = with(&|bundle| {
        let one = bundle["dsseEnvelope"]["signatures"][0].clone();
        bundle["dsseEnvelope"]["signatures"].as_array_mut().unwrap().push(one);
    });
    assert!(refused(&judge(&two)).contains("2 signatures"));
    let hint = with(&|bundle| bundle["verificationMaterial"]["publicKey"]["hint"] = json!(stranger.hint()));
    assert!(refused(&judge(&hint)).contains(&format!("it names {}", stranger.fingerprint())));
    // The key of somebody who is believed, named by the hint, beside a signature that is not his.
    let trust = trusting(&[&cosigns().public().unwrap(), &stranger], "ghcr.io/team/*");
    assert!(refused(&judge_with(&hint, None, &trust)).contains("does not fit"));
    // A key that came along and is not the one that is named.
    let said = refused(&judge_with(&good, Some(&stranger.to_pem()), &trusting_cosigns()));
    assert!(said.contains("that came along") && said.contains(&stranger.fingerprint().to_string()), "{said}");
    assert!(refused(&judge_with(&good, Some("no key"), &trusting_cosigns())).contains("cannot be read"));
    // Stripped.
    assert_eq!(verify(&[], &manifest_digest(), Some(&place()), &trusting_cosigns()).verdict, Verdict::Unsigned);
    // Revoked: that the same key is known elsewhere does not help.
    let mut trust = trusting_cosigns();
    trust.revoke(&cosigns().public().unwrap().fingerprint(), CREATED);
    let report = judge_with(&good, None, &trust);
    assert!(matches!(report.verdict, Verdict::Revoked { .. }) && report.trusted().is_none(), "{report:?}");
}

#[test]
fn a_key_that_comes_along_is_shown_and_proves_nothing() {
    let key = PrivateKey::generate().unwrap();
    let public = key.public().unwrap();
    let claim = claim("ghcr.io/team/look", "1.2");
    let upload = sign::referrer(&key, subject(), Some(&claim)).unwrap();
    let referrer = read_referrer(&upload.manifest.to_bytes()).unwrap().unwrap();
    let bundle = serde_json::from_slice(&upload.blobs[1].1).unwrap();
    let report = judge_with(&bundle, referrer.public_key.as_deref(), &trusting_cosigns());
    assert_eq!(report.verdict, Verdict::Unknown { fingerprints: vec![public.fingerprint()] });
    assert_eq!((&report.good[0].key, &report.good[0].signed.claim), (&public, &claim));
    // Without it nobody can say more than whose it claims to be.
    assert!(refused(&judge(&bundle)).contains(&public.fingerprint().to_string()));
    // Believed elsewhere is not believed here.
    let elsewhere = trusting(&[&public], "quay.io/*");
    assert!(matches!(judge_with(&bundle, None, &elsewhere).verdict, Verdict::Unknown { .. }));
    accepted(&judge_with(&bundle, None, &trusting(&[&public], "ghcr.io/team/look")));
}

#[test]
fn one_good_signature_is_enough_and_the_others_are_told() {
    let (good, stranger) = (Forged::new().sealed().to_string(), PrivateKey::generate().unwrap());
    let unknown = sign::bundle(&stranger, &manifest_digest(), None).unwrap();
    let came_along = stranger.public().unwrap().to_pem();
    let candidate = |bytes| Candidate::Bundle { bytes, public_key: None };
    let unknown = Candidate::Bundle { bytes: unknown.as_bytes(), public_key: Some(&came_along) };
    let candidates = [candidate(b"<html>"), unknown, candidate(good.as_bytes()), candidate(b"{}")];
    let report = verify(&candidates, &manifest_digest(), Some(&place()), &trusting_cosigns());
    accepted(&report);
    assert_eq!(report.trusted().unwrap().key, cosigns().public().unwrap());
    assert_eq!((report.good.len(), report.refused.iter().map(|(at, _)| *at).collect::<Vec<_>>()), (2, vec![0, 3]));
    // Behind a hundred others nobody looks.
    let mut many = vec![candidate(b"{}".as_slice()); MOST_REFERRERS];
    many.push(candidate(good.as_bytes()));
    let report = verify(&many, &manifest_digest(), Some(&place()), &trusting_cosigns());
    assert_eq!((report.verdict, report.unseen), (Verdict::Refused, 1));
}

#[test]
fn another_repository_is_a_mirror_and_another_tag_is_refused() {
    let signed_as = |reference: &str, version: &str| {
        let bundle = sign::bundle(cosigns(), &manifest_digest(), Some(&claim(reference, version))).unwrap();
        judge(&serde_json::from_str(&bundle).unwrap())
    };
    let here = signed_as("ghcr.io/team/look", "1.2");
    assert_eq!(here.trusted().unwrap().signed.origin, Origin::Here);
    let mirror = signed_as("quay.io/team/look", "1.1");
    assert_eq!(mirror.trusted().unwrap().signed.origin, Origin::MirrorOf(Place::read("quay.io/team/look:1.1")));
    assert!(refused(&signed_as("ghcr.io/team/look", "1.1")).contains("for version `1.1`"));
}

fn older(payload: &[u8], signature: &str, place: &str, trust: &Trust) -> Report {
    let candidate = Candidate::SimpleSigning { payload, signature, public_key: None };
    verify(&[candidate], &manifest_digest(), Some(&Place::read(place)), trust)
}

#[test]
fn the_older_form_is_accepted_and_what_cosign_lets_through_is_not() {
    let trust = trusting(&[&cosigns().public().unwrap()], "127.0.0.1:5055/*");
    let here = "127.0.0.1:5055/team/env";
    let made =
        |payload: &str| older(payload.as_bytes(), &STANDARD.encode(cosigns().sign(payload.as_bytes())), here, &trust);
    let payload = simple_signing::write(here, &manifest_digest(), None);
    accepted(&made(&payload));
    let elsewhere = simple_signing::write("evil.example/other", &manifest_digest(), None);
    assert!(refused(&made(&elsewhere)).contains("for `evil.example/other`, not for"));
    assert!(refused(&made(&payload.replace("cosign container image", "bogus"))).contains("of type `bogus signature`"));
    let other = simple_signing::write(here, &Sha256::from_bytes([0; 32]), None);
    assert!(refused(&made(&other)).contains("of other content"));
    // Nobody who is known here made it, and no key came along.
    let stranger = STANDARD.encode(PrivateKey::generate().unwrap().sign(payload.as_bytes()));
    assert!(refused(&older(payload.as_bytes(), &stranger, here, &trust)).contains("no key"));
    // Pure Ed25519.
    let ed25519 = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let der =
        [&[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0][..], ed25519.verifying_key().as_bytes()].concat();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der));
    let trust = trusting(&[&PublicKey::from_pem(&pem).unwrap()], "127.0.0.1:5055/*");
    let signature = STANDARD.encode(ed25519.sign(payload.as_bytes()).to_bytes());
    accepted(&older(payload.as_bytes(), &signature, here, &trust));
}

#[test]
fn our_own_of_the_older_form_is_bound_to_its_version_and_added_once() {
    let place = Place::read("127.0.0.1:5055/team/env:1.2");
    let claim = claim("127.0.0.1:5055/team/env", "1.2");
    let add =
        |existing: Option<&[u8]>| sign::simple_signing(cosigns(), &place, &manifest_digest(), Some(&claim), existing);
    let upload = add(Some(sample!("v2.manifest.json"))).unwrap().unwrap();
    assert_eq!(upload.blobs.len(), 2);
    let layers = read_layers(&upload.manifest.to_bytes()).unwrap();
    assert_eq!((layers.len(), layers[1].payload.digest.clone()), (2, upload.blobs[1].0.digest.clone()));
    let key = layers[1].public_key.as_deref();
    assert_eq!(key, Some(cosigns().public().unwrap().to_pem().as_str()));
    assert_eq!(add(Some(&upload.manifest.to_bytes())).unwrap(), None, "published again, nothing changes");
    assert!(add(Some(b"<html>")).is_err());
    let candidate =
        Candidate::SimpleSigning { payload: &upload.blobs[1].1, signature: &layers[1].signature, public_key: key };
    let trust = trusting(&[&cosigns().public().unwrap()], "127.0.0.1:5055/*");
    let report = verify(&[candidate], &manifest_digest(), Some(&place), &trust);
    assert_eq!(report.trusted().unwrap().signed.claim, claim);
    let moved = Place::read("127.0.0.1:5055/team/env:1.3");
    assert!(refused(&verify(&[candidate], &manifest_digest(), Some(&moved), &trust)).contains("for version `1.2`"));
    // cosign's config, byte for byte, where there is only cosign's signature.
    let cosigns_config = manifest::write_config(&[layers[0].payload.clone()]);
    assert_eq!(
        hash::of_bytes(cosigns_config.as_bytes()).sha256.as_str(),
        "0f689fe6acb0d0aa99a189d323a338c4a60906bf1ad3c34aa5c7182b63ad5f0d"
    );
}

#[test]
fn signatures_that_others_made_are_accepted_by_their_keys_alone() {
    let [cosign, ec, ed] = [&sample!("cosign.pub")[..], sample!("ec.pub"), sample!("ed.pub")];
    let (man, man2) = (&sample!("man.json")[..], &sample!("man2.json")[..]);
    let rows: [(&[u8], &[u8], &[u8]); 4] = [
        (sample!("v3.bundle.json"), man, cosign),
        (sample!("diy.bundle.json"), man, cosign),
        (sample!("mine-a.json"), man2, ec),
        (sample!("mine-b.json"), man2, ed),
    ];
    for (bundle, subject, key) in rows {
        let judged = |key: &[u8]| {
            let key = PublicKey::from_pem(text(key)).unwrap();
            let candidate = Candidate::Bundle { bytes: bundle, public_key: None };
            verify(&[candidate], &hash::of_bytes(subject).sha256, Some(&place()), &trusting(&[&key], "ghcr.io/*"))
        };
        accepted(&judged(key));
        for other in [cosign, ec, ed].into_iter().filter(|other| *other != key) {
            assert!(refused(&judged(other)).contains("no key"));
        }
    }
    let key = PublicKey::from_pem(text(ed)).unwrap();
    let candidate = Candidate::Bundle { bytes: sample!("ed.bundle.json"), public_key: None };
    let report = verify(&[candidate], &hash::of_bytes(man2).sha256, Some(&place()), &trusting(&[&key], "ghcr.io/*"));
    assert!(refused(&report).contains("Ed25519ph"));
    let layers = read_layers(sample!("v2.manifest.json")).unwrap();
    let trust = trusting(&[&PublicKey::from_pem(text(cosign)).unwrap()], "127.0.0.1:5055/*");
    accepted(&older(sample!("v2.payload"), &layers[0].signature, "127.0.0.1:5055/team/env:any", &trust));
    let elsewhere = older(sample!("v2.payload"), &layers[0].signature, "ghcr.io/team/env", &trusting_cosigns());
    assert!(refused(&elsewhere).contains("127.0.0.1:5055/team/env"));
}

#[test]
fn the_same_key_and_content_give_the_same_bytes() {
    // Another program signed this payload with cosign's key, by RFC 6979 too.
    let diy: Value = serde_json::from_slice(sample!("diy.bundle.json")).unwrap();
    let payload = STANDARD.decode(diy["dsseEnvelope"]["payload"].as_str().unwrap()).unwrap();
    let message = dsse::pre_authentication_encoding(dsse::PAYLOAD_TYPE, &payload);
    assert_eq!(json!(STANDARD.encode(cosigns().sign(&message))), diy["dsseEnvelope"]["signatures"][0]["sig"]);
    let upload = || {
        let claim = claim("ghcr.io/team/look", "1.2");
        sign::referrer(cosigns(), subject(), Some(&claim)).unwrap()
    };
    assert_eq!(upload(), upload());
    assert_eq!(
        hash::of_bytes(&upload().manifest.to_bytes()).sha256.as_str(),
        GOLDEN,
        "what was published would be signed anew"
    );
    assert!(upload().manifest.annotations.contains_key(PUBLIC_KEY_ANNOTATION));
}

/// The SHA-256 of the manifest of a signature, with all that it is made from.
const GOLDEN: &str = "1f0b853d52106e5c2c6883c5c35a9eca4ec0fa6db04452e7dae39a2e5bd7e0b6";

#[test]
fn a_file_is_judged_by_what_lies_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("look.tar.gz");
    std::fs::write(&path, "an archive").unwrap();
    let trust = trusting_cosigns();
    assert_eq!(verify_file(&path, &trust).unwrap(), None);
    let written =
        sign::sign_file(cosigns(), &path, Some(&Claim { created: Some(CREATED.to_owned()), ..Claim::default() }))
            .unwrap();
    assert_eq!(written, folder.path().join("look.tar.gz.sigstore.json"));
    accepted(&verify_file(&path, &trust).unwrap().unwrap());
    assert!(refused(&verify_file(&path, &Trust::default()).unwrap().unwrap()).contains("it names SHA256:"));
    std::fs::write(&path, "another archive").unwrap();
    assert!(refused(&verify_file(&path, &trust).unwrap().unwrap()).contains("of other content"));
    std::fs::write(&written, vec![b' '; MOST_BUNDLE_BYTES + 7]).unwrap();
    assert!(refused(&verify_file(&path, &trust).unwrap().unwrap()).contains("larger than"));
}

/// Whatever bit is turned over: the signature no longer counts, or the same was signed.
#[test]
fn a_changed_bit_is_noticed_or_changes_nothing() {
    let claim = claim("ghcr.io/team/look", "1.2");
    let ours = sign::bundle(cosigns(), &manifest_digest(), Some(&claim)).unwrap();
    let trust = trusting_cosigns();
    let (place, digest) = (place(), manifest_digest());
    for bundle in [ours.as_bytes(), sample!("v3.bundle.json")] {
        let judged =
            |bytes: &[u8]| verify(&[Candidate::Bundle { bytes, public_key: None }], &digest, Some(&place), &trust);
        let before = judged(bundle);
        accepted(&before);
        let mut changed = bundle.to_vec();
        for at in 0..changed.len() {
            for bit in 0..8 {
                changed[at] ^= 1 << bit;
                let after = judged(&changed);
                assert!(
                    after.good == before.good || after.verdict == Verdict::Refused,
                    "byte {at}, bit {bit}: {after:?}"
                );
                changed[at] ^= 1 << bit;
            }
        }
    }
}

proptest! {
    #[test]
    fn nothing_that_arrives_ends_the_program(bytes in proptest::collection::vec(any::<u8>(), 0..200), words in "\\PC{0,60}") {
        let trust = trusting(&[&PublicKey::from_pem(text(sample!("ec.pub"))).unwrap()], "ghcr.io/*");
        let candidates = [
            Candidate::Bundle { bytes: &bytes, public_key: Some(&words) },
            Candidate::SimpleSigning { payload: &bytes, signature: &words, public_key: None },
        ];
        let report = verify(&candidates, &manifest_digest(), Some(&Place::read(&words)), &trust);
        prop_assert_eq!(report.verdict, Verdict::Refused);
        let key = PublicKey::from_pem(text(sample!("ed.pub"))).unwrap();
        prop_assert!(key.verify(&bytes, &bytes).is_err());
        let armoured = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", STANDARD.encode(&bytes));
        prop_assert!(PublicKey::from_pem(&armoured).is_err() && PublicKey::from_pem(&words).is_err());
    }
}
