//! Models by what they are known by.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use comfydock_core::wire::{Found, LookupAnswer, LookupRequest};

use super::request::{Named, ask, ask_with};
use crate::http::caller::Sender;
use crate::http::error::ApiProblem;
use crate::service::catalog;
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
