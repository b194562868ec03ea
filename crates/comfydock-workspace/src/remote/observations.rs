//! Telling the hub what sources turned out to be worth, so that the next machine need not find out.

use std::time::Duration;

use comfydock_core::observation::Observation;
use comfydock_core::source::Source;
use comfydock_core::wire::{ObservationBatch, Observed, Receipt};
use reqwest::Method;

use super::block_on;
use super::hub::Hub;

/// Observations of one request: a body of the hub has its limit.
const BATCH: usize = 400;
/// How long a command may take longer for it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Tells it, as well as it can be: what does not get through is dropped, and nothing fails by it.
pub(crate) fn report<'a>(hub: &Hub, observations: impl Iterator<Item = &'a Observation>) {
    let observed: Vec<Observed> = observations.filter_map(observed).collect();
    if observed.is_empty() || !hub.has_token() {
        return;
    }
    block_on(async {
        let telling = async {
            for part in observed.chunks(BATCH) {
                let batch = ObservationBatch { observations: part.to_vec() };
                let told: Result<Receipt, _> = hub.ask(Method::POST, "api/v1/observations", Some(&batch)).await;
                if told.is_err() {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout(PATIENCE, telling).await;
    });
}

/// What the hub understands: only a model whose identity is known can be spoken of.
fn observed(observation: &Observation) -> Option<Observed> {
    // A share is another folder on every machine: what is missing here is there elsewhere.
    if matches!(observation.source, Source::Share(_)) {
        return None;
    }
    Some(Observed {
        source: observation.source.to_string(),
        sha256: observation.sha256.clone()?,
        verdict: observation.verdict,
        http_status: observation.http_status,
        size: observation.size,
        at: None,
    })
}
