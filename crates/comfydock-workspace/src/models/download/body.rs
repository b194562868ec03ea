//! Where the bytes of one attempt come from: one connection, or several if that proves faster.

use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::Response;

use super::hops::cause;
use super::pace::Pace;
use super::windows::{Way, Windows};

/// The shortest and the longest window, in bytes: what comes in about a second lies between.
const SHORTEST: f64 = 256.0 * 1024.0;
const LONGEST: f64 = 16.0 * 1024.0 * 1024.0;
/// How much faster several connections must be than one.
const WORTH_IT: f64 = 1.1;

/// Where the bytes come from.
pub(super) enum Body {
    /// One connection, and the way for others if they may be.
    One(Response, Option<Way>),
    /// Several, and how many of their bytes were counted.
    Many(Windows, u64),
}

impl Body {
    /// The next bytes; none at the end. Dropping the future loses nothing.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, String> {
        match self {
            Self::One(response, _) => response.chunk().await.map_err(cause),
            Self::Many(windows, _) => Ok(windows.chunk().await?.map(Bytes::from)),
        }
    }

    pub(super) fn is_wide(&self) -> bool {
        matches!(self, Self::Many(..))
    }

    /// Bytes that arrived since the last question; `handed` of them were handed on.
    pub(super) fn arrived(&mut self, handed: u64) -> u64 {
        match self {
            Self::One(..) => handed,
            Self::Many(windows, counted) => {
                let arrived = windows.arrived();
                arrived - std::mem::replace(counted, arrived)
            }
        }
    }
}

/// Finds out whether several connections are faster than one.
pub(super) struct Speed {
    since: Instant,
    bytes: u64,
    /// The speed of one, in bytes a second, while several are tried.
    one: Option<f64>,
    settled: bool,
}

impl Speed {
    pub(super) fn new() -> Self {
        Self { since: Instant::now(), bytes: 0, one: None, settled: false }
    }

    pub(super) fn took(&mut self, bytes: u64) {
        self.bytes += bytes;
    }

    /// What the bytes after `at` shall come from; none when one connection is as good as several.
    pub(super) fn judge(&mut self, pace: &Pace, body: Body, at: u64, size: Option<u64>) -> Option<Body> {
        let passed = self.since.elapsed();
        if self.settled || passed < pace.widen_after {
            return Some(body);
        }
        let rate = self.bytes as f64 / passed.max(Duration::from_millis(1)).as_secs_f64();
        (self.since, self.bytes) = (Instant::now(), 0);
        let window = rate.clamp(SHORTEST, LONGEST) as u64;
        match (body, size) {
            (Body::Many(..), _) if self.one.is_some_and(|one| rate < one * WORTH_IT) => None,
            (Body::One(response, Some(way)), Some(size))
                if rate < pace.wide_below as f64 && size.saturating_sub(at) > window * pace.width as u64 =>
            {
                match Windows::open(way.clone(), at, size, window, pace) {
                    Some(windows) => {
                        self.one = Some(rate);
                        Some(Body::Many(windows, 0))
                    }
                    // Others have several; later perhaps.
                    None => Some(Body::One(response, Some(way))),
                }
            }
            (body, _) => {
                self.settled = true;
                Some(body)
            }
        }
    }
}
