//! Whether the process is there.

use axum::Router;
use axum::routing::get;

use crate::state::App;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/healthz", get(async || "ok\n"))
}
