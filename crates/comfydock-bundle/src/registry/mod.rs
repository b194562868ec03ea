//! A client of OCI registries (decision 31; distribution specification 1.1).
//!
//! Everything blocks on the outside and streams on the inside: a blob of any size takes a few MiB of memory. A
//! [`Registry`] can be cloned and used from several threads at once. It must not be used inside an async runtime.

use std::future::Future;
use std::sync::{Arc, Once};
use std::time::Duration;

use comfydock_core::address::is_loopback;
use comfydock_core::oci::Digest;
use tokio::runtime::Runtime;
use url::Url;

mod auth;
pub mod credentials;
mod digester;
mod error;
mod manifests;
mod pull;
mod push;
mod referrers;
mod request;
mod secret;
mod session;
pub mod tls;

use auth::Auth;
use credentials::Credentials;
pub use error::Error;
pub use manifests::{Manifest, Place, Pushed};
pub use push::Source;
pub use secret::Secret;

/// Who is told how far a blob is.
pub type Listener = Arc<dyn Fn(Progress<'_>) + Send + Sync>;

/// How a registry is spoken to.
#[derive(Clone)]
pub struct Options {
    /// Plain http may be used with a host that is not this machine.
    pub plain_http: bool,
    /// Who is told how far blobs are.
    pub progress: Option<Listener>,
    /// How long nothing may come or leave.
    pub stall: Duration,
    /// How long the registry may take for its answer once it has every byte of a blob.
    pub answer: Duration,
    /// How long a second of waiting for a registry that is busy lasts; tests shorten it.
    pub second: Duration,
    /// Blobs go in pieces of so many bytes from the start. Without it they go whole, and in pieces once that failed.
    pub piece: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            plain_http: false,
            progress: None,
            stall: Duration::from_secs(60),
            answer: Duration::from_secs(10 * 60),
            second: Duration::from_secs(1),
            piece: None,
        }
    }
}

/// How far a blob is.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// Which blob.
    pub digest: &'a Digest,
    /// Bytes that came or went; never fewer than were told before.
    pub done: u64,
    /// Bytes it has.
    pub size: u64,
}

/// Tells a listener how far one blob is, and never less than before.
struct Told<'a> {
    listener: Option<&'a Listener>,
    digest: &'a Digest,
    size: u64,
    done: u64,
}

impl Told<'_> {
    fn tell(&mut self, done: u64) {
        if done > self.done {
            self.done = done;
            if let Some(listener) = self.listener {
                listener(Progress { digest: self.digest, done, size: self.size });
            }
        }
    }
}

/// One registry, as one who has these credentials.
#[derive(Clone)]
pub struct Registry(Arc<Inner>);

struct Inner {
    /// As the user named it.
    host: String,
    /// `https://host:port/v2/`.
    base: Url,
    http: reqwest::Client,
    runtime: Runtime,
    auth: Auth,
    options: Options,
}

impl Registry {
    /// The registry at `host` or `host:port`. Nothing is asked yet. This machine's own addresses are reached by
    /// plain http, all others by https unless the options say otherwise.
    ///
    /// # Errors
    /// When the host cannot be one.
    ///
    /// # Panics
    /// When the system has no resources left for an event loop.
    pub fn open(host: &str, credentials: Credentials, options: Options) -> Result<Self, Error> {
        let unusable = |reason: String| Error::Guarded {
            message: format!("`{host}` is not a usable registry: {reason}"),
            hint: "name it as HOST or HOST:PORT".to_owned(),
        };
        let address = |scheme: &str| Url::parse(&format!("{scheme}://{}/v2/", answering(host)));
        let secure = address("https").map_err(|error| unusable(error.to_string()))?;
        let is_bare = secure.path() == "/v2/" && secure.username().is_empty() && secure.password().is_none();
        if !is_bare || secure.query().is_some() || secure.fragment().is_some() || secure.host().is_none() {
            return Err(unusable("it is more than a host".to_owned()));
        }
        let local = is_loopback(&secure);
        let base = if local || options.plain_http {
            address("http").map_err(|error| unusable(error.to_string()))?
        } else {
            secure
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Ok(Self(Arc::new(Inner {
            host: host.to_owned(),
            http: client(local).map_err(|source| Error::Unreachable { place: host.to_owned(), source })?,
            runtime: runtime.expect("the system gives an event loop"),
            auth: Auth::new(credentials),
            base,
            options,
        })))
    }

    /// The registry's host, as it was named.
    pub fn host(&self) -> &str {
        &self.0.host
    }
}

impl Inner {
    fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Follows how far a blob is.
    fn told<'a>(&'a self, digest: &'a Digest, size: u64) -> Told<'a> {
        Told { listener: self.options.progress.as_ref(), digest, size, done: 0 }
    }
}

/// Docker Hub answers at another name than the one it goes by.
fn answering(host: &str) -> &str {
    if matches!(host, "docker.io" | "index.docker.io") { "registry-1.docker.io" } else { host }
}

/// A client that follows no redirect by itself: credentials must not travel, and every hop is judged. How long
/// something may take is watched by those who ask, since what is sent takes its time.
fn client(local: bool) -> Result<reqwest::Client, reqwest::Error> {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // Only fails when one is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("comfydock/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(10))
        // Nobody looks after connections while nothing is asked; an old one may have been closed.
        .pool_idle_timeout(Duration::from_secs(15))
        .tcp_nodelay(true);
    if local { client.no_proxy().build() } else { client.build() }
}
