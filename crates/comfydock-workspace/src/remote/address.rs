//! Where a source's bytes are for this machine, and who is told who we are.

use comfydock_core::source::Source;
use reqwest::header::HeaderValue;
use url::Url;

/// Where bytes can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// At a URL, which may send on to others.
    Web(Url),
    /// In a file that this machine can read: a share, a drive.
    Local(std::path::PathBuf),
}

/// What turns sources into addresses: the sites, the hub, the tokens for exactly their hosts.
#[derive(Debug, Clone, Default)]
pub struct Addresses {}

impl Addresses {
    /// Where a source's bytes are.
    ///
    /// # Errors
    /// Why this machine cannot tell, as a clause.
    pub fn of(&self, source: &Source) -> Result<Address, String> {
        source
            .url()
            .and_then(|text| Url::parse(text).ok())
            .map(Address::Web)
            .ok_or_else(|| "it is a kind of source this version cannot download from".to_owned())
    }

    /// What to send along to exactly this URL's host, if there is a token for it.
    pub fn authorization(&self, _url: &Url) -> Option<HeaderValue> {
        None
    }
}
