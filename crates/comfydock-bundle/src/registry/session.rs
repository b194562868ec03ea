//! One upload as the registry sees it: where the next bytes go, and how many it has.

use comfydock_core::oci::Digest;
use reqwest::header::{HeaderMap, LOCATION, RANGE};
use reqwest::{Method, Response};
use url::Url;

use super::auth::Scope;
use super::request::{Ask, header};
use super::{Error, Inner};

/// An open upload.
pub(super) struct Session {
    /// Where the next request goes. It may bear a signature, and be on another host.
    location: Url,
    /// Bytes the registry has.
    pub(super) offset: u64,
    /// Bytes a piece must have at least, the last one excepted.
    pub(super) shortest: u64,
}

impl Session {
    /// Where the next bytes go.
    pub(super) fn location(&self) -> Url {
        self.location.clone()
    }

    /// Where the end of the upload goes.
    pub(super) fn end(&self, digest: &Digest) -> Url {
        let mut url = self.location();
        // As it came, with one more pair: what signs the rest must not be written anew.
        let query = url.query().filter(|query| !query.is_empty()).map(|query| format!("{query}&"));
        url.set_query(Some(&format!("{}digest={digest}", query.unwrap_or_default())));
        url
    }

    /// Takes what an answer says of where the upload stands.
    pub(super) fn follow(&mut self, inner: &Inner, response: &Response) -> Result<(), Error> {
        if let Some(location) = header(response.headers(), LOCATION.as_str()) {
            self.location = inner.judge_hop(response.url(), location)?;
        }
        Ok(())
    }
}

/// How many bytes a registry says it has: `Range: 0-999`. One byte and none at all are both written `0-0`, which is
/// read as one.
pub(super) fn received(headers: &HeaderMap) -> Option<u64> {
    let text = header(headers, RANGE.as_str())?.trim();
    let (first, last) = text.strip_prefix("bytes=").unwrap_or(text).split_once('-')?;
    last.parse::<u64>().ok()?.checked_add(1).filter(|_| first == "0")
}

impl Inner {
    /// Opens an upload.
    pub(super) async fn begin(&self, scope: &Scope) -> Result<Session, Error> {
        let url = self.at(&format!("{}/blobs/uploads/", scope.repository));
        let ask = Ask::new(Method::POST, url, scope.clone());
        let response = self.ask(&ask).await?;
        if response.status().as_u16() != 202 {
            return Err(self.refusal(response, "an upload", scope).await);
        }
        self.session(&response)
    }

    /// The upload that an answer opened.
    pub(super) fn session(&self, response: &Response) -> Result<Session, Error> {
        let odd = || Error::Unexpected { place: self.host.clone(), message: "an upload without a place".to_owned() };
        let location = header(response.headers(), LOCATION.as_str()).ok_or_else(odd)?;
        let shortest = header(response.headers(), "oci-chunk-min-length").and_then(|text| text.parse().ok());
        Ok(Session {
            location: self.judge_hop(response.url(), location)?,
            offset: 0,
            shortest: shortest.unwrap_or_default(),
        })
    }

    /// Asks how far an upload is that broke off; none if the registry has given it up.
    pub(super) async fn look_at(&self, mut session: Session, scope: &Scope) -> Result<Option<Session>, Error> {
        let ask = Ask { follow: false, ..Ask::new(Method::GET, session.location(), scope.clone()) };
        let response = self.ask(&ask).await?;
        if !response.status().is_success() {
            return Ok(None);
        }
        session.follow(self, &response)?;
        // With one byte or none nothing is lost by beginning again.
        let count = received(response.headers()).filter(|count| *count > 1);
        Ok(count.map(|offset| Session { offset, ..session }))
    }

    /// Tells the registry that an upload will not go on. Nothing hangs on it.
    pub(super) async fn cancel(&self, session: Session, scope: &Scope) {
        let ask = Ask::new(Method::DELETE, session.location(), scope.clone());
        let _ = self.ask_once(&ask).await;
    }
}
