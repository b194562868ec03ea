//! A file on its way to the hub.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use comfydock_core::digest::Sha256;
use comfydock_core::name::RepoPath;
use comfydock_core::wire::{Right, SCHEMA, StoredBlob};
use comfydock_store::lock::Lock;
use comfydock_store::space::Space;
use comfydock_store::{file, hash};
use rusqlite::Transaction;

use super::part::Part;
use crate::clock;
use crate::data::blob_place;
use crate::db::audit;
use crate::db::blobs::{self, Blob, Upload};
use crate::db::environments::Environment;
use crate::random;
use crate::service::Error;
use crate::service::access::{self, Target};
use crate::service::visitor::{Caller, Visitor};
use crate::state::{App, Hub};
use crate::words::bytes;

/// The files that are being sent at the moment, by their ids: two requests never write to one.
#[derive(Default)]
pub(crate) struct Uploads(Arc<Mutex<HashSet<String>>>);

/// Keeps others from a file until it is dropped.
struct Claimed {
    all: Arc<Mutex<HashSet<String>>>,
    id: String,
}

impl Uploads {
    fn claim(&self, id: &str) -> Result<Claimed, Error> {
        let is_free = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned());
        if is_free { Ok(Claimed { all: self.0.clone(), id: id.to_owned() }) } else { Err(Error::UnderWay) }
    }

    fn is_claimed(&self, id: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(id)
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

/// What a client wants to send, and for which environment.
pub(crate) struct Asked {
    pub(crate) sha256: Sha256,
    pub(crate) path: RepoPath,
    /// Bytes of the whole file.
    pub(crate) size: u64,
    /// Whether this request only asks.
    pub(crate) only_asks: bool,
}

/// What became of the wish.
pub(crate) enum Begun {
    /// The environment has the file.
    Here(StoredBlob),
    /// So many bytes have arrived.
    Arrived(u64),
    /// It goes on where the session is.
    Session(Box<Session>),
}

/// A file that one request sends bytes of.
pub(crate) struct Session {
    hub: App,
    caller: Caller,
    environment: Environment,
    sha256: Sha256,
    upload: Upload,
    path: PathBuf,
    /// Bytes that were there at the beginning.
    pub(crate) offset: u64,
    _claimed: Claimed,
}

/// The environment at a path, if the visitor may send files for it.
pub(crate) fn allow(hub: &Hub, visitor: &Visitor, path: &RepoPath) -> Result<Environment, Error> {
    match access::authorize(&hub.database, visitor, path, Right::Push)? {
        Target::Existing(environment) => Ok(environment),
        Target::New { path, .. } => Err(Error::Conflict {
            message: format!("{path} was never pushed to, so that it names no model"),
            hint: "commit and push first, then upload".to_owned(),
        }),
    }
}

/// Begins to send a file, or goes on. The right to push to the environment is needed, and its history must name
/// the file. Whether the hub has the file makes no difference to those who may not read it.
pub(crate) fn begin(hub: &App, visitor: &Visitor, asked: &Asked) -> Result<Begun, Error> {
    let environment = allow(hub, visitor, &asked.path)?;
    let caller = visitor.caller()?.clone();
    let limit = hub.configuration.blobs.max_size;
    if asked.size > limit.count() {
        return Err(Error::TooLarge {
            message: format!("the file has {} bytes; this hub takes {limit} at most", asked.size),
            hint: "whoever runs the hub can raise blobs.max_size".to_owned(),
        });
    }
    let id = random::secret::<16>().map_err(|error| Error::Interrupted(error.to_string()))?;
    let noted =
        hub.database.write(|transaction| note(hub, transaction, visitor, &caller, &environment, asked, id))??;
    let upload = match noted {
        Noted::Here(stored) => return Ok(Begun::Here(stored)),
        Noted::Upload(upload) => upload,
    };
    let path = hub.data.uploads().join(&upload.id);
    let arrived = || path.metadata().map_or(0, |meta| meta.len());
    check_room(hub, asked.size.saturating_sub(arrived()))?;
    if asked.only_asks && arrived() < asked.size {
        return if hub.uploads.is_claimed(&upload.id) { Err(Error::UnderWay) } else { Ok(Begun::Arrived(arrived())) };
    }
    let _claimed = hub.uploads.claim(&upload.id)?;
    file::create_folder(&hub.data.uploads())?;
    let (hub, sha256, offset) = (hub.clone(), asked.sha256.clone(), arrived());
    Ok(Begun::Session(Box::new(Session { hub, caller, environment, sha256, upload, path, offset, _claimed })))
}

/// What the database says of a wish.
enum Noted {
    Here(StoredBlob),
    Upload(Upload),
}

/// Notes in the database that a file is to come. It need not, if the environment has it.
fn note(
    hub: &Hub,
    transaction: &Transaction<'_>,
    visitor: &Visitor,
    caller: &Caller,
    environment: &Environment,
    asked: &Asked,
    fresh_id: String,
) -> rusqlite::Result<Result<Noted, Error>> {
    let sha256 = asked.sha256.as_str();
    if !blobs::is_named(transaction, &environment.id, sha256)? {
        return Ok(Err(Error::Invalid {
            message: format!("{} names no model sha256:{sha256}", environment.path()),
            hint: Some("commit a workflow that uses it and push, then upload".to_owned()),
        }));
    }
    if let Some(blob) = blobs::find_readable(transaction, &visitor.viewer(), sha256)?
        && is_here(hub, &asked.sha256, &blob)
        && has(transaction, visitor, caller, environment, sha256)?
    {
        return Ok(Ok(Noted::Here(stored(&blob))));
    }
    if let Err(refusal) = check_quota(hub, transaction, caller, environment, asked)? {
        return Ok(Err(refusal));
    }
    let found = blobs::find_upload(transaction, sha256, caller.user_id, &environment.id)?;
    let upload = found.unwrap_or(Upload { id: fresh_id, size: asked.size });
    if upload.size != asked.size {
        return Ok(Err(Error::Conflict {
            message: format!("{} bytes were announced for this file before, not {}", upload.size, asked.size),
            hint: "a file that changed is another model; measure it again".to_owned(),
        }));
    }
    blobs::put_upload(transaction, &upload, sha256, caller.user_id, &environment.id, clock::now())?;
    Ok(Ok(Noted::Upload(upload)))
}

/// Whether the file is where its row says. One that was lost or cut short is sent again, and put in its place.
fn is_here(hub: &Hub, sha256: &Sha256, blob: &Blob) -> bool {
    hub.data.blob(sha256).metadata().is_ok_and(|meta| meta.len() == blob.size)
}

/// Whether an environment has the file, or gets it from another of the same owner, where the visitor may read it: who
/// may read the one may read the other. By any other road a right that ends with a team, or with a public moment, would
/// become one for ever.
fn has(
    transaction: &Transaction<'_>,
    visitor: &Visitor,
    caller: &Caller,
    environment: &Environment,
    sha256: &str,
) -> rusqlite::Result<bool> {
    if blobs::is_linked(transaction, &environment.id, sha256)? {
        return Ok(true);
    }
    let Some(source) = blobs::find_beside(transaction, &visitor.viewer(), &environment.id, sha256)? else {
        return Ok(false);
    };
    let (now, target) = (clock::now(), environment.path());
    blobs::link(transaction, &environment.id, sha256, now, &caller.user)?;
    for (subject, other) in [(&target, format!("from {source}")), (&source, format!("to {target}"))] {
        audit::record(transaction, now, &caller.user, "blob.link", subject, &format!("sha256:{sha256} {other}"))?;
    }
    Ok(true)
}

/// Whether the owner of an environment may have a file more.
fn check_quota(
    hub: &Hub,
    transaction: &Transaction<'_>,
    caller: &Caller,
    environment: &Environment,
    asked: &Asked,
) -> rusqlite::Result<Result<(), Error>> {
    let quota = hub.configuration.blobs.quota.count();
    let taken = blobs::taken(transaction, &environment.id, asked.sha256.as_str(), caller.user_id)?;
    if taken.kept.saturating_add(taken.arriving).saturating_add(asked.size) <= quota {
        return Ok(Ok(()));
    }
    let (owner, more, most) = (&environment.owner, bytes(asked.size), bytes(quota));
    // How much lies in environments that a token is not for is nothing for it.
    let message = match caller.environments {
        None => format!(
            "{owner} has {} of models on this hub and {} still arriving; with {more} more it would have more than {most}",
            bytes(taken.kept),
            bytes(taken.arriving)
        ),
        Some(_) => {
            format!("with {more} more {owner} would have more than the {most} of models that this hub keeps for it")
        }
    };
    let hint = "whoever runs the hub can raise blobs.quota; what no history names any more goes by itself".to_owned();
    Ok(Err(Error::Quota { message, hint }))
}

fn stored(blob: &Blob) -> StoredBlob {
    StoredBlob { schema: SCHEMA, sha256: blob.sha256.clone(), blake3: blob.blake3.clone(), size: blob.size }
}

/// Whether the rest of a file fits, with what must stay free for pushes.
fn check_room(hub: &Hub, rest: u64) -> Result<(), Error> {
    let failed = |error| Error::system("cannot tell how much room there is", error);
    let free = Space::of(hub.data.root()).map_err(failed)?.available;
    let wanted = hub.configuration.push.free_space.count().saturating_add(rest);
    if free < wanted { Err(Error::NoRoom { free, wanted }) } else { Ok(()) }
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
        let outcome = self.write(&mut next);
        if let Err(error) = &outcome
            && error.is_full()
        {
            // Of what fills the disk nothing else is of use.
            self.forget()?;
            return Err(Error::NoRoom { free: 0, wanted: self.upload.size });
        }
        let part = outcome?;
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

    fn write(&self, next: &mut dyn FnMut() -> Option<bytes::Bytes>) -> Result<Part, file::Error> {
        let mut part = Part::open(&self.path)?;
        while part.length() < self.upload.size {
            let Some(bytes) = next() else { break };
            let room = usize::try_from(self.upload.size - part.length()).unwrap_or(usize::MAX);
            part.take(&bytes[..bytes.len().min(room)])?;
        }
        part.flush()?;
        Ok(part)
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
