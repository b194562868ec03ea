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

/// Reads a time as clients send it.
pub(crate) fn parse(text: &str) -> Option<Seconds> {
    text.parse::<Timestamp>().ok().map(|time| time.as_second())
}

/// Reads when something shall end: a number of days from now, a date (its end, in UTC), or a time.
pub(crate) fn parse_end(text: &str) -> Result<Seconds, String> {
    const DAY: Seconds = 24 * 60 * 60;
    if let Ok(days) = text.parse::<u16>() {
        return Ok(now() + Seconds::from(days) * DAY);
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time.as_second());
    }
    let date: jiff::civil::Date =
        text.parse().map_err(|_| format!("`{}` is neither a number of days nor a date", text.escape_debug()))?;
    let midnight = date.to_zoned(jiff::tz::TimeZone::UTC).map_err(|error| error.to_string())?;
    Ok(midnight.timestamp().as_second() + DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_days_or_the_end_of_a_date_or_a_time() {
        assert_eq!(rfc3339(parse_end("2027-01-31").unwrap()), "2027-02-01T00:00:00Z");
        assert_eq!(rfc3339(parse_end("2027-01-31T12:00:00+02:00").unwrap()), "2027-01-31T10:00:00Z");
        let in_a_day = parse_end("1").unwrap() - now();
        assert!((86_390..=86_400).contains(&in_a_day));
        for text in ["soon", "-1", "", "2027-13-01"] {
            assert!(parse_end(text).is_err(), "{text}");
        }
    }
}
