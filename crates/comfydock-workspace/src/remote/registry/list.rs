//! ComfyUI-Manager's map, where the user says it is.

use comfydock_core::packs::ManagerMap;
use url::Url;

use super::Registry;
use super::{guard, is_loopback};
use crate::remote::{Error, block_on, bounded};

/// Bytes of a map at most; today's has about one million.
const LARGEST: usize = 32 * 1024 * 1024;

impl Registry<'_> {
    /// The map at this URL, kept as the registry's own answers are.
    ///
    /// # Errors
    /// When the URL is not https (or on this machine), nothing comes from there, or it is no such map.
    pub fn manager_map(&self, address: &str) -> Result<ManagerMap, Error> {
        const WHAT: &str = "ComfyUI-Manager's map";
        let shown = crate::shown_url(address);
        let fault = |reason: &str| Error::Url { text: shown.clone(), reason: reason.to_owned() };
        let url = Url::parse(address).map_err(|error| fault(&error.to_string()))?;
        let host = url.host_str().ok_or_else(|| fault("it has no host"))?.to_owned();
        if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(&url)) {
            return Err(fault("a map is fetched by https; a file is given by its path"));
        }
        // The user named the host.
        let consent = guard::Consent::to([format!("{host}:{}", url.port_or_known_default().unwrap_or(443))]);
        let odd = |message: String| Error::Unexpected { place: format!("`{host}`"), message };
        let fetch = async {
            let mut response = self.get(&url, WHAT, &consent).await?;
            let status = response.status().as_u16();
            if status != 200 {
                let message = format!("{WHAT} is not there (HTTP status {status})");
                let hint = Some("check the address; a file is given by its path".to_owned());
                return Err(Error::Refused { place: format!("`{host}`"), status, message, hint });
            }
            let body = bounded(&mut response, LARGEST).await.map_err(|_| odd("its answer was cut off".to_owned()))?;
            let body = body.ok_or_else(|| odd("an endless answer".to_owned()))?;
            String::from_utf8(body).map_err(|_| odd("its answer is not text".to_owned()))
        };
        let key = comfydock_store::hash::of_bytes(address.as_bytes()).sha256;
        let text: String = self.kept(&format!("manager-map-{key}"), WHAT, || {
            let late = |_| odd(format!("no whole answer within {:.0} s", self.patience.longest.as_secs_f64()));
            let text = block_on(async { tokio::time::timeout(self.patience.longest, fetch).await }).map_err(late)??;
            // What is no map is not kept.
            ManagerMap::parse(&text).map_err(|error| odd(error.to_string()))?;
            Ok(text)
        })?;
        ManagerMap::parse(&text).map_err(|error| odd(error.to_string()))
    }
}
