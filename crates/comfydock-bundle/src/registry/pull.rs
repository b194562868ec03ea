//! Blobs from a registry into files, going on where an earlier try ended.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};

use bytes::Bytes;
use comfydock_core::oci::{Descriptor, RepositoryName};
use comfydock_store::{file, hash};
use reqwest::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, HeaderValue, RANGE};
use reqwest::{Method, Response};
use tokio::sync::mpsc;

use super::auth::Scope;
use super::digester::Digester;
use super::request::{Ask, Fault, header, unreachable};
use super::{Error, Inner, Registry, Told};

/// Bytes read at once from what is there already.
const BLOCK: usize = 512 * 1024;
/// Runs of bytes that may wait to be written; one has half a MiB at most.
const AHEAD: usize = 16;
/// Bytes after which what was written is made durable, beside the rest.
const SYNC: u64 = 64 * 1024 * 1024;
/// Bytes that have to come for a try to count as one that brought something.
const PROGRESS: u64 = 64 * 1024;

impl Registry {
    /// Brings a blob into a file. It comes into `.NAME.part` beside it, which a later call goes on with, and gets
    /// its name only when its size and SHA-256 are those of the descriptor. One process at a time brings a file.
    /// A file that is there already and right is left as it is.
    ///
    /// # Errors
    /// When the blob is not there, is something else, cannot be brought five times in a row without anything
    /// coming, or the file cannot be written.
    pub fn pull_blob(&self, repository: &RepositoryName, blob: &Descriptor, into: &Path) -> Result<(), Error> {
        let part = Part::open(into)?;
        if into.symlink_metadata().is_ok() {
            let (there, _) = hash::full_side_by_side(into, |_| {})?;
            if there.size == blob.size && there.sha256 == *blob.digest.sha256() {
                part.remove()?;
                return Ok(());
            }
            return Err(Error::Occupied { path: into.to_owned() });
        }
        self.0.pull(repository, blob, &part)?;
        part.file.sync_all().map_err(file::Error::at("sync", &part.path))?;
        file::rename_new(&part.path, into)?;
        file::sync_folder(into.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")))?;
        Ok(())
    }

    /// The whole of a small blob.
    ///
    /// # Errors
    /// When it is larger than `most` bytes, not there, or something else.
    pub fn pull_small_blob(
        &self,
        repository: &RepositoryName,
        blob: &Descriptor,
        most: usize,
    ) -> Result<Vec<u8>, Error> {
        let inner = &self.0;
        let size = usize::try_from(blob.size).ok().filter(|size| *size <= most).ok_or_else(|| Error::Unexpected {
            place: inner.host.clone(),
            message: format!("{} has {} bytes, and {most} are the most it may have", blob.digest, blob.size),
        })?;
        let ask = inner.ask_blob(repository, blob);
        let (response, bytes) = inner.block_on(inner.ask_whole(&ask, most))?;
        if response.status().as_u16() != 200 {
            return Err(inner.refusal_of(&response, &bytes, &format!("the blob {}", blob.digest), &ask.scope));
        }
        let found = hash::sha256_of(&bytes);
        if bytes.len() != size || found != *blob.digest.sha256() {
            let found = format!("{} bytes, sha256:{found}", bytes.len());
            return Err(Error::Different { place: inner.host.clone(), expected: blob.digest.clone(), found });
        }
        Ok(bytes)
    }
}

/// What has come of a blob, held by us alone.
struct Part {
    path: PathBuf,
    file: File,
}

impl Part {
    fn open(into: &Path) -> Result<Self, Error> {
        let name = into.file_name().unwrap_or_default().to_string_lossy();
        let path = into.with_file_name(format!(".{name}.part"));
        loop {
            let opened = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path);
            let file = opened.map_err(file::Error::at("open", &path))?;
            file.lock().map_err(file::Error::at("lock", &path))?;
            // Whoever held it may have given it its name meanwhile.
            let open = file.metadata().map_err(file::Error::at("inspect", &path))?;
            if path.metadata().is_ok_and(|named| (named.dev(), named.ino()) == (open.dev(), open.ino())) {
                return Ok(Self { path, file });
            }
        }
    }

