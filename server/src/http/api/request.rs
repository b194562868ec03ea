//! What a request of the API carries, and the one way from there to a service.

use axum::body::Body;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::bridge::blocking;
use crate::http::arrival::is_stalled;
use crate::http::caller::{Sender, authenticate};
use crate::http::error::{ApiProblem, Problem};
use crate::service::Error;
use crate::service::visitor::Visitor;
use crate::state::{App, Hub};

/// Bytes of a body at most: a look-up of a thousand keys needs half of it. Many bodies are in memory at
/// once, and who sends them need not have signed in.
const BODY_LIMIT: usize = 256 * 1024;

/// Finds out who asks and has a service answer.
pub(super) async fn ask<T, F>(hub: App, sender: &Sender, work: F) -> Result<T, ApiProblem>
where
    T: Send + 'static,
    F: FnOnce(&Hub, &Visitor) -> Result<T, Error> + Send + 'static,
{
    let visitor = authenticate(&hub, sender).await?;
    Ok(blocking(move || work(&hub, &visitor)).await?)
}

/// The same with a body, which is read only once the sender's token is known to be good.
pub(super) async fn ask_with<B, T, F>(hub: App, sender: &Sender, body: Body, work: F) -> Result<T, ApiProblem>
where
    B: DeserializeOwned + Send + 'static,
    T: Send + 'static,
    F: FnOnce(&Hub, &Visitor, B) -> Result<T, Error> + Send + 'static,
{
    let visitor = authenticate(&hub, sender).await?;
    let bytes = axum::body::to_bytes(body, BODY_LIMIT).await.map_err(|error| {
        if is_stalled(&error) {
            return Problem::new(StatusCode::REQUEST_TIMEOUT, "stalled", "the body did not arrive");
        }
        let message = format!("the body has more than {BODY_LIMIT} bytes, or did not arrive");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
    })?;
    let body = serde_json::from_slice(&bytes).map_err(|error| {
        Problem::new(StatusCode::BAD_REQUEST, "not_understood", format!("the body is not what it should be: {error}"))
    })?;
    Ok(blocking(move || work(&hub, &visitor, body)).await?)
}

/// The variable parts of the address.
pub(super) struct Named<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Named<T> {
    type Rejection = ApiProblem;

    async fn from_request_parts(parts: &mut Parts, hub: &App) -> Result<Self, ApiProblem> {
        let found = Path::<T>::from_request_parts(parts, hub).await;
        found.map(|Path(value)| Self(value)).map_err(|_| Problem::not_found().into())
    }
}

/// What stands behind the question mark.
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Asked<T> {
    type Rejection = ApiProblem;

    async fn from_request_parts(parts: &mut Parts, hub: &App) -> Result<Self, ApiProblem> {
        let found = Query::<T>::from_request_parts(parts, hub).await;
        found
            .map(|Query(value)| Self(value))
            .map_err(|rejection| Problem::new(StatusCode::BAD_REQUEST, "not_understood", rejection.body_text()).into())
    }
}
