//! Bundles in a real registry, signed, and what is made of signatures.

use super::{Scene, content_digest};
use crate::support::docker_registry::{Access, Docker};
use crate::support::{Machine, Said, report};

/// The password of the key.
const PASSWORD: &str = "correct horse";

impl Scene {
    /// A has a key; both know its password's variable, which only signing reads.
    pub(super) fn with_key() -> Self {
        let mut scene = Self::new();
        scene.studio.a.set("COSIGN_PASSWORD", PASSWORD);
        scene.a().ok(&["key", "generate", "--output-prefix", "ann"]);
        scene
    }

    pub(super) fn publish(&self, reference: &str, more: &[&str]) -> Said {
        let plain = ["publish", reference, "--yes", "--allow-issues"];
        self.a().run(&[&plain[..], more].concat())
    }

    pub(super) fn take(&self, reference: &str, more: &[&str]) -> Said {
        let models = self.b().models();
        let plain = ["import", reference, "--models-dir", models.to_str().unwrap(), "--yes"];
        self.b().run(&[&plain[..], more].concat())
    }
}

pub(super) fn fingerprint(machine: &Machine) -> String {
    machine.json(&["key", "show", "ann.pub"])["fingerprint"].as_str().unwrap().to_owned()
}

#[test]
fn what_was_published_is_what_is_imported() {
    let Some(registry) = Docker::start(&Access::Everybody) else { return };
    let scene = Scene::with_key();
    let (a, b) = (scene.a(), scene.b());
    let reference = format!("oci://{}/team/look:v1", registry.host());
    let key = ["--key", "ann.key", "--legacy-signature"];
    let first = scene.publish(&reference, &key).ok().says("published").says("signed");
    // Again the same: nothing is sent, nothing changes.
    let again = scene.publish(&reference, &key).ok().says(", 0 B sent");
    let digest = |said: &Said| said.stdout.lines().find(|line| line.contains("@sha256:")).unwrap().to_owned();
    assert_eq!(digest(&first), digest(&again));

    // Nobody on B knows Ann. Whoever wants to look at it needs no workspace.
    let known = fingerprint(a);
    b.ok(&["inspect", &reference]).line(&["signed", &known]).line(&["mine"]).line(&["code would come from"]);
    assert!(!b.workspace().exists());
    scene.take(&reference, &[]).code(1).says(&known).says("whom nobody here trusts").says("--trust");
    assert!(!b.workspace().exists(), "nothing was made");
    scene.take(&reference, &["--trust", "SHA256:00"]).code(1).says("another");
    scene.take(&reference, &["--trust", &known]).ok().says("trusted").line(&["imported", "studio"]);
    assert_eq!(content_digest(b, "studio"), content_digest(a, "studio"));
    report::assert_same(a, b);
    let origin = std::fs::read_to_string(b.environment("studio").join(".comfydock/origin.json")).unwrap();
    assert!(origin.contains(&known) && origin.contains("first-use"), "{origin}");
    // What came at the first use of its signer is what later versions are held against.
    let seen = std::fs::read_to_string(b.home().join(".config/comfydock/seen.json")).unwrap();
    assert!(seen.contains("team/look:v1"), "{seen}");
    scene.take(&reference, &[]).ok().says("signed by").says("becomes `studio-1`");
}

#[test]
fn what_nobody_vouches_for_is_not_taken() {
    let Some(registry) = Docker::start(&Access::Everybody) else { return };
    let scene = Scene::with_key();
    let b = scene.b();
    let reference = format!("oci://{}/team/look:v1", registry.host());
    scene.publish(&reference, &[]).code(1).says("nothing says who signs it").says("--unsigned");
    scene.publish(&reference, &["--unsigned"]).ok().says("not signed");
    scene.take(&reference, &[]).code(1).says("is not signed").says("--allow-unsigned");
    assert!(!b.workspace().exists());
    scene.take(&reference, &["--allow-unsigned"]).ok();
    let origin = std::fs::read_to_string(b.environment("studio").join(".comfydock/origin.json")).unwrap();
    assert!(origin.contains("allowed-unsigned"), "{origin}");

    let told = b.json(&["inspect", &reference]);
    assert_eq!(told["signatures"]["verdict"], "unsigned");
    assert_eq!(told["layers"].as_array().unwrap().len(), 4);

    // Of two signers the one that is named is trusted, whichever comes first.
    let both = format!("oci://{}/team/both:v1", registry.host());
    scene.a().ok(&["key", "generate", "--output-prefix", "eve"]);
    let prints = ["ann", "eve"].map(|name| {
        scene.publish(&both, &["--key", &format!("{name}.key")]).ok();
        let known = scene.a().json(&["key", "show", &format!("{name}.pub")]);
        known["fingerprint"].as_str().unwrap().to_owned()
    });
    for (position, print) in prints.iter().enumerate() {
        let name = format!("both-{position}");
        scene.take(&both, &["--trust", print, "--name", &name]).ok().says(&format!("trusted {print}"));
        b.ok(&["trust", "remove", print, "--yes"]);
    }

    // A key that was revoked is not believed again, whatever is said.
    let signed = format!("oci://{}/team/signed:v1", registry.host());
    scene.publish(&signed, &["--key", "ann.key"]).ok();
    let known = fingerprint(scene.a());
    b.ok(&["trust", "revoke", &known, "--yes"]);
    scene.take(&signed, &["--trust", &known, "--allow-unsigned"]).code(1).says("revoked");
    // What is not there, or no bundle, has its own words.
    scene.take(&format!("oci://{}/team/nothing:v1", registry.host()), &[]).code(1).says("team/nothing");
    scene.take("oci://look:v1", &[]).code(1).says("names no registry");
}

