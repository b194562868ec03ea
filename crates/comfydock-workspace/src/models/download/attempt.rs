//! One connection to one source.

use std::time::{Duration, Instant};

use reqwest::Response;
use url::Url;

use super::Kind;
use super::body::{Body, Speed};
use super::content::{GZIP, LOOKED_AT, is_pickle_start, judge_start};
use super::format;
use super::hops::{Ask, open};
use super::judge::{content_range, header, judge_head, judge_refusal, what_came_instead};
use super::pace::Pace;
use super::part::Validator;
use super::sink::{LINGER, Sink};
use super::source::Errand;
use super::verdict::Try;
use crate::remote::block_on;

/// Goes on where the sink ends; with `whole` the server is asked for everything, and what the sink has
/// is compared with it.
pub(super) fn attempt(errand: &mut Errand<'_>, sink: &mut Sink, url: &Url, whole: bool) -> Try {
    match block_on(connect(errand, sink, url, whole)) {
        Ok(()) => Try::Complete,
        Err(other) => other,
    }
}

async fn connect(errand: &mut Errand<'_>, sink: &mut Sink, url: &Url, whole: bool) -> Result<(), Try> {
    sink.flush()?;
    let facts = sink.facts();
    let begun = if whole { 0 } else { sink.at() };
    let any_version = errand.sha256().is_some();
    let ask = Ask { begun, validator: facts.validator.as_ref(), any_version };
    let answer = open(errand.engine, url, &ask).await?;
    let status = answer.response.status().as_u16();
    errand.status = Some(status);
    if let (Some(wanted), Some(declared)) = (errand.sha256(), &answer.declared)
        && wanted != declared
    {
        return Err(Try::other_file(format!("it has another file (SHA-256 {}…)", declared.short(12))));
    }
    if status == 416 && answer.asked.is_some() {
        return beyond_the_end(errand, sink, &answer.response);
    }
    if !matches!(status, 200 | 206) {
        return Err(judge_refusal(answer, &errand.engine.pace).await);
    }
    let etag = header(answer.response.headers(), "etag").filter(|etag| etag.starts_with('"') && etag.len() > 2);
    if status == 206 && !any_version && facts.validator.as_ref().map(|known| known.value.as_str()) != etag {
        // The server took no notice of our question for one version.
        sink.learn(|facts| facts.validator = None);
        return Err(Try::broken("it has another version of the file by now"));
    }
    let promise = match judge_head(&answer.response, answer.asked, errand.size()) {
        Ok(promise) => promise,
        Err(refusal) => return Err(what_came_instead(answer.response).await.unwrap_or(refusal)),
    };
    if let Some(total) = promise.total {
        errand.promised = Some(total);
        if let Some(reason) = errand.engine.kind.too_large(total) {
            return Err(Try::refused(reason));
        }
        if sink.at() > total {
            // Not a byte of it can be trusted: the file is shorter.
            sink.shorten(0)?;
            errand.back_to(0);
            return Err(Try::broken("the part was longer than the file"));
        }
        errand.reserve(sink, total)?;
    }
    errand.declared = errand.declared.take().or(answer.declared);
    let validator =
        etag.map(|value| Validator { kind: "etag".to_owned(), value: value.to_owned(), host: answer.host.clone() });
    let mut way = answer.way;
    way.version = validator.as_ref().map(|validator| validator.value.clone());
    let ranges = status == 206 || header(answer.response.headers(), "accept-ranges") == Some("bytes");
    let wide = ranges && !errand.narrow && (any_version || way.version.is_some());
    let (size, sha256) = (errand.size(), errand.sha256().cloned());
    sink.learn(|facts| (facts.size, facts.sha256, facts.validator) = (size, sha256, validator));
    let body = Body::One(answer.response, wide.then_some(way));
    take(errand, sink, body, promise.start).await
}

/// 416: the part is complete, or the server's file is another one, or it only dislikes ranges.
fn beyond_the_end(errand: &mut Errand<'_>, sink: &mut Sink, response: &Response) -> Result<(), Try> {
    let total = header(response.headers(), "content-range").and_then(content_range).and_then(|(_, total)| total);
    match (total, errand.size()) {
        (Some(total), None) if total == sink.at() => {
            errand.promised = Some(total);
            Ok(())
        }
        (_, None) => {
            sink.shorten(0)?;
            errand.back_to(0);
            Err(Try::broken("its file is shorter than the part (HTTP status 416)"))
        }
        (Some(total), Some(size)) if total != size => {
            Err(Try::other_file(format!("its file has {total} bytes, not {size} (HTTP status 416)")))
        }
        _ => Err(Try::NoRange("it does not answer for a range (HTTP status 416)".to_owned())),
    }
}

