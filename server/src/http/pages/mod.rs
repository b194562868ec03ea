//! Pages for people: written by the server, readable without scripts.

mod cookies;
mod front;
mod layout;
mod login;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::get;

use self::cookies::SESSION;
use crate::bridge::blocking;
use crate::service::Error;
use crate::service::session::{self, Visitor};
use crate::service::token::Refusal;
use crate::state::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(front::show))
        .route("/login", get(login::show).post(login::submit))
        .route("/logout", axum::routing::post(login::leave))
        .route("/static/style.css", get(layout::style))
}

/// Who looks at a page; nobody when there is no good session.
async fn visitor(hub: &App, headers: &HeaderMap) -> Result<Option<Visitor>, Error> {
    let Some(cookie) = cookies::find(headers, SESSION) else { return Ok(None) };
    let hub = hub.clone();
    blocking(move || match session::resume(&hub.database, &cookie) {
        Ok(visitor) => Ok(Some(visitor)),
        Err(Refusal::Rejected(_)) => Ok(None),
        Err(Refusal::Failed(error)) => Err(error),
    })
    .await
}