    fn length(&self) -> Result<u64, Error> {
        Ok(self.file.metadata().map_err(file::Error::at("inspect", &self.path))?.len())
    }

    fn clear(&self) -> Result<(), Error> {
        Ok(self.file.set_len(0).map_err(file::Error::at("shorten", &self.path))?)
    }

    fn remove(self) -> Result<(), Error> {
        Ok(file::remove(&self.path)?)
    }
}

impl Inner {
    fn ask_blob(&self, repository: &RepositoryName, blob: &Descriptor) -> Ask {
        let url = self.at(&format!("{repository}/blobs/{}", blob.digest));
        Ask::new(Method::GET, url, Scope::pull(repository))
    }

    /// Brings the part to the end of the blob.
    fn pull(&self, repository: &RepositoryName, blob: &Descriptor, part: &Part) -> Result<(), Error> {
        let mut told = self.told(&blob.digest, blob.size);
        let mut at = part.length()?;
        if at > blob.size {
            part.clear()?;
            at = 0;
        }
        // What another process left may be anything, a crash of the machine included; then it is brought anew, once.
        let mut inherited = at > 0;
        loop {
            let mut digester = Digester::start();
            if at > 0 {
                read_again(part, at, &digester.entry()).map_err(file::Error::at("read", &part.path))?;
            }
            let mut failed = 0;
            while at < blob.size {
                let before = at;
                let outcome = self.pull_once(repository, blob, part, &mut at, &mut digester, &mut told);
                if at.saturating_sub(before) >= PROGRESS {
                    failed = 0;
                }
                if let Err(fault) = outcome {
                    self.block_on(self.rest(&mut failed, fault))?;
                }
            }
            let (count, found) = digester.finish();
            if count == blob.size && found == blob.digest {
                told.tell(blob.size);
                return Ok(());
            }
            part.clear()?;
            if !inherited {
                let (place, expected) = (self.host.clone(), blob.digest.clone());
                return Err(Error::Different { place, expected, found: found.to_string() });
            }
            (at, inherited) = (0, false);
        }
    }

    /// One connection.
    fn pull_once(
        &self,
        repository: &RepositoryName,
        blob: &Descriptor,
        part: &Part,
        at: &mut u64,
        digester: &mut Digester,
        told: &mut Told<'_>,
    ) -> Result<(), Fault> {
        let mut ask = self.ask_blob(repository, blob);
        if *at > 0 {
            let range = HeaderValue::try_from(format!("bytes={at}-")).expect("digits make a header");
            ask.headers.insert(RANGE, range);
        }
        let response = self.block_on(self.ask_once(&ask))?;
        let begins = match response.status().as_u16() {
            200 => 0,
            206 if range_start(&response) == Some(*at) => *at,
            // A range that was not asked for, or one that the server does not like: from the start.
            206 | 416 if *at > 0 => {
                self.start_again(part, at, digester)?;
                let message = "it does not answer for a range".to_owned();
                return Err(Fault::Passing(Error::Unexpected { place: self.host.clone(), message }, None));
            }
            _ => return Err(self.block_on(self.judge_refused(response, &ask, blob))),
        };
        self.judge_head(&response, blob, begins)?;
        if begins < *at {
            self.start_again(part, at, digester)?;
        }
        let entry = digester.entry();
        std::thread::scope(|scope| {
            let (to, runs) = mpsc::channel::<Bytes>(AHEAD);
            let first = *at;
            let writer = scope.spawn(move || write(&part.file, first, runs, &entry));
            let outcome = self.block_on(self.take(response, blob, at, &to, told));
            drop(to);
            let written = writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            written.map_err(|error| Fault::from(Error::from(file::Error::at("write", &part.path)(error))))?;
            outcome
        })
    }

    fn start_again(&self, part: &Part, at: &mut u64, digester: &mut Digester) -> Result<(), Error> {
        part.clear()?;
        *at = 0;
        // The old one ends with its last entry.
        *digester = Digester::start();
        Ok(())
    }

