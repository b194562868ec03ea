//! The client of registries against Debian's docker-registry, and against one that is in trouble.

mod access;
mod attach;
mod broken;
mod bytes;
#[path = "../../../../../tests/support/docker_registry.rs"]
#[allow(dead_code, reason = "the end-to-end tests use the rest of it")]
mod docker;
mod lies;
mod memory;
mod peers;
#[path = "../../../../../tests/support/registry_proxy.rs"]
#[allow(dead_code, reason = "the end-to-end tests use the rest of it")]
mod proxy;
mod round;
mod tokens;

use std::io::{self, Read};
use std::time::Duration;

use comfydock_bundle::registry::credentials::{Credentials, Given};
use comfydock_bundle::registry::{Options, Registry, Secret};
use comfydock_core::oci::{Descriptor, Digest, RepositoryName};
use comfydock_store::hash::sha256_of;

/// Options whose waits are short.
fn hasty() -> Options {
    Options { second: Duration::from_millis(50), ..Options::default() }
}

fn open(host: &str) -> Registry {
    Registry::open(host, Credentials::nobody(), hasty()).unwrap()
}

fn password(user: &str, password: &str) -> Credentials {
    let given = Given::Password { user: user.to_owned(), password: Secret::new(password) };
    Credentials::find("", &name("x"), Some(given), None, &Default::default()).unwrap()
}

fn name(text: &str) -> RepositoryName {
    RepositoryName::parse(text).unwrap()
}

fn digest(bytes: &[u8]) -> Digest {
    Digest::from(sha256_of(bytes))
}

fn described(media_type: &str, bytes: &[u8]) -> Descriptor {
    Descriptor::new(media_type, digest(bytes), bytes.len() as u64)
}

/// So many bytes that look random and are always the same for a seed.
fn noise(seed: u64, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    bytes::Noise::at(seed, 0).read_exact(&mut bytes).unwrap();
    bytes
}

/// A source over bytes in memory.
fn source(bytes: &[u8]) -> impl Fn(u64) -> io::Result<Box<dyn Read + Send>> + Sync + use<> {
    let bytes: std::sync::Arc<[u8]> = bytes.into();
    move |at| {
        let rest = bytes[usize::try_from(at).unwrap()..].to_vec();
        Ok(Box::new(io::Cursor::new(rest)))
    }
}

fn push(registry: &Registry, repository: &RepositoryName, bytes: &[u8]) -> Descriptor {
    let blob = described("application/octet-stream", bytes);
    registry.push_blob(repository, &blob, &source(bytes)).unwrap();
    blob
}
