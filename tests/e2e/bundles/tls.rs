//! Registries and URLs behind https: whose certificate is believed, and what is said when it is not.

use super::{Scene, content_digest};
use crate::support::authority::{Authority, SecureSite};
use crate::support::docker_registry::{Access, Docker};
use crate::support::tree;

/// A scene whose machines ask this address without a proxy.
fn scene(authority: &Authority) -> Scene {
    let mut scene = Scene::new();
    for machine in [&mut scene.studio.a, &mut scene.studio.b] {
        machine.set("NO_PROXY", authority.address.to_string());
    }
    scene
}

#[test]
fn a_registry_behind_https_is_spoken_to_once_its_authority_is_believed() {
    let Some(authority) = Authority::new() else { return };
    let (certificate, key) = (authority.certificate(), authority.key());
    let Some(registry) = Docker::start_at(authority.address, Some((&certificate, &key)), &Access::Everybody) else {
        return;
    };
    let mut scene = scene(&authority);
    let (host, flag) = (registry.host(), ["--allow-unsigned"]);
    let reference = format!("oci://{host}/team/look:v1");
    let unknown = |said: crate::support::Said| {
        said.code(1).says(&format!("cannot reach {host}")).says("UnknownIssuer").says("SSL_CERT_FILE")
    };
    unknown(scene.publish(&reference, &["--unsigned"]));
    scene.studio.a.set("SSL_CERT_FILE", authority.believed());
    scene.publish(&reference, &["--unsigned"]).ok().says("published");
    scene.publish(&reference, &["--unsigned"]).ok().says(", 0 B sent");

    unknown(scene.b().run(&["inspect", &reference]));
    unknown(scene.take(&reference, &flag));
    assert!(!scene.b().workspace().exists(), "nothing was made");
    scene.studio.b.set("SSL_CERT_FILE", authority.believed());
    scene.b().ok(&["inspect", &reference]).line(&["mine"]);
    scene.take(&reference, &flag).ok().line(&["imported", "studio"]);
    assert_eq!(content_digest(scene.b(), "studio"), content_digest(scene.a(), "studio"));
}

#[test]
fn plain_http_is_for_this_machine_and_for_those_who_say_so() {
    let Some(authority) = Authority::new() else { return };
    let Some(registry) = Docker::start_at(authority.address, None, &Access::Everybody) else { return };
    let scene = scene(&authority);
    let reference = format!("oci://{}/team/look:v1", registry.host());
    let refused = |said: crate::support::Said| said.code(1).says(&registry.host()).says("say --plain-http");
    refused(scene.publish(&reference, &["--unsigned"]));
    scene.publish(&reference, &["--unsigned", "--plain-http"]).ok();
    refused(scene.b().run(&["inspect", &reference]));
    refused(scene.take(&reference, &["--allow-unsigned"]));
    assert!(!scene.b().workspace().exists(), "nothing was made");
    scene.take(&reference, &["--allow-unsigned", "--plain-http"]).ok().line(&["imported", "studio"]);
}

#[test]
fn a_bundle_behind_an_https_url_too() {
    let Some(authority) = Authority::new() else { return };
    let mut scene = scene(&authority);
    let shelf = tempfile::tempdir().unwrap();
    std::fs::copy(scene.export("studio.tar.gz"), shelf.path().join("studio.tar.gz")).unwrap();
    let site = SecureSite::start(&authority, shelf.path());
    let url = site.url("studio.tar.gz");
    scene.studio.b.allow(&site.host);
    let b = &mut scene.studio.b;
    b.init();
    let before = tree::of_machine(b.root());
    b.run(&["import", &url, "--yes", "--allow-unsigned"])
        .code(1)
        .says(&site.host)
        .says("UnknownIssuer")
        .says("SSL_CERT_FILE");
    tree::assert_same(&before, &tree::of_machine(b.root()), "nothing was made");
    b.set("SSL_CERT_FILE", authority.believed());
    b.ok(&["import", &url, "--yes", "--allow-unsigned"]).line(&["imported", "studio"]);
    assert_eq!(content_digest(scene.b(), "studio"), content_digest(scene.a(), "studio"));
}
