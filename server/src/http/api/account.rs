//! Who am I?

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use comfydock_core::wire::Whoami;

use crate::bridge::blocking;
use crate::http::caller::authenticate;
use crate::http::error::ApiProblem;
use crate::service::accounts;
use crate::state::App;

pub(super) async fn whoami(State(hub): State<App>, headers: HeaderMap) -> Result<Json<Whoami>, ApiProblem> {
    let caller = authenticate(&hub, &headers).await?;
    Ok(Json(blocking(move || accounts::describe(&hub.database, &caller)).await?))
}
