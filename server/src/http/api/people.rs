//! Users, teams, and the record of what was done.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use comfydock_core::name::AccountName;
use comfydock_core::wire::{AuditPage, Member, MemberList, NewRole, NewTeam, NewUser, Team, TeamList, User, UserList};
use serde::Deserialize;

use super::request::{Asked, Named, ask, ask_with};
use crate::http::caller::Sender;
use crate::http::error::ApiProblem;
use crate::service::{Error, accounts, audit, team};
use crate::state::App;

type Answer<T> = Result<Json<T>, ApiProblem>;
type Created<T> = Result<(StatusCode, Json<T>), ApiProblem>;

fn account_name(text: &str) -> Result<AccountName, Error> {
    AccountName::parse(text).map_err(|error| Error::invalid(error.to_string()))
}

pub(super) async fn users(State(hub): State<App>, sender: Sender) -> Answer<UserList> {
    ask(hub, &sender, |hub, visitor| accounts::list_users(&hub.database, visitor)).await.map(Json)
}

pub(super) async fn add_user(State(hub): State<App>, sender: Sender, body: Body) -> Created<User> {
    let added = ask_with(hub, &sender, body, |hub, visitor, new: NewUser| {
        visitor.check_hub_admin()?;
        accounts::add_user(&hub.database, visitor, &account_name(&new.name)?, new.admin)
    });
    Ok((StatusCode::CREATED, Json(added.await?)))
}

pub(super) async fn disable_user(State(hub): State<App>, sender: Sender, Named(user): Named<String>) -> Answer<User> {
    let answer = ask(hub, &sender, move |hub, visitor| accounts::set_disabled(&hub.database, visitor, &user, true));
    answer.await.map(Json)
}

pub(super) async fn enable_user(State(hub): State<App>, sender: Sender, Named(user): Named<String>) -> Answer<User> {
    let answer = ask(hub, &sender, move |hub, visitor| accounts::set_disabled(&hub.database, visitor, &user, false));
    answer.await.map(Json)
}

pub(super) async fn teams(State(hub): State<App>, sender: Sender) -> Answer<TeamList> {
    ask(hub, &sender, |hub, visitor| team::list(&hub.database, visitor)).await.map(Json)
}

pub(super) async fn add_team(State(hub): State<App>, sender: Sender, body: Body) -> Created<Team> {
    let added = ask_with(hub, &sender, body, |hub, visitor, new: NewTeam| {
        visitor.check_hub_admin()?;
        team::add(&hub.database, visitor, &account_name(&new.name)?)
    });
    Ok((StatusCode::CREATED, Json(added.await?)))
}

pub(super) async fn members(State(hub): State<App>, sender: Sender, Named(team): Named<String>) -> Answer<MemberList> {
    ask(hub, &sender, move |hub, visitor| team::members(&hub.database, visitor, &team)).await.map(Json)
}

pub(super) async fn set_member(
    State(hub): State<App>,
    sender: Sender,
    Named((team, user)): Named<(String, String)>,
    body: Body,
) -> Answer<Member> {
    let answer = ask_with(hub, &sender, body, move |hub, visitor, new: NewRole| {
        team::set_member(&hub.database, visitor, &team, &user, new.role)
    });
    answer.await.map(Json)
}

pub(super) async fn remove_member(
    State(hub): State<App>,
    sender: Sender,
    Named((team, user)): Named<(String, String)>,
) -> Result<StatusCode, ApiProblem> {
    ask(hub, &sender, move |hub, visitor| team::remove_member(&hub.database, visitor, &team, &user)).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    subject: Option<String>,
    before: Option<i64>,
    limit: Option<u32>,
}

pub(super) async fn record(State(hub): State<App>, sender: Sender, Asked(asked): Asked<Record>) -> Answer<AuditPage> {
    let answer = ask(hub, &sender, move |hub, visitor| {
        let question = audit::Question {
            subject: asked.subject.as_deref(),
            before: asked.before,
            limit: asked.limit.unwrap_or(100),
        };
        audit::page(&hub.database, visitor, &question)
    });
    answer.await.map(Json)
}
