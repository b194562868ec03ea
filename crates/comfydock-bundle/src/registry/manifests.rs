//! Manifests and tags.

use bytes::Bytes;
use comfydock_core::oci::{
    Digest, IMAGE_INDEX, IMAGE_MANIFEST, LARGEST_MANIFEST, Reference, RepositoryName, Tag, media_type_within,
};
use comfydock_store::hash::sha256_of;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Response};
use serde::Deserialize;
use url::Url;

use super::auth::Scope;
use super::request::{Ask, header};
use super::{Error, Inner, Registry};

/// What we can read, and what other programs call it.
const ACCEPTED: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json";
/// Tags that are read at most.
const MOST_TAGS: usize = 10_000;

/// A manifest as the registry has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// What its bytes hash to, measured here.
    pub digest: Digest,
    /// What kind of manifest it is.
    pub media_type: String,
    /// Its bytes: they are what is signed and referred to.
    pub bytes: Vec<u8>,
}

/// Under what a manifest is found in a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// A name that can be moved.
    Tag(&'a Tag),
    /// Its digest.
    Digest(&'a Digest),
}

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tag(tag) => tag.fmt(formatter),
            Self::Digest(digest) => digest.fmt(formatter),
        }
    }
}

/// What became of a manifest that was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// Its digest.
    pub digest: Digest,
    /// The registry itself lists it with what refers to its subject.
    pub subject_listed: bool,
}

impl Registry {
    /// The manifest that a reference means: that of its digest if it has one, else that of its tag.
    ///
    /// # Errors
    /// When it is not there, is not what the digest says, or is called two things.
    pub fn pull_manifest(&self, reference: &Reference) -> Result<Manifest, Error> {
        if reference.host() != self.0.host {
            return Err(Error::Guarded {
                message: format!("`{reference}` is not at {}", self.0.host),
                hint: format!("ask {}", reference.host()),
            });
        }
        let place = match (reference.digest(), reference.tag()) {
            (Some(digest), _) => Place::Digest(digest),
            (None, Some(tag)) => Place::Tag(tag),
            (None, None) => {
                return Err(Error::Guarded {
                    message: format!("`{reference}` names neither a tag nor a digest"),
                    hint: format!("write {reference}:TAG"),
                });
            }
        };
        let missing = || Error::Unknown { place: self.0.host.clone(), what: format!("`{reference}`"), code: None };
        self.find_manifest(reference.repository(), place)?.ok_or_else(missing)
    }

    /// The manifest at a place of a repository; none if nothing is there.
    ///
    /// # Errors
    /// As [`Registry::pull_manifest`].
    pub fn find_manifest(&self, repository: &RepositoryName, place: Place<'_>) -> Result<Option<Manifest>, Error> {
        let inner = &self.0;
        let mut ask =
            Ask::new(Method::GET, inner.at(&format!("{repository}/manifests/{place}")), Scope::pull(repository));
        ask.headers.insert(ACCEPT, HeaderValue::from_static(ACCEPTED));
        let (response, bytes) = inner.block_on(inner.ask_whole(&ask, LARGEST_MANIFEST))?;
        match response.status().as_u16() {
            200 => inner.judge_manifest(&response, bytes, place).map(Some),
            404 => Ok(None),
            _ => Err(inner.refusal_of(&response, &bytes, &format!("the manifest `{place}`"), &ask.scope)),
        }
    }

    /// Pushes a manifest under a tag or its digest. What it names must be there.
    ///
    /// # Errors
    /// When the registry refuses it or has it under another digest.
    pub fn push_manifest(
        &self,
        repository: &RepositoryName,
        place: Place<'_>,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<Pushed, Error> {
        let inner = &self.0;
        let digest = Digest::from(sha256_of(bytes));
        if let Place::Digest(given) = place
            && *given != digest
        {
            return Err(Error::Changed { digest: given.clone(), found: digest.to_string() });
        }
        let url = inner.at(&format!("{repository}/manifests/{place}"));
        let mut ask = Ask::new(Method::PUT, url, Scope::push(repository));
        let odd = |message: String| Error::Unexpected { place: inner.host.clone(), message };
        let kind = HeaderValue::from_str(media_type).map_err(|_| odd("a media type that is none".to_owned()))?;
        ask.headers.insert(CONTENT_TYPE, kind);
        ask.body = Bytes::copy_from_slice(bytes);
        let response = inner.block_on(inner.ask(&ask))?;
        if !response.status().is_success() {
            return Err(inner.block_on(inner.refusal(response, &format!("the manifest `{place}`"), &ask.scope)));
        }
        if let Some(named) = named_digest(response.headers()).filter(|named| *named != digest) {
            return Err(odd(format!("it has the manifest {digest} as {named}")));
        }
        let subject_listed = response.headers().contains_key("oci-subject");
        Ok(Pushed { digest, subject_listed })
    }

