//! When a client comes back to a server that had no time for it.

use std::time::Duration;

/// How often something is tried in all.
pub const TRIES: u32 = 5;
/// Seconds that are waited at most between two tries; who is asked to wait longer decides himself.
const LONGEST: u32 = 30;

const WORDS: &str = "try again in ";

/// The advice to come back, as a hub words it. Git hides the headers of an answer from whoever runs
/// it, so the words carry the time too.
pub fn advice(seconds: u32) -> String {
    format!("{WORDS}{seconds} second{}", if seconds == 1 { "" } else { "s" })
}

/// The seconds of an [`advice`] somewhere in a text.
pub fn advised(text: &str) -> Option<u32> {
    let (_, after) = text.split_once(WORDS)?;
    let (seconds, rest) = after.split_at(after.find(|character: char| !character.is_ascii_digit())?);
    rest.starts_with(" second").then(|| seconds.parse().ok()).flatten()
}

/// How long to wait after so many tries that failed, when the server asked for so many seconds; none
/// when it is time to give up. `chance` is any number: it adds up to a half, so that many clients
/// that were sent away together do not come back together.
pub fn wait(failed: u32, asked: Option<u32>, chance: u8) -> Option<Duration> {
    if failed == 0 || failed >= TRIES {
        return None;
    }
    let seconds = asked.unwrap_or(0).max(1 << (failed - 1));
    let base = Duration::from_secs(seconds.into());
    (seconds <= LONGEST).then(|| base + base * u32::from(chance) / (2 * u32::from(u8::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_advised_is_understood() {
        for seconds in [0, 1, 5, u32::MAX] {
            let text = format!("remote: hint: {}", advice(seconds));
            assert_eq!(advised(&text), Some(seconds), "{text}");
        }
        for text in
            ["", "try again", "try again in a while", "try again in 5", "try again in 5 hours", "try again in  seconds"]
        {
            assert_eq!(advised(text), None, "{text}");
        }
        assert_eq!(advised("try again in 99999999999 seconds"), None);
        assert_eq!((advice(1), advice(2)), ("try again in 1 second".to_owned(), "try again in 2 seconds".to_owned()));
    }

    #[test]
    fn waits_grow_as_long_as_nobody_asks_for_more_and_end() {
        let waits = |asked, chance| -> Vec<u64> {
            (1..).map_while(|failed| wait(failed, asked, chance)).map(|wait| wait.as_secs()).collect()
        };
        assert_eq!(waits(None, 0), [1, 2, 4, 8]);
        assert_eq!(waits(Some(5), 0), [5, 5, 5, 8]);
        assert_eq!(waits(Some(5), 255), [7, 7, 7, 12]);
        assert_eq!(waits(Some(30), 0), [30; 4]);
        assert_eq!(wait(1, Some(31), 0), None, "that long a person is not kept waiting");
        assert_eq!(wait(0, None, 0), None);
    }
}
