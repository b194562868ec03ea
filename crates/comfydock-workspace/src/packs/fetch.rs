//! Getting a version that is not kept yet.

use std::fs::File;

use comfydock_core::digest::Sha256;
use comfydock_core::hint::Hint as _;
use comfydock_core::pack_identifier::{RegistryId, Version};
use comfydock_core::registry::{NodeVersion, Verdict, judge};
use comfydock_store::file;

use super::{Store, Stored, unpack};
use crate::remote::registry::Registry;
use crate::{Error, remote};

impl Store {
    /// The version, from here or from the registry; then it is kept. What the registry warns of is said
    /// to its listener.
    ///
    /// # Errors
    /// When the registry has banned or deleted it, cannot be asked, or serves another zip than the one
    /// whose hash was recorded, and when the zip is not one that may be unpacked. Nothing is kept then.
    pub fn fetch(
        &self,
        registry: &Registry<'_>,
        id: &RegistryId,
        version: Version,
        expected_sha256: Option<&Sha256>,
    ) -> Result<Stored, Error> {
        if let Some(stored) = self.find(id, version, expected_sha256)? {
            return Ok(stored);
        }
        file::create_folder(&self.entries())?;
        let _lock = self.lock(id, version)?;
        // Another process may have fetched it while this one waited.
        if let Some(stored) = self.find(id, version, expected_sha256)? {
            return Ok(stored);
        }
        let unfinished = self.unfinished(id, version);
        // What a killed process left; nobody else works there while the lock is held.
        file::remove(&unfinished)?;
        file::create_folder(&unfinished)?;
        let made = self.make(registry, id, version, expected_sha256, &unfinished);
        let swept = file::remove(&unfinished);
        let stored = made?;
        swept?;
        Ok(stored)
    }

    fn make(
        &self,
        registry: &Registry<'_>,
        id: &RegistryId,
        version: Version,
        expected: Option<&Sha256>,
        unfinished: &std::path::Path,
    ) -> Result<Stored, Error> {
        let label = format!("{id} {version}");
        // The answer about the version says nothing of the pack, which may be banned as a whole.
        let node = registry.node(id)?;
        let answer = registry.install(id, version)?;
        check_answer(id, version, &answer)?;
        match judge(&node.status, &answer.status, answer.deprecated) {
            Verdict::Ok => {}
            Verdict::Warn(reason) => registry.reporter().warn(format!("{label}: {reason}{}", why(&answer))),
            Verdict::Refuse(reason) => {
                return Err(Error::refused(
                    format!("{label} is not installed: {reason}{}", why(&answer)),
                    "choose another version, or look for another pack",
                ));
            }
        }
        let archive = unfinished.join("node.zip");
        let digests = registry.zip(&answer.download_url, &archive, &label)?;
        if let Some(expected) = expected.filter(|expected| **expected != digests.sha256) {
            return Err(Error::refused(
                format!(
                    "the registry now serves other bytes for {label}: SHA-256 {}…, and {}… was recorded",
                    digests.sha256.short(12),
                    expected.short(12)
                ),
                "ask the pack's author why; if the new ones are what you want, remove the pack and add it again",
            ));
        }
        let content = unfinished.join("content");
        let files = unpack::unpack(&archive, &content).map_err(|error| bad_zip(&label, error))?;
        file::remove(&archive)?;
        let entry = self.entry(id, version, &digests.sha256);
        Stored::write(unfinished, (node.id, version), (digests.sha256, digests.size), answer.dependencies, files)?;
        let handle = File::open(unfinished).map_err(file::Error::at("open", unfinished))?;
        rustix::fs::syncfs(&handle).map_err(|error| file::Error::at("sync", unfinished)(error.into()))?;
        // An entry that could not be read stands in its own place.
        file::remove(&entry)?;
        file::rename_new(unfinished, &entry)?;
        file::sync_folder(&self.entries())?;
        Stored::read(&entry).ok_or_else(|| {
            Error::refused(format!("`{}` cannot be read back", entry.display()), "remove it and run the command again")
        })
    }
}

/// The answer must be about what was asked for: it says which code will run.
fn check_answer(id: &RegistryId, version: Version, answer: &NodeVersion) -> Result<(), Error> {
    let other = !answer.node_id.is_empty() && !answer.node_id.eq_ignore_ascii_case(id.as_str());
    if other || answer.number() != Some(version) {
        let message = format!(
            "it was asked for {id} {version} and answered for {} {}",
            answer.node_id.escape_debug(),
            answer.version.escape_debug()
        );
        return Err(remote::Error::Unexpected { place: "the Comfy registry".to_owned(), message }.into());
    }
    Ok(())
}

fn why(answer: &NodeVersion) -> String {
    let reason: String = answer.status_reason.split_whitespace().collect::<Vec<_>>().join(" ");
    let reason: String = reason.escape_debug().take(200).collect();
    if reason.is_empty() { String::new() } else { format!(" ({reason})") }
}

fn bad_zip(label: &str, error: unpack::Error) -> Error {
    let hint = "tell the pack's author; its git repository may be fine";
    match error {
        unpack::Error::File(error) => error.into(),
        unpack::Error::Refused(reason) => Error::refused(format!("the zip of {label} is refused: {reason}"), hint),
        unpack::Error::Broken(reason) => {
            let again = format!("run the command again; {hint}");
            Error::refused(format!("the zip of {label} cannot be read: {reason}"), again)
        }
    }
}

/// A failure in one line, for lists of several.
pub(super) fn line(error: &Error) -> String {
    error.hint().map_or_else(|| error.to_string(), |hint| format!("{error} ({hint})"))
}
