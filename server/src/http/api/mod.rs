//! The JSON API, `/api/v1`.

mod account;
mod blobs;
mod catalog;
mod endpoint;
mod environments;
mod openapi;
mod people;
mod range;
mod request;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;

use super::error::{ApiProblem, Problem};
use crate::state::App;

pub(super) fn routes() -> Router<App> {
    let document = Router::new().route("/openapi.json", get(openapi::show));
    endpoint::endpoints()
        .into_iter()
        .fold(document, |router, endpoint| router.route(endpoint.path, endpoint.handler))
        .fallback(async || ApiProblem::from(Problem::not_found()))
        .method_not_allowed_fallback(async || {
            let message = "this address takes another method";
            ApiProblem::from(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message))
        })
}
