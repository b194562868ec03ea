//! Times: seconds since 1970 inside, RFC 3339 in UTC outside.

use jiff::Timestamp;

/// Seconds since 1970.
pub(crate) type Seconds = i64;

/// Now.
pub(crate) fn now() -> Seconds {
    Timestamp::now().as_second()
}

/// The time as people and clients read it.
pub(crate) fn rfc3339(seconds: Seconds) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}

/// Reads a time as clients write it.
pub(crate) fn parse(text: &str) -> Result<Seconds, jiff::Error> {
    text.parse::<Timestamp>().map(Timestamp::as_second)
}
