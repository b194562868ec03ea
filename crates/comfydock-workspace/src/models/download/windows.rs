//! Several connections for one file, where each of them is held down: windows of the file are fetched
//! side by side and handed on in order, so that a part stays a beginning of its file.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Client, Response};
use tokio::task::JoinHandle;
use url::Url;

use super::hops::cause;
use super::judge::{content_range, header};
use super::pace::Pace;

/// Downloads of this process that have several connections now.
static WIDE: AtomicUsize = AtomicUsize::new(0);

/// The right of one download to several connections.
struct Permit;

impl Permit {
    fn take(most: usize) -> Option<Self> {
        let more = |wide: usize| (wide < most).then_some(wide + 1);
        WIDE.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok().map(|_| Self)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        WIDE.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What every window is asked with: the way to the file as the first connection found it.
#[derive(Clone)]
pub(super) struct Way {
    pub(super) client: Client,
    pub(super) url: Url,
    pub(super) authorization: Option<HeaderValue>,
    /// The version the first connection was given, as a strong ETag.
    pub(super) version: Option<String>,
}

/// The rest of a file, in order.
pub(super) struct Windows {
    way: Way,
    next: u64,
    end: u64,
    window: u64,
    width: usize,
    stall: Duration,
    arrived: Arc<AtomicU64>,
    pending: VecDeque<JoinHandle<Result<Vec<u8>, String>>>,
    _permit: Permit,
}

impl Windows {
    /// The bytes from `next` to `end`, `window` at a time; none when enough other downloads are wide.
    pub(super) fn open(way: Way, next: u64, end: u64, window: u64, pace: &Pace) -> Option<Self> {
        let permit = Permit::take(pace.wide_at_a_time)?;
        let (arrived, pending) = (Arc::default(), VecDeque::new());
        let (width, stall) = (pace.width, pace.stall);
        Some(Self { way, next, end, window, width, stall, arrived, pending, _permit: permit })
    }

    /// Bytes that came over all connections so far, in order or not.
    pub(super) fn arrived(&self) -> u64 {
        self.arrived.load(Ordering::Relaxed)
    }

    /// The next window; none at the end. Dropping the future loses nothing.
    pub(super) async fn chunk(&mut self) -> Result<Option<Vec<u8>>, String> {
        while self.pending.len() < self.width && self.next < self.end {
            let last = self.end.min(self.next + self.window);
            let (way, arrived, first) = (self.way.clone(), self.arrived.clone(), self.next);
            self.pending.push_back(tokio::spawn(fetch(way, first, last, self.end, self.stall, arrived)));
            self.next = last;
        }
        let Some(task) = self.pending.front_mut() else { return Ok(None) };
        let window = task.await;
        self.pending.pop_front();
        window.map_err(|_| "a connection was dropped".to_owned())?.map(Some)
    }
}

impl Drop for Windows {
    fn drop(&mut self) {
        self.pending.iter().for_each(JoinHandle::abort);
    }
}

async fn fetch(
    way: Way,
    first: u64,
    end: u64,
    total: u64,
    stall: Duration,
    arrived: Arc<AtomicU64>,
) -> Result<Vec<u8>, String> {
    let mut request = way.client.get(way.url).header("Accept-Encoding", "identity");
    request = request.header("Range", format!("bytes={first}-{}", end - 1));
    if let Some(value) = way.authorization {
        request = request.header(AUTHORIZATION, value);
    }
    if let Some(version) = &way.version {
        request = request.header("If-Range", version);
    }
    let mut response = request.send().await.map_err(cause)?;
    judge(&response, first, total, way.version.as_deref())?;
    let length = usize::try_from(end - first).map_err(|_| "the window is too long".to_owned())?;
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        let chunk = tokio::time::timeout(stall, response.chunk()).await.map_err(|_| "nothing came".to_owned())?;
        let Some(chunk) = chunk.map_err(cause)? else { return Err("a connection ended early".to_owned()) };
        if bytes.len() + chunk.len() > length {
            return Err("it sends more than was asked for".to_owned());
        }
        arrived.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// A window must be of the same file and begin where it was asked to.
fn judge(response: &Response, first: u64, total: u64, version: Option<&str>) -> Result<(), String> {
    let status = response.status().as_u16();
    let range = header(response.headers(), "content-range").and_then(content_range);
    let encoded = header(response.headers(), "content-encoding").is_some_and(|how| how != "identity");
    if status != 206 || range != Some((Some(first), Some(total))) || encoded {
        return Err(format!("it does not answer for a range (HTTP status {status})"));
    }
    if version.is_some() && header(response.headers(), "etag") != version {
        return Err("it has another version of the file by now".to_owned());
    }
    Ok(())
}
