//! Models by what they are known by.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use comfydock_core::wire::{Changes, Contribution, Found, LookupAnswer, LookupRequest, ObservationBatch, Receipt};
use serde::Deserialize;

use super::request::{Asked, Named, ask, ask_with};
use crate::http::caller::Sender;
use crate::http::error::ApiProblem;
use crate::service::{catalog, changes, knowledge};
use crate::state::App;

pub(super) async fn model(
    State(hub): State<App>,
    sender: Sender,
    Named(key): Named<String>,
) -> Result<Json<Found>, ApiProblem> {
    ask(hub, &sender, move |hub, visitor| catalog::find_model(&hub.database, visitor, &key)).await.map(Json)
}

pub(super) async fn look_up(
    State(hub): State<App>,
    sender: Sender,
    body: Body,
) -> Result<Json<LookupAnswer>, ApiProblem> {
    let answer = ask_with(hub, &sender, body, |hub, visitor, request: LookupRequest| {
        catalog::look_up(&hub.database, visitor, &request)
    });
    answer.await.map(Json)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Since {
    since: Option<String>,
    limit: Option<usize>,
}

pub(super) async fn list_changes(
    State(hub): State<App>,
    sender: Sender,
    Asked(Since { since, limit }): Asked<Since>,
) -> Result<Json<Changes>, ApiProblem> {
    let answer = ask(hub, &sender, move |hub, visitor| changes::list(&hub.database, visitor, since.as_deref(), limit));
    answer.await.map(Json)
}

pub(super) async fn observe(State(hub): State<App>, sender: Sender, body: Body) -> Result<Json<Receipt>, ApiProblem> {
    let answer = ask_with(hub, &sender, body, |hub, visitor, batch: ObservationBatch| {
        knowledge::observe(&hub.database, &hub.told, visitor, &batch)
    });
    answer.await.map(Json)
}

pub(super) async fn contribute(
    State(hub): State<App>,
    sender: Sender,
    body: Body,
) -> Result<Json<Receipt>, ApiProblem> {
    let answer = ask_with(hub, &sender, body, |hub, visitor, contribution: Contribution| {
        knowledge::contribute(&hub.database, &hub.told, visitor, &contribution)
    });
    answer.await.map(Json)
}
