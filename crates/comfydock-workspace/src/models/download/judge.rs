//! Whether what a server answers can be the file that was asked for.

use std::time::Duration;

use comfydock_core::observation::Verdict;
use comfydock_core::site::Refusal;
use reqwest::Response;
use reqwest::header::HeaderMap;

use super::content::judge_start;
use super::hops::Answer;
use super::pace::Pace;
use super::verdict::Try;
use crate::remote::retry;
use comfydock_core::redact::redact;

/// What a server wants that lets only those in whom it knows.
pub(super) const LOGIN: &str = "it wants a login for this file";
/// Kinds of content that no model is served as.
const PAGES: [&str; 5] = ["text/html", "application/json", "text/xml", "application/xml", "application/xhtml+xml"];
/// Tries at a source that has no such file, and at a storage whose address may just have expired.
const MISSING_TRIES: u32 = 2;
const EXPIRED_TRIES: u32 = 3;
/// How long an error may take to say what it is about.
const SAID_WITHIN: Duration = Duration::from_secs(5);

/// A header's text.
pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
}

/// `bytes START-END/TOTAL` or `bytes */TOTAL`: where it starts, and how many bytes there are.
pub(super) fn content_range(text: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (span, total) = text.trim().strip_prefix("bytes")?.trim_start().split_once('/')?;
    let start = match span {
        "*" => None,
        span => Some(span.split_once('-')?.0.parse().ok()?),
    };
    Some((start, total.parse().ok()))
}

/// What an answer that is no success means. A site's own host has words of its own for it; a storage
/// that a source sent us on to only says that its address has ended.
pub(super) async fn judge_refusal(answer: Answer, pace: &Pace) -> Try {
    let Answer { response, own, site, secret, .. } = answer;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let wait = retry::asked(&headers).map(|seconds| Duration::from_secs(seconds.into()));
    let body = body(response, pace.stall.min(SAID_WITHIN)).await;
    let refusal = site.and_then(|site| Some((site, retry::refusal(site, status, &headers, &body)?)));
    // What it refuses without a word of its own is told as of any server.
    let refusal = refusal.filter(|(_, refusal)| !matches!(refusal, Refusal::Odd(_)));
    let with = |reason: &str| {
        let told = match (&refusal, said(&body)) {
            (Some((site, refusal)), _) => format!("{} (HTTP status {status})", refusal.told(*site)),
            (None, Some(said)) => format!("{reason} (HTTP status {status}: {said})"),
            (None, None) => format!("{reason} (HTTP status {status})"),
        };
        redact(&told, secret.as_deref())
    };
    let refused = |reason: &str, verdict| Try::Refused { reason: with(reason), verdict, status: Some(status) };
    let broken =
        |reason: &str, most, verdict| Try::Broken { reason: with(reason), wait, most, verdict, status: Some(status) };
    match status {
        // A signed address lives for hours; the source itself gives a new one.
        400 | 401 | 403 if !own => {
            broken("the storage it leads to does not let us in", Some(EXPIRED_TRIES), Some(Verdict::AuthRequired))
        }
        401 | 403 => refused(LOGIN, Some(Verdict::AuthRequired)),
        // Some sites say so when they only could not look for it.
        404 => broken("it has no such file", Some(MISSING_TRIES), Some(Verdict::Gone)),
        410 => refused("it has the file no more", Some(Verdict::Gone)),
        451 => refused("it does not serve this region", Some(Verdict::RegionBlocked)),
        429 => broken("it has no time for us", None, None),
        408 | 425 | 500..=599 => broken("it failed", None, None),
        _ => refused("it refuses", None),
    }
}

/// The beginning of an answer that an API gives instead of a file, as far as it comes soon.
async fn body(mut response: Response, within: Duration) -> Vec<u8> {
    let mut body = Vec::new();
    if !header(response.headers(), "content-type").is_some_and(|kind| kind.starts_with("application/json")) {
        return body;
    }
    // One time for all of it: a body that drips would keep every source behind it waiting.
    let _ = tokio::time::timeout(within, async {
        while let Ok(Some(bytes)) = response.chunk().await {
            body.extend_from_slice(&bytes);
            if body.len() >= 4096 {
                return;
            }
        }
    })
    .await;
    body
}

/// What it says, if it is short.
fn said(body: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    let text = ["message", "error", "detail"].iter().find_map(|key| value.get(key)?.as_str())?;
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(160).collect();
    (!line.is_empty()).then_some(line)
}

/// What a success's head promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Promise {
    /// The place of its first byte in the file.
    pub(super) start: u64,
    /// The file's bytes, if it says so.
    pub(super) total: Option<u64>,
}

/// Judges the head of a 200 or 206 that answers a question for the bytes from `asked` on.
///
/// # Errors
/// Why it cannot be the file.
pub(super) fn judge_head(response: &Response, asked: Option<u64>, size: Option<u64>) -> Result<Promise, Try> {
    let headers = response.headers();
    let status = response.status().as_u16();
    let kind = header(headers, "content-type").unwrap_or_default().to_ascii_lowercase();
    let refuse = |reason: String, verdict| Err(Try::Refused { reason, verdict, status: Some(status) });
    if PAGES.iter().any(|page| kind.starts_with(page)) {
        return refuse(format!("it answers with a page ({}), not with a model", redact(&kind, None)), None);
    }
    if header(headers, "content-encoding").is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        return refuse("it encodes the file on the way".to_owned(), None);
    }
    let promise = if status == 206 {
        match (header(headers, "content-range").and_then(content_range), asked) {
            (Some((Some(start), total)), Some(asked)) if start == asked => Promise { start, total },
            _ => return refuse("it answers with another range than was asked for".to_owned(), None),
        }
    } else {
        Promise { start: 0, total: response.content_length() }
    };
    match (promise.total, size) {
        (Some(total), Some(size)) if total != size => {
            refuse(format!("its file has {total} bytes, not {size}"), Some(Verdict::Mismatch))
        }
        _ => Ok(promise),
    }
}

/// A short answer that cannot be the file says by its first bytes what it is.
pub(super) async fn what_came_instead(mut response: Response) -> Option<Try> {
    if response.content_length().is_none_or(|length| length > 1024) {
        return None;
    }
    let start = tokio::time::timeout(Duration::from_secs(5), response.chunk()).await.ok()?.ok()??;
    judge_start(&start).map(Try::refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges() {
        for (text, range) in [
            ("bytes 5-9/10", Some((Some(5), Some(10)))),
            ("bytes 5-9/*", Some((Some(5), None))),
            ("bytes */10", Some((None, Some(10)))),
            ("bytes  0-0/1", Some((Some(0), Some(1)))),
            ("items 5-9/10", None),
            ("bytes 5/10", None),
            ("bytes x-9/10", None),
            ("bytes -5-9/10", None),
            ("", None),
        ] {
            assert_eq!(content_range(text), range, "{text}");
        }
    }
}
