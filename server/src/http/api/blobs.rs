//! Model files that the hub keeps: sent in pieces, read in ranges, never in memory as a whole.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE, RANGE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use comfydock_core::digest::Sha256;
use comfydock_core::name::RepoPath;
use comfydock_core::wire::{Piece, StoredBlob, UPLOAD_OFFSET};
use futures_util::{StreamExt as _, stream};
use serde::Deserialize;
use tokio::sync::mpsc;

use super::range::Wanted;
use super::request::{Asked, Named};
use crate::bridge::blocking;
use crate::http::arrival::is_stalled;
use crate::http::caller::{Sender, authenticate};
use crate::http::error::{ApiProblem, Problem};
use crate::http::gate::{Permit, Who};
use crate::http::listen::STEP;
use crate::service::blob::{self, Begun, Readable, Session};
use crate::service::visitor::Visitor;
use crate::service::{Error, blob::Asked as Wish};
use crate::state::App;

/// Bytes read at once.
const CHUNK: usize = 4 * STEP;
/// Pieces of a body on their way between network and disk.
const WAITING: usize = 8;

const OFFSET: HeaderName = HeaderName::from_static(UPLOAD_OFFSET);

type Answer = Result<Response, ApiProblem>;

fn read_key(text: &str) -> Result<Sha256, Error> {
    let hash = text.strip_prefix("sha256:").and_then(|hex| Sha256::parse(hex).ok());
    hash.ok_or_else(|| {
        let shown: String = text.escape_debug().take(120).collect();
        Error::invalid(format!("`{shown}` is no file; it must be `sha256:<64 hex>`"))
    })
}

/// Whether the file is there, and how large it is.
pub(super) async fn head(
    State(hub): State<App>,
    sender: Sender,
    Named(key): Named<String>,
    headers: HeaderMap,
) -> Answer {
    let visitor = authenticate(&hub, &sender).await?;
    let (sha256, readable) = find(hub, visitor, key).await?;
    let (answer, _) = describe(&sha256, readable.size, &headers, None);
    Ok(answer)
}

/// The file, or a range of it.
pub(super) async fn get(
    State(hub): State<App>,
    sender: Sender,
    Named(key): Named<String>,
    headers: HeaderMap,
) -> Answer {
    let visitor = authenticate(&hub, &sender).await?;
    let who = Who::of(&visitor, &sender);
    let (sha256, readable) = find(hub.clone(), visitor, key).await?;
    let (answer, part) = describe(&sha256, readable.size, &headers, headers.get(RANGE));
    let Some((first, count)) = part else { return Ok(answer) };
    let permit = hub.gates.download.admit(who).await.map_err(Problem::from)?;
    let idle = hub.configuration.connections.idle.duration();
    Ok(answer.map(|_| send(readable.file, first, count, idle, permit)))
}

async fn find(hub: App, visitor: Visitor, key: String) -> Result<(Sha256, Readable), Error> {
    let found = blocking(move || {
        let sha256 = read_key(&key)?;
        let readable = blob::open(&hub, &visitor, &sha256)?;
        Ok((sha256, readable))
    });
    found.await
}

/// The head of the answer, and what to send after it. Only GET knows ranges (RFC 9110, 14.2).
fn describe(
    sha256: &Sha256,
    size: u64,
    headers: &HeaderMap,
    range: Option<&HeaderValue>,
) -> (Response, Option<(u64, u64)>) {
    let tag = format!("\"{sha256}\"");
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let is_held =
        |text: &str| text.split(',').map(str::trim).any(|known| known == "*" || known.trim_start_matches("W/") == tag);
    let fixed = [
        (ETAG, tag.clone()),
        (ACCEPT_RANGES, "bytes".to_owned()),
        // The bytes under a hash never change; who may read them does.
        (CACHE_CONTROL, "private, no-cache, no-transform".to_owned()),
    ];
    if text(IF_NONE_MATCH).is_some_and(is_held) {
        return ((StatusCode::NOT_MODIFIED, fixed).into_response(), None);
    }
    // A range of another file is of no use to whoever asks for it.
    let range = range.and_then(|value| value.to_str().ok());
    let range = range.filter(|_| text(IF_RANGE).is_none_or(|known| known == tag));
    let (status, first, count) = match Wanted::read(range, size) {
        Wanted::All => (StatusCode::OK, 0, size),
        Wanted::Part { first, count } => (StatusCode::PARTIAL_CONTENT, first, count),
        Wanted::Nothing => {
            let range = [(CONTENT_RANGE, format!("bytes */{size}"))];
            return ((StatusCode::RANGE_NOT_SATISFIABLE, fixed, range).into_response(), None);
        }
    };
    let kind = [(CONTENT_TYPE, "application/octet-stream".to_owned()), (CONTENT_LENGTH, count.to_string())];
    let mut answer = (status, fixed, kind).into_response();
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {first}-{}/{size}", first + count - 1);
        answer.headers_mut().extend(HeaderValue::from_str(&range).ok().map(|value| (CONTENT_RANGE, value)));
    }
    (answer, Some((first, count)))
}

