//! The hub's configuration: one TOML file, over which environment variables win.

mod file;
mod values;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

pub(crate) use file::{Error, load};
pub(crate) use values::{ByteCount, Secret, Span};

/// Everything that can be set, with the defaults of `deploy/hub.example.toml`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Configuration {
    /// The address to listen on.
    pub(crate) listen: SocketAddr,
    pub(crate) log: Log,
    pub(crate) access: Access,
    pub(crate) connections: Connections,
    pub(crate) fetch: Transfer,
    pub(crate) push: Push,
    pub(crate) blobs: Blobs,
    pub(crate) environments: Environments,
    pub(crate) maintenance: Maintenance,
    pub(crate) metrics: Metrics,
}

/// What is written to standard error.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Log {
    pub(crate) format: LogFormat,
    pub(crate) level: LogLevel,
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    Json,
    Text,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
}

/// Who is let in.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Access {
    /// Whether public environments can be read without signing in.
    pub(crate) anonymous: bool,
    /// Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    pub(crate) trusted_proxies: Vec<IpAddr>,
    /// Failed logins that one address may make with one token within `failed_login_window`.
    pub(crate) failed_logins: u32,
    /// Failed logins that one address may make in all within `failed_login_window`.
    pub(crate) failed_logins_per_address: u32,
    pub(crate) failed_login_window: Span,
}

/// Limits of every connection, whatever it asks for.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Connections {
    /// Connections at once; a further one is told to come back.
    pub(crate) at_once: usize,
    /// Time in which the head of a request must arrive; idle connections are closed after it too.
    pub(crate) head: Span,
    /// Time in which a client must take or send the next 64 KiB.
    pub(crate) idle: Span,
    /// How long requests under way may take once the hub is told to stop.
    pub(crate) grace: Span,
}

/// Limits of clones and fetches.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Transfer {
    /// git processes at once.
    pub(crate) at_once: usize,
    /// git processes at once for one user, or one address that did not sign in.
    pub(crate) at_once_per_user: usize,
    /// Requests that may wait for one.
    pub(crate) queue: usize,
    /// How long a request waits while none comes free.
    pub(crate) patience: Span,
    /// How long one request may take in all.
    pub(crate) total: Span,
    /// Bytes of a request at most, measured after inflation.
    pub(crate) body: ByteCount,
}

/// Limits of pushes, and what they may change.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Push {
    pub(crate) at_once: usize,
    pub(crate) at_once_per_user: usize,
    pub(crate) queue: usize,
    pub(crate) patience: Span,
    pub(crate) total: Span,
    pub(crate) body: ByteCount,
    /// What stays free on the disk: below it pushes are refused before they begin.
    pub(crate) free_space: ByteCount,
    /// Branches and tags that one push may change.
    pub(crate) references: usize,
    /// Branches whose history is neither rewritten nor deleted; `*` stands for anything.
    pub(crate) protected: Vec<String>,
}

/// Model files that the hub keeps.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Blobs {
    /// Bytes that the environments of one user or team may have here.
    pub(crate) quota: ByteCount,
    /// Bytes of one file at most.
    pub(crate) max_size: ByteCount,
    /// Files that arrive at once, in all and from one user.
    pub(crate) uploads: usize,
    pub(crate) uploads_per_user: usize,
    /// Files that are read at once, in all and by one user, or by one address that did not sign in.
    pub(crate) downloads: usize,
    pub(crate) downloads_per_user: usize,
    /// How long a file stays that nothing refers to any more.
    pub(crate) grace: Span,
}

/// Environments that are deleted or renamed.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Environments {
    /// How long a deleted environment can be restored, and an old name leads to the new one.
    pub(crate) grace: Span,
}

/// What the hub does by itself.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Maintenance {
    /// How often the hub looks for work.
    pub(crate) every: Span,
    /// Packs of a repository above which they become one.
    pub(crate) packs: usize,
    /// How long objects stay that nothing refers to any more.
    pub(crate) prune_after: Span,
}

/// Figures for Prometheus.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Metrics {
    /// The bearer token that `/metrics` asks for; without one only loopback may read it.
    pub(crate) token: Option<Secret>,
}

impl Blobs {
    /// How long an unused file stays, in seconds.
    pub(crate) fn seconds_of_grace(&self) -> i64 {
        i64::try_from(self.grace.duration().as_secs()).unwrap_or(i64::MAX / 2)
    }
}

impl Environments {
    /// How long that is, in seconds.
    pub(crate) fn seconds_of_grace(&self) -> i64 {
        i64::try_from(self.grace.duration().as_secs()).unwrap_or(i64::MAX / 2)
    }
}

impl Default for Configuration {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 7777)),
            log: Log::default(),
            access: Access::default(),
            connections: Connections::default(),
            fetch: Transfer::default(),
            push: Push::default(),
            blobs: Blobs::default(),
            environments: Environments::default(),
            maintenance: Maintenance::default(),
            metrics: Metrics::default(),
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Json, level: LogLevel::Info }
    }
}

