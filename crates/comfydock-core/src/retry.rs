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

/// The next pause after `previous`: random between `shortest` and three times the previous one, never
/// above `longest`. Waits grow, and those who were sent away together come back apart. `chance` is
/// any number.
pub fn jitter(shortest: Duration, longest: Duration, previous: Duration, chance: u8) -> Duration {
    let top = previous.saturating_mul(3).clamp(shortest, longest.max(shortest));
    shortest + (top - shortest) * u32::from(chance) / u32::from(u8::MAX)
}

/// The seconds a `RateLimit` header asks to stay away: `"api";r=0;t=55` says that nothing is left for
/// 55 seconds. None while something is left, or when it cannot be read.
///
/// The form is that of draft-ietf-httpapi-ratelimit-headers, as Hugging Face sends it; several limits
/// are separated by commas, and the one that is used up counts.
pub fn rate_limited(header: &str) -> Option<u32> {
    let number = |item: &str, key: &str| {
        item.split(';').find_map(|part| part.trim().strip_prefix(key)?.strip_prefix('=')?.trim().parse::<u32>().ok())
    };
    let used_up = header.split(',').filter(|item| number(item, "r") == Some(0));
    // A second more: the window's end is rounded.
    used_up.filter_map(|item| number(item, "t")).max().map(|seconds| seconds.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_stay_between_their_bounds_and_may_grow() {
        let [short, long] = [1, 30].map(Duration::from_secs);
        for chance in [0, 1, 128, 254, 255] {
            let mut pause = short;
            for _ in 0..20 {
                let next = jitter(short, long, pause, chance);
                assert!(next >= short && next <= long && next <= pause.max(short) * 3, "{chance}: {next:?}");
                pause = next;
            }
        }
        assert_eq!(jitter(short, long, short, 255), Duration::from_secs(3));
        assert_eq!(jitter(short, long, Duration::from_secs(20), 255), long);
        assert_eq!(jitter(long, short, long, 255), long, "bounds the wrong way round are no reason to hurry");
    }

    #[test]
    fn a_used_up_limit_says_when_to_come_back() {
        for (header, seconds) in [
            (r#""api";r=0;t=55"#, Some(56)),
            (r#""api"; r=0; t=55"#, Some(56)),
            (r#""api";r=3;t=55"#, None),
            (r#""api";r=0;t=5, "resolvers";r=0;t=9"#, Some(10)),
            (r#""api";r=9;t=5, "resolvers";r=0;t=2"#, Some(3)),
            ("r=0", None),
            ("t=1", None),
            ("", None),
            ("r=0;t=99999999999", None),
        ] {
            assert_eq!(rate_limited(header), seconds, "{header}");
        }
    }

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
