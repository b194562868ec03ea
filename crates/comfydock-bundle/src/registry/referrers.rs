//! What refers to a manifest: listed by the registry, or in an index under a tag that clients keep.
//!
//! Distribution specification 1.1, "Listing Referrers" and "Referrers Tag Schema".

use std::time::{Duration, Instant};

use comfydock_core::oci::{
    Descriptor, Digest, IMAGE_INDEX, IMAGE_MANIFEST, ImageIndex, ImageManifest, MOST_REFERRERS, RepositoryName,
    appended, listed,
};
use comfydock_core::retry;

use super::request::chance;
use super::{Error, Place, Registry};

/// How often a list is written before others have had their way too often.
const TRIES: u32 = 20;
/// How often an entry is looked for once it was seen.
const LOOKS: u32 = 2;
/// How long is waited between two looks at least, and at most.
const LOOK: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(5)];

impl Registry {
    /// What refers to a manifest, at most a hundred of it. Kinds are not filtered: what a list says of them is not
    /// always what the manifests say.
    ///
    /// # Errors
    /// When neither list can be read; an absent one is empty.
    pub fn referrers(&self, repository: &RepositoryName, subject: &Digest) -> Result<Vec<Descriptor>, Error> {
        let inner = &self.0;
        let mut found = Vec::new();
        let first = inner.at(&format!("{repository}/referrers/{subject}"));
        let by_registry = inner.pages(first, repository, "the list of referrers", |body| {
            found.extend(serde_json::from_slice::<ImageIndex>(body).ok()?.manifests);
            Some(found.len() < MOST_REFERRERS)
        });
        match by_registry {
            Ok(()) => {}
            // A registry that does not know the question answers as for any other path.
            Err(Error::Unknown { .. } | Error::Refused { status: 404 | 405, .. }) => {
                found = self.listed_under_tag(repository, subject)?;
            }
            Err(error) => return Err(error),
        }
        found.truncate(MOST_REFERRERS);
        Ok(found)
    }

    fn listed_under_tag(&self, repository: &RepositoryName, subject: &Digest) -> Result<Vec<Descriptor>, Error> {
        let Some(index) = self.find_manifest(repository, Place::Tag(&subject.referrers_tag()))? else {
            return Ok(Vec::new());
        };
        let odd = |_| Error::Unexpected {
            place: self.0.host.clone(),
            message: format!("what lies under the tag {} is no list", subject.referrers_tag()),
        };
        Ok(serde_json::from_slice::<ImageIndex>(&index.bytes).map_err(odd)?.manifests)
    }

    /// Pushes a manifest that refers to another and sees to it that it is listed. Doing it again changes nothing.
    ///
    /// # Errors
    /// When the registry refuses it, or others rewrite the list under the tag again and again.
    pub fn attach(&self, repository: &RepositoryName, referrer: &ImageManifest) -> Result<Descriptor, Error> {
        let bytes = referrer.to_bytes();
        let Some(subject) = referrer.subject.as_ref().map(|subject| &subject.digest) else {
            let message = "a manifest that refers to nothing cannot be attached".to_owned();
            return Err(Error::Unexpected { place: self.0.host.clone(), message });
        };
        let digest = Digest::from(comfydock_store::hash::sha256_of(&bytes));
        let pushed = self.push_manifest(repository, Place::Digest(&digest), IMAGE_MANIFEST, &bytes)?;
        let mut entry = Descriptor::new(IMAGE_MANIFEST, digest, bytes.len() as u64);
        entry.artifact_type = Some(referrer.kind().to_owned());
        entry.annotations = referrer.annotations.clone();
        if !pushed.subject_listed {
            self.list_under_tag(repository, subject, &entry)?;
        }
        Ok(entry)
    }

    /// Adds an entry to the list under the tag.
    ///
    /// A registry has no "write only if unchanged", so two who write at once can lose one of two entries. Each
    /// therefore looks again some time after it has written, longer than the other needs from reading to writing,
    /// and writes again what it does not find.
    fn list_under_tag(&self, repository: &RepositoryName, subject: &Digest, entry: &Descriptor) -> Result<(), Error> {
        let tag = subject.referrers_tag();
        let place = Place::Tag(&tag);
        let (mut written, mut seen) = (0, 0);
        // Somebody else of this machine's speed needs this long from reading to writing.
        let mut needed = LOOK[0];
        loop {
            let began = Instant::now();
            let index = self.find_manifest(repository, place)?;
            if index.as_ref().is_some_and(|index| listed(&index.bytes, &entry.digest)) {
                seen += 1;
                // What was there before we wrote anything has been seen by whoever wrote it.
                if written == 0 || seen > LOOKS {
                    return Ok(());
                }
            } else {
                if written == TRIES {
                    return Err(Error::Unlisted {
                        place: self.0.host.clone(),
                        referrer: entry.digest.clone(),
                        subject: subject.clone(),
                    });
                }
                let odd = |_| Error::Unexpected {
                    place: self.0.host.clone(),
                    message: format!("what lies under the tag {tag} is no list"),
                };
                let bytes = appended(index.as_ref().map(|index| &index.bytes[..]), entry).map_err(odd)?;
                self.push_manifest(repository, place, IMAGE_INDEX, &bytes)?;
                (written, seen) = (written + 1, 0);
                needed = needed.max(began.elapsed().saturating_mul(2));
            }
            std::thread::sleep(retry::jitter(needed.min(LOOK[1]), LOOK[1], needed, chance()));
        }
    }
}
