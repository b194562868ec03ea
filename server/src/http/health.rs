//! How the hub is: for load balancers, operators and Prometheus.

use std::sync::atomic::Ordering;

use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use super::error::{ApiProblem, Problem};
use crate::bridge::blocking;
use crate::db::blobs;
use crate::metrics::Now;
use crate::random::fingerprint;
use crate::service::readiness;
use crate::state::App;

/// The version of the text format that Prometheus asks for.
const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(super) fn routes() -> Router<App> {
    Router::new().route("/healthz", get(async || "ok\n")).route("/readyz", get(ready)).route("/metrics", get(metrics))
}

/// Whether requests can be served: a proxy sends none while this says no.
async fn ready(State(hub): State<App>) -> Response {
    if hub.stopping.load(Ordering::Relaxed) {
        let problems = [readiness::Problem { part: "hub", message: "is stopping".to_owned() }];
        return (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "ready": false, "problems": problems })))
            .into_response();
    }
    let problems = match blocking(move || Ok(readiness::problems(&hub))).await {
        Ok(problems) => problems,
        Err(error) => return ApiProblem::from(error).into_response(),
    };
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": problems.is_empty(), "problems": problems }))).into_response()
}

/// The figures, for whoever knows `metrics.token`. They are off until it is set.
async fn metrics(State(hub): State<App>, headers: HeaderMap) -> Result<Response, ApiProblem> {
    let wanted = hub.configuration.metrics.token.as_ref().ok_or_else(Problem::not_found)?;
    let shown = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    // Hashes are compared, so that the time taken tells nothing about the token.
    if shown.is_none_or(|shown| fingerprint(shown) != fingerprint(wanted.reveal())) {
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "token_unknown", "this is not the token for metrics").into());
    }
    let asked = hub.clone();
    let models = blocking(move || Ok(asked.database.read(blobs::of_all)?)).await?;
    let (fetch, push) = (&hub.gates.fetch, &hub.gates.push);
    let now = Now {
        git: [
            ("git-upload-pack", fetch.running(), fetch.waiting()),
            ("git-receive-pack", push.running(), push.waiting()),
        ],
        models,
    };
    let failed = |_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the figures cannot be written");
    Ok(([(CONTENT_TYPE, TEXT)], hub.metrics.text(&now).map_err(failed)?).into_response())
}