#[test]
fn a_file_has_its_signature_beside_it() {
    let scene = Scene::with_key();
    let path = scene.a().root().join("studio.tar.gz");
    let file = path.to_str().unwrap();
    scene.a().ok(&["export", "--output", file, "--key", "ann.key", "--yes", "--allow-issues"]).says(".sigstore.json");
    let known = fingerprint(scene.a());
    scene.import(&path).code(1).says(&known).says("no key that is known here").says("trust add --key");
    let key = scene.a().root().join("ann.pub");
    scene.b().ok(&[
        "trust",
        "add",
        "--key",
        key.to_str().unwrap(),
        "--scope",
        "registry.example/ann/*",
        "--name",
        "ann",
    ]);
    scene.import(&path).ok().says("signed by ann");
    // One byte of the file, and nobody has signed it.
    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    scene.import(&path).code(1).says("no signature").says("other content");
    scene.b().run(&["inspect", file]).code(1).says(&format!("`{file}` cannot be taken"));
    // Without its signature it is a file like any other.
    std::fs::remove_file(scene.a().root().join("studio.tar.gz.sigstore.json")).unwrap();
    scene.export("studio-2.tar.gz");
    scene.import(&scene.a().root().join("studio-2.tar.gz")).ok().says("is not signed");
}

#[test]
fn a_password_goes_to_its_registry_and_stays_out_of_sight() {
    let Some(registry) = Docker::start(&Access::Password) else { return };
    let scene = Scene::with_key();
    let (a, b) = (scene.a(), scene.b());
    let reference = format!("oci://{}/team/look:v1", registry.host());
    scene.publish(&reference, &["--unsigned"]).code(1).says("docker login").says("COMFYDOCK_REGISTRY_TOKEN");
    // "me:hunter2", as docker's file has it.
    let login = format!(r#"{{"auths":{{"{}":{{"auth":"bWU6aHVudGVyMg=="}}}}}}"#, registry.host());
    for machine in [a, b] {
        crate::support::write(&machine.home().join(".docker/config.json"), &login);
    }
    let said = scene.publish(&reference, &["--unsigned", "-v"]).ok();
    let took = scene.take(&reference, &["--allow-unsigned", "-v"]).ok();
    for said in [said, took] {
        assert!(!said.text().contains("hunter2") && !said.text().contains("bWU6"), "{said}");
    }
    // A helper that names a path is not run.
    let evil = format!(r#"{{"credHelpers":{{"{}":"../../tmp/evil"}}}}"#, registry.host());
    crate::support::write(&b.home().join(".docker/config.json"), evil);
    scene.take(&reference, &["--allow-unsigned"]).code(1).says("evil");
    // One token for one registry: it goes nowhere else.
    let mut command = b.command(&["inspect", &reference]);
    command.env("COMFYDOCK_REGISTRY_TOKEN", "a-token-for-elsewhere").env("COMFYDOCK_REGISTRY", "registry.example");
    crate::support::write(&b.home().join(".docker/config.json"), "{}");
    Said::of(&mut command).code(1).says("is for registry.example only").never_says("a-token-for-elsewhere");
    for log in walk(&a.workspace().join("logs")).into_iter().chain(walk(&b.workspace().join("logs"))) {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        assert!(!text.contains("hunter2") && !text.contains("bWU6"), "{}", log.display());
    }
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() { found.extend(walk(&entry.path())) } else { found.push(entry.path()) }
    }
    found
}
