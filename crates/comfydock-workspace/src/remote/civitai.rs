//! Questions to CivitAI. It finds by hash; what it says about a file is a candidate until its bytes
//! are here and hash to the wanted ones (decision 65).

use std::time::Duration;

use comfydock_core::digest::{Blake3, Sha256};
use comfydock_core::resolve::ladder::Answer;
use comfydock_core::site::civitai::{self, Version};
use comfydock_core::site::{Refusal, Site};
use reqwest::Method;

use super::address::below;
use super::ask::{Follow, Reply, Request};
use super::sites::Sites;
use super::{Error, retry};

/// The folder of its answers.
const KEPT: &str = "civitai";
/// A file that is not known there may be published any moment, and the site's own cache is at most
/// this old.
const UNKNOWN_LASTS: Duration = Duration::from_secs(6 * 60 * 60);
const KNOWN_LASTS: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// What is known under a hash or an id; nothing is an answer too.
type Known = Option<Version>;

fn lasts(known: &Known) -> Duration {
    // What was archived may come back.
    let has_files = known.as_ref().is_some_and(|version| !version.files.is_empty());
    if has_files { KNOWN_LASTS } else { UNKNOWN_LASTS }
}

fn meaning(reply: &Reply) -> Option<Refusal> {
    retry::refusal(Site::Civitai, reply.status, &reply.headers, &reply.body)
}

fn odd(message: String) -> Error {
    Error::Unexpected { place: Site::Civitai.to_string(), message }
}

impl Sites {
    fn civitai(
        &self,
        method: Method,
        path: &[&str],
        json: Option<serde_json::Value>,
    ) -> Result<Result<Reply, Refusal>, Error> {
        let parts = ["api", "v1", "model-versions"].iter().chain(path).copied();
        let url = below(self.endpoints.civitai(), parts).map_err(odd)?;
        self.asker.ask(&Request { method, url, json, follow: Follow::Civitai }, meaning)
    }

    /// Which of these hashes it knows. Hashes are sent in capitals, as the site keeps them.
    pub(super) fn civitai_ids(&self, hashes: &[Sha256]) -> Result<Answer, Error> {
        let mut known = Vec::new();
        let mut open = Vec::new();
        for sha256 in hashes {
            match self.answers.find::<Known>(KEPT, &key(sha256), lasts) {
                Some(Some(version)) => known.push((sha256.clone(), version.id)),
                Some(None) => {}
                None => open.push(sha256),
            }
        }
        if open.is_empty() {
            return Ok(Answer::Ids(known));
        }
        if self.answers.only_kept() {
            return Ok(if known.is_empty() { Answer::Unasked } else { Answer::Ids(known) });
        }
        let reply = match self.civitai(Method::POST, &["by-hash", "ids"], Some(capitals(&open)))? {
            Ok(reply) => reply,
            Err(refusal) => return Ok(Answer::Refused(refusal)),
        };
        let found = civitai::ids(&reply.body).map_err(odd)?;
        for sha256 in open {
            if !found.iter().any(|(hash, _)| hash == sha256) {
                self.answers.keep::<Known>(KEPT, &key(sha256), &None);
            }
        }
        known.extend(found);
        Ok(Answer::Ids(known))
    }

    /// The versions that have these hashes; what is unknown is left out.
    pub(super) fn civitai_versions(&self, hashes: &[Sha256]) -> Result<Answer, Error> {
        let mut known: Vec<Version> = Vec::new();
        let mut open = Vec::new();
        for sha256 in hashes {
            match self.answers.find::<Known>(KEPT, &key(sha256), lasts) {
                Some(Some(version)) => known.push(version),
                _ => open.push(sha256),
            }
        }
        if open.is_empty() || self.answers.only_kept() {
            return Ok(Answer::Versions(known));
        }
        let reply = match self.civitai(Method::POST, &["by-hash"], Some(capitals(&open)))? {
            Ok(reply) => reply,
            Err(refusal) => return Ok(Answer::Refused(refusal)),
        };
        let found = civitai::versions(&reply.body).map_err(odd)?;
        for sha256 in open {
            if let Some(version) = found.iter().find(|version| version.by_sha256(sha256).is_some()) {
                self.answers.keep(KEPT, &key(sha256), &Some(version));
            }
        }
        known.extend(found);
        Ok(Answer::Versions(known))
    }

    /// The version that has this SHA-256.
    pub(super) fn civitai_by_sha256(&self, sha256: &Sha256) -> Result<Answer, Error> {
        self.civitai_one(&key(sha256), &["by-hash", &sha256.as_str().to_uppercase()])
    }

    /// The version that has this BLAKE3.
    pub(super) fn civitai_by_blake3(&self, blake3: &Blake3) -> Result<Answer, Error> {
        self.civitai_one(&format!("blake3-{blake3}"), &["by-hash", &blake3.as_str().to_uppercase()])
    }

    /// A version by its id.
    pub(super) fn civitai_version(&self, id: u64) -> Result<Answer, Error> {
        self.civitai_one(&format!("version-{id}"), &[&id.to_string()])
    }

    fn civitai_one(&self, key: &str, path: &[&str]) -> Result<Answer, Error> {
        match self.answers.find::<Known>(KEPT, key, lasts) {
            Some(Some(version)) => return Ok(Answer::Versions(vec![version])),
            Some(None) => return Ok(Answer::Refused(Refusal::Missing)),
            None if self.answers.only_kept() => return Ok(Answer::Unasked),
            None => {}
        }
        Ok(match self.civitai(Method::GET, path, None)? {
            Ok(reply) => {
                let version = civitai::version(&reply.body).map_err(odd)?;
                self.answers.keep(KEPT, key, &Some(&version));
                Answer::Versions(vec![version])
            }
            Err(refusal) => {
                if refusal == Refusal::Missing {
                    self.answers.keep::<Known>(KEPT, key, &None);
                }
                Answer::Refused(refusal)
            }
        })
    }
}

fn key(sha256: &Sha256) -> String {
    format!("sha256-{sha256}")
}

fn capitals(hashes: &[&Sha256]) -> serde_json::Value {
    hashes.iter().map(|sha256| sha256.as_str().to_uppercase()).collect()
}
