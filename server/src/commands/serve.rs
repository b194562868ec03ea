//! `comfydock-hub serve`.

use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::serve::ListenerExt as _;
use clap::Args;
use comfydock_git::serve::Git;
use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{SignalKind, signal};

use super::{log, output};
use crate::configuration::Configuration;
use crate::data::{DataFolder, SocketPlace};
use crate::db::Database;
use crate::http;
use crate::service::push::{self, PendingPushes};
use crate::service::{Error, token};
use crate::state::{App, Hub};

/// How long requests under way may take once the hub is told to stop.
const GRACE: Duration = Duration::from_secs(30);

#[derive(Args)]
pub(super) struct Serve {
    /// The address to listen on, instead of the configuration's; port 0 takes a free one
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
}

pub(super) fn run(
    command: &Serve,
    mut configuration: Configuration,
    data: DataFolder,
    database: Database,
) -> Result<(), Error> {
    configuration.listen = command.listen.unwrap_or(configuration.listen);
    log::begin(&configuration.log);
    tracing::info!(configuration = configuration.redacted(), data = %data.root().display(), "starting");
    let failed = |what: &'static str| move |error| Error::system(what, error);
    let _lock = data.lock().map_err(failed("cannot take the data folder"))?;
    let git = Git::find().map_err(Error::repository)?;
    data.link_hook().map_err(failed("cannot set up git's hook"))?;
    if !data.empty_repository().join("HEAD").exists() {
        git.init_bare(&data.empty_repository()).map_err(Error::repository)?;
    }
    let is_first_start = token::first_admin(&database, |token| keep(&data, token))?;
    let socket = data.socket().map_err(failed("cannot set up the hook's socket"))?;
    let address = configuration.listen;
    let hub = Arc::new(Hub {
        configuration,
        data,
        database,
        git,
        pushes: PendingPushes::default(),
        socket: socket.path().to_owned(),
        making: Mutex::new(()),
        indexing: Mutex::new(()),
    });
    push::catch_up(&hub)?;
    let runtime = tokio::runtime::Runtime::new().map_err(failed("cannot start the hub's threads"))?;
    runtime.block_on(serve(hub, address, &socket, is_first_start))
}

/// Writes the first admin's token where only the hub's own user can read it.
fn keep(data: &DataFolder, token: &str) -> std::io::Result<()> {
    let path = data.admin_token();
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = std::fs::File::options().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{token}")?;
    file.sync_all()
}

async fn serve(hub: App, address: SocketAddr, socket: &SocketPlace, is_first_start: bool) -> Result<(), Error> {
    let hooks = UnixListener::bind(socket.path()).map_err(|error| Error::system("cannot listen for hooks", error))?;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| Error::system(format!("cannot listen on {address}"), error))?;
    let address = listener.local_addr().map_err(|error| Error::system("the listener has no address", error))?;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let signals = stop_signal()?;
    let hooks = tokio::spawn(push::answer_hooks(hub.clone(), hooks));
    output::line(&format!("comfydock-hub listening on http://{address}"))?;
    if is_first_start {
        output::line(&format!("the admin's token is in {}", hub.data.admin_token().display()))?;
    }

    let told = async move {
        signals.await;
        tracing::info!("stopping: requests under way are finished first");
        let _ = stop.send(true);
    };
    // git asks in several small rounds; none of them may wait for a packet to fill.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection stays slow");
        }
    });
    let server = axum::serve(listener, http::router(hub)).with_graceful_shutdown(told);
    let outcome = tokio::select! {
        outcome = server => outcome.map_err(|error| Error::system("cannot serve", error)),
        () = patience(stopped) => Ok(()),
    };
    hooks.abort();
    outcome
}

/// Ends some time after the hub was told to stop, however long requests take.
async fn patience(mut stopped: tokio::sync::watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
    tokio::time::sleep(GRACE).await;
    tracing::warn!("requests under way were cut off");
}

/// Ends when the process is told to stop. The handlers are in place once this returns.
fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static, Error> {
    let failed = |error| Error::system("cannot listen for signals", error);
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
