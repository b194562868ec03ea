//! Stand-ins of the sites, and somebody who looks for models there.

use comfydock_core::digest::{Blake3, Sha256};
use comfydock_core::resolve::ladder::{May, Outcome, Said, Wanted};
use comfydock_core::source::Source;
use comfydock_store::hash::{Digests, Hasher};
use comfydock_workspace::ops::Context;
use comfydock_workspace::ops::look_up::climb;
use comfydock_workspace::remote::answers::{Answers, Use};
use comfydock_workspace::remote::endpoint::Endpoints;
use comfydock_workspace::remote::hub::Network;
use comfydock_workspace::remote::sites::Sites;
use comfydock_workspace::reporter::Silent;
use url::Url;

use crate::civitai::{self, Civitai};
use crate::hugging_face::{self, HuggingFace};
use crate::site::Asked;

/// What the hashes of these bytes are.
pub(crate) fn digests(bytes: &[u8]) -> Digests {
    let mut hasher = Hasher::default();
    hasher.update(bytes);
    hasher.finish()
}

pub(crate) fn sha256(bytes: &[u8]) -> Sha256 {
    digests(bytes).sha256
}

fn both(bytes: &[u8]) -> (String, String) {
    let digests = digests(bytes);
    (digests.sha256.into(), digests.blake3.into())
}

/// The sites, and a folder in which their answers are kept.
pub(crate) struct World {
    folder: tempfile::TempDir,
    pub(crate) civitai: Civitai,
    pub(crate) hugging_face: HuggingFace,
    pub(crate) endpoints: Endpoints,
}

impl World {
    /// With nothing on the sites, and tokens for them that are good.
    pub(crate) fn new() -> Self {
        let civitai = Civitai::start(both);
        let hugging_face = HuggingFace::start(|bytes| sha256(bytes).into());
        let endpoints = Endpoints {
            civitai: Url::parse(&civitai.site.url("")).ok(),
            hugging_face: Url::parse(&hugging_face.site.url("")).ok(),
            civitai_token: Some(civitai::KEY.to_owned()),
            hugging_face_token: Some(hugging_face::TOKEN.to_owned()),
            ..Endpoints::default()
        };
        Self { folder: tempfile::tempdir().unwrap(), civitai, hugging_face, endpoints }
    }

    /// Looks for these, outside too, with answers that are kept used like this.
    pub(crate) fn look(&self, wanted: &[Wanted], kept: Use) -> Outcome {
        let sites = Sites::new(self.endpoints.clone(), None, Answers::new(self.folder.path().to_owned(), kept));
        let network = Network { offline: kept == Use::Any, ..Network::default() };
        climb(&sites, wanted.to_vec(), May { hub: false, outside: true }, &Context { reporter: &Silent, network })
    }

    /// The sources that are found for one model.
    pub(crate) fn sources(&self, wanted: &Wanted) -> Vec<String> {
        sources(&self.look(std::slice::from_ref(wanted), Use::Young), 0)
    }

    /// Every request that any host got.
    pub(crate) fn requests(&self) -> Vec<Asked> {
        [&self.civitai.site, &self.hugging_face.site, &self.civitai.storage.site, &self.hugging_face.storage.site]
            .iter()
            .flat_map(|site| site.log())
            .collect()
    }
}

/// The sources of one finding.
pub(crate) fn sources(outcome: &Outcome, position: usize) -> Vec<String> {
    outcome.findings[position].offers.iter().map(|offer| offer.source.to_string()).collect()
}

/// A model with these bytes.
pub(crate) fn wanted(filename: &str, bytes: &[u8]) -> Wanted {
    Wanted { filename: filename.to_owned(), sha256: Some(sha256(bytes)), blake3: None, said: Vec::new() }
}

/// A model of which only a place is known.
pub(crate) fn named(filename: &str, place: &str) -> Wanted {
    Wanted { filename: filename.to_owned(), said: vec![said(place)], ..Wanted::default() }
}

pub(crate) fn said(place: &str) -> Said {
    Said { source: Source::parse(place).unwrap(), sha256: None }
}

pub(crate) fn blake3(bytes: &[u8]) -> Option<Blake3> {
    Some(digests(bytes).blake3)
}
