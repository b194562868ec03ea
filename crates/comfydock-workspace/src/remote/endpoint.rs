//! Where the sites are for this machine, and the tokens its user has for them (decision 65).

use std::collections::BTreeMap;
use std::path::PathBuf;

use comfydock_core::site::Site;
use comfydock_core::source::{CIVITAI_HOSTS, HUGGING_FACE_HOST};
use url::Url;

use super::hub::{is_loopback, origin, variable};
use crate::configuration::{Configuration, Credentials};
use crate::{Error, remote};

/// Where CivitAI is unless the user says otherwise.
pub const CIVITAI: &str = "https://civitai.com";
/// Where Hugging Face is unless the user says otherwise.
pub const HUGGING_FACE: &str = "https://huggingface.co";

/// Where the sites are, and the user's tokens for them. A token is never in a URL or a message.
#[derive(Clone, Default)]
pub struct Endpoints {
    /// CivitAI, if not at [`CIVITAI`].
    pub civitai: Option<Url>,
    /// Hugging Face or a mirror of it, if not at [`HUGGING_FACE`].
    pub hugging_face: Option<Url>,
    /// For CivitAI's own hosts.
    pub civitai_token: Option<String>,
    /// For Hugging Face's own host.
    pub hugging_face_token: Option<String>,
    /// Tokens for exactly these origins, as the user keeps them in `credentials.toml`.
    pub tokens: BTreeMap<String, String>,
    /// Folders that shares stand for here.
    pub shares: BTreeMap<String, PathBuf>,
    /// Hugging Face is not to be asked at all (`HF_HUB_OFFLINE`).
    pub hugging_face_closed: bool,
}

impl Endpoints {
    /// What the environment says, else `config.toml` and `credentials.toml`. The variables are those
    /// that the sites' own tools read.
    ///
    /// # Errors
    /// When a file cannot be read or an address is not usable.
    pub fn load() -> Result<Self, Error> {
        let configuration = Configuration::load()?;
        let sites = configuration.sites;
        let first = |names: &[&str]| names.iter().find_map(|name| variable(name));
        let implicit = !is_set("HF_HUB_DISABLE_IMPLICIT_TOKEN");
        let hugging_face_token =
            first(&["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"]).or_else(token_file).filter(|_| implicit);
        Ok(Self {
            civitai: endpoint(variable("COMFYDOCK_CIVITAI_URL").or(sites.civitai), CIVITAI)?,
            hugging_face: endpoint(variable("HF_ENDPOINT").or(sites.huggingface), HUGGING_FACE)?,
            civitai_token: first(&["CIVITAI_API_TOKEN", "CIVITAI_TOKEN", "CIVITAI_API_KEY"]),
            hugging_face_token,
            tokens: Credentials::load()?.tokens,
            shares: configuration.shares,
            hugging_face_closed: is_set("HF_HUB_OFFLINE"),
        })
    }

    /// CivitAI's address.
    pub fn civitai(&self) -> Url {
        self.civitai.clone().unwrap_or_else(|| fixed(CIVITAI))
    }

    /// Hugging Face's address, or its mirror's.
    pub fn hugging_face(&self) -> Url {
        self.hugging_face.clone().unwrap_or_else(|| fixed(HUGGING_FACE))
    }

    /// The token for exactly this URL's host, if there is one. The sites' own tokens go to the sites'
    /// own hosts by https, and to a stand-in on this machine that the user has set as their address; a
    /// mirror elsewhere gets only what `credentials.toml` has for exactly its address.
    pub fn token(&self, url: &Url) -> Option<&str> {
        let host = url.host_str()?;
        let own_port = url.scheme() == "https" && url.port().is_none();
        let stand_in =
            |set: &Option<Url>| set.as_ref().is_some_and(|set| is_loopback(set) && origin(set) == origin(url));
        let kept = |at: &str| self.tokens.get(at).map(String::as_str);
        if (own_port && host == HUGGING_FACE_HOST) || stand_in(&self.hugging_face) {
            return self.hugging_face_token.as_deref().or_else(|| kept(HUGGING_FACE));
        }
        let is_civitai = own_port && CIVITAI_HOSTS.contains(&host);
        if is_civitai || stand_in(&self.civitai) {
            return self.civitai_token.as_deref().or_else(|| kept(CIVITAI));
        }
        let is_set = [&self.civitai, &self.hugging_face].into_iter().flatten().any(|set| origin(set) == origin(url));
        kept(&origin(url)).filter(|_| is_set && url.scheme() == "https")
    }

    /// Whose host the URL's is: a site's own, or where the user has set the site to be.
    pub fn site(&self, url: &Url) -> Option<Site> {
        let host = url.host_str()?;
        let own_port = url.scheme() == "https" && url.port().is_none();
        let set = |set: &Option<Url>| set.as_ref().is_some_and(|set| origin(set) == origin(url));
        if (own_port && host == HUGGING_FACE_HOST) || set(&self.hugging_face) {
            return Some(Site::HuggingFace);
        }
        ((own_port && CIVITAI_HOSTS.contains(&host)) || set(&self.civitai)).then_some(Site::Civitai)
    }

