//! Speaking to OCI registries for `publish`, `import` and `inspect`.

use std::collections::BTreeMap;
use std::sync::{Arc, mpsc};

use comfydock_bundle::registry::credentials::{Credentials, Given, Places};
use comfydock_bundle::registry::{Options, Progress, Registry, Secret};
use comfydock_core::oci::{Digest, Reference};

use super::Context;
use crate::Error;
use crate::remote;
use crate::remote::hub::Hub;
use crate::reporter::Event;

/// How a registry is reached.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// The user's token there, when it was given by hand.
    pub token: Option<String>,
    /// Whether plain http may be used with a host that is not this machine.
    pub plain_http: bool,
}

/// Runs `work` with the registry of a reference; what is told of blobs with these labels is reported.
///
/// # Errors
/// When the user's credentials cannot be read, the host is none, `--offline` was said, or `work` fails.
pub fn with<T>(
    reference: &Reference,
    access: &Access,
    labels: &BTreeMap<Digest, String>,
    context: &Context<'_>,
    work: impl FnOnce(&Registry) -> Result<T, Error>,
) -> Result<T, Error> {
    if context.network.offline {
        return Err(remote::Error::Offline { what: format!("`{reference}`") }.into());
    }
    let credentials = credentials(reference, access, context)?;
    // What the registry tells comes from whatever thread carries the blob; it is passed on by one.
    let (told, heard) = mpsc::channel::<(Digest, u64)>();
    let listener = move |progress: Progress<'_>| {
        let _ = told.send((progress.digest.clone(), progress.done));
    };
    let plain_http = access.plain_http || context.network.insecure_http;
    let options = Options { plain_http, progress: Some(Arc::new(listener)), ..Options::default() };
    let registry = Registry::open(reference.host(), credentials, options)?;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for (digest, at) in heard {
                if let Some(label) = labels.get(&digest) {
                    context.reporter.report(Event::BytesAt { label: label.clone(), at });
                }
            }
        });
        let outcome = work(&registry);
        // The last one who could tell anything goes, and with it the thread that listens.
        drop(registry);
        outcome
    })
}

fn credentials(reference: &Reference, access: &Access, context: &Context<'_>) -> Result<Credentials, Error> {
    let given = |token: String| Given::Token(Secret::new(token));
    // The hub's token is for the hub alone.
    let hub = Hub::default_hub(&context.network).ok().flatten().and_then(|hub| hub.token_at(reference.host()));
    let by_hand = access.token.clone().map(given);
    let places = Places::of_surroundings();
    Ok(Credentials::find(reference.host(), reference.repository(), by_hand, hub.map(given), &places)?)
}
