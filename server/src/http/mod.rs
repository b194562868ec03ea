//! The hub over HTTP: extract, call one service, answer.

mod api;
mod arrival;
mod caller;
mod error;
pub(crate) mod gate;
mod git;
mod health;
pub(crate) mod listen;
mod pages;
mod peer;
mod trace;

use axum::Router;
use axum::http::header::{ACCEPT, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::{IntoResponse as _, Response};

use self::error::{GitProblem, Problem};
use crate::state::App;

/// Every route of the hub.
pub(crate) fn router(hub: App) -> Router {
    Router::new()
        .merge(health::routes())
        .merge(pages::routes())
        .nest("/api", api::routes())
        .merge(git::routes())
        .fallback(missing)
        .layer(from_fn_with_state(hub.clone(), pages::tell))
        .layer(map_response(no_guessing))
        .layer(from_fn_with_state(hub.clone(), arrival::in_time))
        .layer(from_fn_with_state(hub.clone(), trace::trace))
        .with_state(hub)
}

/// Nothing is here: a page for browsers, which ask for one, and a line for git.
async fn missing(headers: HeaderMap) -> Response {
    let accepts = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    if accepts.into_iter().any(|accepted| accepted.contains("text/html")) {
        return pages::missing();
    }
    GitProblem::from(Problem::not_found()).into_response()
}

/// What an answer is, its Content-Type says; browsers shall not look inside.
async fn no_guessing(mut response: Response) -> Response {
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
