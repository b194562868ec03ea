//! Whether a file may be sent, and where it goes on.

use comfydock_core::digest::Sha256;
use comfydock_core::name::RepoPath;
use comfydock_core::wire::{Right, SCHEMA, StoredBlob};
use comfydock_store::file;
use rusqlite::Transaction;

use super::session::Session;
use crate::clock;
use crate::db::audit;
use crate::db::blobs::{self, Blob, Upload};
use crate::db::environments::Environment;
use crate::random;
use crate::service::Error;
use crate::service::access::{self, Target};
use crate::service::visitor::{Caller, Visitor};
use crate::state::{App, Hub};
use crate::words::bytes;

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
    let found =
        hub.database.write(|transaction| look_up(hub, transaction, visitor, &caller, &environment, asked, id))??;
    let (upload, is_new) = match found {
        Noted::Here(stored) => return Ok(Begun::Here(stored)),
        Noted::Upload { upload, is_new } => (upload, is_new),
    };
    let path = hub.data.uploads().join(&upload.id);
    let arrived = || path.metadata().map_or(0, |meta| meta.len());
    if asked.only_asks && arrived() < asked.size {
        if hub.uploads.is_claimed(&upload.id) {
            return Err(Error::UnderWay);
        }
        hub.uploads.check_room(hub, asked.size.saturating_sub(arrived()))?;
        return Ok(Begun::Arrived(arrived()));
    }
    let claimed = hub.uploads.claim(&upload.id)?;
    let (hub, sha256, offset) = (hub.clone(), asked.sha256.clone(), arrived());
    claimed.keep_room(&hub, asked.size.saturating_sub(offset))?;
    file::create_folder(&hub.data.uploads())?;
    Ok(Begun::Session(Box::new(Session { hub, caller, environment, sha256, upload, is_new, path, offset, claimed })))
}

/// An answer of [`look_up`].
enum Noted {
    Here(StoredBlob),
    /// It goes on, or is new: then nothing of it is in the database before its first byte, or to ask would take room.
    Upload {
        upload: Upload,
        is_new: bool,
    },
}

/// What the database says of a wish. Nothing need come if the environment has the file.
fn look_up(
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
    if let Err(refusal) = check_quota(hub, transaction, caller, environment, sha256, asked.size)? {
        return Ok(Err(refusal));
    }
    let found = blobs::find_upload(transaction, sha256, caller.user_id, &environment.id)?;
    let is_new = found.is_none();
    let upload = found.unwrap_or(Upload { id: fresh_id, size: asked.size });
    if upload.size != asked.size {
        return Ok(Err(Error::Conflict {
            message: format!("{} bytes were announced for this file before, not {}", upload.size, asked.size),
            hint: "a file that changed is another model; measure it again".to_owned(),
        }));
    }
    Ok(Ok(Noted::Upload { upload, is_new }))
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
pub(super) fn check_quota(
    hub: &Hub,
    transaction: &Transaction<'_>,
    caller: &Caller,
    environment: &Environment,
    sha256: &str,
    size: u64,
) -> rusqlite::Result<Result<(), Error>> {
    let quota = hub.configuration.blobs.quota.count();
    let taken = blobs::taken(transaction, &environment.id, sha256, caller.user_id)?;
    if taken.kept.saturating_add(taken.arriving).saturating_add(size) <= quota {
        return Ok(Ok(()));
    }
    let (owner, more, most) = (&environment.owner, bytes(size), bytes(quota));
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

pub(super) fn stored(blob: &Blob) -> StoredBlob {
    StoredBlob { schema: SCHEMA, sha256: blob.sha256.clone(), blake3: blob.blake3.clone(), size: blob.size }
}
