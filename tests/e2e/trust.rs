//! Keys, and whose signatures are believed: `comfydock key` and `comfydock trust`.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use crate::support::{Machine, Said, project, sha256, write};
use crate::terminal::converse;

/// A machine that has no workspace: keys and trust are the user's.
fn machine() -> Machine {
    let mut machine = Machine::new();
    machine.set("COSIGN_PASSWORD", "a password");
    machine
}

fn trust_file(machine: &Machine) -> PathBuf {
    machine.home().join(".config/comfydock/trust.toml")
}

fn generate(machine: &Machine, prefix: &str) -> String {
    machine.json(&["key", "generate", "--output-prefix", prefix])["fingerprint"].as_str().unwrap().to_owned()
}

#[test]
fn a_pair_of_keys_is_made_and_its_fingerprint_is_what_openssl_says() {
    let machine = machine();
    machine.ok(&["key", "generate"]).says("comfydock.key signs").says("SHA256:");
    let at = |name: &str| machine.root().join(name);
    assert_eq!(std::fs::metadata(at("comfydock.key")).unwrap().permissions().mode() & 0o777, 0o600);
    let private = std::fs::read_to_string(at("comfydock.key")).unwrap();
    assert!(private.starts_with("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----"));
    let mut openssl = Command::new("openssl");
    openssl.args(["pkey", "-pubin", "-outform", "DER", "-in"]).arg(at("comfydock.pub"));
    let fingerprint = format!("SHA256:{}", sha256(&openssl.output().unwrap().stdout));
    machine.ok(&["key", "show", "comfydock.pub"]).line(&["ECDSA P-256", &fingerprint]);
    // Never overwritten.
    machine.run(&["key", "generate"]).code(1).says("comfydock.key` is there already").says("--output-prefix");
    machine.run(&["--yes", "key", "generate"]).code(1);
    assert_eq!(std::fs::read_to_string(at("comfydock.key")).unwrap(), private);
    machine.run(&["key", "show", "comfydock.key"]).code(1).says("a public key is needed").says("NAME.pub");
    machine.run(&["key", "show", "nothing.pub"]).code(1).says("nothing.pub");
    machine.run(&["key", "generate", "--output-prefix", "no/folder"]).code(1).says("no/folder");
}

#[test]
fn the_password_is_asked_for_at_a_terminal_and_nowhere_else() {
    let machine = Machine::new();
    // What stands on stdin is not taken for one.
    Said::with_input(&mut machine.command(&["key", "generate"]), "typed").code(1).says("answer with COSIGN_PASSWORD");
    let (code, screen) = converse(
        &machine,
        &["key", "generate", "--output-prefix", "mine"],
        &[("Password for the new key", "secret\r"), ("Confirmation", "secret\r")],
    );
    assert_eq!(code, 0, "{screen}");
    assert!(!screen.contains("secret"), "{screen}");
    assert!(machine.root().join("mine.key").is_file());
    let (code, screen) = converse(
        &machine,
        &["key", "generate", "--output-prefix", "other"],
        &[("Password for the new key", "secret\r"), ("Confirmation", "another\r"), ("don't match", "\x1b")],
    );
    assert_ne!(code, 0, "{screen}");
    assert!(!machine.root().join("other.key").exists());
}

#[test]
fn keys_are_trusted_for_scopes_listed_and_removed() {
    let machine = machine();
    let (alice, bob) = (generate(&machine, "alice"), generate(&machine, "bob"));
    machine.ok(&["trust", "list"]).says("nobody is trusted");
    let add = ["trust", "add", "--key", "alice.pub"];
    machine.run(&add).code(2).says("--scope");
    for (scope, why) in
        [("*", "--everywhere"), ("team/*", "registry's host"), ("ghcr.io", "/*"), ("ghcr.io/look:1", "without tag")]
    {
        machine.run(&[&add[..], &["--scope", scope]].concat()).code(2).says(why);
    }
    assert!(!trust_file(&machine).exists());
    let said = machine.ok(&[&add[..], &["--scope", "GHCR.io/team/*", "--name", "alice"]].concat());
    said.line(&["alice", &alice, "is trusted for ghcr.io/team/*"]);
    assert_eq!(std::fs::metadata(trust_file(&machine)).unwrap().permissions().mode() & 0o777, 0o600);
    machine.ok(&[&add[..], &["--scope", "quay.io/team/look"]].concat()).says("ghcr.io/team/*, quay.io/team/look");
    machine.ok(&["trust", "add", "--key", "bob.pub", "--everywhere"]).says("every registry");
    machine.ok(&["trust", "list"]).line(&[&alice, "alice", "quay.io/team/look"]).line(&[&bob, "every registry"]);
    let listed = machine.json(&["trust", "list"]);
    assert_eq!(listed["keys"][0]["scopes"], serde_json::json!(["ghcr.io/team/*", "quay.io/team/look"]));
    assert_eq!(listed["keys"][0]["means"], "command");
    machine.run(&["trust", "remove", "alice", "--scope", "ghcr.io/other/*"]).code(1).says("is not trusted for");
    machine.ok(&["trust", "remove", "alice", "--scope", "ghcr.io/team/*"]).says("no longer trusted for ghcr.io/team/*");
    machine.ok(&["trust", "remove", &alice.to_lowercase()]).says("quay.io/team/look");
    machine.run(&["trust", "remove", "alice"]).code(1).says("no trusted key is called `alice`").says("trust list");
    machine.ok(&["trust", "list"]).line(&[&bob]).never_says(&alice);
    machine.run(&["trust", "add", "--key", "alice.key", "--scope", "ghcr.io/*"]).code(1).says("a public key is needed");
    // Ed25519 keys are there to check signatures with.
    let ed25519 = project().join("tests/fixtures/signatures/ed.pub");
    machine.ok(&["trust", "add", "--key", ed25519.to_str().unwrap(), "--scope", "ghcr.io/*"]);
    machine.ok(&["key", "show", ed25519.to_str().unwrap()]).says("Ed25519 SHA256:");
}

