//! Blobs to a registry: whole if that works, in pieces and going on where it ended if it does not.

use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use comfydock_core::oci::{Code, Descriptor, Digest, RepositoryName, complaint};
use futures_util::stream;
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE};
use reqwest::{Body, Method, Response};
use tokio::sync::mpsc;
use tokio::time::Instant;
use url::Url;

use super::auth::Scope;
use super::digester::Digester;
use super::request::{Ask, Fault, bounded, unreachable};
use super::session::{Session, received};
use super::{Error, Inner, Registry, Told};

/// Opens what is to be sent, at a byte. It is called anew for every try.
pub type Source<'a> = &'a (dyn Fn(u64) -> io::Result<Box<dyn Read + Send>> + Sync);

/// Bytes read at once.
const BLOCK: usize = 512 * 1024;
/// Blocks that may wait for the network.
const AHEAD: usize = 4;
/// Bytes of a piece, where the registry does not want larger ones.
const PIECE: u64 = 16 * 1024 * 1024;
/// A registry that refuses even pieces of so many bytes as too large takes none.
const SMALLEST_PIECE: u64 = 64 * 1024;
/// Bytes that have to be new to the registry for a try to count as one that brought something.
const PROGRESS: u64 = 64 * 1024;
/// How often what has left is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// Bytes of a refusal that are read.
const LARGEST_REFUSAL: usize = 64 * 1024;

impl Registry {
    /// Whether a repository has a blob.
    ///
    /// # Errors
    /// When the registry cannot be asked.
    pub fn has_blob(&self, repository: &RepositoryName, digest: &Digest) -> Result<bool, Error> {
        self.0.has(&Scope::pull(repository), digest)
    }

    /// Lets a repository have a blob that another one of the registry has. Returns whether that worked; if not, the
    /// blob has to be pushed.
    ///
    /// # Errors
    /// When the registry cannot be asked, or does not let us write.
    pub fn mount(&self, repository: &RepositoryName, digest: &Digest, from: &RepositoryName) -> Result<bool, Error> {
        let inner = &self.0;
        let scope = Scope { from: Some(from.to_string()), ..Scope::push(repository) };
        let mut url = inner.at(&format!("{repository}/blobs/uploads/"));
        url.set_query(Some(&format!("mount={digest}&from={from}")));
        let ask = Ask::new(Method::POST, url, scope.clone());
        inner.block_on(async {
            let response = inner.ask(&ask).await?;
            match response.status().as_u16() {
                201 => Ok(true),
                // The registry has opened an upload instead.
                202 => {
                    if let Ok(session) = inner.session(&response) {
                        inner.cancel(session, &scope).await;
                    }
                    Ok(false)
                }
                // A registry that does not say why it does not mount; who may not write at all hears it at the push.
                400 | 404 | 405 => Ok(false),
                _ => Err(inner.refusal(response, "to mount a blob", &scope).await),
            }
        })
    }

    /// Sends a blob, unless the repository has it. The registry and this side both hold its bytes against the
    /// digest. Returns how many bytes were sent, those that had to be sent twice included.
    ///
    /// # Errors
    /// When the source cannot be read or is not what the descriptor says, the registry refuses the blob, or cannot
    /// be reached five times in a row without anything arriving.
    pub fn push_blob(&self, repository: &RepositoryName, blob: &Descriptor, source: Source<'_>) -> Result<u64, Error> {
        let inner = &*self.0;
        let scope = Scope::push(repository);
        let mut told = inner.told(&blob.digest, blob.size);
        if inner.has(&scope, &blob.digest)? {
            told.tell(blob.size);
            return Ok(0);
        }
        let digester = Digester::start();
        let mut push = Push {
            inner,
            scope,
            blob,
            source,
            entry: digester.entry(),
            session: None,
            whole: inner.options.piece.is_none(),
            piece: inner.options.piece.unwrap_or(PIECE).max(1),
            no_pieces: false,
            misplaced_at: None,
            arrived: 0,
            sent: 0,
            refused_at: None,
            told,
        };
        let read = push.run()?;
        let sent = push.sent;
        drop(push);
        let (count, found) = digester.finish();
        if read && (count != blob.size || found != blob.digest) {
            return Err(Error::Changed { digest: blob.digest.clone(), found: format!("{count} bytes, {found}") });
        }
        Ok(sent)
    }
}

impl Inner {
    fn has(&self, scope: &Scope, digest: &Digest) -> Result<bool, Error> {
        let url = self.at(&format!("{}/blobs/{digest}", scope.repository));
        let ask = Ask::new(Method::HEAD, url, scope.clone());
        self.block_on(async {
            let response = self.ask(&ask).await?;
            match response.status().as_u16() {
                200 => Ok(true),
                404 => Ok(false),
                _ => Err(self.refusal(response, &format!("to say whether it has {digest}"), scope).await),
            }
        })
    }
}

