//! One's own page: teams, tokens, and what can be restored.

use axum::Form;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use comfydock_core::pattern::EnvironmentPattern;
use comfydock_core::wire::{EnvironmentSummary, Scope, Token, Whoami};
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{PageProblem, page};
use super::{Form as Checked, signed_in};
use crate::bridge::blocking;
use crate::clock;
use crate::http::error::Problem;
use crate::service::session::Browser;
use crate::service::visitor::Visitor;
use crate::service::{Error, accounts, settings, tokens};
use crate::state::App;

/// What the page tells.
struct Facts {
    who: Whoami,
    tokens: Vec<Token>,
    deleted: Vec<EnvironmentSummary>,
}

async fn facts(hub: &App, browser: &Browser) -> Result<Facts, Error> {
    let (hub, caller) = (hub.clone(), browser.caller.clone());
    blocking(move || {
        let who = accounts::describe(&hub.database, &caller)?;
        let visitor = Visitor::Caller(caller);
        let tokens = tokens::list(&hub.database, &visitor, None)?.tokens;
        Ok(Facts { who, tokens, deleted: settings::deleted(&hub.database, &visitor)?.environments })
    })
    .await
}

pub(super) async fn show(State(hub): State<App>, headers: HeaderMap) -> Result<Response, PageProblem> {
    let Some(browser) = super::browser(&hub, &headers).await? else {
        return Ok(Redirect::to("/login").into_response());
    };
    let facts = facts(&hub, &browser).await?;
    Ok(page(StatusCode::OK, "Account · ComfyDock hub", Some(&browser), &content(&browser, &facts, None)))
}

fn content(browser: &Browser, facts: &Facts, fresh: Option<&str>) -> Markup {
    let who = &facts.who;
    html! {
        h1 { (who.user) }
        @if who.admin { p.facts { "Admin of the hub" } }
        p.facts {
            "You signed in with a token of the scope " (who.scope)
            @if let Some(pattern) = &who.environments { ", for " (pattern) " only" }
            @if let Some(end) = &who.expires_at { ", until " time { (end) } }
            "."
        }
        h2 { "Teams" }
        @if who.teams.is_empty() { p { "In no team yet; an admin of a team can take you in." } } @else {
            table {
                thead { tr { th { "Team" } th { "Role" } th { "With its environments you may" } } }
                tbody { @for member in &who.teams {
                    tr {
                        td { (member.team) }
                        td { (member.role) }
                        td { @if let Some(right) = member.may { (super::verbs(right)) } }
                    }
                } }
            }
        }
        h2 id="tokens" { "Tokens" }
        @if let Some(fresh) = fresh {
            p role="status" { "Your new token. It is shown this once:" }
            code.command { (fresh) }
        }
        table {
            thead { tr { th { "For" } th { "Scope" } th { "Environments" } th { "Ends" } th { "Last used" } th { "" } } }
            tbody { @for token in &facts.tokens { (row(browser, token)) } }
        }
        @if who.scope == Scope::Admin { (new_token(browser, who)) } @else {
            p.facts { "To make tokens, sign in with one of the scope admin." }
        }
        @if !facts.deleted.is_empty() {
            h2 { "Deleted environments" }
            ul { @for found in &facts.deleted {
                @let path = format!("{}/{}", found.owner, found.name);
                li {
                    a href=(format!("/{path}/settings")) { (path) }
                    @if let Some(deleted) = &found.deleted { " can be restored until " (deleted.until) }
                }
            } }
        }
    }
}

fn row(browser: &Browser, token: &Token) -> Markup {
    let is_over = token.revoked_at.is_some();
    html! {
        tr.over[is_over] {
            td { (token.name) " #" (token.id) @if token.current { " (this one)" } }
            td { (token.scope) }
            td { @match &token.environments { Some(pattern) => (pattern), None => "all" } }
            td {
                @match (&token.revoked_at, &token.expires_at) {
                    (Some(at), _) => { "revoked " (at) }
                    (None, Some(at)) => (at),
                    (None, None) => "never",
                }
            }
            td { (token.last_used_at.as_deref().unwrap_or("never")) }
            td.act {
                @if !is_over {
                    form method="post" action=(format!("/account/tokens/{}/revoke", token.id)) {
                        input type="hidden" name="csrf" value=(browser.csrf);
                        button type="submit" { "Revoke" }
                    }
                }
            }
        }
    }
}

fn new_token(browser: &Browser, who: &Whoami) -> Markup {
    let bound = who.environments.as_ref().map(ToString::to_string).unwrap_or_default();
    html! {
        h3 { "New token" }
        form.fields method="post" action="/account/tokens" {
            input type="hidden" name="csrf" value=(browser.csrf);
            label for="name" { "What it is for" }
            input id="name" name="name" maxlength="100" autocomplete="off";
            label for="scope" { "Scope" }
            select id="scope" name="scope" {
                option value="read" { "read: clone and pull" }
                option value="push" selected { "push: push as well" }
                option value="admin" { "admin: everything you may do" }
            }
            label for="environments" { "Only these environments, such as team/* (empty: all)" }
            input id="environments" name="environments" value=(bound) autocomplete="off";
            label for="expires" { "Ends after days, or at a date (empty: never)" }
            input id="expires" name="expires" value="90" autocomplete="off";
            button type="submit" { "Make the token" }
        }
    }
}

#[derive(Deserialize)]
pub(super) struct NewToken {
    #[serde(default)]
    name: String,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    environments: String,
    #[serde(default)]
    expires: String,
}

pub(super) async fn create_token(
    State(hub): State<App>,
    headers: HeaderMap,
    Form(form): Form<Checked<NewToken>>,
) -> Result<Response, PageProblem> {
    let (browser, new) = match signed_in(&hub, &headers, form).await? {
        Ok(found) => found,
        Err(away) => return Ok(away),
    };
    let (making, caller) = (hub.clone(), browser.caller.clone());
    let made = blocking(move || {
        let written = |text: &str| Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned);
        let scope = Scope::find(&new.scope).ok_or_else(|| Error::invalid("the scope must be read, push or admin"))?;
        let environments = written(&new.environments).map(|text| EnvironmentPattern::parse(&text)).transpose();
        let environments = environments.map_err(|error| Error::invalid(error.to_string()))?;
        let end = written(&new.expires).map(|text| clock::parse_end(&text)).transpose();
        let new = tokens::NewToken {
            user: &caller.user,
            label: new.name.trim(),
            scope,
            environments: environments.as_ref(),
            expires_at: end.map_err(Error::invalid)?,
        };
        tokens::create(&making.database, &Visitor::Caller(caller.clone()), &new)
    })
    .await?;
    let facts = facts(&hub, &browser).await?;
    let content = content(&browser, &facts, Some(&made.token));
    Ok(page(StatusCode::CREATED, "Account · ComfyDock hub", Some(&browser), &content))
}

#[derive(Deserialize)]
pub(super) struct Nothing {}

pub(super) async fn revoke_token(
    State(hub): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Form(form): Form<Checked<Nothing>>,
) -> Result<Response, PageProblem> {
    let (browser, Nothing {}) = match signed_in(&hub, &headers, form).await? {
        Ok(found) => found,
        Err(away) => return Ok(away),
    };
    let id: i64 = id.parse().map_err(|_| Problem::not_found())?;
    blocking(move || tokens::revoke(&hub.database, &Visitor::Caller(browser.caller), id)).await?;
    Ok(Redirect::to("/account#tokens").into_response())
}
