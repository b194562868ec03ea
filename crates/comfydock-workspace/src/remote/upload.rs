//! Sending a model file to a hub, in as many pieces as the way there takes (core/wire, blob).

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use comfydock_core::digest::Sha256;
use comfydock_core::name::RepoPath;
use comfydock_core::wire::{Piece, UPLOAD_OFFSET};
use futures_util::stream;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE};
use reqwest::{Body, Response, StatusCode};
use tokio::time::Instant;

use super::hub::{Hub, refusal};
use super::{Error, block_on, client, retry};
use crate::reporter::{Event, Reporter};

/// Bytes read from the file at once.
const CHUNK: usize = 256 * 1024;
/// How long nothing may leave for the hub. It reads what it has of the file before it takes more.
const STALL: Duration = Duration::from_secs(3 * 60);
/// How long the hub may take for its answer once it has every byte.
const ANSWER: Duration = Duration::from_secs(10 * 60);
/// How often what has left is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// A file to be sent.
pub struct Parcel<'a> {
    /// What to call it while it goes.
    pub label: &'a str,
    /// What its bytes hash to.
    pub sha256: &'a Sha256,
    /// Where it is.
    pub path: &'a Path,
    /// The environment on the hub it is for.
    pub environment: &'a RepoPath,
}

/// What one request came to.
enum Step {
    /// The hub has the file.
    Here,
    /// It goes on at this byte.
    At(u64),
    /// Ask again; after so many seconds, if the hub said so.
    Again(Option<u32>, Error),
}

impl Hub {
    /// Sends a file, going on where an earlier try ended. Returns how many bytes had to be sent: none when the hub
    /// had the file and knew that the sender may read it.
    ///
    /// # Errors
    /// When the file cannot be read, the hub refuses it, or cannot be reached five times in a row.
    pub fn upload(&self, parcel: &Parcel<'_>, reporter: &dyn Reporter) -> Result<u64, crate::Error> {
        let failed = |action| comfydock_store::file::Error::at(action, parcel.path);
        let size = File::open(parcel.path).and_then(|file| file.metadata()).map_err(failed("read"))?.len();
        reporter.report(Event::BytesStart { label: parcel.label.to_owned(), total: Some(size) });
        let outcome = block_on(self.upload_all(parcel, size, reporter));
        reporter.report(Event::BytesEnd { label: parcel.label.to_owned() });
        outcome
    }

    async fn upload_all(&self, parcel: &Parcel<'_>, size: u64, reporter: &dyn Reporter) -> Result<u64, crate::Error> {
        let (mut at, mut sent, mut failed) = (None, 0, 0);
        // What is shown never goes back, though a try may have to.
        let mut shown = 0;
        let mut show = |offset: u64| {
            if offset > shown {
                reporter.report(Event::Bytes { label: parcel.label.to_owned(), count: offset - shown });
                shown = offset;
            }
        };
        loop {
            let step = match at {
                None => self.piece(parcel, Piece { bytes: None, size }, Body::from(""), 0).await?,
                Some(first) => {
                    let left = Arc::new(AtomicU64::new(first));
                    let body = body(parcel.path, first, left.clone())
                        .map_err(comfydock_store::file::Error::at("read", parcel.path))?;
                    let piece = Piece { bytes: Some((first, size - first)), size };
                    let step =
                        self.watched(self.piece(parcel, piece, body, size - first), &left, size, &mut show).await?;
                    let gone = left.load(Ordering::Relaxed).saturating_sub(first);
                    sent += gone;
                    failed = if gone > 0 { 0 } else { failed };
                    step
                }
            };
            match step {
                Step::Here => {
                    show(size);
                    return Ok(sent);
                }
                Step::At(offset) if offset > size => {
                    let message = format!("{offset} bytes of a file of {size}");
                    return Err(Error::Unexpected { place: self.host().to_owned(), message }.into());
                }
                Step::At(offset) => {
                    show(offset);
                    at = Some(offset);
                }
                Step::Again(asked, error) => {
                    failed += 1;
                    let Some(pause) = retry::wait(failed, asked) else { return Err(error.into()) };
                    tokio::time::sleep(pause).await;
                    at = None;
                }
            }
        }
    }

    /// Waits for an answer for as long as bytes leave.
    async fn watched(
        &self,
        request: impl Future<Output = Result<Step, Error>>,
        left: &AtomicU64,
        size: u64,
        show: &mut impl FnMut(u64),
    ) -> Result<Step, Error> {
        tokio::pin!(request);
        let (mut last, mut since) = (left.load(Ordering::Relaxed), Instant::now());
        loop {
            match tokio::time::timeout(LOOK, &mut request).await {
                Ok(outcome) => return outcome,
                Err(_) => {
                    let now = left.load(Ordering::Relaxed);
                    if now != last {
                        (last, since) = (now, Instant::now());
                        show(now);
                    }
                    if since.elapsed() > if now < size { STALL } else { ANSWER } {
                        return Ok(Step::Again(None, Error::Stalled { place: self.host().to_owned() }));
                    }
                }
            }
        }
    }

    /// One request.
    async fn piece(&self, parcel: &Parcel<'_>, piece: Piece, body: Body, count: u64) -> Result<Step, Error> {
        // No time for reading: for as long as bytes leave, the hub has nothing to say.
        self.online()?;
        let client = client().read_timeout(ANSWER).build().map_err(|error| self.unreachable(error))?;
        let mut url = self.at_path(&format!("api/v1/blobs/sha256:{}", parcel.sha256))?;
        url.query_pairs_mut().append_pair("environment", &parcel.environment.to_string());
        let request = client.put(url).header(CONTENT_RANGE, piece.to_string()).header(CONTENT_LENGTH, count).body(body);
        match self.authorized(request).send().await {
            Ok(response) => self.read_step(response).await,
            Err(error) => Ok(Step::Again(None, self.unreachable(error))),
        }
    }

    async fn read_step(&self, response: Response) -> Result<Step, Error> {
        let status = response.status();
        let offset = response.headers().get(UPLOAD_OFFSET).and_then(|value| value.to_str().ok()?.parse().ok());
        let seconds = retry::asked(response.headers());
        let place = self.host().to_owned();
        match (status, offset) {
            (StatusCode::CREATED, _) => return Ok(Step::Here),
            (StatusCode::ACCEPTED | StatusCode::CONFLICT, Some(offset)) => return Ok(Step::At(offset)),
            _ if status.is_redirection() || status.is_success() => {
                return Err(Error::Unexpected { place, message: format!("HTTP status {}", status.as_u16()) });
            }
            _ => {}
        }
        let body = response.bytes().await.unwrap_or_default();
        let error = refusal(place, status.as_u16(), &body);
        let passes = [408, 429, 502, 503, 504].contains(&status.as_u16());
        if passes { Ok(Step::Again(seconds, error)) } else { Err(error) }
    }
}

/// The file's bytes from `first` on; `left` says up to where they were given away.
fn body(path: &Path, first: u64, left: Arc<AtomicU64>) -> io::Result<Body> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(first))?;
    let chunks = stream::unfold((file, left), |(mut file, left)| async move {
        let mut chunk = vec![0; CHUNK];
        let read = file.read(&mut chunk);
        let chunk = match read {
            Ok(0) => return None,
            Ok(count) => {
                chunk.truncate(count);
                left.fetch_add(count as u64, Ordering::Relaxed);
                Ok(chunk)
            }
            Err(error) => Err(error),
        };
        Some((chunk, (file, left)))
    });
    Ok(Body::wrap_stream(chunks))
}
