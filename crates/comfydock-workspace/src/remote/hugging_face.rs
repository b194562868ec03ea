//! Questions to Hugging Face. It finds nothing by hash: it tells what a file one can name hashes to
//! (decision 65).

use std::time::Duration;

use comfydock_core::resolve::ladder::Answer;
use comfydock_core::site::hugging_face::{self, Entry, Resolved};
use comfydock_core::site::{Refusal, Site};
use comfydock_core::source::HuggingFaceFile;
use reqwest::Method;
use sha2::{Digest as _, Sha256 as Hasher};
use url::Url;

use super::address::{below, resolve};
use super::ask::{Follow, Reply, Request};
use super::sites::Sites;
use super::{Error, retry};

/// The folder of its answers.
const KEPT: &str = "huggingface";
const UNKNOWN_LASTS: Duration = Duration::from_secs(24 * 60 * 60);
/// What a branch stands for changes.
const BRANCH_LASTS: Duration = Duration::from_secs(60 * 60);
/// What a commit stands for does not.
const COMMIT_LASTS: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// Pages of a tree that are read at most; a page has up to a thousand files.
const PAGES: usize = 50;

fn meaning(reply: &Reply) -> Option<Refusal> {
    retry::refusal(Site::HuggingFace, reply.status, &reply.headers, &reply.body)
}

fn odd(message: String) -> Error {
    Error::Unexpected { place: Site::HuggingFace.to_string(), message }
}

fn key(file: &HuggingFaceFile) -> String {
    let name = format!("{}\n{}\n{}", file.repository(), file.revision(), file.path());
    Hasher::digest(name.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Sites {
    /// What a file is now, at which commit.
    pub(super) fn hugging_face_file(&self, file: &HuggingFaceFile) -> Result<Answer, Error> {
        let pinned = file.pinned().is_some();
        let lasts = |known: &Option<Resolved>| match known {
            None => UNKNOWN_LASTS,
            Some(_) if pinned => COMMIT_LASTS,
            Some(_) => BRANCH_LASTS,
        };
        match self.answers.find(KEPT, &key(file), lasts) {
            Some(Some(resolved)) => return Ok(Answer::File(resolved)),
            Some(None) => return Ok(Answer::Refused(Refusal::Missing)),
            None if self.answers.only_kept() || self.endpoints.hugging_face_closed => return Ok(Answer::Unasked),
            None => {}
        }
        let url = resolve(&self.endpoints, file).map_err(odd)?;
        let request = Request { method: Method::HEAD, url, json: None, follow: Follow::Relative };
        Ok(match self.asker.ask(&request, meaning)? {
            Ok(reply) => {
                let resolved = hugging_face::resolved(|name| reply.header(name))
                    .ok_or_else(|| odd("no commit for the file; is it Hugging Face?".to_owned()))?;
                self.answers.keep(KEPT, &key(file), &Some(&resolved));
                Answer::File(resolved)
            }
            Err(refusal) => {
                if refusal == Refusal::Missing {
                    self.answers.keep::<Option<Resolved>>(KEPT, &key(file), &None);
                }
                Answer::Refused(refusal)
            }
        })
    }

    /// All files of a repository's `main`, page by page.
    pub(super) fn hugging_face_tree(&self, repository: &str) -> Result<Answer, Error> {
        if self.answers.only_kept() || self.endpoints.hugging_face_closed {
            return Ok(Answer::Unasked);
        }
        // Datasets and spaces carry their kind in front; models do not.
        let kind = if repository.starts_with("datasets/") || repository.starts_with("spaces/") {
            None
        } else {
            Some("models")
        };
        let parts = ["api"].into_iter().chain(kind).chain(repository.split('/')).chain(["tree", "main"]);
        let mut url = below(self.endpoints.hugging_face(), parts).map_err(odd)?;
        url.set_query(Some("recursive=true"));
        let mut files: Vec<Entry> = Vec::new();
        for _ in 0..PAGES {
            let request = Request { method: Method::GET, url: url.clone(), json: None, follow: Follow::Relative };
            let reply = match self.asker.ask(&request, meaning)? {
                Ok(reply) => reply,
                Err(refusal) => return Ok(Answer::Refused(refusal)),
            };
            files.extend(hugging_face::entries(&reply.body).map_err(odd)?);
            let Some(next) = reply.header("link").and_then(hugging_face::next_page) else { break };
            url = self.page(&url, next)?;
        }
        Ok(Answer::Tree(files))
    }

    /// The next page's address. It names the site's own host also behind a mirror, and is asked where
    /// the first page was.
    fn page(&self, url: &Url, next: &str) -> Result<Url, Error> {
        let target = url.join(next).map_err(|error| odd(error.to_string()))?;
        let mut page = url.clone();
        page.set_query(target.query());
        Ok(page)
    }
}
