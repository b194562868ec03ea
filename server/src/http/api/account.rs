//! Who am I, and which tokens have I?

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use comfydock_core::wire::{CreatedToken, NewToken, TokenList, Whoami};
use serde::Deserialize;

use super::request::{Asked, Named, ask, ask_with};
use crate::clock;
use crate::http::caller::Sender;
use crate::http::error::{ApiProblem, Problem};
use crate::service::{Error, accounts, tokens};
use crate::state::App;

pub(super) async fn whoami(State(hub): State<App>, sender: Sender) -> Result<Json<Whoami>, ApiProblem> {
    ask(hub, &sender, |hub, visitor| accounts::describe(&hub.database, visitor.caller()?)).await.map(Json)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WhoseTokens {
    user: Option<String>,
}

pub(super) async fn tokens(
    State(hub): State<App>,
    sender: Sender,
    Asked(whose): Asked<WhoseTokens>,
) -> Result<Json<TokenList>, ApiProblem> {
    ask(hub, &sender, move |hub, visitor| tokens::list(&hub.database, visitor, whose.user.as_deref())).await.map(Json)
}

pub(super) async fn create_token(
    State(hub): State<App>,
    sender: Sender,
    body: Body,
) -> Result<(StatusCode, Json<CreatedToken>), ApiProblem> {
    let created = ask_with(hub, &sender, body, |hub, visitor, new: NewToken| {
        let expires_at = new.expires.as_deref().map(clock::parse_end).transpose();
        let new = tokens::NewToken {
            user: &visitor.caller()?.user,
            label: &new.name,
            scope: new.scope,
            environments: new.environments.as_ref(),
            expires_at: expires_at.map_err(Error::invalid)?,
        };
        tokens::create(&hub.database, visitor, &new)
    });
    Ok((StatusCode::CREATED, Json(created.await?)))
}

pub(super) async fn revoke_token(
    State(hub): State<App>,
    sender: Sender,
    Named(id): Named<String>,
) -> Result<StatusCode, ApiProblem> {
    let id: i64 = id.parse().map_err(|_| Problem::not_found())?;
    ask(hub, &sender, move |hub, visitor| tokens::revoke(&hub.database, visitor, id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
