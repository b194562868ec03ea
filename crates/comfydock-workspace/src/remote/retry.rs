//! Coming back to a hub that is busy, as often and as late as `core/retry` says.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use comfydock_core::retry;
use comfydock_git::program;

use crate::reporter::Reporter;

/// How long to wait after so many tries that failed; none when it is time to give up.
pub(super) fn wait(failed: u32, asked: Option<u32>) -> Option<Duration> {
    let [chance, ..] = RandomState::new().hash_one(failed).to_ne_bytes();
    retry::wait(failed, asked, chance)
}

/// Lets git talk to a server, again if the server is busy, and says so. What is asked must be safe to
/// ask twice, as a fetch and a push are.
///
/// # Errors
/// What the last try ended with.
pub(crate) fn patiently<T>(
    reporter: &dyn Reporter,
    mut talk: impl FnMut() -> Result<T, program::Error>,
) -> Result<T, program::Error> {
    let mut failed = 0;
    loop {
        let error = match talk() {
            Err(error) if error.is_busy() => error,
            done => return done,
        };
        failed += 1;
        let Some(pause) = wait(failed, error.asked_to_wait()) else { return Err(error) };
        reporter.note(format!("the server is busy; trying again in {:.0} s", pause.as_secs_f64().ceil()));
        std::thread::sleep(pause);
    }
}
