//! The front page: the environments one may see, each with the command that fetches it.

use axum::extract::State;
use axum::http::header::HOST;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use comfydock_core::wire::{EnvironmentSummary, Right};
use maud::{Markup, html};

use super::browser;
use super::layout::{PageProblem, page};
use crate::bridge::blocking;
use crate::http::caller::Sender;
use crate::http::peer::Peer;
use crate::service::visitor::Visitor;
use crate::service::{Error, catalog};
use crate::state::App;
use crate::words::count;

pub(super) async fn show(State(hub): State<App>, sender: Sender, headers: HeaderMap) -> Result<Response, PageProblem> {
    let browser = browser(&hub, &headers).await?;
    let visitor = match &browser {
        Some(browser) => Visitor::Caller(browser.caller.clone()),
        None => Visitor::Anonymous { sees_public: hub.configuration.access.anonymous },
    };
    let environments = match blocking(move || catalog::environments(&hub.database, &visitor)).await {
        Ok(list) => list.environments,
        Err(Error::SignIn) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let base = base_url(sender.peer, &headers);
    let content = html! {
        h1 { "Environments" }
        @match &browser {
            None => p { a href="/login" { "Sign in" } " to see the environments of your teams." },
            Some(browser) if environments.is_empty() => {
                p { "There is nothing here yet. In an environment, push one:" }
                code.command { "comfydock push " (base) "/" (browser.caller.user) "/NAME" }
            }
            Some(_) => {}
        }
        ul.environments { @for environment in &environments { (item(environment, &base)) } }
    };
    Ok(page(StatusCode::OK, "Environments · ComfyDock hub", browser.as_ref(), &content))
}

fn item(environment: &EnvironmentSummary, base: &str) -> Markup {
    let path = format!("{}/{}", environment.owner, environment.name);
    html! {
        li {
            h2 { (path) " " span.badge { (environment.visibility) } }
            p.facts {
                (count(environment.workflows, "workflow")) " · " (count(environment.nodes, "node pack")) " · "
                (count(environment.models, "model")) " · ComfyUI " (environment.comfyui_version)
            }
            p.facts {
                "Last push " time datetime=(environment.pushed_at) { (environment.pushed_at) } " by "
                (environment.pushed_by)
            }
            @if let Some(right) = environment.may {
                p.facts {
                    "You may " (super::verbs(right)) "."
                    @if right == Right::Administer { " " a href=(format!("/{path}/settings")) { "Settings" } }
                }
            }
            code.command { "comfydock clone " (base) "/" (path) }
        }
    }
}

/// This hub's address as the visitor's browser knows it.
fn base_url(peer: Peer, headers: &HeaderMap) -> String {
    let host = headers.get(HOST).and_then(|value| value.to_str().ok()).unwrap_or("localhost");
    format!("{}://{host}", if peer.is_encrypted { "https" } else { "http" })
}
