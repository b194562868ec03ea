//! A registry that is killed in the middle of a publish and of an import: both go on, by themselves if it comes back
//! and with the next run if it does not.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::{Scene, content_digest};
use crate::support::docker_registry::{Access, Docker};
use crate::support::registry_proxy::{Deed, Head, Proxy};
use crate::support::{Machine, safetensors, tree, wait_for, write};

/// Bytes of a piece.
const PIECE: u64 = 16 * 1024 * 1024;

/// A scene whose development nodes have large files of this size: three are in one of them, and one in another.
fn scene(file: usize) -> Scene {
    let scene = Scene::new();
    let packs = scene.a().environment("studio").join("ComfyUI/custom_nodes");
    for (seed, path) in (1..).zip(["mine/a.dat", "mine/b.dat", "mine/c.dat", "theirs/a.dat"]) {
        write(&packs.join(path), safetensors::noise(seed, file));
    }
    scene.a().ok(&["commit", "-m", "With data", "--yes"]);
    scene
}

/// Says yes once.
fn once() -> impl Fn() -> bool {
    let done = AtomicBool::new(false);
    move || !done.swap(true, Ordering::SeqCst)
}

fn length(head: &Head) -> u64 {
    head.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Waits until the registry has a part of the large layer, and the other one altogether.
fn wait_until_kept(data: &Path, file: u64) {
    let registry = data.join("docker/registry/v2");
    let repository = registry.join("repositories/team/look");
    wait_for("a part of the large layer", || find(&repository.join("_uploads"), "data", file / 2));
    wait_for("the other layer", || {
        let blob = find(&registry.join("blobs/sha256"), "data", file)?;
        let hex = blob.parent()?.file_name()?.to_owned();
        // The repository has it once it is written down there.
        find(&repository.join("_layers/sha256").join(hex), "link", 1)
    });
}

/// A file of this name with so many bytes. Uploads come and go meanwhile.
fn find(folder: &Path, name: &str, size: u64) -> Option<PathBuf> {
    std::fs::read_dir(folder).ok()?.flatten().find_map(|entry| match entry.metadata().ok()? {
        about if about.is_dir() => find(&entry.path(), name, size),
        about => (about.len() >= size && entry.file_name() == name).then(|| entry.path()),
    })
}

/// The numbers of a publish.
fn bytes(told: &Value, key: &str) -> u64 {
    told[key].as_u64().unwrap_or_else(|| panic!("{key} in {told}"))
}

/// The ranges that were asked for of layers.
fn ranges(proxy: &Proxy) -> Vec<String> {
    let downloads = proxy.seen().into_iter().filter(|head| head.is("GET", "/blobs/sha256:"));
    downloads.filter_map(|head| head.header("range").map(str::to_owned)).collect()
}

/// Nothing that could be taken for an environment is on the machine, and nothing half-made.
fn assert_nothing_of_it(machine: &Machine) {
    for folder in ["environments", ".metadata"] {
        let found = tree::tree(&machine.workspace().join(folder), &|_| false);
        assert!(found.keys().all(|name| name == "txn"), "{folder}: {found:?}");
    }
}

#[test]
fn both_go_on_by_themselves_where_they_were_once_it_is_there_again() {
    /// More than two pieces of an upload in all.
    const FILE: u64 = 12_000_000;
    let Some(docker) = Docker::start(&Access::Everybody) else { return };
    let (host, data, docker) = (docker.host(), docker.data(), Arc::new(Mutex::new(docker)));
    let scene = scene(FILE as usize);
    let (whole, second) = (once(), once());
    let kill = docker.clone();
    let proxy = Proxy::start(&host, move |head| {
        let (kill, data) = (kill.clone(), data.clone());
        // In the middle of the one request that everything goes in at first.
        if head.is("PUT", "/blobs/uploads/") && length(head) > 3 * FILE && whole() {
            return Deed::UploadAround(
                2 * FILE,
                Box::new(move || {
                    wait_until_kept(&data, FILE);
                    kill.lock().unwrap().kill_and_start();
                }),
            );
        }
        // And once more between two pieces.
        if head.header("content-range").is_some_and(|range| range.starts_with(&format!("{PIECE}-"))) && second() {
            return Deed::UploadAround(0, Box::new(move || kill.lock().unwrap().kill_and_start()));
        }
        Deed::Pass
    });
    let reference = format!("oci://{}/team/look:v1", proxy.host());
    let said = scene.publish(&reference, &["--unsigned", "--json"]).ok();
    let told: Value = serde_json::from_str(&said.stdout).unwrap();
    let seen = proxy.seen();
    let pieces: Vec<_> = seen.iter().filter_map(|head| head.header("content-range")).collect();
    let begins: Vec<_> = pieces.iter().map(|range| range.split('-').next().unwrap().parse::<u64>().unwrap()).collect();
    // The piece that was acknowledged did not go twice.
    assert_eq!(begins, [0, PIECE, PIECE, 2 * PIECE], "{said}");
    let (sent, size) = (bytes(&told, "sent"), bytes(&told, "size"));
    assert!(sent > size && sent < 2 * size, "{sent} of {size}");

    let proxy = downloads_break(&host, docker, FILE, Docker::kill_and_start);
    let reference = format!("oci://{}/team/look:v1", proxy.host());
    scene.take(&reference, &["--allow-unsigned"]).ok().line(&["imported", "studio"]);
    assert_eq!(ranges(&proxy), [format!("bytes={FILE}-")]);
    assert_eq!(content_digest(scene.b(), "studio"), told["content_digest"]);
}

/// A way to the registry on which this is done to it once, when so many bytes of the large layer have come.
fn downloads_break(host: &str, docker: Arc<Mutex<Docker>>, file: u64, deed: fn(&mut Docker)) -> Proxy {
    let first = once();
    Proxy::start(host, move |head| {
        if head.is("GET", "/blobs/sha256:") && is_large(&docker, head, 3 * file) && first() {
            let docker = docker.clone();
            return Deed::DownloadUntil(file, Box::new(move || deed(&mut docker.lock().unwrap())));
        }
        Deed::Pass
    })
}

/// Whether what is asked for is the large layer.
fn is_large(docker: &Mutex<Docker>, head: &Head, size: u64) -> bool {
    let hex = head.path.rsplit(':').next().unwrap();
    let blobs = docker.lock().unwrap().data().join("docker/registry/v2/blobs/sha256");
    let path = blobs.join(&hex[..2]).join(hex).join("data");
    path.metadata().is_ok_and(|about| about.len() > size)
}

#[test]
fn the_next_run_goes_on_when_it_stays_away() {
    const FILE: u64 = 5_000_000;
    let Some(docker) = Docker::start(&Access::Everybody) else { return };
    let (host, data, docker) = (docker.host(), docker.data(), Arc::new(Mutex::new(docker)));
    let scene = scene(FILE as usize);
    let (kill, first) = (docker.clone(), once());
    let proxy = Proxy::start(&host, move |head| {
        if !(head.is("PUT", "/blobs/uploads/") && length(head) > 3 * FILE && first()) {
            return Deed::Pass;
        }
        let (kill, data) = (kill.clone(), data.clone());
        Deed::UploadAround(
            2 * FILE,
            Box::new(move || {
                wait_until_kept(&data, FILE);
                kill.lock().unwrap().kill();
            }),
        )
    });
    let reference = format!("oci://{}/team/look:v1", proxy.host());
    scene
        .publish(&reference, &["--unsigned"])
        .code(1)
        .says(&format!("cannot reach {}", proxy.host()))
        .says("run the command again: it goes on where it ended");
    docker.lock().unwrap().start_again();
    // Whoever looks meanwhile finds the whole of it or nothing.
    scene.take(&reference, &["--allow-unsigned"]).code(1).says("has no `oci://");
    let said = scene.publish(&reference, &["--unsigned", "--json"]).ok();
    let told: Value = serde_json::from_str(&said.stdout).unwrap();
    let (sent, size) = (bytes(&told, "sent"), bytes(&told, "size"));
    assert!(sent > 3 * FILE && sent + FILE <= size, "{sent} of {size}");

    // B has no workspace yet: what came of the layer stays for the next run all the same.
    let b = scene.b();
    let proxy = downloads_break(&host, docker.clone(), FILE, Docker::kill);
    let reference = format!("oci://{}/team/look:v1", proxy.host());
    scene
        .take(&reference, &["--allow-unsigned"])
        .code(1)
        .says(&format!("cannot reach {}", proxy.host()))
        .says("run the command again: it goes on where it ended");
    assert_nothing_of_it(b);
    let tried = ranges(&proxy).len();
    docker.lock().unwrap().start_again();
    scene.take(&reference, &["--allow-unsigned"]).ok().line(&["imported", "studio"]);
    assert_eq!(ranges(&proxy)[tried..], [format!("bytes={FILE}-")]);
    assert_eq!(content_digest(b, "studio"), told["content_digest"]);
    let cache = b.workspace().join("comfydock_cache/bundles");
    assert!(tree::tree(&cache, &|_| false).is_empty(), "what was got went");
}
