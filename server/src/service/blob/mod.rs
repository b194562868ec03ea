//! Model files that the hub keeps for those who may read an environment that names them (decision 68).

mod claims;
mod gc;
mod part;
mod session;
mod upload;

use std::fs::File;

use comfydock_core::digest::Sha256;

pub(crate) use self::claims::Uploads;
pub(crate) use self::gc::collect;
pub(crate) use self::session::Session;
pub(crate) use self::upload::{Asked, Begun, allow, begin};
use super::Error;
use super::visitor::Visitor;
use crate::db::blobs;
use crate::state::Hub;

/// A file that may be read.
pub(crate) struct Readable {
    pub(crate) file: File,
    /// Bytes.
    pub(crate) size: u64,
}

/// Opens a file, if the visitor may read it; what one may not read is not there.
pub(crate) fn open(hub: &Hub, visitor: &Visitor, sha256: &Sha256) -> Result<Readable, Error> {
    let found = hub.database.read(|connection| blobs::find_readable(connection, &visitor.viewer(), sha256.as_str()))?;
    let blob = found.ok_or_else(|| visitor.missing(format!("the file sha256:{sha256}")))?;
    let path = hub.data.blob(sha256);
    let failed = |error| Error::system(format!("cannot read {}", path.display()), error);
    let file = File::open(&path).map_err(failed)?;
    let found = file.metadata().map_err(failed)?.len();
    if found != blob.size {
        let message = format!("it has {found} bytes, not {}; `comfydock-hub doctor` says more", blob.size);
        return Err(failed(std::io::Error::other(message)));
    }
    Ok(Readable { file, size: blob.size })
}
