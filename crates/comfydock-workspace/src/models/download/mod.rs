//! Getting a model's bytes: streamed beside the target, resumed after a break, checked against
//! SHA-256 and size before they get their name.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use comfydock_core::digest::Sha256;
use comfydock_core::hint::Hint;
use comfydock_core::source::Source;
use comfydock_store::file;
use comfydock_store::hash::{self, Digests, Hasher};
use comfydock_store::space::Space;
use url::Url;

use self::judge::{judge_head, judge_start, what_came_instead};
use crate::remote::guard::{self, Consent};
use crate::remote::{block_on, client};
use crate::reporter::{Event, Reporter};

mod judge;

/// Hops a download may be sent on.
const REDIRECTS: usize = 5;
/// Tries at one source that bring no byte.
const IDLE_TRIES: u32 = 5;

/// A file to be had.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// What to call it while it comes.
    pub label: String,
    /// What its bytes hash to.
    pub sha256: Sha256,
    /// How many there are.
    pub size: u64,
    /// Where it can be had, in order.
    pub sources: Vec<Source>,
    /// Where it shall be.
    pub target: PathBuf,
}

/// Why a file did not come.
#[derive(Debug)]
pub enum Failure {
    /// Every source failed; a line for each.
    Sources(Vec<String>),
    /// This machine is in the way: a full disk, a taken name.
    Here(file::Error),
    /// The name is taken by another file.
    Taken(PathBuf),
    /// There is no room for it.
    NoRoom(String),
    /// Another process fetches it.
    Busy,
}

impl Failure {
    /// One line that says why.
    pub fn reason(&self) -> String {
        match self {
            Self::Sources(reasons) if reasons.is_empty() => "nobody says where it can be had".to_owned(),
            Self::Sources(reasons) => reasons.join("; "),
            Self::Here(error) => {
                let hint = error.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
                format!("{error}: {}{hint}", error.source)
            }
            Self::Taken(path) => format!("`{}` is another file and is left as it is", path.display()),
            Self::NoRoom(reason) => reason.clone(),
            Self::Busy => "another comfydock is downloading it".to_owned(),
        }
    }
}

/// What one try at a source came to.
enum Try {
    Complete(Digests),
    /// Broke off after so many new bytes.
    Broken(String, u64),
    /// No use asking this source again.
    Refused(String),
    Here(file::Error),
}

/// Where the part of a file lies while it comes: any source can go on with what another began.
pub fn part_path(target: &Path, sha256: &Sha256) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!(".{name}.{}.part", sha256.short(16)))
}

/// Downloads one file from the first source that has it.
///
/// # Errors
/// Why it did not come; a part that can be gone on with stays.
pub fn download(wanted: &Wanted, consent: &Consent, reporter: &dyn Reporter) -> Result<Digests, Failure> {
    file::remove_dangling_link(&wanted.target).map_err(Failure::Here)?;
    if wanted.target.symlink_metadata().is_ok() {
        let (digests, _) = hash::full(&wanted.target, |_| {}).map_err(Failure::Here)?;
        return if digests.sha256 == wanted.sha256 { Ok(digests) } else { Err(Failure::Taken(wanted.target.clone())) };
    }
    if let Some(folder) = wanted.target.parent() {
        file::create_folder(folder).map_err(Failure::Here)?;
    }
    let part = part_path(&wanted.target, &wanted.sha256);
    let mut handle = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(&part)
        .map_err(|error| Failure::Here(file::Error::at("open", &part)(error)))?;
    if handle.try_lock().is_err() {
        return Err(Failure::Busy);
    }
    let outcome = fetch(wanted, &part, &mut handle, consent, reporter);
    if outcome.is_err() && handle.metadata().is_ok_and(|meta| meta.len() == 0) {
        let _ = file::remove(&part);
    }
    outcome
}

