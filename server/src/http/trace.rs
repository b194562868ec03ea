//! Every request has an id, in its answer and in each line that is logged about it.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument as _;

use crate::random;
use crate::state::App;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Letters of an id that a proxy may bring along.
const ID_LIMIT: usize = 64;

/// Names, times and counts a request.
pub(super) async fn trace(State(hub): State<App>, request: Request, next: Next) -> Response {
    let id = brought(&request).or_else(|| random::secret::<8>().ok()).unwrap_or_default();
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let (method, path) = (known(request.method()), request.uri().path().to_owned());
    let span = tracing::info_span!("request", id, user = tracing::field::Empty);
    let started = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let (took, status) = (started.elapsed(), response.status().as_u16());
    hub.metrics.answered(&route, method, status, took);
    let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    span.in_scope(|| tracing::info!(method, path, status, milliseconds, "answered"));
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// The method, if it is one that anything here takes. Others are the client's to make up, and each would
/// be one more figure for ever.
fn known(method: &Method) -> &'static str {
    let all = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    all.into_iter().find(|known| method.as_str() == *known).unwrap_or("other")
}

/// The id that a proxy gave the request, if it is one that can stand in a log.
fn brought(request: &Request) -> Option<String> {
    let id = request.headers().get(REQUEST_ID)?.to_str().ok()?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (!id.is_empty() && id.len() <= ID_LIMIT && id.bytes().all(is_plain)).then(|| id.to_owned())
}
