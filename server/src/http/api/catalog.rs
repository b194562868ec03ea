//! Environments and models.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use comfydock_core::wire::{EnvironmentList, Found, LookupAnswer, LookupRequest};

use crate::bridge::blocking;
use crate::http::caller::authenticate;
use crate::http::error::{ApiProblem, Problem};
use crate::service::catalog;
use crate::state::App;

/// Bytes of a look-up at most: a thousand keys need a tenth of it.
const LOOKUP_BODY_LIMIT: usize = 1024 * 1024;

pub(super) async fn environments(
    State(hub): State<App>,
    headers: HeaderMap,
) -> Result<Json<EnvironmentList>, ApiProblem> {
    let caller = authenticate(&hub, &headers).await?;
    Ok(Json(blocking(move || catalog::environments(&hub.database, &caller)).await?))
}

pub(super) async fn model(
    State(hub): State<App>,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Found>, ApiProblem> {
    let caller = authenticate(&hub, &headers).await?;
    Ok(Json(blocking(move || catalog::find_model(&hub.database, &caller, &key)).await?))
}

pub(super) async fn look_up(
    State(hub): State<App>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<LookupAnswer>, ApiProblem> {
    let caller = authenticate(&hub, &headers).await?;
    let bytes = axum::body::to_bytes(body, LOOKUP_BODY_LIMIT).await.map_err(|_| {
        let message = format!("the body has more than {LOOKUP_BODY_LIMIT} bytes, or did not arrive");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
    })?;
    let request: LookupRequest = serde_json::from_slice(&bytes).map_err(|error| {
        Problem::new(StatusCode::BAD_REQUEST, "not_understood", format!("the body is not a look-up: {error}"))
    })?;
    Ok(Json(blocking(move || catalog::look_up(&hub.database, &caller, &request)).await?))
}
