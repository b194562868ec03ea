//! Signing in and out.

use axum::Form;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::html;
use serde::Deserialize;

use super::cookies::{self, FORM, SESSION};
use super::layout::{PageProblem, page};
use super::{Form as Checked, signed_in};
use crate::bridge::blocking;
use crate::http::caller::{Sender, refusable};
use crate::service::session;
use crate::service::token::Refusal;
use crate::state::App;

/// Seconds in which a login form that was shown can be sent.
const FORM_LIFETIME: i64 = 60 * 60;

#[derive(Deserialize)]
pub(super) struct SignIn {
    #[serde(default)]
    token: String,
    #[serde(default)]
    csrf: String,
}

pub(super) async fn show(sender: Sender) -> Result<Response, PageProblem> {
    form(&sender, StatusCode::OK, None)
}

fn form(sender: &Sender, status: StatusCode, complaint: Option<&str>) -> Result<Response, PageProblem> {
    let word = session::fresh_word()?;
    let content = html! {
        h1 { "Sign in" }
        form.login method="post" action="/login" {
            @if let Some(complaint) = complaint { p.bad role="alert" { (complaint) } }
            label for="token" { "Paste a token of this hub" }
            input type="password" id="token" name="token" autocomplete="off" required;
            input type="hidden" name="csrf" value=(word);
            p.facts { "Whoever runs this hub makes the first one for you, further ones you make yourself." }
            button type="submit" { "Sign in" }
        }
    };
    let cookie = cookies::set(sender.peer, FORM, &word, FORM_LIFETIME);
    Ok(([(SET_COOKIE, cookie)], page(status, "Sign in · ComfyDock hub", None, &content)).into_response())
}

pub(super) async fn submit(
    State(hub): State<App>,
    sender: Sender,
    headers: HeaderMap,
    Form(sign_in): Form<SignIn>,
) -> Result<Response, PageProblem> {
    let word = cookies::find(&headers, FORM).filter(|word| !word.is_empty());
    if word.as_deref() != Some(sign_in.csrf.as_str()) {
        return form(&sender, StatusCode::FORBIDDEN, Some("The form was too old. Please try again."));
    }
    let address = sender.peer.address;
    let opened = refusable(move || session::open(&hub.database, &hub.logins, address, sign_in.token.trim())).await;
    match opened {
        Ok(cookie) => {
            let cookie = cookies::set(sender.peer, SESSION, &cookie, session::LIFETIME);
            Ok(([(SET_COOKIE, cookie)], Redirect::to("/")).into_response())
        }
        Err(Refusal::Rejected(rejection)) => {
            form(&sender, StatusCode::UNAUTHORIZED, Some(&format!("Not signed in: {rejection}.")))
        }
        Err(refusal) => Err(refusal.into()),
    }
}

#[derive(Deserialize)]
pub(super) struct SignOut {}

pub(super) async fn leave(
    State(hub): State<App>,
    sender: Sender,
    headers: HeaderMap,
    Form(form): Form<Checked<SignOut>>,
) -> Result<Response, PageProblem> {
    if signed_in(&hub, &headers, form).await?.is_ok()
        && let Some(cookie) = cookies::find(&headers, SESSION)
    {
        blocking(move || session::close(&hub.database, &cookie)).await?;
    }
    Ok(([(SET_COOKIE, cookies::set(sender.peer, SESSION, "", 0))], Redirect::to("/")).into_response())
}
