//! Whether what a server answers can be the file that was asked for.

/// Judges status and headers.
///
/// # Errors
/// Why it cannot be the file.
pub(super) fn judge_head(response: &reqwest::Response, begun: u64, size: u64) -> Result<(), String> {
    let status = response.status();
    let header =
        |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_ascii_lowercase);
    match status.as_u16() {
        200 | 206 => {}
        401 | 403 => return Err(format!("it wants a login for this file (HTTP status {status})")),
        other => return Err(format!("HTTP status {other}")),
    }
    let kind = header("content-type").unwrap_or_default();
    if ["text/html", "application/json", "text/xml", "application/xml"].iter().any(|page| kind.starts_with(page)) {
        return Err(format!("it answers with a page ({kind}), not with a model"));
    }
    if header("content-encoding").is_some_and(|encoding| encoding != "identity") {
        return Err("it encodes the file on the way".to_owned());
    }
    let (expected, total) = if status.as_u16() == 206 {
        let range = header("content-range").unwrap_or_default();
        let parsed = range.strip_prefix("bytes ").and_then(|rest| rest.split_once('/')).and_then(|(span, total)| {
            let start = span.split_once('-')?.0.parse::<u64>().ok()?;
            Some((start, total.parse::<u64>().ok()))
        });
        match parsed {
            Some((start, total)) if start == begun => (size, total),
            _ => return Err("it answers with another range than was asked for".to_owned()),
        }
    } else {
        (size, response.content_length())
    };
    match total {
        Some(total) if total != expected => Err(format!("its file has {total} bytes, not {expected}")),
        _ => Ok(()),
    }
}

/// A short answer of the wrong length says by its first bytes what it is.
pub(super) async fn what_came_instead(mut response: reqwest::Response) -> Option<String> {
    if !response.status().is_success() || response.content_length().is_none_or(|length| length > 1024) {
        return None;
    }
    let start = response.chunk().await.ok()??;
    judge_start(&start).map(str::to_owned)
}

/// What pages, error messages and Git LFS pointers begin with; no model does.
pub(super) fn judge_start(start: &[u8]) -> Option<&'static str> {
    let text = start.trim_ascii_start();
    let lower: Vec<u8> = text.iter().take(48).map(u8::to_ascii_lowercase).collect();
    if lower.starts_with(b"<!doctype") || lower.starts_with(b"<html") {
        Some("it sends an HTML page, not a model")
    } else if lower.starts_with(b"version https://git-lfs") {
        Some("it sends a Git LFS pointer, not the model it stands for")
    } else if lower.starts_with(b"{\"err") {
        Some("it sends an error message, not a model")
    } else {
        None
    }
}
