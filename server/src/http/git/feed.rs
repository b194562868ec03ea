//! The request's body on its way into git.

use std::io::Write as _;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use flate2::write::MultiGzDecoder;
use futures_util::StreamExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::process::ChildStdin;
use tokio::sync::mpsc::WeakSender;
use tokio::sync::oneshot;

use crate::http::arrival::is_stalled;
use crate::http::error::Problem;

/// Packed bytes that are inflated at once: gzip makes at most a thousand times more of them.
const SLICE: usize = 4 * 1024;

/// How the body is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Plain,
    Gzip,
}

/// What can be wrong with a body.
#[derive(Debug)]
pub(super) enum Fault {
    TooLarge(u64),
    Gzip,
    Broken,
    /// The client sent or took nothing for too long.
    Stalled,
    TooLong(Duration),
}

impl Fault {
    pub(super) fn problem(&self) -> Problem {
        match self {
            Self::TooLarge(limit) => {
                let message = format!("the request has more than {limit} bytes");
                Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
            }
            Self::Gzip => Problem::new(StatusCode::BAD_REQUEST, "gzip", "the request is not well-formed gzip"),
            Self::Broken => Problem::new(StatusCode::BAD_REQUEST, "broken", "the request broke off"),
            Self::Stalled => Problem::new(StatusCode::REQUEST_TIMEOUT, "stalled", "the client went quiet"),
            Self::TooLong(limit) => {
                let message = format!("the request took longer than {} seconds", limit.as_secs());
                Problem::new(StatusCode::REQUEST_TIMEOUT, "too_long", message)
            }
        }
    }
}

/// Writes the body to git. When it breaks off git is killed before its input is closed: a clean
/// end would tell git that this was all.
pub(super) async fn feed(
    body: Body,
    inflate: Inflate,
    mut stdin: ChildStdin,
    leash: WeakSender<()>,
    ended: oneshot::Receiver<()>,
    fault: Arc<OnceLock<Fault>>,
) {
    if let Err(found) = write(body, inflate, &mut stdin).await {
        tracing::debug!(fault = ?found, "a body was not taken");
        let _ = fault.set(found);
        if let Some(leash) = leash.upgrade() {
            let _ = leash.try_send(());
        }
        let _ = ended.await;
    }
}

async fn write(body: Body, mut inflate: Inflate, stdin: &mut ChildStdin) -> Result<(), Fault> {
    let mut listening = true;
    let mut stream = body.into_data_stream();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| if is_stalled(&error) { Fault::Stalled } else { Fault::Broken })?;
        for slice in inflate.slices(&chunk) {
            let bytes = inflate.take(slice)?;
            // git may have said no before the end. The rest is read all the same, or the client
            // would meet a closed connection instead of the answer.
            if listening && stdin.write_all(&bytes).await.is_err() {
                listening = false;
            }
        }
    }
    let rest = inflate.end()?;
    if listening {
        let _ = stdin.write_all(&rest).await;
        let _ = stdin.flush().await;
    }
    Ok(())
}

/// Undoes the packing and counts what comes out.
pub(super) struct Inflate {
    gzip: Option<MultiGzDecoder<Vec<u8>>>,
    left: u64,
    limit: u64,
}

impl Inflate {
    pub(super) fn new(encoding: Encoding, limit: u64) -> Self {
        let gzip = (encoding == Encoding::Gzip).then(|| MultiGzDecoder::new(Vec::new()));
        Self { gzip, left: limit, limit }
    }

    fn slices<'a>(&self, chunk: &'a [u8]) -> std::slice::Chunks<'a, u8> {
        chunk.chunks(if self.gzip.is_some() { SLICE } else { chunk.len().max(1) })
    }

    fn take(&mut self, slice: &[u8]) -> Result<Vec<u8>, Fault> {
        let bytes = match &mut self.gzip {
            None => slice.to_vec(),
            Some(gzip) => {
                gzip.write_all(slice).map_err(|_| Fault::Gzip)?;
                std::mem::take(gzip.get_mut())
            }
        };
        self.count(bytes)
    }

    fn end(&mut self) -> Result<Vec<u8>, Fault> {
        let Some(mut gzip) = self.gzip.take() else { return Ok(Vec::new()) };
        gzip.try_finish().map_err(|_| Fault::Gzip)?;
        let bytes = std::mem::take(gzip.get_mut());
        self.count(bytes)
    }

    fn count(&mut self, bytes: Vec<u8>) -> Result<Vec<u8>, Fault> {
        self.left = self.left.checked_sub(bytes.len() as u64).ok_or(Fault::TooLarge(self.limit))?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inflate(packed: &[u8], limit: u64) -> Result<Vec<u8>, Fault> {
        let mut inflate = Inflate::new(Encoding::Gzip, limit);
        let mut all = Vec::new();
        for slice in inflate.slices(packed) {
            all.extend(inflate.take(slice)?);
        }
        all.extend(inflate.end()?);
        Ok(all)
    }

    #[test]
    fn gzip_is_measured_by_what_comes_out_of_it() {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(&vec![b'x'; 1_000_000]).unwrap();
        let packed = packer.finish().unwrap();
        assert!(packed.len() < 2_000);
        assert_eq!(inflate(&packed, 1_000_000).unwrap().len(), 1_000_000);
        assert!(matches!(inflate(&packed, 999_999), Err(Fault::TooLarge(999_999))));
        assert!(matches!(inflate(&packed[..packed.len() - 9], u64::MAX), Err(Fault::Gzip)));
        assert!(matches!(inflate(b"no gzip at all", u64::MAX), Err(Fault::Gzip)));
    }
}
