//! The JSON API, `/api/v1`.

mod account;
mod catalog;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};

use super::error::{ApiProblem, Problem};
use crate::state::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/v1/whoami", get(account::whoami))
        .route("/v1/environments", get(catalog::environments))
        .route("/v1/models/lookup", post(catalog::look_up))
        .route("/v1/models/{key}", get(catalog::model))
        .fallback(async || ApiProblem::from(Problem::not_found()))
        .method_not_allowed_fallback(async || {
            let message = "this address takes another method";
            ApiProblem::from(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message))
        })
}
