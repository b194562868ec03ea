//! `comfydock-hub serve`.

use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use clap::Args;
use comfydock_git::serve::Git;
use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{SignalKind, signal};

use super::{log, output};
use crate::configuration::Configuration;
use crate::data::{DataFolder, SocketPlace};
use crate::db::Database;
use crate::metrics::Metrics;
use crate::service::blob::Uploads;
use crate::service::knowledge::Told;
use crate::service::login::Logins;
use crate::service::push::{self, PendingPushes};
use crate::service::{Error, maintenance, token};
use crate::state::{App, Hub};
use crate::{descriptors, http, leftovers, orphans};

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
    let _last = log::begin(&configuration.log);
    tracing::info!(configuration = configuration.redacted(), data = %data.root().display(), "starting");
    let failed = |what: &'static str| move |error| Error::system(what, error);
    let gits = configuration.fetch.at_once + configuration.push.at_once;
    descriptors::provide(configuration.connections.at_once, gits);
    let _lock = data.lock().map_err(failed("cannot take the data folder"))?;
    let git = Git::find().map_err(Error::repository)?;
    data.link_hook().map_err(failed("cannot set up git's hook"))?;
    if !data.empty_repository().join("HEAD").exists() {
        git.init_bare(&data.empty_repository()).map_err(Error::repository)?;
    }
    let is_first_start = token::first_admin(&database, |token| keep(&data, token))?;
    let socket = data.socket().map_err(failed("cannot set up the hook's socket"))?;
    let address = configuration.listen;
    let gates = http::gate::Gates::new(&configuration);
    let hub = Arc::new(Hub {
        logins: Logins::new(&configuration.access),
        configuration,
        data,
        database,
        git,
        pushes: PendingPushes::default(),
        uploads: Uploads::default(),
        told: Told::default(),
        socket: socket.path().to_owned(),
        gates,
        metrics: Metrics::default(),
        stopping: AtomicBool::new(false),
        making: Mutex::new(()),
        indexing: Mutex::new(()),
    });
    orphans::end(hub.data.root()).map_err(failed("an earlier hub is not gone"))?;
    leftovers::sweep(&hub.data.repositories()).map_err(failed("cannot clear what a killed git left"))?;
    push::recover(&hub)?;
    let _maintenance = maintenance::start(&hub)?;
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
    let signals = stop_signal()?;
    let hooks = tokio::spawn(push::answer_hooks(hub.clone(), hooks));
    output::line(&format!("comfydock-hub listening on http://{address}"))?;
    if is_first_start {
        output::line(&format!("the admin's token is in {}", hub.data.admin_token().display()))?;
    }

    let told = async {
        signals.await;
        hub.stopping.store(true, Ordering::Relaxed);
        tracing::info!("stopping: requests under way are finished first");
    };
    http::listen::serve(listener, hub.clone(), told).await;
    hooks.abort();
    Ok(())
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
