//! What owners decide about an environment.

use axum::Form;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use comfydock_core::name::RepoPath;
use comfydock_core::wire::{EnvironmentChange, EnvironmentSummary, Visibility};
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{PageProblem, page};
use super::{Form as Checked, signed_in};
use crate::bridge::blocking;
use crate::http::error::Problem;
use crate::service::session::Browser;
use crate::service::visitor::Visitor;
use crate::service::{Error, settings};
use crate::state::App;
use crate::words::model_files;

type Place = Path<(String, String)>;

fn read(place: &(String, String)) -> Result<RepoPath, Problem> {
    RepoPath::parse(&format!("{}/{}", place.0, place.1)).map_err(|_| Problem::not_found())
}

fn address(found: &EnvironmentSummary) -> String {
    format!("/{}/{}/settings", found.owner, found.name)
}

pub(super) async fn show(
    State(hub): State<App>,
    Path(place): Place,
    headers: HeaderMap,
) -> Result<Response, PageProblem> {
    let Some(browser) = super::browser(&hub, &headers).await? else {
        return Ok(Redirect::to("/login").into_response());
    };
    let (path, visitor) = (read(&place)?, Visitor::Caller(browser.caller.clone()));
    let found = blocking(move || settings::owned(&hub.database, &visitor, &path)).await?;
    let title = format!("{}/{} · ComfyDock hub", found.owner, found.name);
    Ok(page(StatusCode::OK, &title, Some(&browser), &content(&browser, &found)))
}

fn content(browser: &Browser, found: &EnvironmentSummary) -> Markup {
    let form = |action: &str, fields: Markup, button: &str| {
        html! {
            form.fields method="post" action=(address(found)) {
                input type="hidden" name="csrf" value=(browser.csrf);
                input type="hidden" name="action" value=(action);
                (fields)
                button type="submit" { (button) }
            }
        }
    };
    let other = match found.visibility {
        Visibility::Private => Visibility::Public,
        Visibility::Public => Visibility::Private,
    };
    html! {
        h1 { (found.owner) "/" (found.name) " " span.badge { (found.visibility) } }
        @if let Some(deleted) = &found.deleted {
            p { "Deleted by " (deleted.by) " at " (deleted.at) ". It can be restored until " (deleted.until) "." }
            (form("restore", html! {}, "Restore it"))
        } @else {
            h2 { "Who may see it" }
            p.facts {
                @match found.visibility {
                    Visibility::Private => { "Now: its owner, or the members of the team that owns it." }
                    Visibility::Public => { "Now: everybody who reaches this hub." }
                }
            }
            @if let (Visibility::Public, Some(kept)) = (other, found.kept.filter(|kept| kept.files > 0)) {
                p { "Whoever sees it may read " (model_files(kept)) " that this hub keeps for it, also those that only earlier commits or other branches name." }
            }
            (form("visibility", html! { input type="hidden" name="value" value=(other); }, &format!("Make it {other}")))
            h2 { "Name" }
            (form("rename", html! {
                label for="value" { "The old name leads to the new one for a time." }
                input id="value" name="value" value=(found.name) maxlength="64" autocomplete="off" required;
            }, "Rename it"))
            h2 { "Delete" }
            (form("delete", html! {
                label for="sure" { "It is gone for everybody at once, and can be restored for a time. Type its name to delete it." }
                input id="sure" name="value" autocomplete="off" required;
            }, "Delete it"))
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Wish {
    #[serde(default)]
    action: String,
    #[serde(default)]
    value: String,
}

pub(super) async fn submit(
    State(hub): State<App>,
    Path(place): Place,
    headers: HeaderMap,
    Form(form): Form<Checked<Wish>>,
) -> Result<Response, PageProblem> {
    let (browser, wish) = match signed_in(&hub, &headers, form).await? {
        Ok(found) => found,
        Err(away) => return Ok(away),
    };
    let (path, visitor) = (read(&place)?, Visitor::Caller(browser.caller));
    let changed = blocking(move || {
        let (database, grace) = (&hub.database, hub.configuration.environments.seconds_of_grace());
        match wish.action.as_str() {
            "rename" => {
                let change = EnvironmentChange { name: Some(wish.value.trim().to_owned()), visibility: None };
                settings::change(database, &visitor, &path, &change, grace)
            }
            "visibility" => {
                let visibility = Visibility::find(&wish.value)
                    .ok_or_else(|| Error::invalid("an environment is private or public"))?;
                let change = EnvironmentChange { name: None, visibility: Some(visibility) };
                settings::change(database, &visitor, &path, &change, grace)
            }
            "delete" => {
                let found = settings::owned(database, &visitor, &path)?;
                if !wish.value.trim().eq_ignore_ascii_case(&found.name) {
                    return Err(Error::invalid(format!("to delete it, type its name: {}", found.name)));
                }
                settings::delete(database, &visitor, &path, grace)
            }
            "restore" => settings::restore(database, &visitor, &path),
            _ => Err(Error::invalid("this is nothing that can be done here")),
        }
    });
    Ok(Redirect::to(&address(&changed.await?)).into_response())
}