    /// Addresses that the user consented to by setting them, as `host:port`.
    pub fn set_by_user(&self) -> impl Iterator<Item = String> {
        [&self.civitai, &self.hugging_face]
            .into_iter()
            .flatten()
            .filter_map(|url| Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?)))
    }
}

fn fixed(text: &'static str) -> Url {
    Url::parse(text).expect("a URL of our own")
}

/// As the sites' own tools read their switches.
fn is_set(name: &str) -> bool {
    variable(name).is_some_and(|value| matches!(value.to_ascii_uppercase().as_str(), "1" | "TRUE" | "YES" | "ON"))
}

fn endpoint(text: Option<String>, usual: &str) -> Result<Option<Url>, Error> {
    let Some(text) = text else { return Ok(None) };
    let shown = comfydock_git::program::without_credentials(&text);
    let fault = |reason: &str| remote::Error::Url { text: shown.clone(), reason: reason.to_owned() };
    let mut url = Url::parse(&text).map_err(|error| fault(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(fault("a site is reached by http or https").into());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(fault("a token is not given in the address").into());
    }
    url.set_query(None);
    url.set_fragment(None);
    Ok((url != fixed(if usual == CIVITAI { CIVITAI } else { HUGGING_FACE })).then_some(url))
}

/// What `hf auth login` has left: `$HF_TOKEN_PATH`, `$HF_HOME/token`, `~/.cache/huggingface/token`.
fn token_file() -> Option<String> {
    let path = variable("HF_TOKEN_PATH").map(PathBuf::from).or_else(|| {
        let home = variable("HF_HOME").map(PathBuf::from);
        let home = home.or_else(|| {
            let cache = variable("XDG_CACHE_HOME").map(PathBuf::from);
            Some(cache.or_else(|| Some(PathBuf::from(variable("HOME")?).join(".cache")))?.join("huggingface"))
        });
        Some(home?.join("token"))
    })?;
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.trim().to_owned()).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(url: &str) -> Option<Url> {
        Url::parse(url).ok()
    }

    #[test]
    fn a_token_goes_to_its_site_and_nowhere_else() {
        let endpoints = Endpoints {
            civitai: at("http://127.0.0.1:8001"),
            hugging_face: at("https://mirror.example"),
            civitai_token: Some("c".to_owned()),
            hugging_face_token: Some("h".to_owned()),
            ..Endpoints::default()
        };
        for (url, token) in [
            ("https://civitai.com/api/v1/x", Some("c")),
            ("https://civitai.red/api/v1/x", Some("c")),
            ("https://civitai.green/x", Some("c")),
            ("http://127.0.0.1:8001/x", Some("c")),
            ("http://127.0.0.1:8002/x", None),
            ("https://127.0.0.1:8001/x", None),
            ("http://civitai.com/x", None),
            ("https://civitai.com:8443/x", None),
            ("https://civitai.com.evil.example/x", None),
            ("https://evil.example/?civitai.com", None),
            ("https://civitai.com@evil.example/x", None),
            ("https://b2.civitai.com/x", None),
            ("https://huggingface.co/o/r", Some("h")),
            ("https://cdn-lfs.huggingface.co/x", None),
            ("https://mirror.example/o/r", None),
        ] {
            assert_eq!(endpoints.token(&Url::parse(url).unwrap()), token, "{url}");
        }
    }

    #[test]
    fn whose_host_a_host_is() {
        let endpoints = Endpoints { hugging_face: at("https://mirror.example"), ..Endpoints::default() };
        for (url, site) in [
            ("https://civitai.com/x", Some(Site::Civitai)),
            ("https://civitai.green/x", Some(Site::Civitai)),
            ("https://b2.civitai.com/x", None),
            ("https://huggingface.co/x", Some(Site::HuggingFace)),
            ("https://mirror.example/x", Some(Site::HuggingFace)),
            ("https://mirror.example:8443/x", None),
            ("https://cdn-lfs.huggingface.co/x", None),
            ("http://civitai.com/x", None),
        ] {
            assert_eq!(endpoints.site(&Url::parse(url).unwrap()), site, "{url}");
        }
    }

    #[test]
    fn a_mirror_gets_what_is_kept_for_it_and_nobody_else_does() {
        let tokens = [("https://mirror.example", "m"), ("https://hub.example", "hub"), ("https://civitai.com", "c")];
        let endpoints = Endpoints {
            hugging_face: at("https://mirror.example"),
            tokens: tokens.map(|(at, token)| (at.to_owned(), token.to_owned())).into(),
            ..Endpoints::default()
        };
        for (url, token) in [
            ("https://mirror.example/o", Some("m")),
            ("https://civitai.red/x", Some("c")),
            ("https://hub.example/x", None),
            ("https://huggingface.co/x", None),
        ] {
            assert_eq!(endpoints.token(&Url::parse(url).unwrap()), token, "{url}");
        }
    }
}