impl Default for Access {
    fn default() -> Self {
        Self {
            anonymous: true,
            trusted_proxies: Vec::new(),
            failed_logins: 10,
            failed_logins_per_address: 100,
            failed_login_window: Span::minutes(1),
        }
    }
}

impl Default for Connections {
    fn default() -> Self {
        Self { at_once: 2048, head: Span::seconds(30), idle: Span::seconds(60), grace: Span::seconds(30) }
    }
}

impl Default for Transfer {
    fn default() -> Self {
        Self {
            at_once: 32,
            at_once_per_user: 24,
            queue: 1024,
            patience: Span::milliseconds(1500),
            total: Span::hours(1),
            body: ByteCount::mebibytes(16),
        }
    }
}

impl Default for Push {
    fn default() -> Self {
        Self {
            at_once: 8,
            at_once_per_user: 6,
            queue: 256,
            patience: Span::milliseconds(1500),
            total: Span::hours(1),
            body: ByteCount::mebibytes(2048),
            free_space: ByteCount::mebibytes(256),
            references: 1000,
            protected: vec!["main".to_owned()],
        }
    }
}

impl Default for Blobs {
    fn default() -> Self {
        Self {
            quota: ByteCount::mebibytes(200 << 10),
            max_size: ByteCount::mebibytes(64 << 10),
            uploads: 8,
            uploads_per_user: 4,
            downloads: 64,
            downloads_per_user: 16,
            grace: Span::days(14),
        }
    }
}

impl Default for Environments {
    fn default() -> Self {
        Self { grace: Span::days(30) }
    }
}

impl Default for Maintenance {
    fn default() -> Self {
        Self { every: Span::minutes(1), packs: 10, prune_after: Span::days(14) }
    }
}

impl Push {
    /// The limits that pushes share with fetches.
    pub(crate) fn transfer(&self) -> Transfer {
        Transfer {
            at_once: self.at_once,
            at_once_per_user: self.at_once_per_user,
            queue: self.queue,
            patience: self.patience,
            total: self.total,
            body: self.body,
        }
    }
}

impl Configuration {
    /// What cannot work, by the name of the setting.
    fn check(&self) -> Result<(), (&'static str, String)> {
        let counts = [
            ("connections.at_once", self.connections.at_once),
            ("fetch.at_once", self.fetch.at_once),
            ("fetch.at_once_per_user", self.fetch.at_once_per_user),
            ("push.at_once", self.push.at_once),
            ("push.at_once_per_user", self.push.at_once_per_user),
            ("push.references", self.push.references),
            ("blobs.uploads", self.blobs.uploads),
            ("blobs.uploads_per_user", self.blobs.uploads_per_user),
            ("blobs.downloads", self.blobs.downloads),
            ("blobs.downloads_per_user", self.blobs.downloads_per_user),
            ("maintenance.packs", self.maintenance.packs),
        ];
        for (name, count) in counts {
            if count == 0 || count > 1_000_000 {
                return Err((name, format!("{count} is not between 1 and 1000000")));
            }
        }
        let spans = [
            ("connections.head", self.connections.head),
            ("connections.idle", self.connections.idle),
            ("fetch.total", self.fetch.total),
            ("push.total", self.push.total),
            ("maintenance.every", self.maintenance.every),
            ("access.failed_login_window", self.access.failed_login_window),
        ];
        if let Some((name, _)) = spans.iter().find(|(_, span)| span.duration().is_zero()) {
            return Err((*name, "no time at all would let nobody through".to_owned()));
        }
        let others = [
            ("connections.grace", self.connections.grace),
            ("fetch.patience", self.fetch.patience),
            ("push.patience", self.push.patience),
            ("environments.grace", self.environments.grace),
            ("blobs.grace", self.blobs.grace),
            ("maintenance.prune_after", self.maintenance.prune_after),
        ];
        // Clocks cannot count to the end of what can be written.
        let longest = Span::days(36_500);
        if let Some((name, span)) = spans.iter().chain(&others).find(|(_, span)| span.duration() > longest.duration()) {
            return Err((*name, format!("{span} is longer than {longest}")));
        }
        for (name, bytes) in [("fetch.body", self.fetch.body), ("push.body", self.push.body)] {
            // Nothing at all is no limit to git, and more than this is no number to it.
            if bytes.count() == 0 || bytes > ByteCount::mebibytes(1 << 30) {
                return Err((name, format!("{bytes} is not between 1 B and {}", ByteCount::mebibytes(1 << 30))));
            }
        }
        if self.maintenance.prune_after.duration() <= self.push.total.duration() {
            let message = "it must be longer than push.total, or what a push under way builds on could go";
            return Err(("maintenance.prune_after", message.to_owned()));
        }
        Ok(())
    }
}