/// A blob on its way.
struct Push<'a> {
    inner: &'a Inner,
    scope: Scope,
    blob: &'a Descriptor,
    source: Source<'a>,
    entry: SyncSender<(u64, Bytes)>,
    session: Option<Session>,
    /// In one request, which is what registries like best.
    whole: bool,
    piece: u64,
    /// The registry has refused a piece for being one.
    no_pieces: bool,
    /// Where a piece was refused last for beginning there.
    misplaced_at: Option<u64>,
    /// Bytes the registry was known to have, at best.
    arrived: u64,
    sent: u64,
    /// Where our credentials were refused last: there once is enough.
    refused_at: Option<u64>,
    told: Told<'a>,
}

impl Push<'_> {
    /// Sends until the registry has it. Returns whether every byte was read by us.
    fn run(&mut self) -> Result<bool, Error> {
        let mut failed = 0;
        loop {
            let before = self.arrived;
            let outcome = self.step();
            if self.arrived - before >= PROGRESS {
                failed = 0;
            }
            match outcome {
                Ok(done) if done => {
                    self.told.tell(self.blob.size);
                    return Ok(true);
                }
                Ok(_) => {}
                Err(fault) => {
                    self.inner.block_on(self.inner.rest(&mut failed, fault))?;
                    // The answer may be what was lost.
                    if self.inner.has(&self.scope, &self.blob.digest)? {
                        self.told.tell(self.blob.size);
                        return Ok(false);
                    }
                    self.recover()?;
                }
            }
        }
    }

    /// Finds out what the registry has of an upload that broke off, and goes on in pieces.
    fn recover(&mut self) -> Result<(), Error> {
        self.whole = self.no_pieces;
        if let Some(session) = self.session.take().filter(|_| !self.no_pieces) {
            let session = self.inner.block_on(self.inner.look_at(session, &self.scope))?;
            self.session = session.filter(|session| session.offset <= self.told.done.max(self.arrived));
        }
        if let Some(session) = &self.session {
            self.arrived = self.arrived.max(session.offset);
        }
        Ok(())
    }

    /// One request with bytes in it; true if the registry has the blob now.
    fn step(&mut self) -> Result<bool, Fault> {
        let size = self.blob.size;
        let mut session = match self.session.take() {
            Some(session) => session,
            None => self.inner.block_on(self.inner.begin(&self.scope))?,
        };
        let first = session.offset;
        let last = if self.whole && first == 0 { size } else { size.min(first + self.piece.max(session.shortest)) };
        let ends = self.whole && first == 0 || first == size;
        let (method, url) =
            if ends { (Method::PUT, session.end(&self.blob.digest)) } else { (Method::PATCH, session.location()) };
        // If the request fails, the session is what can be asked about it.
        let (response, authorization) = match self.send(method, &url, first, last, !ends) {
            Ok(answer) => answer,
            Err(fault) => {
                self.session = Some(session);
                return Err(fault);
            }
        };
        let status = response.status().as_u16();
        if status == 401 && url.origin() == self.inner.base.origin() && self.refused_at != Some(first) {
            // The token has run out on the way. Who may not write is told so before a byte is taken.
            self.refused_at = Some(first);
            let learned = self.inner.learn(response.headers(), &self.scope, authorization.as_ref());
            self.inner.block_on(learned)?;
            self.session = Some(session);
            return Ok(false);
        }
        if let Err(fault) = self.inner.judge_passing(&response, &self.inner.place()) {
            self.session = Some(session);
            return Err(fault);
        }
        match status {
            200 | 201 | 204 if ends => Ok(true),
            200 | 201 | 202 | 204 if !ends => {
                session.follow(self.inner, &response)?;
                // What it did not keep is sent again.
                session.offset = received(response.headers()).filter(|count| *count <= last).unwrap_or(last);
                self.arrived = self.arrived.max(session.offset);
                let stuck = session.offset <= first;
                self.session = Some(session);
                if stuck {
                    let message = "it keeps nothing of what it is sent".to_owned();
                    return Err(Fault::Passing(Error::Unexpected { place: self.inner.host.clone(), message }, None));
                }
                Ok(false)
            }
            413 if self.whole || self.piece > SMALLEST_PIECE => {
                if !self.whole {
                    self.piece = (self.piece / 4).max(SMALLEST_PIECE);
                }
                self.whole = false;
                Ok(false)
            }
            _ => Err(self.judge_refusal(response, session, ends)),
        }
    }

    /// What a refusal means for the upload.
    fn judge_refusal(&mut self, mut response: Response, session: Session, ends: bool) -> Fault {
        let status = response.status().as_u16();
        let place = self.inner.place();
        let body = self.inner.block_on(self.inner.in_time(bounded(&mut response, LARGEST_REFUSAL), &place));
        let body = body.ok().flatten().unwrap_or_default();
        let what = format!("the blob {}", self.blob.digest);
        let error = self.inner.refusal_of(&response, &body, &what, &self.scope);
        match (status, complaint(&body).code) {
            // The registry has another count, and can be asked for it once.
            (416, _) => {
                self.no_pieces = self.misplaced_at == Some(session.offset);
                self.misplaced_at = Some(session.offset);
                self.session = Some(session);
                Fault::Passing(error, None)
            }
            (_, Some(Code::DigestInvalid | Code::SizeInvalid | Code::Denied | Code::NameInvalid)) => error.into(),
            // The upload is lost.
            (_, Some(Code::BlobUploadUnknown | Code::BlobUploadInvalid)) | (404, _) => Fault::Passing(error, None),
            // It takes no pieces.
            (400 | 405 | 501, _) if !ends && !self.no_pieces => {
                self.no_pieces = true;
                Fault::Passing(error, None)
            }
            _ => error.into(),
        }
    }

    /// Sends the bytes from `first` to `last`, read in a thread of their own and hashed in another.
    fn send(
        &mut self,
        method: Method,
        url: &Url,
        first: u64,
        last: u64,
        is_piece: bool,
    ) -> Result<(Response, Option<reqwest::header::HeaderValue>), Fault> {
        let inner = self.inner;
        let left = Arc::new(AtomicU64::new(first));
        let (to, blocks) = mpsc::channel(AHEAD);
        let blocks = Arc::new(Mutex::new(blocks));
        let (source, entry) = (self.source, self.entry.clone());
        let (outcome, read) = std::thread::scope(|scope| {
            let reader = scope.spawn(move || feed(source, first, last, &to, &entry));
            let outcome = inner.block_on(async {
                let authorization = inner.authorization(url, &self.scope).await?;
                let mut request = inner
                    .http
                    .request(method, url.clone())
                    .header(CONTENT_TYPE, "application/octet-stream")
                    .header(CONTENT_LENGTH, last - first)
                    .body(body(blocks.clone(), left.clone()));
                if is_piece {
                    request = request.header(CONTENT_RANGE, format!("{first}-{}", last.saturating_sub(1)));
                }
                if let Some(authorization) = &authorization {
                    request = request.header(AUTHORIZATION, authorization);
                }
                let response = inner.watched(request.send(), &left, last, &mut self.told).await?;
                Ok((response, authorization))
            });
            // A request that failed leaves its body to a connection that nobody drives any more: the reader would
            // wait for ever for it to take a block.
            held(&blocks).close();
            (outcome, reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        self.sent += left.load(Ordering::Relaxed) - first;
        match read {
            Ok(end) if end < last && outcome.is_err() && end != u64::MAX => Err(Error::Changed {
                digest: self.blob.digest.clone(),
                found: format!("it ends after {end} of {} bytes", self.blob.size),
            }
            .into()),
            Ok(_) => outcome,
            Err(error) => Err(Error::Source(error).into()),
        }
    }
}

/// Reads and hands on. Returns where the source ended, or `u64::MAX` if nobody wanted more.
fn feed(
    source: Source<'_>,
    first: u64,
    last: u64,
    to: &mpsc::Sender<Bytes>,
    entry: &SyncSender<(u64, Bytes)>,
) -> io::Result<u64> {
    let mut at = first;
    if first == last {
        return Ok(at);
    }
    let mut reader = source(first)?;
    while at < last {
        let count = usize::try_from(last - at).map_or(BLOCK, |rest| rest.min(BLOCK));
        let mut block = Vec::with_capacity(count);
        reader.by_ref().take(count as u64).read_to_end(&mut block)?;
        if block.is_empty() {
            return Ok(at);
        }
        let block = Bytes::from(block);
        let _ = entry.send((at, block.clone()));
        at += block.len() as u64;
        if to.blocking_send(block).is_err() {
            return Ok(u64::MAX);
        }
    }
    Ok(at)
}

/// What was read and waits for the network.
type Blocks = Arc<Mutex<mpsc::Receiver<Bytes>>>;

fn held(blocks: &Blocks) -> MutexGuard<'_, mpsc::Receiver<Bytes>> {
    blocks.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The blocks as a body; `left` says up to where they were given away.
fn body(blocks: Blocks, left: Arc<AtomicU64>) -> Body {
    Body::wrap_stream(stream::poll_fn(move |context| {
        let block = ready!(held(&blocks).poll_recv(context));
        let block = block.inspect(|block| _ = left.fetch_add(block.len() as u64, Ordering::Relaxed));
        Poll::Ready(block.map(Ok::<_, io::Error>))
    }))
}

impl Inner {
    /// Waits for an answer for as long as bytes leave.
    async fn watched(
        &self,
        request: impl Future<Output = Result<Response, reqwest::Error>>,
        left: &AtomicU64,
        last: u64,
        told: &mut Told<'_>,
    ) -> Result<Response, Fault> {
        tokio::pin!(request);
        let (mut before, mut since) = (left.load(Ordering::Relaxed), Instant::now());
        loop {
            let outcome = tokio::time::timeout(LOOK, &mut request).await;
            let now = left.load(Ordering::Relaxed);
            told.tell(now);
            if let Ok(outcome) = outcome {
                return outcome.map_err(|error| unreachable(&self.place(), error));
            }
            if now != before {
                (before, since) = (now, Instant::now());
            }
            if since.elapsed() > if now < last { self.options.stall } else { self.options.answer } {
                return Err(Fault::Passing(Error::Stalled { place: self.place() }, None));
            }
        }
    }
}
