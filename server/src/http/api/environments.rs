//! Environments and their settings.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use comfydock_core::name::RepoPath;
use comfydock_core::wire::{EnvironmentChange, EnvironmentList, EnvironmentSummary};
use serde::Deserialize;

use super::request::{Asked, Named, ask, ask_with};
use crate::http::caller::Sender;
use crate::http::error::ApiProblem;
use crate::service::visitor::Visitor;
use crate::service::{Error, catalog, settings};
use crate::state::App;

type Place = Named<(String, String)>;
type Answer = Result<Json<EnvironmentSummary>, ApiProblem>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    #[serde(default)]
    deleted: bool,
}

/// What no environment can be called is not there.
fn path(visitor: &Visitor, (owner, name): &(String, String)) -> Result<RepoPath, Error> {
    let text = format!("{owner}/{name}");
    RepoPath::parse(&text).map_err(|_| visitor.missing(text.escape_debug().take(160).collect::<String>()))
}

pub(super) async fn list(
    State(hub): State<App>,
    sender: Sender,
    Asked(which): Asked<Which>,
) -> Result<Json<EnvironmentList>, ApiProblem> {
    let list = ask(hub, &sender, move |hub, visitor| match which.deleted {
        true => settings::deleted(&hub.database, visitor),
        false => catalog::environments(&hub.database, visitor),
    });
    list.await.map(Json)
}

pub(super) async fn describe(State(hub): State<App>, sender: Sender, Named(place): Place) -> Answer {
    let answer =
        ask(hub, &sender, move |hub, visitor| settings::describe(&hub.database, visitor, &path(visitor, &place)?));
    answer.await.map(Json)
}

pub(super) async fn change(State(hub): State<App>, sender: Sender, Named(place): Place, body: Body) -> Answer {
    let answer = ask_with(hub, &sender, body, move |hub, visitor, change: EnvironmentChange| {
        let grace = hub.configuration.environments.seconds_of_grace();
        settings::change(&hub.database, visitor, &path(visitor, &place)?, &change, grace)
    });
    answer.await.map(Json)
}

pub(super) async fn delete(State(hub): State<App>, sender: Sender, Named(place): Place) -> Answer {
    let answer = ask(hub, &sender, move |hub, visitor| {
        let grace = hub.configuration.environments.seconds_of_grace();
        settings::delete(&hub.database, visitor, &path(visitor, &place)?, grace)
    });
    answer.await.map(Json)
}

pub(super) async fn restore(State(hub): State<App>, sender: Sender, Named(place): Place) -> Answer {
    let answer =
        ask(hub, &sender, move |hub, visitor| settings::restore(&hub.database, visitor, &path(visitor, &place)?));
    answer.await.map(Json)
}
