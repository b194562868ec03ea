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

/// The seconds that a server asks to stay away, whichever of its headers says so. `header` gives a header's
/// value by its name in lower case; `now` is this machine's clock in seconds since 1970, for a date.
pub fn asked<'a>(header: impl Fn(&str) -> Option<&'a str>, now: i64) -> Option<u32> {
    let after = |text: &str| match text.parse::<u32>() {
        Ok(seconds) => Some(seconds),
        Err(_) => u32::try_from((http_date(text)? - now).max(0)).ok(),
    };
    let used_up = header("ratelimit").and_then(|text| rate_limited(text.trim()));
    used_up.or_else(|| header("retry-after").and_then(|text| after(text.trim())))
}

/// A date as servers must write it (RFC 9110, section 5.6.7): `Wed, 21 Oct 2015 07:28:00 GMT`, in seconds since
/// 1970.
fn http_date(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, date) = text.split_once(", ")?;
    let [day, month, year, time, "GMT"] = date.split(' ').collect::<Vec<_>>()[..] else { return None };
    let [hours, minutes, seconds] = time.split(':').collect::<Vec<_>>()[..] else { return None };
    let number = |text: &str, most: i64| text.parse::<i64>().ok().filter(|number| (0..=most).contains(number));
    let month = i64::try_from(MONTHS.iter().position(|name| *name == month)?).ok()?;
    // The year begins in March here, so that a leap day is its last.
    let (from_march, year) = ((month + 10) % 12, number(year, 9999)? - i64::from(month < 2));
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * from_march + 2) / 5 + number(day, 31)? - 1;
    // Days from 1 March of the year 0 to 1970.
    const BEFORE: i64 = 719_468;
    let clock = number(hours, 23)? * 3600 + number(minutes, 59)? * 60 + number(seconds, 60)?;
    Some((days - BEFORE) * 86_400 + clock)
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
    fn dates_are_seconds_since_1970() {
        for (text, seconds) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Wed, 21 Oct 2015 07:28:00 GMT", Some(1_445_412_480)),
            ("Thu, 29 Feb 2024 23:59:59 GMT", Some(1_709_251_199)),
            ("Fri, 01 Mar 2024 00:00:00 GMT", Some(1_709_251_200)),
            ("Tue, 01 Mar 2000 00:00:00 GMT", Some(951_868_800)),
            ("Wed, 21 Oct 2015 07:28:00 CET", None),
            ("Wed, 21 Oct 2015 25:28:00 GMT", None),
            ("Wed, 21 Okt 2015 07:28:00 GMT", None),
            ("21 Oct 2015 07:28:00 GMT", None),
            ("Wed, 21 Oct 2015", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(http_date(text), seconds, "{text}");
        }
    }

    #[test]
    fn the_time_a_server_asks_for_in_all_its_forms() {
        const NOW: i64 = 1_445_412_400;
        for (table, seconds) in [
            (&[("retry-after", "7")][..], Some(7)),
            (&[("ratelimit", "\"api\";r=3;t=5, \"resolvers\";r=0;t=55"), ("retry-after", "3")], Some(56)),
            (&[("ratelimit", "\"api\";r=2;t=9"), ("retry-after", " 3 ")], Some(3)),
            (&[("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")], Some(80)),
            (&[("retry-after", "Wed, 21 Oct 2015 07:00:00 GMT")], Some(0)),
            (&[("retry-after", "soon")], None),
            (&[], None),
        ] {
            let header = |name: &str| table.iter().find(|(given, _)| *given == name).map(|(_, value)| *value);
            assert_eq!(asked(header, NOW), seconds, "{table:?}");
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
