//! Machines, a hub, a server of models, and what lies on them.

pub(crate) mod authority;
#[allow(dead_code, reason = "the workspace's tests use the rest of it")]
pub(crate) mod civitai;
pub(crate) mod clients;
pub(crate) mod comfygit;
pub(crate) mod comfyui;
#[allow(dead_code, reason = "the tests of the crate that speaks to registries use the rest of it")]
pub(crate) mod docker_registry;
pub(crate) mod front;
pub(crate) mod git;
#[allow(dead_code, reason = "the tests of the crate that unpacks use the rest of it")]
pub(crate) mod hostile_archives;
pub(crate) mod hub;
#[allow(dead_code, reason = "the workspace's tests use the rest of it")]
pub(crate) mod hugging_face;
pub(crate) mod machine;
pub(crate) mod model_server;
pub(crate) mod nodes;
pub(crate) mod old_install;
#[allow(dead_code, reason = "the workspace's tests use the rest of it")]
pub(crate) mod pack_zip;
pub(crate) mod package_index;
pub(crate) mod programs;
#[allow(dead_code, reason = "the workspace's tests use the rest of it")]
pub(crate) mod registry;
#[allow(dead_code, reason = "the tests of the crate that speaks to registries use the rest of it")]
pub(crate) mod registry_proxy;
pub(crate) mod report;
pub(crate) mod running;
pub(crate) mod safetensors;
#[allow(dead_code, reason = "the workspace's tests use the rest of it")]
pub(crate) mod site;
#[allow(dead_code, reason = "the workspace's tests use the rest of it")]
pub(crate) mod storage;
pub(crate) mod strace;
pub(crate) mod studio;
pub(crate) mod templates;
pub(crate) mod tmpfs;
pub(crate) mod tree;
pub(crate) mod wheels;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

pub(crate) use self::hub::Hub;
pub(crate) use self::machine::{Machine, Said};
pub(crate) use self::model_server::{Fault, ModelServer};
pub(crate) use self::studio::Studio;

/// The environment that travels.
pub(crate) const STUDIO: &str = "team/studio";

/// Waits until `check` gives something.
pub(crate) fn wait_for<T>(what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = check() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited too long for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Says that a test cannot run here, past the test runner, which shows nothing of tests that pass.
pub(crate) fn skip(why: &str) {
    let name = std::thread::current().name().unwrap_or_default().to_owned();
    let _ = writeln!(std::io::stderr(), "\nSKIPPED {name}: {why}");
}

/// The SHA-256 of bytes, in hex.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The SHA-256 of a file, in hex.
pub(crate) fn sha256_of(path: &Path) -> String {
    sha256(&std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// Writes a file and the folders above it.
pub(crate) fn write(path: &Path, bytes: impl AsRef<[u8]>) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// The project's folder.
pub(crate) fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Where what was fetched once stays: wheels, uv, uv's cache.
pub(crate) fn cache() -> PathBuf {
    let cache =
        std::env::var_os("COMFYDOCK_TEST_CACHE").map_or_else(|| project().join("target/e2e-cache"), PathBuf::from);
    std::fs::create_dir_all(&cache).unwrap();
    cache
}

/// Does `fill` once for all test processes: `folder` below the cache is there, complete, afterwards.
pub(crate) fn cached(folder: &str, fill: impl FnOnce(&Path)) -> PathBuf {
    let target = cache().join(folder);
    let lock = std::fs::File::create(cache().join(format!("{folder}.lock"))).unwrap();
    lock.lock().unwrap();
    if !target.exists() {
        let part = cache().join(format!("{folder}.part"));
        let _ = std::fs::remove_dir_all(&part);
        std::fs::create_dir_all(&part).unwrap();
        fill(&part);
        std::fs::rename(&part, &target).unwrap();
    }
    target
}
