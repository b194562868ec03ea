//! Where a source's bytes are for this machine, and who is told who we are.

use std::path::PathBuf;

use comfydock_core::site::Site;
use comfydock_core::source::{HUGGING_FACE_HOST, HuggingFaceFile, Source};
use reqwest::header::HeaderValue;
use url::Url;

use super::endpoint::Endpoints;
use super::hub::{Hub, origin};
use crate::Error;

/// Where the hub keeps bytes.
const BLOBS: &str = "/api/v1/blobs/";

/// Where bytes can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// At a URL, which may send on to others.
    Web(Url),
    /// In a file of this machine.
    Local(PathBuf),
}

/// What turns sources into addresses: the sites, the hub, the tokens for exactly their hosts.
#[derive(Clone, Default)]
pub struct Addresses {
    endpoints: Endpoints,
    hub: Option<Hub>,
}

impl Addresses {
    /// With the sites and shares of this machine's configuration, and the environment's hub.
    ///
    /// # Errors
    /// When the configuration cannot be read.
    pub fn load(hub: Option<&Hub>) -> Result<Self, Error> {
        Ok(Self::new(Endpoints::load()?, hub.cloned()))
    }

    /// With these.
    pub fn new(endpoints: Endpoints, hub: Option<Hub>) -> Self {
        Self { endpoints, hub }
    }

