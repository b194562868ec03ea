//! Figures about the running hub, in the text format of Prometheus.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::db::blobs::Taken;

/// Upper ends of the buckets for the time until an answer begins, in seconds.
const BUCKETS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    route: String,
    method: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Service {
    service: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct State {
    state: &'static str,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    durations: Family<Route, Histogram>,
    git_running: Family<Service, Gauge>,
    git_waiting: Family<Service, Gauge>,
    git_sent_away: Family<Service, Counter>,
    pushes: Family<Outcome, Counter>,
    failed_logins: Counter,
    connections: Gauge,
    connections_refused: Counter,
    memory: Gauge,
    files: Gauge,
    models: Family<State, Gauge>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("comfydock_hub");
        let durations = Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> Histogram);
        let mut metrics = Self {
            requests: Family::default(),
            durations,
            git_running: Family::default(),
            git_waiting: Family::default(),
            git_sent_away: Family::default(),
            pushes: Family::default(),
            failed_logins: Counter::default(),
            connections: Gauge::default(),
            connections_refused: Counter::default(),
            memory: Gauge::default(),
            files: Gauge::default(),
            models: Family::default(),
            registry: Registry::default(),
        };
        registry.register("requests", "Requests answered", metrics.requests.clone());
        let help = "Time until an answer begins";
        registry.register_with_unit("request_duration", help, Unit::Seconds, metrics.durations.clone());
        registry.register("git_running", "git processes that run", metrics.git_running.clone());
        registry.register("git_waiting", "Requests that wait for a git process", metrics.git_waiting.clone());
        registry.register("git_sent_away", "Requests told to come back later", metrics.git_sent_away.clone());
        registry.register("pushes", "Pushes by their outcome", metrics.pushes.clone());
        registry.register("failed_logins", "Requests with a token that is not good", metrics.failed_logins.clone());
        registry.register("connections", "Open connections", metrics.connections.clone());
        let help = "Connections refused because there were too many";
        registry.register("connections_refused", help, metrics.connections_refused.clone());
        registry.register_with_unit(
            "memory",
            "Memory of the hub itself, without files that are mapped",
            Unit::Bytes,
            metrics.memory.clone(),
        );
        registry.register("open_files", "Open file descriptors of the hub itself", metrics.files.clone());
        let help = "Model files: those that are kept, and all of those that are arriving";
        registry.register_with_unit("model_files", help, Unit::Bytes, metrics.models.clone());
        metrics.registry = registry;
        metrics
    }
}

/// What is true at the moment, for the figures that are read and not counted.
pub(crate) struct Now {
    /// The git service, how many run, how many wait.
    pub(crate) git: [(&'static str, usize, usize); 2],
    /// Bytes of model files.
    pub(crate) models: Taken,
}

impl Metrics {
    /// A request was answered, or its answer began.
    pub(crate) fn answered(&self, route: &str, method: &str, status: u16, took: Duration) {
        let labels = Answered { route: route.to_owned(), method: method.to_owned(), status };
        self.requests.get_or_create(&labels).inc();
        self.durations.get_or_create(&Route { route: route.to_owned() }).observe(took.as_secs_f64());
    }

    /// There was no room for a git process.
    pub(crate) fn sent_away(&self, service: &'static str) {
        self.git_sent_away.get_or_create(&Service { service }).inc();
    }

    /// A push ended: `accepted`, `refused`, or `failed`.
    pub(crate) fn pushed(&self, outcome: &'static str) {
        self.pushes.get_or_create(&Outcome { outcome }).inc();
    }

    /// Somebody showed a token that is not good.
    pub(crate) fn login_failed(&self) {
        self.failed_logins.inc();
    }

    /// A connection was opened; it counts until this is dropped.
    pub(crate) fn connected(&self) -> Connected {
        self.connections.inc();
        Connected(self.connections.clone())
    }

    /// A connection was refused.
    pub(crate) fn connection_refused(&self) {
        self.connections_refused.inc();
    }

    /// All figures as text.
    ///
    /// # Errors
    /// Never in practice: writing into a string does not fail.
    pub(crate) fn text(&self, now: &Now) -> Result<String, std::fmt::Error> {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        for (service, running, waiting) in now.git {
            self.git_running.get_or_create(&Service { service }).set(number(running));
            self.git_waiting.get_or_create(&Service { service }).set(number(waiting));
        }
        for (state, bytes) in [("kept", now.models.kept), ("arriving", now.models.arriving)] {
            self.models.get_or_create(&State { state }).set(i64::try_from(bytes).unwrap_or(i64::MAX));
        }
        self.memory.set(resident_memory().unwrap_or_default());
        self.files.set(std::fs::read_dir("/proc/self/fd").map_or(0, |files| number(files.count())));
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// An open connection.
#[derive(Debug)]
pub(crate) struct Connected(Gauge);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Bytes of memory that are this process's own, without files that are mapped; Linux tells.
fn resident_memory() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    Some(kilobytes.trim().strip_suffix("kB")?.trim().parse::<i64>().ok()? * 1024)
}
