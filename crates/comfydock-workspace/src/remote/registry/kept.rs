//! Answers that were kept, and when old ones serve.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Registry;
use crate::remote::Error;

/// The folder of its answers.
const KEPT: &str = "registry";
/// How long an answer serves without asking anew.
const LASTS: Duration = Duration::from_secs(4 * 60 * 60);

impl Registry<'_> {
    /// The kept answer if it is young, else a new one, else an old one with a word about its age.
    pub(super) fn kept<T: Serialize + DeserializeOwned>(
        &self,
        key: &str,
        what: &str,
        ask: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        if !self.offline
            && let Some(answer) = self.answers.find(KEPT, key, |_| LASTS)
        {
            return Ok(answer);
        }
        let error = if self.offline {
            Error::Offline { what: format!("asking the Comfy registry for {what}") }
        } else {
            match ask() {
                Ok(answer) => {
                    self.answers.keep(KEPT, key, &answer);
                    return Ok(answer);
                }
                Err(error) => error,
            }
        };
        // What the registry itself says of the pack is not argued with; an old answer only stands in for
        // one that did not come.
        let silent = match &error {
            Error::Offline { .. } | Error::Unreachable { .. } | Error::Lookup { .. } | Error::Unexpected { .. } => true,
            Error::Refused { status, .. } => *status == 429 || *status >= 500,
            _ => false,
        };
        match self.answers.find_old(KEPT, key).filter(|_| silent) {
            Some((answer, age)) => {
                if !self.said.swap(true, Ordering::Relaxed) {
                    let why = if self.offline { "is not asked (--offline)" } else { "gives no answer" };
                    self.reporter.note(format!("the Comfy registry {why}; what it said {} is used", ago(age)));
                }
                Ok(answer)
            }
            None => Err(error),
        }
    }
}

/// An age in words.
fn ago(age: Option<Duration>) -> String {
    let Some(age) = age else { return "some time ago".to_owned() };
    let minutes = age.as_secs() / 60;
    let (count, unit) = match minutes {
        0..=119 => (minutes, "minute"),
        120..=2879 => (minutes / 60, "hour"),
        _ => (minutes / (24 * 60), "day"),
    };
    format!("{count} {unit}{} ago", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_in_words() {
        for (seconds, words) in [
            (0, "0 minutes ago"),
            (60, "1 minute ago"),
            (7199, "119 minutes ago"),
            (7200, "2 hours ago"),
            (47 * 3600, "47 hours ago"),
            (48 * 3600, "2 days ago"),
        ] {
            assert_eq!(ago(Some(Duration::from_secs(seconds))), words);
        }
        assert_eq!(ago(None), "some time ago");
    }
}
