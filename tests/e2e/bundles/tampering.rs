//! What somebody who can write to a registry, or to its disk, can do to a bundle there: each has its own message,
//! and nothing is made of it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Scene;
use super::publishing::fingerprint;
use crate::support::docker_registry::{Access, Docker, tool};
use crate::support::{project, sha256, wait_for, write};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// One question over HTTP; the body of the answer.
fn ask(host: &str, verb: &str, path: &str, media_type: &str, body: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "{verb} /v2/{path} HTTP/1.0\r\nHost: {host}\r\nAccept: {media_type}\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .unwrap();
    stream.write_all(body).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    assert!(head.starts_with("HTTP/1.0 20") || head.starts_with("HTTP/1.1 20"), "{verb} {path}: {head}");
    answer.split_off(end)
}

fn manifest(host: &str, name: &str) -> Vec<u8> {
    ask(host, "GET", &format!("team/look/manifests/{name}"), MANIFEST, b"")
}

/// Moves a tag.
fn point(host: &str, tag: &str, to: &[u8]) {
    ask(host, "PUT", &format!("team/look/manifests/{tag}"), MANIFEST, to);
}

/// The file of a blob on the registry's disk.
fn blob(registry: &Docker, digest: &str) -> PathBuf {
    let hex = digest.strip_prefix("sha256:").unwrap();
    registry.data().join("docker/registry/v2/blobs/sha256").join(&hex[..2]).join(hex).join("data")
}

#[test]
fn what_was_done_to_it_is_told() {
    let Some(mut registry) = Docker::start(&Access::Everybody) else { return };
    let scene = Scene::with_key();
    let (a, b, host) = (scene.a(), scene.b(), registry.host());
    let at = |tag: &str| format!("oci://{host}/team/look:{tag}");
    scene.publish(&at("v1"), &["--key", "ann.key"]).ok();
    scene.publish(&at("latest"), &["--key", "ann.key"]).ok();
    let (first, old) = (manifest(&host, "v1"), manifest(&host, "latest"));
    let key = a.root().join("ann.pub");
    b.ok(&["trust", "add", "--key", key.to_str().unwrap(), "--scope", &format!("{host}/team/*"), "--name", "ann"]);
    scene.take(&at("latest"), &[]).ok().says("signed by ann");

    // A later version; a commit has its time in seconds.
    write(&a.environment("studio").join("ComfyUI/custom_nodes/mine/more.py"), "MORE = 1\n");
    let second = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let began = second();
    wait_for("the next second", || (second() > began).then_some(()));
    a.ok(&["commit", "-m", "More", "--yes"]);
    scene.publish(&at("v2"), &["--key", "ann.key"]).ok();
    scene.publish(&at("latest"), &["--key", "ann.key"]).ok();
    let (later, newest) = (manifest(&host, "v2"), manifest(&host, "latest"));
    assert!(first != later && newest != old);
    scene.take(&at("latest"), &[]).ok();

    // The tag of one version on another one: signed, and not as this.
    point(&host, "v1", &later);
    scene.take(&at("v1"), &[]).code(1).says("is for version `v2`").says("not for `v1`");
    // An old one in the place of a newer one, with its signature.
    point(&host, "latest", &old);
    scene.take(&at("latest"), &[]).code(1).says("is older than what was imported from there before");
    scene.take(&at("latest"), &["--allow-older"]).ok().says("is older");
    // One word of the manifest: nobody has signed it.
    let changed = String::from_utf8(first.clone()).unwrap().replace("\"studio\"", "\"Studio\"");
    assert!(changed.as_bytes() != first);
    point(&host, "v1", changed.as_bytes());
    scene.take(&at("v1"), &[]).code(1).says("is not signed");
    // By somebody else: fits, and is nobody's who is known.
    a.ok(&["key", "generate", "--output-prefix", "eve"]);
    scene.publish(&at("v3"), &["--key", "eve.key"]).ok();
    scene.take(&at("v3"), &[]).code(1).says("whom nobody here trusts");
    // Its signature taken away.
    point(&host, "v1", &first);
    scene.take(&at("v1"), &["--name", "whole"]).ok();
    let list = format!("sha256-{}", sha256(&first));
    let empty = format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[]}}"#);
    ask(&host, "PUT", &format!("team/look/manifests/{list}"), INDEX, empty.as_bytes());
    scene.take(&at("v1"), &[]).code(1).says("is not signed");

    // On its disk: config, then a layer.
    scene.publish(&at("v2"), &["--key", "ann.key"]).ok();
    let parsed: serde_json::Value = serde_json::from_slice(&manifest(&host, "v2")).unwrap();
    let parts = [&parsed["config"], &parsed["layers"][0]];
    for part in parts {
        let path = blob(&registry, part["digest"].as_str().unwrap());
        let whole = std::fs::read(&path).unwrap();
        let mut bad = whole.clone();
        let last = bad.len() - 1;
        bad[last] ^= 1;
        std::fs::write(&path, &bad).unwrap();
        registry.kill_and_start();
        let before: Vec<_> = std::fs::read_dir(b.workspace().join("environments")).unwrap().flatten().collect();
        scene.take(&at("v2"), &[]).code(1).says(part["digest"].as_str().unwrap().split(':').next_back().unwrap());
        assert_eq!(std::fs::read_dir(b.workspace().join("environments")).unwrap().count(), before.len());
        std::fs::write(&path, whole).unwrap();
    }
    scene.take(&at("v2"), &[]).ok();
    // The signer's key is revoked.
    b.ok(&["trust", "revoke", &fingerprint(a), "--yes"]);
    scene.take(&at("v2"), &[]).code(1).says("was revoked");
}

#[test]
fn other_programs_read_it_and_check_its_signature() {
    let Some(registry) = Docker::start(&Access::Everybody) else { return };
    let scene = Scene::with_key();
    let reference = format!("{}/team/look:v1", registry.host());
    scene.publish(&format!("oci://{reference}"), &["--key", "ann.key", "--legacy-signature"]).ok();
    let raw = manifest(&registry.host(), "v1");
    let of = |program: &Path, words: &[&str]| {
        let output = Command::new(program).args(words).current_dir(scene.a().root()).output().unwrap();
        assert!(output.status.success(), "{program:?} {words:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    if let Some(skopeo) = tool("COMFYDOCK_SKOPEO", "skopeo") {
        let told = of(&skopeo, &["inspect", "--raw", "--tls-verify=false", &format!("docker://{reference}")]);
        assert!(told == raw);
    }
    if let Some(oras) = tool("COMFYDOCK_ORAS", "oras") {
        let code = "import sys; sys.path.insert(0, sys.argv[1])\n\
            from oras.provider import Registry\n\
            print(*Registry(insecure=True, tls_verify=False).pull(target=sys.argv[2], outdir='pulled'))";
        of(Path::new("python3"), &["-c", code, oras.to_str().unwrap(), &reference]);
        assert!(scene.a().root().join("pulled/workflows.tar.gz").is_file());
    }
    let digest = format!("{}/team/look@sha256:{}", registry.host(), sha256(&raw));
    for (name, more) in [("cosign-3", &[][..]), ("cosign-2", &["--allow-insecure-registry"][..])] {
        let cosign = project().join("target/tools").join(name).join("cosign");
        if !cosign.exists() {
            crate::support::skip(&format!("there is no {name}"));
            continue;
        }
        let words = ["verify", "--key", "ann.pub", "--insecure-ignore-tlog=true", "--allow-http-registry", &digest];
        of(&cosign, &[&words[..], more].concat());
    }
}