    /// Addresses the user consented to by setting them or by logging in there, as `host:port`.
    pub fn consented(&self) -> impl Iterator<Item = String> {
        let hub = self.hub.as_ref().map(Hub::url);
        let hub = hub.and_then(|url| Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?)));
        self.endpoints.set_by_user().chain(hub)
    }

    /// Where a source's bytes are.
    ///
    /// # Errors
    /// Why this machine cannot tell, as a clause.
    pub fn of(&self, source: &Source) -> Result<Address, String> {
        if self.endpoints.hugging_face_closed && source.hugging_face().is_some() {
            return Err("HF_HUB_OFFLINE is set, and it lies on Hugging Face".to_owned());
        }
        match source {
            Source::Civitai { version, file } => {
                let mut url = below(self.endpoints.civitai(), ["api", "download", "models", &version.to_string()])?;
                url.set_query(Some(&format!("fileId={file}")));
                Ok(Address::Web(url))
            }
            Source::HuggingFace(file) => Ok(Address::Web(resolve(&self.endpoints, &file.clone().into())?)),
            Source::Hub(sha256) => {
                let hub = self.hub.as_ref().ok_or("it lies on a hub, and none is logged in to here")?;
                let name = format!("sha256:{sha256}");
                Ok(Address::Web(below(hub.url().clone(), ["api", "v1", "blobs", &name])?))
            }
            Source::Share(file) => match self.endpoints.shares.get(file.name()) {
                Some(folder) => Ok(Address::Local(folder.join(file.path()))),
                None => Err(format!(
                    "the share `{0}` has no folder on this machine; `comfydock config set shares.{0} DIR` gives it one",
                    file.name()
                )),
            },
            Source::Url(text) => {
                let url = Url::parse(text).map_err(|error| format!("it is no usable URL ({error})"))?;
                Ok(Address::Web(self.by_way_of(url, source)?))
            }
            Source::Oci(_) => Err("it lies in a registry, which this version cannot download from".to_owned()),
            Source::Unclear { .. } => Err("it does not say which file it is".to_owned()),
        }
    }

    /// A URL of a site, at the address the site has for this machine.
    fn by_way_of(&self, url: Url, source: &Source) -> Result<Url, String> {
        let secure = url.scheme() == "https" && url.port().is_none();
        let mirrored = secure && url.host_str() == Some(HUGGING_FACE_HOST) && self.endpoints.hugging_face.is_some();
        if let Some(file) = source.hugging_face().filter(|_| mirrored) {
            return resolve(&self.endpoints, &file);
        }
        match (&self.endpoints.civitai, source.civitai()) {
            (Some(set), Some(place)) if url.path().starts_with("/api/download/models/") => {
                let version = place.version.to_string();
                let mut moved = below(set.clone(), ["api", "download", "models", &version])?;
                moved.set_query(url.query());
                Ok(moved)
            }
            _ => Ok(url),
        }
    }

    /// Whose host the URL's is, if a site's.
    pub fn site(&self, url: &Url) -> Option<Site> {
        self.endpoints.site(url)
    }

    /// What to send along to exactly this URL's host, if there is a token for it.
    pub fn authorization(&self, url: &Url) -> Option<HeaderValue> {
        let of_hub = || {
            let hub = self.hub.as_ref().filter(|hub| origin(hub.url()) == origin(url))?;
            // Whoever writes manifests names URLs too; only blobs are asked for with the token.
            hub.token().filter(|_| url.path().starts_with(BLOBS))
        };
        let token = self.endpoints.token(url).or_else(of_hub)?;
        let mut value = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

/// The address that Hugging Face, or its mirror, has a file at.
pub(super) fn resolve(endpoints: &Endpoints, file: &HuggingFaceFile) -> Result<Url, String> {
    let parts = file.repository().split('/').chain(["resolve", file.revision()]).chain(file.path().split('/'));
    below(endpoints.hugging_face(), parts)
}

/// A URL with these segments after its path, each escaped.
pub(super) fn below<'part>(mut url: Url, parts: impl IntoIterator<Item = &'part str>) -> Result<Url, String> {
    url.path_segments_mut().map_err(|()| "the site's address takes no path".to_owned())?.pop_if_empty().extend(parts);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    fn web(endpoints: Endpoints, source: &str) -> String {
        match Addresses::new(endpoints, None).of(&Source::parse(source).unwrap()) {
            Ok(Address::Web(url)) => url.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn sources_at_the_sites_own_addresses() {
        for (source, url) in [
            ("civitai:25/2", "https://civitai.com/api/download/models/25?fileId=2".to_owned()),
            (
                &format!("hf:o/r@{COMMIT}/d/a b%+#?.pt"),
                format!("https://huggingface.co/o/r/resolve/{COMMIT}/d/a%20b%25+%23%3F.pt"),
            ),
            ("https://huggingface.co/o/r/resolve/main/a.pt", "https://huggingface.co/o/r/resolve/main/a.pt".to_owned()),
            ("https://example.org/x?id=1", "https://example.org/x?id=1".to_owned()),
        ] {
            assert_eq!(web(Endpoints::default(), source), url);
        }
    }

    #[test]
    fn sources_at_addresses_of_ones_own() {
        let set = || Endpoints {
            civitai: Url::parse("https://civitai.red/").ok(),
            hugging_face: Url::parse("http://127.0.0.1:9000/mirror").ok(),
            ..Endpoints::default()
        };
        for (source, url) in [
            ("civitai:25/2", "https://civitai.red/api/download/models/25?fileId=2".to_owned()),
            (
                "https://civitai.com/api/download/models/25?type=Model",
                "https://civitai.red/api/download/models/25?type=Model".to_owned(),
            ),
            (&format!("hf:o/r@{COMMIT}/a.pt"), format!("http://127.0.0.1:9000/mirror/o/r/resolve/{COMMIT}/a.pt")),
            (
                "https://huggingface.co/o/r/resolve/main/a%20b.pt",
                "http://127.0.0.1:9000/mirror/o/r/resolve/main/a%20b.pt".to_owned(),
            ),
            (
                "https://huggingface.co.example/o/r/resolve/main/a.pt",
                "https://huggingface.co.example/o/r/resolve/main/a.pt".to_owned(),
            ),
        ] {
            assert_eq!(web(set(), source), url);
        }
        let consented: Vec<String> = Addresses::new(set(), None).consented().collect();
        assert_eq!(consented, ["civitai.red:443", "127.0.0.1:9000"]);
    }

    #[test]
    fn who_has_closed_hugging_face_is_led_nowhere_there() {
        let closed = Endpoints { hugging_face_closed: true, ..Endpoints::default() };
        let addresses = Addresses::new(closed, None);
        for source in [&format!("hf:o/r@{COMMIT}/a.pt"), "https://huggingface.co/o/r/resolve/main/a.pt"] {
            let reason = addresses.of(&Source::parse(source).unwrap()).unwrap_err();
            assert!(reason.contains("HF_HUB_OFFLINE"), "{source}: {reason}");
        }
        assert!(addresses.of(&Source::parse("civitai:25/2").unwrap()).is_ok());
    }

    #[test]
    fn shares_are_folders_and_what_is_unclear_is_nowhere() {
        let endpoints =
            Endpoints { shares: [("nas".to_owned(), PathBuf::from("/mnt/nas"))].into(), ..Endpoints::default() };
        let addresses = Addresses::new(endpoints, None);
        let of = |text: &str| addresses.of(&Source::parse(text).unwrap());
        assert_eq!(of("share:nas/loras/x.pt"), Ok(Address::Local(PathBuf::from("/mnt/nas/loras/x.pt"))));
        for (text, why) in [
            ("share:other/x.pt", "shares.other"),
            ("share:nas/../x", "which file"),
            ("civitai:25", "which file"),
            ("hf:o/r/a.pt", "which file"),
            (&format!("hub:sha256:{}", "ab".repeat(32)), "hub"),
            ("oci://x/y@sha256:ab", "registry"),
        ] {
            assert!(of(text).unwrap_err().contains(why), "{text}");
        }
    }
}