#[test]
fn a_revocation_is_asked_about_and_final() {
    let machine = machine();
    let alice = generate(&machine, "alice");
    let add = ["trust", "add", "--key", "alice.pub", "--scope", "ghcr.io/*", "--name", "alice"];
    machine.ok(&add);
    machine.run(&["trust", "revoke", "alice"]).code(1).says("can never be trusted").says("--yes");
    let (code, screen) = converse(&machine, &["trust", "revoke", "alice"], &[("never be trusted", "n\r")]);
    assert_eq!(code, 1, "{screen}");
    machine.ok(&["trust", "list"]).says("ghcr.io/*");
    machine.ok(&["--yes", "trust", "revoke", "alice"]).says("is revoked");
    machine.ok(&["trust", "list"]).line(&[&alice, "alice", "revoked on 20"]).never_says("ghcr.io");
    let before = std::fs::read(trust_file(&machine)).unwrap();
    machine.run(&add).code(1).line(&[&alice, "was revoked on", "that is final"]).says("needs a new key");
    machine.run(&["trust", "remove", "alice"]).code(1).says("that is final");
    machine.ok(&["--yes", "trust", "revoke", &alice]).says("was already revoked");
    assert_eq!(std::fs::read(trust_file(&machine)).unwrap(), before);
    // One that nobody has seen yet, by what its owner published.
    machine.run(&["--yes", "trust", "revoke", "nobody"]).code(1).says("no trusted key is called `nobody`");
    let bob = generate(&machine, "bob");
    machine.ok(&["--yes", "trust", "revoke", &bob]);
    machine.run(&["trust", "add", "--key", "bob.pub", "--everywhere"]).code(1).says("that is final");
}

#[test]
fn a_file_that_is_not_understood_to_the_end_trusts_nobody() {
    let machine = machine();
    generate(&machine, "alice");
    generate(&machine, "bob");
    machine.ok(&["trust", "add", "--key", "alice.pub", "--scope", "ghcr.io/*"]);
    let good = std::fs::read_to_string(trust_file(&machine)).unwrap();
    let body =
        |name: &str| std::fs::read_to_string(machine.root().join(name)).unwrap().lines().nth(1).unwrap().to_owned();
    for (text, why) in [
        (good.replace("version = 1", "version = 2"), "install a newer comfydock"),
        (good.replace("added = ", "revokd = "), "revokd"),
        (good.replace("ghcr.io/*", "*/ghcr.io"), "not a scope"),
        (good.replace(&body("alice.pub"), &body("bob.pub")), "the public_key of"),
        ("\u{0}".to_owned(), "mend the file"),
    ] {
        assert_ne!(text, good);
        write(&trust_file(&machine), &text);
        machine.run(&["trust", "list"]).code(1).says("trust.toml").says(why);
        machine.run(&["trust", "add", "--key", "bob.pub", "--scope", "ghcr.io/*"]).code(1).says(why);
        assert_eq!(std::fs::read_to_string(trust_file(&machine)).unwrap(), text, "it is left as it is");
    }
}

#[test]
fn two_at_once_lose_nothing() {
    let machine = machine();
    let names: Vec<String> = (0..6).map(|number| format!("key{number}")).collect();
    names.iter().for_each(|name| drop(generate(&machine, name)));
    let under_way: Vec<_> = names
        .iter()
        .map(|name| {
            machine.spawn(&["trust", "add", "--key", &format!("{name}.pub"), "--scope", "ghcr.io/*", "--name", name])
        })
        .collect();
    under_way.into_iter().for_each(|running| drop(running.end().ok()));
    assert_eq!(machine.json(&["trust", "list"])["keys"].as_array().unwrap().len(), names.len());
}

#[test]
fn what_is_printed_for_programs_keeps_its_shape() {
    let machine = machine();
    let shape = |words: &[&str]| crate::reference::shape(&machine.json(words));
    assert_eq!(shape(&["key", "generate", "--output-prefix", "a"]), "{fingerprint private public schema}");
    assert_eq!(shape(&["key", "show", "a.pub"]), "{fingerprint kind public_key schema}");
    let key = "added fingerprint means name revoked";
    assert_eq!(
        shape(&["trust", "add", "--key", "a.pub", "--scope", "ghcr.io/*"]),
        format!("{{{key} schema scopes[]}}")
    );
    assert_eq!(shape(&["trust", "list"]), format!("{{keys[{{{key} scopes[]}}] schema}}"));
    assert_eq!(
        shape(&["trust", "remove", "--scope", "ghcr.io/*", &fingerprint(&machine)]),
        "{fingerprint schema scopes[]}"
    );
    assert_eq!(shape(&["--yes", "trust", "revoke", &fingerprint(&machine)]), "{fingerprint schema was_revoked}");
}

fn fingerprint(machine: &Machine) -> String {
    machine.json(&["key", "show", "a.pub"])["fingerprint"].as_str().unwrap().to_owned()
}
