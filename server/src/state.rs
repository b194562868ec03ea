//! What every request can reach.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use comfydock_git::serve::Git;

use crate::configuration::Configuration;
use crate::data::DataFolder;
use crate::db::Database;
use crate::http::gate::Gates;
use crate::metrics::Metrics;
use crate::service::blob::Uploads;
use crate::service::knowledge::Told;
use crate::service::login::Logins;
use crate::service::push::PendingPushes;

/// The running hub.
pub(crate) struct Hub {
    pub(crate) configuration: Configuration,
    pub(crate) data: DataFolder,
    pub(crate) database: Database,
    pub(crate) git: Git,
    pub(crate) metrics: Metrics,
    /// Whether the hub was told to stop.
    pub(crate) stopping: AtomicBool,
    /// How many gits run at once, and how many model files come and go.
    pub(crate) gates: Gates,
    /// Logins that failed lately.
    pub(crate) logins: Logins,
    pub(crate) pushes: PendingPushes,
    /// Model files that are arriving.
    pub(crate) uploads: Uploads,
    /// How often users told something lately.
    pub(crate) told: Told,
    /// Where the hook finds this process.
    pub(crate) socket: PathBuf,
    /// Held while a repository is made, so that two first pushes make one.
    pub(crate) making: Mutex<()>,
    /// Held while a tip is indexed, so that an older tip never overwrites a newer one.
    pub(crate) indexing: Mutex<()>,
}

/// The hub, shared between requests.
pub(crate) type App = Arc<Hub>;
