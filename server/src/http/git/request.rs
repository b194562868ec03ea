//! What a request's headers ask of git.

use std::path::Path;

use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use comfydock_git::serve::{Invocation, Request, Service, is_well_formed_protocol};

use super::feed::Encoding;
use crate::hook;
use crate::http::error::Problem;
use crate::orphans;
use crate::service::push::Ticket;
use crate::service::visitor::Visitor;
use crate::state::Hub;

/// The protocol's version that the client asks for, 0 when it does not.
pub(super) fn version(headers: &HeaderMap) -> u8 {
    let asked = protocol(headers).into_iter().flat_map(|text| text.split(':'));
    asked.filter_map(|pair| pair.strip_prefix("version=")?.parse().ok()).max().unwrap_or(0)
}

fn protocol(headers: &HeaderMap) -> Option<&str> {
    headers.get("git-protocol")?.to_str().ok().filter(|text| is_well_formed_protocol(text))
}

/// Checks the media type and tells how the body is packed.
pub(super) fn check(headers: &HeaderMap, service: Service) -> Result<Encoding, Problem> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let wanted = format!("application/x-{}-request", service.name());
    if text(CONTENT_TYPE) != Some(wanted.as_str()) {
        let message = format!("the Content-Type must be {wanted}");
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media_type", message));
    }
    match text(CONTENT_ENCODING) {
        None | Some("identity") => Ok(Encoding::Plain),
        Some("gzip" | "x-gzip") => Ok(Encoding::Gzip),
        Some(other) => {
            let message = format!("the Content-Encoding `{}` is not known here", other.escape_debug());
            Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "encoding", message))
        }
    }
}

/// How git lists the references.
pub(super) fn advertise(
    hub: &Hub,
    service: Service,
    repository: &Path,
    headers: &HeaderMap,
    visitor: &Visitor,
) -> Invocation {
    invocation(hub, service, repository, headers, visitor, true, &[])
}

/// How git answers a clone or a fetch.
pub(super) fn fetch(hub: &Hub, repository: &Path, headers: &HeaderMap, visitor: &Visitor) -> Invocation {
    invocation(hub, Service::UploadPack, repository, headers, visitor, false, &[])
}

/// How git takes a push, with what its hook needs to ask the hub.
pub(super) fn push(
    hub: &Hub,
    repository: &Path,
    headers: &HeaderMap,
    visitor: &Visitor,
    ticket: &Ticket,
) -> Invocation {
    let socket = hub.socket.to_string_lossy();
    let extra = [(hook::SECRET, ticket.secret()), (hook::SOCKET, &*socket)];
    invocation(hub, Service::ReceivePack, repository, headers, visitor, false, &extra)
}

fn invocation(
    hub: &Hub,
    service: Service,
    repository: &Path,
    headers: &HeaderMap,
    visitor: &Visitor,
    advertise: bool,
    extra: &[(&str, &str)],
) -> Invocation {
    let root = hub.data.root().to_string_lossy();
    let extra = [extra, &[(orphans::MARK, &*root)]].concat();
    hub.git.serve(&Request {
        service,
        repository,
        advertise,
        protocol: protocol(headers),
        committer: (visitor.name(), &format!("{}@hub", visitor.name())),
        hooks: &hub.data.hooks(),
        pack_limit: hub.configuration.push.body.count(),
        extra: &extra,
    })
}