/// Reads ahead of the client, but only a little, and gives up once the client has taken nothing for too long: under
/// HTTP/2 the connection itself does not tell.
fn send(file: File, first: u64, count: u64, idle: Duration, permit: Permit) -> Body {
    let (sender, receiver) = mpsc::channel::<io::Result<Bytes>>(1);
    tokio::spawn(async move {
        let _permit = permit;
        let (mut file, mut left) = (file, count);
        let mut from = Some(first);
        while left > 0 {
            let wanted = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
            let seek = from.take();
            let read = tokio::task::spawn_blocking(move || read_chunk(file, seek, wanted)).await;
            let (next, bytes) = match read.map_err(io::Error::other).and_then(|outcome| outcome) {
                Ok(read) => read,
                Err(error) => {
                    tracing::error!(%error, "a model file cannot be read to its end");
                    let _ = sender.send(Err(error)).await;
                    return;
                }
            };
            file = next;
            left -= bytes.len() as u64;
            let steps = u32::try_from(CHUNK / STEP).unwrap_or(1);
            if !matches!(tokio::time::timeout(idle * steps, sender.send(Ok(bytes))).await, Ok(Ok(()))) {
                return;
            }
        }
    });
    Body::from_stream(stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) }))
}

fn read_chunk(mut file: File, seek: Option<u64>, wanted: usize) -> io::Result<(File, Bytes)> {
    if let Some(first) = seek {
        file.seek(SeekFrom::Start(first))?;
    }
    let mut block = vec![0; wanted];
    file.read_exact(&mut block)?;
    Ok((file, block.into()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct For {
    environment: String,
}

/// A piece of a file.
pub(super) async fn put(
    State(hub): State<App>,
    sender: Sender,
    Named(key): Named<String>,
    Asked(For { environment }): Asked<For>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let visitor = authenticate(&hub, &sender).await?;
    let piece = headers.get(CONTENT_RANGE).and_then(|value| Piece::parse(value.to_str().ok()?));
    let asking = (hub.clone(), visitor.clone());
    let begun = blocking(move || {
        let (hub, visitor) = asking;
        let path = path(&visitor, &environment)?;
        let sha256 = read_key(&key)?;
        let Some(piece) = piece else {
            // Who may not push there is told so first.
            blob::allow(&hub, &visitor, &path)?;
            return Err(Error::Invalid {
                message: "a piece of a file needs `Content-Range: bytes FIRST-LAST/SIZE`".to_owned(),
                hint: Some("ask where to go on with `bytes */SIZE`".to_owned()),
            });
        };
        Ok((
            piece,
            blob::begin(&hub, &visitor, &Wish { sha256, path, size: piece.size, only_asks: piece.bytes.is_none() })?,
        ))
    });
    match begun.await? {
        (_, Begun::Here(stored)) => Ok(created(stored)),
        (_, Begun::Arrived(offset)) => Ok(go_on(StatusCode::ACCEPTED, offset)),
        (Piece { bytes: Some((first, _)), .. }, Begun::Session(session)) if session.offset != first => {
            Ok(go_on(StatusCode::CONFLICT, session.offset))
        }
        // Without bytes, all that was missing is the end: it was killed between the last byte and the name.
        (Piece { bytes, .. }, Begun::Session(session)) => {
            let permit = hub.gates.upload.admit(Who::of(&visitor, &sender)).await.map_err(Problem::from)?;
            // A task of its own: what arrived before the client went away is still taken to the disk.
            let taking = tokio::spawn(take(*session, bytes.map_or(0, |(_, count)| count), body, permit));
            taking.await.map_err(|error| Error::Interrupted(error.to_string()))?
        }
    }
}

fn path(visitor: &Visitor, text: &str) -> Result<RepoPath, Error> {
    RepoPath::parse(text).map_err(|_| visitor.missing(text.escape_debug().take(160).collect::<String>()))
}

fn created(stored: StoredBlob) -> Response {
    (StatusCode::CREATED, [(OFFSET, stored.size.to_string())], Json(stored)).into_response()
}

fn go_on(status: StatusCode, offset: u64) -> Response {
    let at = [(OFFSET, offset.to_string())];
    if status == StatusCode::ACCEPTED {
        return (status, at).into_response();
    }
    let message = format!("{offset} bytes of this file are here: go on there");
    (at, ApiProblem::from(Problem::new(status, "offset", message))).into_response()
}

/// Takes the bytes of a piece. What arrived stays when the client goes; a thread of its own writes it and goes on
/// to the end of what it was given.
async fn take(session: Session, count: u64, body: Body, permit: Permit) -> Answer {
    let (sender, mut receiver) = mpsc::channel::<Bytes>(WAITING);
    let work = blocking(move || {
        let _permit = permit;
        session.receive(|| receiver.blocking_recv())
    });
    let work = tokio::spawn(work);
    let mut stream = body.into_data_stream();
    let (mut left, mut problem) = (count, None);
    while left > 0 {
        let chunk = match stream.next().await {
            Some(Ok(chunk)) => chunk,
            Some(Err(error)) if is_stalled(&error) => {
                problem = Some(Problem::new(StatusCode::REQUEST_TIMEOUT, "stalled", "the client went quiet"));
                break;
            }
            _ => {
                problem = Some(Problem::new(StatusCode::BAD_REQUEST, "broken", "the request broke off"));
                break;
            }
        };
        let fits = usize::try_from(left).unwrap_or(usize::MAX).min(chunk.len());
        left -= fits as u64;
        // It may have failed already: then it says why.
        if sender.send(chunk.slice(..fits)).await.is_err() {
            break;
        }
    }
    drop(sender);
    let outcome = work.await.map_err(|error| Error::Interrupted(error.to_string()))?;
    match (outcome?, problem) {
        ((_, Some(stored)), _) => Ok(created(stored)),
        ((_, None), Some(problem)) => Err(problem.into()),
        ((length, None), None) => Ok(go_on(StatusCode::ACCEPTED, length)),
    }
}
