//! Git's smart protocol over HTTP. The `git` program speaks it; here it is let in and fenced in.

mod answer;
mod feed;
mod process;
mod pulse;
mod report;
mod request;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use comfydock_core::name::RepoPath;
use comfydock_core::wire::Right;
use comfydock_git::serve::Service;
use serde::Deserialize;

use self::process::Process;
use super::caller::{Sender, authenticate};
use super::error::{GitProblem, Problem};
use super::gate::{Permit, Who};
use crate::bridge::blocking;
use crate::service::access::{self, Target};
use crate::service::push::{self, Ticket};
use crate::service::visitor::Visitor;
use crate::state::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/{owner}/{name}/info/refs", get(info_refs))
        .route("/{owner}/{name}/git-upload-pack", post(upload_pack))
        .route("/{owner}/{name}/git-receive-pack", post(receive_pack))
}

#[derive(Deserialize)]
struct InfoRefs {
    service: Option<String>,
}

type Place = Path<(String, String)>;
type Answer = Result<Response, GitProblem>;

/// Which references are there.
async fn info_refs(
    State(hub): State<App>,
    Path(place): Place,
    Query(query): Query<InfoRefs>,
    sender: Sender,
    headers: HeaderMap,
) -> Answer {
    let visitor = authenticate(&hub, &sender).await?;
    let service =
        query.service.as_deref().and_then(Service::find).ok_or_else(|| {
            Problem::new(StatusCode::FORBIDDEN, "dumb_http", "this hub speaks only git's smart protocol")
        })?;
    let target = allow(&hub, &visitor, &place, right_for(service)).await?;
    // Before its first push an environment looks like an empty one; only the push itself makes it.
    let repository = match &target {
        Target::Existing(environment) => hub.data.repository(&environment.id),
        Target::New { .. } => hub.data.empty_repository(),
    };
    let permit = admit(&hub, &sender, &visitor, service).await?;
    if service == Service::ReceivePack {
        let hub = hub.clone();
        blocking(move || push::make_ready(&hub, &target)).await?;
    }
    let process =
        Process::start(&hub, &request::advertise(&hub, service, &repository, &headers, &visitor), permit, None)?;
    answer::advertisement(process, service, request::version(&headers)).await
}

/// Clone and fetch.
async fn upload_pack(
    State(hub): State<App>,
    Path(place): Place,
    sender: Sender,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let visitor = authenticate(&hub, &sender).await?;
    let target = allow(&hub, &visitor, &place, Right::Pull).await?;
    let encoding = request::check(&headers, Service::UploadPack)?;
    let Target::Existing(environment) = target else {
        return Err(Problem::not_found().into());
    };
    let permit = admit(&hub, &sender, &visitor, Service::UploadPack).await?;
    let repository = hub.data.repository(&environment.id);
    let process = Process::start(&hub, &request::fetch(&hub, &repository, &headers, &visitor), permit, None)?;
    let process = process.fed(body, encoding);
    answer::stream(process, Service::UploadPack).await
}

/// Push.
async fn receive_pack(
    State(hub): State<App>,
    Path(place): Place,
    sender: Sender,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let visitor = authenticate(&hub, &sender).await?;
    let target = allow(&hub, &visitor, &place, Right::Push).await?;
    let encoding = request::check(&headers, Service::ReceivePack)?;
    // The client is asked for its pack only once there is room for it.
    let permit = admit(&hub, &sender, &visitor, Service::ReceivePack).await?;
    let making = hub.clone();
    let environment = blocking(move || {
        push::make_ready(&making, &target)?;
        access::prepare_push(&making, target)
    });
    let environment = environment.await?;
    let repository = hub.data.repository(&environment.id);
    let ticket = Ticket::announce(&hub, visitor.caller()?.clone(), environment)?;
    let invocation = request::push(&hub, &repository, &headers, &visitor, &ticket);
    let process = Process::start(&hub, &invocation, permit, Some(ticket))?;
    let process = process.fed(body, encoding);
    answer::stream(process, Service::ReceivePack).await
}

fn right_for(service: Service) -> Right {
    match service {
        Service::UploadPack => Right::Pull,
        Service::ReceivePack => Right::Push,
    }
}

async fn allow(hub: &App, visitor: &Visitor, place: &(String, String), right: Right) -> Result<Target, GitProblem> {
    let path = RepoPath::parse(&format!("{}/{}", place.0, place.1));
    let path = path.map_err(|_| visitor.missing(format!("{}/{}", place.0.escape_debug(), place.1.escape_debug())))?;
    let (hub, visitor) = (hub.clone(), visitor.clone());
    Ok(blocking(move || access::authorize(&hub.database, &visitor, &path, right)).await?)
}

async fn admit(hub: &App, sender: &Sender, visitor: &Visitor, service: Service) -> Result<Permit, Problem> {
    let gate = match service {
        Service::UploadPack => &hub.gates.fetch,
        Service::ReceivePack => &hub.gates.push,
    };
    let admitted = gate.admit(Who::of(visitor, sender)).await;
    if admitted.is_err() {
        hub.metrics.sent_away(service.name());
    }
    admitted.map_err(Problem::from)
}