fn fetch(
    wanted: &Wanted,
    part: &Path,
    handle: &mut File,
    consent: &Consent,
    reporter: &dyn Reporter,
) -> Result<Digests, Failure> {
    let begun = handle.metadata().map_or(0, |meta| meta.len());
    room_for(wanted, begun)?;
    reporter.report(Event::BytesStart { label: wanted.label.clone(), total: Some(wanted.size) });
    let mut reasons = Vec::new();
    for source in &wanted.sources {
        let Some(url) = source.url().and_then(|text| Url::parse(text).ok()) else {
            reasons.push(format!("`{source}` is a kind of source this version cannot download from"));
            continue;
        };
        match from_source(wanted, &url, part, handle, consent, reporter) {
            Ok(digests) => {
                finish(wanted, part, handle)?;
                reporter.report(Event::BytesEnd { label: wanted.label.clone() });
                return Ok(digests);
            }
            Err(Try::Refused(reason) | Try::Broken(reason, _)) => reasons.push(format!("{}: {reason}", shown(&url))),
            Err(Try::Here(error)) => {
                reporter.report(Event::BytesEnd { label: wanted.label.clone() });
                if error.is_full() {
                    // The part is what fills the disk; nothing else of it would be of use.
                    let _ = file::remove(part);
                }
                return Err(Failure::Here(error));
            }
            Err(Try::Complete(_)) => {}
        }
    }
    reporter.report(Event::BytesEnd { label: wanted.label.clone() });
    Err(Failure::Sources(reasons))
}

fn room_for(wanted: &Wanted, begun: u64) -> Result<(), Failure> {
    let Ok(space) = Space::of(&wanted.target) else { return Ok(()) };
    let needed = wanted.size.saturating_sub(begun);
    if space.available < needed {
        return Err(Failure::NoRoom(format!(
            "no room for it: {needed} bytes are needed and {} are free on the file system at `{}`",
            space.available,
            space.mount_point.display()
        )));
    }
    Ok(())
}

/// Gives the verified file its name.
fn finish(wanted: &Wanted, part: &Path, handle: &File) -> Result<(), Failure> {
    handle.sync_all().map_err(|error| Failure::Here(file::Error::at("sync", part)(error)))?;
    match file::rename_new(part, &wanted.target) {
        Err(error) if error.source.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(Failure::Taken(wanted.target.clone()))
        }
        other => other.map_err(Failure::Here),
    }?;
    file::sync_folder(wanted.target.parent().unwrap_or(Path::new("."))).map_err(Failure::Here)
}

/// The URL without its query, which may be a signature.
fn shown(url: &Url) -> String {
    let mut clean = url.clone();
    clean.set_query(None);
    clean.set_fragment(None);
    clean.to_string()
}

fn from_source(
    wanted: &Wanted,
    url: &Url,
    part: &Path,
    handle: &mut File,
    consent: &Consent,
    reporter: &dyn Reporter,
) -> Result<Digests, Try> {
    let mut idle = 0;
    let mut from_scratch = false;
    loop {
        let resumed = handle.metadata().map_or(0, |meta| meta.len()) > 0;
        match attempt(wanted, url, part, handle, consent, reporter) {
            Try::Complete(digests) if digests.sha256 == wanted.sha256 && digests.size == wanted.size => {
                return Ok(digests);
            }
            Try::Complete(digests) => {
                reset(part, handle)?;
                // Old bytes of the part may be at fault: this source gets one try of its own.
                if resumed && !from_scratch {
                    from_scratch = true;
                    continue;
                }
                return Err(Try::Refused(format!(
                    "it serves another file (SHA-256 {}…, not {}…)",
                    digests.sha256.short(12),
                    wanted.sha256.short(12)
                )));
            }
            Try::Broken(reason, progress) => {
                idle = if progress > 0 { 0 } else { idle + 1 };
                if idle >= IDLE_TRIES {
                    return Err(Try::Broken(reason, progress));
                }
                std::thread::sleep(Duration::from_millis(if idle == 0 { 50 } else { 200 << idle }));
            }
            other => return Err(other),
        }
    }
}

fn reset(part: &Path, handle: &mut File) -> Result<(), Try> {
    handle.set_len(0).map_err(|error| Try::Here(file::Error::at("write", part)(error)))
}