/// Reads the body, which begins at `at`, into the sink.
async fn take(errand: &mut Errand<'_>, sink: &mut Sink, mut body: Body, mut at: u64) -> Result<(), Try> {
    let mut speed = Speed::new();
    let mut watch = Watch::new(errand.engine.pace);
    let mut early: Option<Vec<u8>> = (sink.at() == 0).then(Vec::new);
    let mut first = sink.at();
    loop {
        if errand.is_lost() {
            return Err(Try::Lost);
        }
        let Ok(chunk) = tokio::time::timeout(LINGER, body.chunk()).await else {
            // The bytes that came are written now, and not when the next come.
            sink.flush()?;
            let came = body.arrived(0);
            watch.took(came);
            speed.took(came);
            watch.look()?;
            continue;
        };
        let bytes = match chunk {
            Ok(Some(bytes)) => bytes,
            Ok(None) => break,
            Err(_) if body.is_wide() => {
                sink.flush()?;
                return Err(Try::Narrow);
            }
            Err(reason) => {
                keep_early(errand, sink, early.take())?;
                return Err(Try::broken(format!("the connection broke after {at} bytes ({reason})")));
            }
        };
        let came = body.arrived(bytes.len() as u64);
        watch.took(came);
        speed.took(came);
        if errand.size().is_some_and(|size| at + bytes.len() as u64 > size) {
            let size = errand.size().unwrap_or_default();
            errand.take_back(sink)?;
            return Err(Try::other_file(format!("it sends more than the {size} bytes the file has")));
        }
        let working = Instant::now();
        let mut rest = &bytes[..];
        if at < first {
            let count = rest.len().min(usize::try_from(first - at).unwrap_or(usize::MAX));
            let same = sink.same(at, &rest[..count])?;
            if same < count {
                if errand.keeps_what_is_there() {
                    return Err(Try::Differs);
                }
                // Nothing proves the old bytes; those of this answer are of one version.
                let place = at + same as u64;
                sink.shorten(place)?;
                errand.back_to(place);
                early = (place == 0).then(Vec::new);
                (at, first) = (place, place);
                rest = &rest[same..];
            } else {
                at += count as u64;
                rest = &rest[count..];
            }
        }
        at += rest.len() as u64;
        match &mut early {
            Some(start) if start.len() + rest.len() < LOOKED_AT => start.extend_from_slice(rest),
            Some(start) => {
                start.extend_from_slice(rest);
                let start = early.take().unwrap_or_default();
                judge_early(errand, &start)?;
                errand.push(sink, &start)?;
            }
            None => errand.push(sink, rest)?,
        }
        watch.forgive(working.elapsed());
        watch.look()?;
        if early.is_none() && at >= first {
            let pace = &errand.engine.pace;
            body = match speed.judge(pace, body, at, errand.size()) {
                Some(body) => body,
                None => {
                    sink.flush()?;
                    return Err(Try::Narrow);
                }
            };
        }
    }
    keep_early(errand, sink, early.take())?;
    sink.flush()?;
    match errand.size() {
        Some(size) if sink.at() < size => Err(Try::broken(format!("it ended after {} of {size} bytes", sink.at()))),
        _ => Ok(()),
    }
}

/// A body shorter than what is looked at is judged by what there is.
fn keep_early(errand: &mut Errand<'_>, sink: &mut Sink, early: Option<Vec<u8>>) -> Result<(), Try> {
    let Some(start) = early.filter(|start| !start.is_empty()) else { return Ok(()) };
    judge_early(errand, &start)?;
    errand.push(sink, &start)?;
    Ok(())
}

/// What the first bytes say, before one is written. Where SHA-256 is known the hash is the better judge
/// of a header.
pub(super) fn judge_early(errand: &Errand<'_>, start: &[u8]) -> Result<(), Try> {
    let packed = errand.engine.kind != Kind::Model && start.starts_with(GZIP);
    if let Some(reason) = judge_start(start).filter(|_| !packed) {
        return Err(Try::refused(reason));
    }
    if errand.sha256().is_none() {
        let name = errand.wanted.target.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        format::begins_well(&name, start, errand.size()).map_err(Try::refused)?;
    }
    if is_pickle_start(start) && !errand.engine.pickle {
        return Err(Try::Pickle);
    }
    Ok(())
}

/// Watches that enough comes.
struct Watch {
    pace: Pace,
    since: Instant,
    bytes: u64,
    working: Duration,
}

impl Watch {
    fn new(pace: Pace) -> Self {
        Self { pace, since: Instant::now(), bytes: 0, working: Duration::ZERO }
    }

    fn took(&mut self, bytes: u64) {
        self.bytes += bytes;
    }

    /// A disk that is slow is not the server's fault.
    fn forgive(&mut self, time: Duration) {
        self.working += time;
    }

    fn look(&mut self) -> Result<(), Try> {
        let waited = self.since.elapsed().saturating_sub(self.working);
        if waited < self.pace.stall {
            return Ok(());
        }
        let seconds = self.pace.stall.as_secs_f64();
        if u128::from(self.bytes) * 1000 < u128::from(self.pace.slowest) * self.pace.stall.as_millis() {
            return Err(Try::broken(match self.bytes {
                0 => format!("nothing came for {seconds:.0} s"),
                bytes => format!("only {bytes} bytes came in {seconds:.0} s"),
            }));
        }
        *self = Self::new(self.pace);
        Ok(())
    }
}
