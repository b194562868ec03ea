//! git's answer on its way out. The status is sent only once git has said something or ended.

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use bytes::{Bytes, BytesMut};
use comfydock_git::serve::Service;
use futures_util::stream::{self, StreamExt as _};
use tokio::io::AsyncReadExt as _;

use super::process::Process;
use super::report::Report;
use crate::http::error::{GitProblem, Problem};
use crate::service::Error;

/// Bytes read from git at once.
const CHUNK: usize = 64 * 1024;

/// The list of references, with the heading that versions 0 and 1 have.
pub(super) async fn advertisement(process: Process, service: Service, version: u8) -> Result<Response, GitProblem> {
    let mut prefix = Vec::new();
    if version != 2 {
        let line = format!("# service={}\n", service.name());
        prefix = format!("{:04x}{line}0000", line.len() + 4).into_bytes();
    }
    let kind = format!("application/x-{}-advertisement", service.name());
    respond(process, None, prefix.into(), kind).await
}

/// The answer to a request with a body. The report of a push waits until the push is settled.
pub(super) async fn stream(process: Process, service: Service) -> Result<Response, GitProblem> {
    let kind = format!("application/x-{}-result", service.name());
    let report = (service == Service::ReceivePack).then(Report::default);
    respond(process, report, Bytes::new(), kind).await
}

async fn respond(
    process: Process,
    report: Option<Report>,
    prefix: Bytes,
    kind: String,
) -> Result<Response, GitProblem> {
    let flow = Flow { process, report };
    let mut chunks = Box::pin(stream::unfold(Some(flow), |flow| async move { flow?.next().await }));
    let first = match chunks.next().await {
        Some(Ok(first)) => first,
        Some(Err(problem)) => return Err(problem.into()),
        None => Bytes::new(),
    };
    // From here on a failure can only be told by breaking the answer off.
    let rest = chunks.map(|chunk| chunk.map_err(|problem| std::io::Error::other(problem.message().to_owned())));
    let start = stream::iter([prefix, first]).filter(|bytes| std::future::ready(!bytes.is_empty())).map(Ok);
    let headers = [(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-cache, max-age=0, must-revalidate".to_owned())];
    Ok((StatusCode::OK, headers, Body::from_stream(start.chain(rest))).into_response())
}

/// git's answer while it is under way. Dropped half-way it takes git down with it.
struct Flow {
    process: Process,
    report: Option<Report>,
}

type Step = Option<(Result<Bytes, Problem>, Option<Flow>)>;

impl Flow {
    async fn next(mut self) -> Step {
        self.process.pulse.taken();
        let mut buffer = BytesMut::with_capacity(CHUNK);
        loop {
            match self.process.stdout.read_buf(&mut buffer).await {
                Ok(0) => return self.end().await,
                Ok(_) => {}
                Err(error) => return Some((Err(Error::system("cannot read from git", error).into()), None)),
            }
            let out = match &mut self.report {
                None => Ok(buffer.split().freeze()),
                Some(report) => report.sort(&buffer.split()),
            };
            match out {
                Ok(bytes) if bytes.is_empty() => {}
                Ok(bytes) => {
                    self.process.pulse.offer();
                    return Some((Ok(bytes), Some(self)));
                }
                Err(malformed) => return Some((Err(Error::Interrupted(malformed.to_string()).into()), None)),
            }
        }
    }

    async fn end(self) -> Step {
        match self.process.finish().await {
            Ok(()) => Some((Ok(self.report?.release()), None)),
            Err(problem) => Some((Err(problem), None)),
        }
    }
}