/// One connection: goes on where the part ends.
fn attempt(
    wanted: &Wanted,
    url: &Url,
    part: &Path,
    handle: &mut File,
    consent: &Consent,
    reporter: &dyn Reporter,
) -> Try {
    let here = |error: std::io::Error| Try::Here(file::Error::at("write", part)(error));
    let mut hasher = Hasher::default();
    // The old bytes are hashed again: what is on disk is what is checked, not what is remembered.
    let begun = match rehash(handle, &mut hasher) {
        Ok(begun) => begun,
        Err(error) => return here(error),
    };
    if begun > wanted.size {
        return match reset(part, handle) {
            Ok(()) => Try::Broken("the part was longer than the file".to_owned(), 0),
            Err(other) => other,
        };
    }
    if begun == wanted.size {
        return Try::Complete(hasher.finish());
    }
    block_on(async {
        let mut response = match open(url, begun, consent).await {
            Ok(response) => response,
            Err(other) => return other,
        };
        let restarted = response.status() == reqwest::StatusCode::OK && begun > 0;
        let status = response.status();
        if status.is_server_error() || status.as_u16() == 429 {
            return Try::Broken(format!("HTTP status {}", status.as_u16()), 0);
        }
        if let Err(reason) = judge_head(&response, begun, wanted.size) {
            return Try::Refused(what_came_instead(response).await.unwrap_or(reason));
        }
        let mut at = begun;
        if restarted {
            hasher = Hasher::default();
            at = 0;
            if let Err(other) = reset(part, handle) {
                return other;
            }
        }
        if let Err(error) = handle.seek(SeekFrom::Start(at)) {
            return here(error);
        }
        reporter.report(Event::Bytes { label: wanted.label.clone(), count: at });
        let first = at;
        let mut start: Vec<u8> = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(bytes)) => {
                    if at == 0 || (at < 64 && start.len() < 64) {
                        start.extend_from_slice(&bytes[..bytes.len().min(64)]);
                        if let Some(reason) = judge_start(&start) {
                            let _ = reset(part, handle);
                            return Try::Refused(reason.to_owned());
                        }
                    }
                    if at + bytes.len() as u64 > wanted.size {
                        let _ = reset(part, handle);
                        return Try::Refused(format!("it sends more than the {} bytes the file has", wanted.size));
                    }
                    if let Err(error) = handle.write_all(&bytes) {
                        return here(error);
                    }
                    hasher.update(&bytes);
                    at += bytes.len() as u64;
                    reporter.report(Event::Bytes { label: wanted.label.clone(), count: bytes.len() as u64 });
                }
                Ok(None) if at == wanted.size => return Try::Complete(hasher.finish()),
                Ok(None) => return Try::Broken(format!("it ended after {at} of {} bytes", wanted.size), at - first),
                Err(error) => {
                    return Try::Broken(
                        format!("the connection broke after {at} of {} bytes ({})", wanted.size, cause(error)),
                        at - first,
                    );
                }
            }
        }
    })
}

/// The innermost cause, without the URL.
fn cause(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut deepest: &dyn std::error::Error = &error;
    while let Some(next) = deepest.source() {
        deepest = next;
    }
    deepest.to_string()
}

fn rehash(handle: &mut File, hasher: &mut Hasher) -> std::io::Result<u64> {
    handle.seek(SeekFrom::Start(0))?;
    let mut block = vec![0; 256 * 1024];
    loop {
        let count = handle.read(&mut block)?;
        if count == 0 {
            return Ok(hasher.size());
        }
        hasher.update(&block[..count]);
    }
}

/// Follows redirects by hand: every hop is judged, and nothing but the range is sent along.
async fn open(url: &Url, begun: u64, consent: &Consent) -> Result<reqwest::Response, Try> {
    let mut url = url.clone();
    for _ in 0..=REDIRECTS {
        let addresses = guard::check(&url, consent).await.map_err(|error| {
            let hint = error.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
            match error {
                // Names that cannot be looked up now may be found a moment later.
                crate::remote::Error::Lookup { .. } => Try::Broken(error.to_string(), 0),
                _ => Try::Refused(format!("{error}{hint}")),
            }
        })?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let client = client()
            .resolve_to_addrs(&host, &addresses)
            .no_proxy()
            .build()
            .map_err(|error| Try::Refused(cause(error)))?;
        let mut request = client.get(url.clone()).header("Accept-Encoding", "identity");
        if begun > 0 {
            request = request.header("Range", format!("bytes={begun}-"));
        }
        let response =
            request.send().await.map_err(|error| Try::Broken(format!("it cannot be reached ({})", cause(error)), 0))?;
        if !response.status().is_redirection() {
            return Ok(response);
        }
        let location = response.headers().get("location").and_then(|value| value.to_str().ok());
        url = location
            .and_then(|text| url.join(text).ok())
            .ok_or_else(|| Try::Refused("it redirects to nowhere".to_owned()))?;
        if url.path().contains("/login") || url.query().is_some_and(|query| query.contains("reason=download-auth")) {
            return Err(Try::Refused("it wants a login for this file".to_owned()));
        }
    }
    Err(Try::Refused(format!("it redirects more than {REDIRECTS} times")))
}
