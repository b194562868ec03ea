//! The accept loop: connections are counted, kept moving, and finished before the hub stops.

mod pace;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower_service::Service as _;

use self::pace::Paced;
pub(crate) use self::pace::STEP;
use crate::configuration::Connections;
use crate::state::App;

/// Bytes of a request's head at most.
const HEAD_LIMIT: usize = 64 * 1024;
/// Streams that one HTTP/2 connection may open at once.
const STREAMS: u32 = 64;
/// Connections that are told to come back at once; further ones are closed without a word.
const REFUSALS: usize = 1024;
/// How long somebody who is told to come back may take to hear it.
const REFUSAL_TIME: Duration = Duration::from_secs(2);
/// What those hear.
const REFUSAL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\n\
    Content-Type: text/plain; charset=utf-8\r\n\r\nerror: the hub has too many connections\n";

/// Serves until `stop` ends, then finishes what is under way, for as long as the grace lasts.
pub(crate) async fn serve(listener: TcpListener, hub: App, stop: impl Future<Output = ()>) {
    let limits = &hub.configuration.connections;
    let router = super::router(hub.clone());
    let connections = Arc::new(Semaphore::new(limits.at_once));
    let refusals = Arc::new(Semaphore::new(REFUSALS));
    let finishing = GracefulShutdown::new();
    let http = http(limits);
    tokio::pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            () = &mut stop => break,
            accepted = accept(&listener) => accepted,
        };
        let Ok(place) = connections.clone().try_acquire_owned() else {
            hub.metrics.connection_refused();
            if let Ok(place) = refusals.clone().try_acquire_owned() {
                tokio::spawn(async move {
                    let _ = tokio::time::timeout(REFUSAL_TIME, refuse(stream)).await;
                    drop(place);
                });
            }
            continue;
        };
        // git asks in several small rounds; none of them may wait for a packet to fill.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection stays slow");
        }
        let router = router.clone();
        let (asked, begun) = (Arc::<AtomicBool>::default(), limits.head.duration());
        let spoke = asked.clone();
        let answer = service_fn(move |request: Request<Incoming>| {
            asked.store(true, Ordering::Relaxed);
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            router.clone().call(request)
        });
        let io = TokioIo::new(Paced::new(stream, limits.idle.duration()));
        let connection = finishing.watch(http.serve_connection(io, answer).into_owned());
        let counted = hub.metrics.connected();
        tokio::spawn(async move {
            // Until the first head there is no protocol yet whose timer could run.
            let silent = async {
                tokio::time::sleep(begun).await;
                if spoke.load(Ordering::Relaxed) {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                outcome = connection => if let Err(error) = outcome {
                    tracing::debug!(%peer, error, "a connection ended badly");
                },
                () = silent => tracing::debug!(%peer, "a connection said nothing"),
            }
            drop((place, counted));
        });
    }
    drop(listener);
    let grace = limits.grace.duration();
    if tokio::time::timeout(grace, finishing.shutdown()).await.is_err() {
        tracing::warn!("requests under way were cut off");
    }
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                tracing::error!(%error, "cannot accept a connection");
                // Out of file descriptors, most likely: some come back when requests end.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

fn http(limits: &Connections) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.head.duration()).max_buf_size(HEAD_LIMIT);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(limits.idle.duration())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(u32::try_from(HEAD_LIMIT).unwrap_or(u32::MAX));
    builder
}

/// Says no, and reads what was sent: closing on unread bytes would take the answer with it.
async fn refuse(mut stream: TcpStream) -> std::io::Result<()> {
    stream.write_all(REFUSAL).await?;
    stream.shutdown().await?;
    let mut rest = [0; 4096];
    while stream.read(&mut rest).await? > 0 {}
    Ok(())
}
