//! A request's body whose client must keep sending.

use std::error::Error;
use std::io;
use std::time::Duration;

use axum::body::{Body, BodyDataStream, HttpBody as _};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::time::{Instant, timeout};

use super::listen::STEP;
use crate::state::App;

/// Lets no request wait longer for the next [`STEP`] bytes of its body than `connections.idle`.
pub(super) async fn in_time(State(hub): State<App>, request: Request, next: Next) -> Response {
    let idle = hub.configuration.connections.idle.duration();
    next.run(request.map(|body| if body.is_end_stream() { body } else { paced(body, idle) })).await
}

/// Whether a body failed because its client went quiet.
pub(super) fn is_stalled(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::TimedOut) {
            return true;
        }
        cause = error.source();
    }
    false
}

fn paced(body: Body, idle: Duration) -> Body {
    let arrival = Arrival { stream: body.into_data_stream(), idle, waited: Duration::ZERO, arrived: 0 };
    Body::from_stream(stream::unfold(Some(arrival), |arrival| async move { arrival?.next().await }))
}

/// Only the client's time counts, not what whoever reads needs to take a piece.
struct Arrival {
    stream: BodyDataStream,
    idle: Duration,
    waited: Duration,
    arrived: usize,
}

type Step = Option<(Result<Bytes, axum::Error>, Option<Arrival>)>;

impl Arrival {
    async fn next(mut self) -> Step {
        let asked = Instant::now();
        let Ok(next) = timeout(self.idle.saturating_sub(self.waited), self.stream.next()).await else {
            return Some((Err(axum::Error::new(io::Error::from(io::ErrorKind::TimedOut))), None));
        };
        self.waited += asked.elapsed();
        let chunk = next?;
        self.arrived += chunk.as_ref().map_or(0, Bytes::len);
        // A client that trickles is as good as one that is silent.
        if self.arrived >= STEP {
            (self.waited, self.arrived) = (Duration::ZERO, 0);
        }
        Some((chunk, Some(self)))
    }
}