    async fn judge_refused(&self, response: Response, ask: &Ask, blob: &Descriptor) -> Fault {
        let elsewhere = response.url().origin() != self.base.origin();
        let status = response.status().as_u16();
        let error = self.refusal(response, &format!("the blob {}", blob.digest), &ask.scope).await;
        // A storage's address lasts a while only; the registry gives a new one.
        if elsewhere && matches!(status, 400 | 401 | 403 | 404 | 410) {
            Fault::Passing(error, None)
        } else {
            error.into()
        }
    }

    fn judge_head(&self, response: &Response, blob: &Descriptor, begins: u64) -> Result<(), Error> {
        let odd = |message: String| Error::Unexpected { place: self.host.clone(), message };
        if let Some(encoding) = header(response.headers(), CONTENT_ENCODING.as_str()).filter(|word| *word != "identity")
        {
            return Err(odd(format!("the blob {} comes encoded ({encoding})", blob.digest)));
        }
        let length = header(response.headers(), CONTENT_LENGTH.as_str()).and_then(|text| text.parse::<u64>().ok());
        match length.map(|length| begins.saturating_add(length)) {
            Some(size) if size != blob.size => {
                let found = format!("{size} bytes instead of {}", blob.size);
                Err(Error::Different { place: self.host.clone(), expected: blob.digest.clone(), found })
            }
            _ => Ok(()),
        }
    }

    /// Reads the body and hands it on to be written, never more than the blob has.
    async fn take(
        &self,
        mut response: Response,
        blob: &Descriptor,
        at: &mut u64,
        to: &mpsc::Sender<Bytes>,
        told: &mut Told<'_>,
    ) -> Result<(), Fault> {
        let place = response.url().host_str().unwrap_or_default().to_owned();
        loop {
            let chunk = tokio::time::timeout(self.options.stall, response.chunk()).await;
            let chunk = chunk.map_err(|_| Fault::Passing(Error::Stalled { place: place.clone() }, None))?;
            let Some(bytes) = chunk.map_err(|error| unreachable(&place, error))? else { break };
            let end = *at + bytes.len() as u64;
            if end > blob.size {
                let found = format!("more than its {} bytes", blob.size);
                return Err(Error::Different { place, expected: blob.digest.clone(), found }.into());
            }
            // Only a disk that fails stops taking.
            if to.send(bytes).await.is_err() {
                break;
            }
            *at = end;
            told.tell(end);
        }
        if *at < blob.size {
            return Err(Fault::Passing(Error::Broken { place, done: *at, size: blob.size }, None));
        }
        Ok(())
    }
}

/// Hashes what is there already.
fn read_again(part: &Part, length: u64, entry: &SyncSender<(u64, Bytes)>) -> io::Result<()> {
    let mut file = File::open(&part.path)?.take(length);
    let mut at = 0;
    loop {
        let mut block = Vec::with_capacity(BLOCK);
        let count = file.by_ref().take(BLOCK as u64).read_to_end(&mut block)? as u64;
        if count == 0 {
            return Ok(());
        }
        let _ = entry.send((at, block.into()));
        at += count;
    }
}

/// Writes what comes, and hands it on to be hashed.
fn write(file: &File, first: u64, mut runs: mpsc::Receiver<Bytes>, entry: &SyncSender<(u64, Bytes)>) -> io::Result<()> {
    std::thread::scope(|scope| {
        let (due, wanted) = sync_channel::<()>(1);
        let syncing = scope.spawn(move || wanted.iter().try_for_each(|()| file.sync_data()));
        let (mut at, mut synced) = (first, first);
        let mut write = || {
            while let Some(bytes) = runs.blocking_recv() {
                file.write_all_at(&bytes, at)?;
                let place = at;
                at += bytes.len() as u64;
                let _ = entry.send((place, bytes));
                if at - synced >= SYNC && !matches!(due.try_send(()), Err(TrySendError::Full(()))) {
                    synced = at;
                }
            }
            Ok(())
        };
        let written = write();
        drop(due);
        let kept = syncing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        written.and(kept)
    })
}

/// Where the bytes of a partial answer begin: `bytes 100-199/200`.
fn range_start(response: &Response) -> Option<u64> {
    let text = header(response.headers(), CONTENT_RANGE.as_str())?;
    text.trim().strip_prefix("bytes ")?.split_once('-')?.0.trim().parse().ok()
}
