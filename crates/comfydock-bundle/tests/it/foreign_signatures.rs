//! Our signatures, judged by other people's programs, and theirs by us. `tests/run.sh` gets the programs.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use comfydock_bundle::key::{self, PrivateKey, PublicKey};
use comfydock_bundle::sign;
use comfydock_bundle::verify::{Candidate, Report, verify};
use comfydock_core::signature::{Claim, Place, dsse, manifest, simple_signing, statement};
use comfydock_core::trust::{Key, Trust, Verdict};
use comfydock_store::hash;
use serde_json::Value;

const PASSWORD: &str = "a password, with spaces";
const SIGN_TYPE: &str = statement::PREDICATE_TYPE;

const WITH_SIGSTORE_JS: &str = r"
const fs = require('fs'), crypto = require('crypto');
const { bundleFromJSON } = require('@sigstore/bundle');
const { Verifier, toSignedEntity } = require('@sigstore/verify');
const [bundle, pem] = process.argv.slice(1).map(path => fs.readFileSync(path, 'utf8'));
const key = crypto.createPublicKey(pem);
const hint = crypto.createHash('sha256').update(key.export({ format: 'der', type: 'spki' })).digest('base64');
const publicKey = named => {
  if (named !== hint) throw new Error(`no key ${named}`);
  return { publicKey: key, validFor: () => true };
};
const material = { certificateAuthorities: [], timestampAuthorities: [], tlogs: [], ctlogs: [], publicKey };
const verifier = new Verifier(material, { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 });
verifier.verify(toSignedEntity(bundleFromJSON(JSON.parse(bundle))));
";

const WITH_SECURESYSTEMSLIB: &str = r#"
import json, sys
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey
with open(sys.argv[1]) as bundle, open(sys.argv[2], "rb") as pem:
    envelope, key = json.load(bundle)["dsseEnvelope"], SSlibKey.from_crypto(load_pem_public_key(pem.read()))
for signature in envelope["signatures"]:
    signature["keyid"] = key.keyid
Envelope.from_dict(envelope).verify([key], 1)
"#;

/// A folder with a pair of ours, a stranger's public key, and a file that was signed.
struct Room {
    folder: tempfile::TempDir,
    key: PrivateKey,
}

