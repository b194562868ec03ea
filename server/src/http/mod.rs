//! The hub over HTTP: extract, call one service, answer.

mod api;
mod caller;
mod error;
pub(crate) mod git;
mod health;
pub(crate) mod listen;
mod pages;
mod peer;
mod trace;

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::X_CONTENT_TYPE_OPTIONS;
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::Response;

use crate::state::App;

/// Every route of the hub.
pub(crate) fn router(hub: App) -> Router {
    Router::new()
        .merge(health::routes())
        .merge(pages::routes())
        .nest("/api", api::routes())
        .merge(git::routes())
        .layer(map_response(no_guessing))
        .layer(from_fn_with_state(hub.clone(), trace::trace))
        .with_state(hub)
}

/// What an answer is, its Content-Type says; browsers shall not look inside.
async fn no_guessing(mut response: Response) -> Response {
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
