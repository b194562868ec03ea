//! Pages for people: written by the server, readable without scripts.

mod account;
mod cookies;
mod front;
mod layout;
mod login;
mod settings;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use comfydock_core::wire::Right;

use serde::Deserialize;

use self::cookies::SESSION;
use self::layout::PageProblem;
pub(super) use self::layout::tell;
use super::caller::refusable;
use super::error::Problem;
use crate::service::Error;
use crate::service::session::{self, Browser};
use crate::service::token::Refusal;
use crate::state::App;

/// Bytes of a form at most: the longest has four short fields.
const FORM_LIMIT: usize = 16 * 1024;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(front::show))
        .route("/login", get(login::show).post(login::submit))
        .route("/logout", post(login::leave))
        .route("/account", get(account::show))
        .route("/account/tokens", post(account::create_token))
        .route("/account/tokens/{id}/revoke", post(account::revoke_token))
        .route("/{owner}/{name}/settings", get(settings::show).post(settings::submit))
        .layer(DefaultBodyLimit::max(FORM_LIMIT))
        .route("/static/style.css", get(layout::style))
}

/// What a browser sees where nothing is.
pub(super) fn missing() -> Response {
    PageProblem::from(Problem::not_found()).into_response()
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

/// A form of a signed-in browser.
#[derive(Deserialize)]
struct Form<T> {
    #[serde(default)]
    csrf: String,
    #[serde(flatten)]
    fields: T,
}

/// Who sends the form, and what it says; or the way to the login for whoever is not signed in.
async fn signed_in<T>(
    hub: &App,
    headers: &HeaderMap,
    form: Form<T>,
) -> Result<Result<(Browser, T), Response>, PageProblem> {
    let Some(browser) = browser(hub, headers).await? else {
        return Ok(Err(Redirect::to("/login").into_response()));
    };
    if browser.csrf != form.csrf {
        let message = "The form was too old. Please go back, load the page again and try once more.";
        return Err(Problem::new(StatusCode::FORBIDDEN, "csrf", message).into());
    }
    Ok(Ok((browser, form.fields)))
}

/// What somebody may do, in words.
fn verbs(right: Right) -> &'static str {
    match right {
        Right::Pull => "pull",
        Right::Push => "pull and push",
        Right::Administer => "pull, push and change settings",
    }
}
