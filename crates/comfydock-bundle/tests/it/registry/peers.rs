//! What we push is read by skopeo and oras.

use std::fs;
use std::process::{Command, Output};

use comfydock_bundle::registry::Place;
use comfydock_core::oci::{EMPTY, EMPTY_BYTES, IMAGE_MANIFEST, ImageManifest, Tag};

use super::docker::{Access, Docker, tool};
use super::{described, name, open, push};

fn output(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Pushes an artifact of one titled layer under the tag `1`; gives its manifest.
fn publish(docker: &Docker) -> Vec<u8> {
    let registry = open(&docker.host());
    let repository = name("team/studio");
    push(&registry, &repository, EMPTY_BYTES);
    let mut layer = push(&registry, &repository, b"a layer\n");
    layer.media_type = "application/vnd.comfydock.bundle.lock.v1.tar+gzip".to_owned();
    layer.annotations.insert("org.opencontainers.image.title".to_owned(), "lock.txt".to_owned());
    let kind = "application/vnd.comfydock.bundle.v1";
    let manifest = ImageManifest::new(kind, described(EMPTY, EMPTY_BYTES), vec![layer]).to_bytes();
    let tag = Tag::parse("1").unwrap();
    registry.push_manifest(&repository, Place::Tag(&tag), IMAGE_MANIFEST, &manifest).unwrap();
    manifest
}

#[test]
fn skopeo_reads_the_very_bytes() {
    let (Some(docker), Some(skopeo)) = (Docker::start(&Access::Everybody), tool("COMFYDOCK_SKOPEO", "skopeo")) else {
        return;
    };
    let manifest = publish(&docker);
    let reference = format!("docker://{}/team/studio:1", docker.host());
    let read = output(Command::new(&skopeo).args(["inspect", "--raw", "--tls-verify=false", &reference]));
    assert_eq!(read.stdout, manifest);
    let folder = tempfile::tempdir().unwrap();
    let copy = format!("oci:{}:1", folder.path().join("copy").display());
    let policy = folder.path().join("policy.json");
    fs::write(&policy, r#"{"default":[{"type":"insecureAcceptAnything"}]}"#).unwrap();
    output(Command::new(&skopeo).arg("--policy").arg(&policy).args([
        "copy",
        "--src-tls-verify=false",
        &reference,
        &copy,
    ]));
    let blob = folder.path().join("copy/blobs/sha256").join(super::digest(b"a layer\n").hex());
    assert_eq!(fs::read(blob).unwrap(), b"a layer\n");
}

#[test]
fn oras_pulls_usable_files() {
    let (Some(docker), Some(oras)) = (Docker::start(&Access::Everybody), tool("COMFYDOCK_ORAS", "oras")) else {
        return;
    };
    publish(&docker);
    let folder = tempfile::tempdir().unwrap();
    let program = "import sys, oras.client\n\
        oras.client.OrasClient(insecure=True, tls_verify=False).pull(target=sys.argv[1], outdir=sys.argv[2])";
    let reference = format!("{}/team/studio:1", docker.host());
    output(
        Command::new("python3")
            .args(["-c", program, &reference])
            .arg(folder.path())
            .env("PYTHONPATH", oras)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("HOME", folder.path()),
    );
    assert_eq!(fs::read(folder.path().join("lock.txt")).unwrap(), b"a layer\n");
}
