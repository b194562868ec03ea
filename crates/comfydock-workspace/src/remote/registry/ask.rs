//! One question to the registry: judged addresses, redirects by hand, patience within bounds.

use std::time::Duration;

use comfydock_core::registry::Refusal;
use reqwest::Response;
use reqwest::header::LOCATION;
use url::Url;

use super::Registry;
use crate::remote::guard::Consent;
use crate::remote::{Error, block_on, bounded, client, guard, retry};

/// Bytes of an answer at most: the versions of a pack that is released daily.
const LARGEST: usize = 16 * 1024 * 1024;
/// Times that something that failed is tried anew.
pub(super) const AGAIN: u32 = 3;
/// Hops a question may be sent on.
const REDIRECTS: usize = 5;

/// An answer as it came.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

impl Registry<'_> {
    /// Asks, and again if the registry is busy or out of order.
    pub(super) fn ask(&self, url: &Url) -> Result<(Reply, Option<Refusal>), Error> {
        let mut failed = 0;
        loop {
            let answered = block_on(self.once(url));
            let asked = match &answered {
                Ok((_, Some(refusal))) if refusal.passes() => match refusal {
                    Refusal::Busy(seconds) => *seconds,
                    _ => None,
                },
                _ => return answered,
            };
            failed += 1;
            match self.pause(failed, asked) {
                Some(pause) => std::thread::sleep(pause),
                None => return answered,
            }
        }
    }

    /// How long to wait after so many failures; none when it is time to give up.
    pub(super) fn pause(&self, failed: u32, asked: Option<u32>) -> Option<Duration> {
        let pause = retry::wait(failed, asked).filter(|_| failed <= AGAIN)?;
        Some(self.patience.second.mul_f64(pause.as_secs_f64()))
    }

    async fn once(&self, url: &Url) -> Result<(Reply, Option<Refusal>), Error> {
        let late = |_| Error::Unexpected {
            place: self.place(),
            message: format!("no whole answer within {:.0} s", self.patience.longest.as_secs_f64()),
        };
        let answer = async {
            let mut response = self.get(url, "the Comfy registry", &self.consent).await?;
            let status = response.status().as_u16();
            let wait = retry::asked(response.headers());
            let cut = |error: reqwest::Error| match error.is_body() || error.is_decode() {
                true => Error::Unexpected { place: self.place(), message: "its answer was cut off".to_owned() },
                false => Error::Unreachable { place: self.place(), source: error.without_url() },
            };
            let body = bounded(&mut response, LARGEST).await.map_err(cut)?;
            let body =
                body.ok_or_else(|| Error::Unexpected { place: self.place(), message: "an endless answer".to_owned() })?;
            let refusal = Refusal::of(status, wait, &body);
            Ok((Reply { status, body }, refusal))
        };
        tokio::time::timeout(self.patience.longest, answer).await.map_err(late)?
    }

    /// Opens an address, `what` for messages. Every hop is judged.
    pub(super) async fn get(&self, url: &Url, what: &str, consent: &Consent) -> Result<Response, Error> {
        let mut url = url.clone();
        for _ in 0..=REDIRECTS {
            let host = url.host_str().unwrap_or_default().to_owned();
            let unreachable = |error: reqwest::Error| Error::Unreachable {
                place: format!("{what} at {host}"),
                source: error.without_url(),
            };
            let addresses = guard::check(&url, consent).await.map_err(|error| own_words(error, &url, what))?;
            let client = client().resolve_to_addrs(&host, &addresses).no_proxy().build().map_err(unreachable)?;
            let sent = client.get(url.clone()).header("Accept-Encoding", "identity").send();
            let response = sent.await.map_err(unreachable)?;
            let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            let Some(location) = location.filter(|_| response.status().is_redirection()) else { return Ok(response) };
            let next = url
                .join(location)
                .ok()
                .filter(|next| next.scheme() == "https" || (next.scheme() == "http" && url.scheme() == "http"));
            url = next.ok_or_else(|| Error::Unexpected {
                place: format!("{what} at {host}"),
                message: "it redirects to where nothing is fetched from".to_owned(),
            })?;
        }
        Err(Error::Unexpected { place: what.to_owned(), message: format!("more than {REDIRECTS} redirects") })
    }
}

/// The guard speaks of models.
fn own_words(error: Error, url: &Url, what: &str) -> Error {
    let Error::Guarded { .. } = error else { return error };
    let host = url.host_str().unwrap_or_default();
    let why = if url.scheme() == "https" { "it is not on the public network" } else { "it is not https" };
    Error::Guarded {
        message: format!("{what} is not fetched from `{host}`: {why}"),
        hint: "a registry of your own is set with COMFYDOCK_REGISTRY_URL, and its zips lie on the same host".to_owned(),
    }
}
