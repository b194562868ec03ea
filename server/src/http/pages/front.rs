//! The front page: the environments one may see, each with the command that fetches it.

use axum::extract::State;
use axum::http::header::HOST;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use comfydock_core::wire::EnvironmentSummary;
use maud::{Markup, html};

use super::layout::{PageProblem, page};
use super::visitor;
use crate::bridge::blocking;
use crate::service::catalog;
use crate::state::App;

pub(super) async fn show(State(hub): State<App>, headers: HeaderMap) -> Result<Response, PageProblem> {
    let Some(visitor) = visitor(&hub, &headers).await? else {
        let content = html! {
            h1 { "Environments" }
            p { a href="/login" { "Sign in" } " to see the environments of your teams." }
        };
        return Ok(page(StatusCode::OK, "ComfyDock hub", None, &content));
    };
    let caller = visitor.caller.clone();
    let list = blocking(move || catalog::environments(&hub.database, &caller)).await?;
    let base = base_url(&headers);
    let content = html! {
        h1 { "Environments" }
        @if list.environments.is_empty() {
            p { "There is nothing here yet. In an environment, push one:" }
            code.command { "comfydock push " (base) "/" (visitor.caller.user) "/NAME" }
        } @else {
            ul.environments { @for environment in &list.environments { (item(environment, &base)) } }
        }
    };
    Ok(page(StatusCode::OK, "Environments · ComfyDock hub", Some(&visitor), &content))
}

fn item(environment: &EnvironmentSummary, base: &str) -> Markup {
    let path = format!("{}/{}", environment.owner, environment.name);
    html! {
        li {
            h2 { (path) }
            p.facts {
                (count(environment.workflows, "workflow")) " · " (count(environment.nodes, "node pack")) " · "
                (count(environment.models, "model")) " · ComfyUI " (environment.comfyui_version)
            }
            p.facts {
                "Last push " time datetime=(environment.pushed_at) { (environment.pushed_at) } " by "
                (environment.pushed_by)
            }
            code.command { "comfydock clone " (base) "/" (path) }
        }
    }
}

fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// This hub's address as the visitor's browser knows it.
fn base_url(headers: &HeaderMap) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let scheme = text("x-forwarded-proto").filter(|scheme| *scheme == "https").unwrap_or("http");
    format!("{scheme}://{}", text(HOST.as_str()).unwrap_or("localhost"))
}