impl Room {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = PrivateKey::generate().unwrap();
        key::write_pair(&key, &folder.path().join("ours"), PASSWORD).unwrap();
        let room = Self { folder, key };
        room.put("stranger.pub", PrivateKey::generate().unwrap().public().unwrap().to_pem());
        room.put("look.tar.gz", "an archive");
        let claim = Claim {
            reference: Some("ghcr.io/team/look".to_owned()),
            version: Some("1.4.0".to_owned()),
            created: Some("2026-11-28T12:00:00Z".to_owned()),
        };
        sign::sign_file(&room.key, &room.path("look.tar.gz"), Some(&claim)).unwrap();
        room
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        std::fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }

    fn bundle(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.path("look.tar.gz.sigstore.json")).unwrap()).unwrap()
    }

    /// A program in this folder, with nothing of ours in its environment.
    fn run(&self, program: impl AsRef<std::ffi::OsStr>, words: &[&str]) -> Output {
        self.run_with(program, words, &[])
    }

    fn run_with(&self, program: impl AsRef<std::ffi::OsStr>, words: &[&str], variables: &[(&str, &Path)]) -> Output {
        let mut command = Command::new(program);
        command.args(words).current_dir(self.folder.path()).env_clear().stdin(Stdio::null());
        command.env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", self.folder.path());
        command.env("COSIGN_PASSWORD", PASSWORD).envs(variables.iter().copied());
        command.output().unwrap()
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[track_caller]
fn good(output: &Output) {
    assert!(output.status.success(), "{}", said(output));
}

#[track_caller]
fn bad(output: &Output) {
    assert!(!output.status.success(), "{}", said(output));
}

/// What `tests/run.sh` put there; says so where it could not.
fn tool(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools").join(name);
    if path.exists() {
        return Some(path.canonicalize().unwrap());
    }
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    let _ =
        writeln!(std::io::stderr(), "\nSKIPPED {test}: there is no {name} in target/tools; tests/run.sh fetches it");
    None
}

fn believing(key: &PublicKey) -> Trust {
    let mut trust = Trust::default();
    let key = Key {
        fingerprint: key.fingerprint(),
        name: None,
        scopes: BTreeSet::from(["ghcr.io/*".parse().unwrap()]),
        added: None,
        means: None,
        revoked: None,
        public_key: Some(key.to_pem()),
    };
    trust.add(key).unwrap();
    trust
}

fn judge(candidate: Candidate<'_>, content: &[u8], key: &PublicKey) -> Report {
    let place = Place::read("ghcr.io/team/look");
    verify(&[candidate], &hash::of_bytes(content).sha256, Some(&place), &believing(key))
}

fn judge_bundle(bytes: &[u8], content: &[u8], key: &PublicKey) -> Report {
    judge(Candidate::Bundle { bytes, public_key: None }, content, key)
}

#[test]
fn openssl_verifies_ours_and_computes_the_same_fingerprint() {
    let room = Room::new();
    let envelope = &room.bundle()["dsseEnvelope"];
    let payload = STANDARD.decode(envelope["payload"].as_str().unwrap()).unwrap();
    room.put("message", dsse::pre_authentication_encoding(dsse::PAYLOAD_TYPE, &payload));
    room.put("signature", STANDARD.decode(envelope["signatures"][0]["sig"].as_str().unwrap()).unwrap());
    let dgst =
        |key: &str| room.run("openssl", &["dgst", "-sha256", "-verify", key, "-signature", "signature", "message"]);
    good(&dgst("ours.pub"));
    bad(&dgst("stranger.pub"));
    // The older form.
    let payload = simple_signing::write("ghcr.io/team/look", &hash::of_bytes(b"an archive").sha256, None);
    room.put("message", &payload);
    room.put("signature", room.key.sign(payload.as_bytes()));
    good(&dgst("ours.pub"));
    room.put("message", payload.replace("team", "tram"));
    bad(&dgst("ours.pub"));
    // What the guide says people can compare.
    let der = room.run("openssl", &["pkey", "-pubin", "-in", "ours.pub", "-outform", "DER"]);
    let theirs = format!("SHA256:{}", hash::of_bytes(&der.stdout).sha256);
    assert_eq!(room.key.public().unwrap().fingerprint().to_string(), theirs);
}

#[test]
fn sigstore_js_verifies_ours() {
    let Some(modules) = tool("sigstore-verify/node_modules") else { return };
    let room = Room::new();
    let run = |key: &str| {
        let words = ["-e", WITH_SIGSTORE_JS, "look.tar.gz.sigstore.json", key];
        room.run_with("node", &words, &[("NODE_PATH", &modules)])
    };
    good(&run("ours.pub"));
    bad(&run("stranger.pub"));
    let mut tampered = room.bundle();
    tampered["dsseEnvelope"]["payload"] = STANDARD.encode("{}").into();
    room.put("look.tar.gz.sigstore.json", tampered.to_string());
    bad(&run("ours.pub"));
}

#[test]
fn securesystemslib_verifies_ours() {
    let Some(library) = tool("securesystemslib") else { return };
    let room = Room::new();
    let run = |key: &str| {
        let words = ["-c", WITH_SECURESYSTEMSLIB, "look.tar.gz.sigstore.json", key];
        // A shim for Python on PATH may look into HOME.
        let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
        room.run_with("python3", &words, &[("PYTHONPATH", &library), ("HOME", &home)])
    };
    good(&run("ours.pub"));
    bad(&run("stranger.pub"));
}

/// `cosign verify-blob-attestation`, which needs no registry.
fn cosign_verifies(room: &Room, cosign: &Path, old: bool, key: &str, file: &str) -> Output {
    let root = room.put("root.json", r#"{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}"#);
    let mut words = vec!["verify-blob-attestation", "--key", key, "--bundle", "look.tar.gz.sigstore.json"];
    words.extend(["--insecure-ignore-tlog", "--type", SIGN_TYPE]);
    if old {
        // Without it, cosign 2 asks the network for keys that nothing here is signed with.
        words.extend(["--new-bundle-format", "--trusted-root", root.to_str().unwrap()]);
    }
    words.push(file);
    room.run(cosign, &words)
}

#[test]
fn cosign_2_and_3_verify_ours_and_use_our_keys() {
    for (name, old) in [("cosign-2/cosign", true), ("cosign-3/cosign", false)] {
        let Some(cosign) = tool(name) else { continue };
        let room = Room::new();
        room.put("other.tar.gz", "another archive");
        good(&cosign_verifies(&room, &cosign, old, "ours.pub", "look.tar.gz"));
        bad(&cosign_verifies(&room, &cosign, old, "stranger.pub", "look.tar.gz"));
        bad(&cosign_verifies(&room, &cosign, old, "ours.pub", "other.tar.gz"));
        // The older form.
        let payload = simple_signing::write("ghcr.io/team/look", &hash::of_bytes(b"an archive").sha256, None);
        room.put("payload", &payload);
        room.put("signature", STANDARD.encode(room.key.sign(payload.as_bytes())));
        let older = |key: &str| {
            room.run(
                &cosign,
                &["verify-blob", "--key", key, "--signature", "signature", "--insecure-ignore-tlog", "payload"],
            )
        };
        good(&older("ours.pub"));
        bad(&older("stranger.pub"));
        // The key itself.
        let public = room.run(&cosign, &["public-key", "--key", "ours.key"]);
        good(&public);
        assert_eq!(PublicKey::from_pem(&said(&public)).unwrap(), room.key.public().unwrap(), "{name}");
    }
}

/// A pair that cosign makes.
fn made_by(room: &Room, cosign: &Path) -> PrivateKey {
    good(&room.run(cosign, &["generate-key-pair", "--output-key-prefix", "theirs"]));
    let read = |name: &str| std::fs::read_to_string(room.path(name)).unwrap();
    let key = PrivateKey::open(&read("theirs.key"), PASSWORD).unwrap();
    assert_eq!(key.public().unwrap(), PublicKey::from_pem(&read("theirs.pub")).unwrap());
    key
}

#[test]
fn what_cosign_3_signs_is_verified_and_its_attestations_are_no_signatures() {
    let Some(cosign) = tool("cosign-3/cosign") else { return };
    let room = Room::new();
    let public = made_by(&room, &cosign).public().unwrap();
    let config = r#"{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json"}"#;
    room.put("config.json", config);
    let content = b"an archive";
    // A key of cosign's in our hands: cosign takes the signature for its own.
    let theirs = PrivateKey::open(&std::fs::read_to_string(room.path("theirs.key")).unwrap(), PASSWORD).unwrap();
    sign::sign_file(&theirs, &room.path("look.tar.gz"), None).unwrap();
    good(&cosign_verifies(&room, &cosign, false, "theirs.pub", "look.tar.gz"));
    let sign = |words: &[&str]| {
        let all = [
            "attest-blob",
            "--key",
            "theirs.key",
            "--yes",
            "--bundle",
            "theirs.json",
            "--signing-config",
            "config.json",
        ];
        good(&room.run(&cosign, &[&all[..], words].concat()));
        std::fs::read(room.path("theirs.json")).unwrap()
    };
    room.put("statement.json", statement::write(&hash::of_bytes(content).sha256, None));
    let bundle = sign(&["--statement", "statement.json"]);
    let report = judge_bundle(&bundle, content, &public);
    assert!(matches!(report.verdict, Verdict::Trusted { .. }), "{report:?}");
    assert_eq!(judge_bundle(&bundle, b"another archive", &public).verdict, Verdict::Refused);
    // An attestation that borrows the type of a signature: cosign verifies it, we do not take it for one.
    room.put("predicate.json", "{}");
    let attestation = sign(&["--predicate", "predicate.json", "--type", SIGN_TYPE, "look.tar.gz"]);
    room.put("look.tar.gz.sigstore.json", &attestation);
    good(&cosign_verifies(&room, &cosign, false, "theirs.pub", "look.tar.gz"));
    let report = judge_bundle(&attestation, content, &public);
    assert_eq!(report.verdict, Verdict::Refused);
    assert!(report.refused[0].1.to_string().contains("in-toto.io/Statement/v0.1"), "{report:?}");
}

#[test]
fn what_cosign_2_signs_is_verified() {
    let Some(cosign) = tool("cosign-2/cosign") else { return };
    let room = Room::new();
    let public = made_by(&room, &cosign).public().unwrap();
    let content = b"an archive";
    let payload = simple_signing::write("ghcr.io/team/look", &hash::of_bytes(content).sha256, None);
    room.put("payload", &payload);
    let words =
        ["sign-blob", "--key", "theirs.key", "--yes", "--tlog-upload=false", "--output-signature", "theirs.sig"];
    good(&room.run(&cosign, &[&words[..], &["payload"]].concat()));
    let signature = std::fs::read_to_string(room.path("theirs.sig")).unwrap();
    let of = |key: &PublicKey| {
        let candidate =
            Candidate::SimpleSigning { payload: payload.as_bytes(), signature: signature.trim(), public_key: None };
        judge(candidate, content, key).verdict
    };
    assert!(matches!(of(&public), Verdict::Trusted { .. }));
    assert_eq!(of(&room.key.public().unwrap()), Verdict::Refused);
    // Added to a manifest of ours, it is still found there.
    let layer = manifest::layer(&hash::of_bytes(payload.as_bytes()).sha256, payload.len() as u64, signature.trim(), "");
    let layers = manifest::with_layer(None, layer).unwrap().unwrap();
    let bytes = manifest::older(&hash::of_bytes(b"").sha256, 0, layers).to_bytes();
    assert_eq!(manifest::read_layers(&bytes).unwrap()[0].signature, signature.trim());
}
