//! The network: hubs, credentials, and who may be asked for bytes.
//!
//! The only async code of the client lives here and in `models/download`; everything else calls it
//! through [`block_on`].

use std::future::Future;
use std::sync::Once;
use std::time::Duration;

use comfydock_bundle::registry::tls::{BELIEVE, Doubt, doubt};
use comfydock_core::hint::Hint;

pub mod address;
pub mod answers;
mod ask;
pub mod catalog;
mod civitai;
pub mod endpoint;
pub mod guard;
pub mod hub;
mod hugging_face;
pub(crate) mod observations;
pub mod registry;
pub(crate) mod retry;
mod settings;
pub mod sites;
pub mod upload;

/// What went wrong on the network.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server could not be reached or broke off.
    #[error("cannot reach {place}")]
    Unreachable {
        /// The host.
        place: String,
        /// What the library said.
        #[source]
        source: reqwest::Error,
    },
    /// The host's name leads nowhere.
    #[error("cannot look up `{host}`: {reason}")]
    Lookup {
        /// The host.
        host: String,
        /// What the system said.
        reason: String,
    },
    /// The server answered with a refusal.
    #[error("{place} refused: {message}")]
    Refused {
        /// The host.
        place: String,
        /// HTTP status.
        status: u16,
        /// What it said.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// Nothing moved for too long.
    #[error("{place} takes nothing any more")]
    Stalled {
        /// The host.
        place: String,
    },
    /// The answer was not what it should be.
    #[error("{place} answered with something unexpected: {message}")]
    Unexpected {
        /// The host.
        place: String,
        /// What is odd about it.
        message: String,
    },
    /// The address may not be asked.
    #[error("{message}")]
    Guarded {
        /// Why.
        message: String,
        /// What to do.
        hint: String,
    },
    /// The URL cannot be used.
    #[error("`{text}` is not a usable URL: {reason}")]
    Url {
        /// What was given.
        text: String,
        /// Why not.
        reason: String,
    },
    /// The user said not to use the network.
    #[error("{what} needs the network")]
    Offline {
        /// What was to be done.
        what: String,
    },
}

impl Hint for Error {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Unreachable { source, .. } if doubt(source) == Some(Doubt::Certificate) => Some(BELIEVE.to_owned()),
            Self::Unreachable { .. } | Self::Lookup { .. } | Self::Stalled { .. } => {
                Some("check the address and the network, then run the command again".to_owned())
            }
            Self::Refused { hint, .. } => hint.clone(),
            Self::Guarded { hint, .. } => Some(hint.clone()),
            Self::Unexpected { .. } => Some("is this the right address?".to_owned()),
            Self::Offline { .. } => Some("run the command without --offline".to_owned()),
            Self::Url { .. } => None,
        }
    }
}

/// Runs a future to its end.
///
/// # Panics
/// When the system has no resources left for an event loop.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("the system gives an event loop")
        .block_on(future)
}

/// A body of at most so many bytes; none when it is longer.
async fn bounded(response: &mut reqwest::Response, most: usize) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(bytes) = response.chunk().await? {
        if body.len() + bytes.len() > most {
            return Ok(None);
        }
        body.extend_from_slice(&bytes);
    }
    Ok(Some(body))
}

/// A client that follows no redirect by itself: credentials must not travel, and every hop is
/// judged.
pub(crate) fn client() -> reqwest::ClientBuilder {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // Only fails when one is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("comfydock/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(10))
        .read_timeout(Duration::from_secs(30))
}
