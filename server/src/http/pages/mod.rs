//! Pages for people: written by the server, readable without scripts.

mod cookies;
mod front;
mod layout;
mod login;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::get;
use comfydock_core::wire::Right;

use self::cookies::SESSION;
use super::caller::refusable;
use crate::service::Error;
use crate::service::session::{self, Browser};
use crate::service::token::Refusal;
use crate::state::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(front::show))
        .route("/login", get(login::show).post(login::submit))
        .route("/logout", axum::routing::post(login::leave))
        .route("/static/style.css", get(layout::style))
}

/// The signed-in browser that looks at a page; none when there is no good session.
async fn browser(hub: &App, headers: &HeaderMap) -> Result<Option<Browser>, Error> {
    let Some(cookie) = cookies::find(headers, SESSION) else { return Ok(None) };
    let hub = hub.clone();
    match refusable(move || session::resume(&hub.database, &cookie)).await {
        Ok(browser) => Ok(Some(browser)),
        Err(Refusal::Failed(error)) => Err(error),
        Err(_) => Ok(None),
    }
}

/// What somebody may do, in words.
fn words(right: Right) -> &'static str {
    match right {
        Right::Pull => "pull it",
        Right::Push => "pull it and push to it",
        Right::Administer => "pull it, push to it and change its settings",
    }
}
