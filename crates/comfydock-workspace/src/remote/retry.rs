//! What a server says that has no answer now, and coming back to it as often and as late as `core/retry`
//! says.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use comfydock_core::retry;
use comfydock_core::site::{Refusal, Site, civitai, hugging_face};
use comfydock_git::program;
use reqwest::header::HeaderMap;

use crate::reporter::Reporter;

/// How long to wait after so many tries that failed; none when it is time to give up.
pub(super) fn wait(failed: u32, asked: Option<u32>) -> Option<Duration> {
    let [chance, ..] = RandomState::new().hash_one(failed).to_ne_bytes();
    retry::wait(failed, asked, chance)
}

/// The seconds that a server asks to stay away, whichever of its headers says so; a date is reckoned by
/// this machine's clock.
pub(crate) fn asked(headers: &HeaderMap) -> Option<u32> {
    let header = |name: &str| headers.get(name)?.to_str().ok();
    retry::asked(header, jiff::Timestamp::now().as_second())
}

/// What a site's answer means, to a look-up and to a download alike; nothing if it is no refusal.
pub(crate) fn refusal(site: Site, status: u16, headers: &HeaderMap, body: &[u8]) -> Option<Refusal> {
    let wait = asked(headers);
    match site {
        Site::Civitai => civitai::refusal(status, wait, body),
        Site::HuggingFace => hugging_face::refusal(status, wait, |name| headers.get(name)?.to_str().ok()),
        Site::Here | Site::Hub => None,
    }
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
