//! What all pages share.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use crate::http::error::Problem;
use crate::service::session::Browser;
use crate::state::App;

const STYLE: &str = include_str!("style.css");
/// Nothing but our own stylesheet, and forms only to ourselves.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The stylesheet.
pub(super) async fn style() -> Response {
    let headers = [(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "max-age=3600")];
    (headers, STYLE).into_response()
}

/// A whole page.
pub(super) fn page(status: StatusCode, title: &str, browser: Option<&Browser>, content: &Markup) -> Response {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="stylesheet" href="/static/style.css";
            }
            body {
                header {
                    a.home href="/" { "ComfyDock hub" }
                    @if let Some(browser) = browser { (account(browser)) } @else { a href="/login" { "Sign in" } }
                }
                main { (content) }
            }
        }
    };
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        // What one visitor sees is not for the next.
        (CACHE_CONTROL, "no-store"),
    ];
    (status, headers, document.into_string()).into_response()
}

fn account(browser: &Browser) -> Markup {
    html! {
        form.account method="post" action="/logout" {
            a href="/account" { (browser.caller.user) }
            span.badge {
                @if browser.caller.is_admin { "admin of the hub, " }
                "scope " (browser.caller.scope)
            }
            input type="hidden" name="csrf" value=(browser.csrf);
            button type="submit" { "Sign out" }
        }
    }
}

/// A problem as a page tells it. Who looks at the page is known only to [`tell`], which writes it.
pub(super) struct PageProblem(Problem);

impl<T: Into<Problem>> From<T> for PageProblem {
    fn from(problem: T) -> Self {
        Self(problem.into())
    }
}

impl IntoResponse for PageProblem {
    fn into_response(self) -> Response {
        let mut response = self.0.status().into_response();
        response.extensions_mut().insert(Arc::new(self.0));
        response
    }
}

/// A clause, as messages are, as a sentence.
fn sentence(clause: &str) -> String {
    let mut characters = clause.chars();
    let first: String = characters.next().into_iter().flat_map(char::to_uppercase).collect();
    let end = if clause.ends_with(['.', '?', '`']) { "" } else { "." };
    format!("{first}{}{end}", characters.as_str())
}

/// Writes the pages about problems, for whoever is signed in.
pub(in crate::http) async fn tell(State(hub): State<App>, request: Request, next: Next) -> Response {
    let headers = request.headers().clone();
    let mut response = next.run(request).await;
    let Some(problem) = response.extensions_mut().remove::<Arc<Problem>>() else { return response };
    // A session that cannot be looked up now is no second problem to tell of.
    let browser = super::browser(&hub, &headers).await.unwrap_or_default();
    let content = html! {
        h1 { "That did not work" }
        p { (sentence(problem.message())) }
        @if let Some(hint) = problem.hint() { p.facts { (sentence(hint)) } }
    };
    problem.finish(page(problem.status(), "ComfyDock hub", browser.as_ref(), &content))
}
