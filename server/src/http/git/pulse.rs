//! Whether the client still takes what git says. Under HTTP/2 the connection does not tell: a
//! client may answer pings and take nothing from one stream.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Since when the client has had something to take.
#[derive(Debug, Default)]
pub(super) struct Pulse(Mutex<Option<Instant>>);

impl Pulse {
    /// A piece of the answer is ready for the client.
    pub(super) fn offer(&self) {
        self.set(Some(Instant::now()));
    }

    /// The client asked for more.
    pub(super) fn taken(&self) {
        self.set(None);
    }

    fn set(&self, since: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }

    /// Ends once the client has taken nothing for as long as `idle`.
    pub(super) async fn stopped(&self, idle: Duration) {
        loop {
            let since = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match since {
                Some(since) if since.elapsed() >= idle => return,
                Some(since) => tokio::time::sleep_until(since + idle).await,
                None => tokio::time::sleep(idle / 4).await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_a_client_that_takes_nothing_is_stopped() {
        let (pulse, idle) = (Pulse::default(), Duration::from_secs(8));
        let stopped = pulse.stopped(idle);
        tokio::pin!(stopped);
        for _ in 0..5 {
            pulse.offer();
            assert!(tokio::time::timeout(Duration::from_secs(7), &mut stopped).await.is_err());
            pulse.taken();
        }
        // git thinks for a long time: that is not the client's doing.
        assert!(tokio::time::timeout(Duration::from_secs(600), &mut stopped).await.is_err());
        pulse.offer();
        assert!(tokio::time::timeout(Duration::from_secs(11), &mut stopped).await.is_ok());
    }
}
