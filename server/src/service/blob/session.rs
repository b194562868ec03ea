//! The bytes of a file on their way to the disk.

use std::path::PathBuf;

use comfydock_core::digest::Sha256;
use comfydock_core::wire::StoredBlob;
use comfydock_store::lock::Lock;
use comfydock_store::{file, hash};

use super::claims::{Claimed, STEP};
use super::part::Part;
use super::upload::{check_quota, stored};
use crate::clock;
use crate::data::blob_place;
use crate::db::audit;
use crate::db::blobs::{self, Blob, Upload};
use crate::db::environments::Environment;
use crate::service::visitor::Caller;
use crate::service::{Error, access};
use crate::state::App;

/// A file that one request sends bytes of.
pub(crate) struct Session {
    pub(super) hub: App,
    pub(super) caller: Caller,
    pub(super) environment: Environment,
    pub(super) sha256: Sha256,
    pub(super) upload: Upload,
    /// Whether the database does not know of it yet.
    pub(super) is_new: bool,
    pub(super) path: PathBuf,
    /// Bytes that were there at the beginning.
    pub(crate) offset: u64,
    pub(super) claimed: Claimed,
}

impl Session {
    /// Takes bytes for as long as `next` gives some. Returns how many have arrived in all, and the file once it
    /// is whole. What has arrived stays when `next` ends early.
    ///
    /// # Errors
    /// When the bytes are not the file's: they are thrown away. When they cannot be kept.
    pub(crate) fn receive(
        self,
        mut next: impl FnMut() -> Option<bytes::Bytes>,
    ) -> Result<(u64, Option<StoredBlob>), Error> {
        let Some(part) = self.write(&mut next)? else { return Ok((0, None)) };
        let length = part.length();
        if length < self.upload.size {
            return Ok((length, None));
        }
        let digests = part.finish()?;
        if digests.sha256 != self.sha256 {
            self.forget()?;
            return Err(Error::WrongBytes {
                message: format!("the bytes that arrived have the SHA-256 {}, not {}", digests.sha256, self.sha256),
                hint: "they were thrown away; measure the file again, then upload it again".to_owned(),
            });
        }
        self.keep(&digests).map(|stored| (length, Some(stored)))
    }

    /// Notes that bytes of the file are coming; from now on it counts for the owner.
    fn note(&self) -> Result<(), Error> {
        let (hub, sha256, now) = (&self.hub, self.sha256.as_str(), clock::now());
        let (caller, environment) = (&self.caller, &self.environment);
        hub.database.write(|transaction| {
            match blobs::find_upload(transaction, sha256, caller.user_id, &environment.id)? {
                Some(found) if found.id == self.upload.id => {}
                None if self.is_new => {
                    let allowed = check_quota(hub, transaction, caller, environment, sha256, self.upload.size)?;
                    if let Err(refusal) = allowed {
                        return Ok(Err(refusal));
                    }
                }
                // Another request was quicker, or it was given up and is gone: whoever asks again is told where to go on.
                _ => return Ok(Err(Error::UnderWay)),
            }
            blobs::put_upload(transaction, &self.upload, sha256, caller.user_id, &environment.id, now).map(Ok)
        })?
    }

    /// Writes what comes; nothing, if nothing does and nothing was there. When the disk gets full what arrived stays: once there is room it goes on there.
    fn write(&self, next: &mut dyn FnMut() -> Option<bytes::Bytes>) -> Result<Option<Part>, Error> {
        let failed = |error: file::Error| match error.is_full() {
            true => Error::NoRoom { free: 0, wanted: self.upload.size },
            false => error.into(),
        };
        let mut first = next();
        if first.is_some() {
            self.note()?;
        } else if self.is_new && self.upload.size > 0 {
            return Ok(None);
        }
        let mut part = Part::open(&self.path)?;
        let mut looked = part.length();
        while part.length() < self.upload.size {
            let Some(bytes) = first.take().or_else(&mut *next) else { break };
            let room = usize::try_from(self.upload.size - part.length()).unwrap_or(usize::MAX);
            part.take(&bytes[..bytes.len().min(room)]).map_err(failed)?;
            if part.length() - looked >= STEP {
                part.flush().map_err(failed)?;
                looked = part.length();
                self.claimed.look_again(&self.hub, self.upload.size - looked)?;
            }
        }
        part.flush().map_err(failed)?;
        Ok(Some(part))
    }

    /// Throws away what arrived.
    fn forget(&self) -> Result<(), Error> {
        file::remove(&self.path)?;
        Ok(self.hub.database.write(|transaction| blobs::end_upload(transaction, &self.upload.id))?)
    }

    /// Gives the verified file its name and its row. On a slow line that was hours after the request was allowed,
    /// so the right is looked at again.
    fn keep(&self, digests: &hash::Digests) -> Result<StoredBlob, Error> {
        access::check_again(&self.hub.database, &self.caller, &self.environment)?;
        let data = &self.hub.data;
        let (quick, _) = hash::quick(&self.path)?;
        let blob = Blob {
            sha256: digests.sha256.to_string(),
            blake3: digests.blake3.to_string(),
            quick: quick.to_string(),
            size: digests.size,
        };
        let target = data.root().join(blob_place(&self.sha256));
        let shelf = target.parent().unwrap_or(&target);
        // Nobody takes the file away between its name and its row.
        let _placing = Lock::exclusive(&data.blobs_lock())?;
        file::create_folder(shelf)?;
        std::fs::rename(&self.path, &target).map_err(file::Error::at("rename to", &target))?;
        file::sync_folder(shelf)?;
        file::sync_folder(&data.blobs())?;
        let (now, name) = (clock::now(), self.environment.path());
        self.hub.database.write(|transaction| {
            blobs::keep(transaction, &blob, now)?;
            blobs::link(transaction, &self.environment.id, &blob.sha256, now, &self.caller.user)?;
            blobs::end_upload(transaction, &self.upload.id)?;
            let detail = format!("sha256:{} {} bytes", blob.sha256, blob.size);
            audit::record(transaction, now, &self.caller.user, "blob.upload", &name, &detail)
        })?;
        tracing::info!(environment = name, user = self.caller.user, sha256 = blob.sha256, "a model file arrived");
        Ok(stored(&blob))
    }
}