    /// The tags of a repository, in the registry's order.
    ///
    /// # Errors
    /// When the repository is not there or cannot be read.
    pub fn tags(&self, repository: &RepositoryName) -> Result<Vec<String>, Error> {
        #[derive(Deserialize)]
        struct Page {
            tags: Option<Vec<String>>,
        }
        let inner = &self.0;
        let mut tags = Vec::new();
        let first = inner.at(&format!("{repository}/tags/list"));
        inner.pages(first, repository, &format!("the tags of `{repository}`"), |body| {
            let page: Page = serde_json::from_slice(body).ok()?;
            tags.extend(page.tags.unwrap_or_default());
            Some(tags.len() < MOST_TAGS)
        })?;
        tags.truncate(MOST_TAGS);
        Ok(tags)
    }
}

/// The digest a registry names in a header, if it is one that we can check.
fn named_digest(headers: &HeaderMap) -> Option<Digest> {
    Digest::parse(header(headers, "docker-content-digest")?).ok()
}

impl Inner {
    fn judge_manifest(&self, response: &Response, bytes: Vec<u8>, place: Place<'_>) -> Result<Manifest, Error> {
        let digest = Digest::from(sha256_of(&bytes));
        let asked = if let Place::Digest(digest) = place { Some(digest.clone()) } else { None };
        for expected in asked.into_iter().chain(named_digest(response.headers())) {
            if expected != digest {
                return Err(Error::Different { place: self.host.clone(), expected, found: digest.to_string() });
            }
        }
        let bare = |text: &str| text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let outside = header(response.headers(), CONTENT_TYPE.as_str()).map(bare);
        let inside = media_type_within(&bytes);
        let generic =
            |kind: &String| matches!(kind.as_str(), "application/json" | "application/octet-stream" | "text/plain");
        let media_type = match (outside.filter(|kind| !generic(kind)), inside) {
            (Some(outside), Some(inside)) if bare(&inside) != outside => {
                let message = format!("a manifest that is `{outside}` outside and `{inside}` inside");
                return Err(Error::Unexpected { place: self.host.clone(), message });
            }
            (Some(kind), _) | (None, Some(kind)) => kind,
            (None, None) => IMAGE_MANIFEST.to_owned(),
        };
        Ok(Manifest { digest, media_type, bytes })
    }

    /// Reads a list page by page until `take` has had enough; nothing from it means that the page is none.
    pub(super) fn pages(
        &self,
        first: Url,
        repository: &RepositoryName,
        what: &str,
        mut take: impl FnMut(&[u8]) -> Option<bool>,
    ) -> Result<(), Error> {
        let mut ask = Ask::new(Method::GET, first, Scope::pull(repository));
        ask.headers.insert(ACCEPT, HeaderValue::from_static(IMAGE_INDEX));
        ask.headers.append(ACCEPT, HeaderValue::from_static("application/json"));
        loop {
            let (response, body) = self.block_on(self.ask_whole(&ask, LARGEST_MANIFEST))?;
            if response.status().as_u16() != 200 {
                return Err(self.refusal_of(&response, &body, what, &ask.scope));
            }
            let odd = || Error::Unexpected { place: self.host.clone(), message: format!("{what} cannot be read") };
            let more = take(&body).ok_or_else(odd)?;
            let next = header(response.headers(), "link").and_then(next_page).filter(|_| more);
            let Some(next) = next.map(|next| self.judge_hop(&ask.url, next)).transpose()? else { return Ok(()) };
            if next.origin() != self.base.origin() || next == ask.url {
                return Ok(());
            }
            ask.url = next;
        }
    }
}

/// The address behind `rel="next"` (RFC 8288).
fn next_page(link: &str) -> Option<&str> {
    link.split(',').find_map(|one| {
        let (address, parameters) = one.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = |part: &str| matches!(part.trim(), "rel=\"next\"" | "rel=next");
        parameters.split(';').any(is_next).then_some(address)
    })
}
