//! Values of the configuration as people write them: `90s`, `2 GiB`.

use std::fmt;
use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A length of time, written like `90s`, `1h 30m` or `30d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span(Duration);

impl Span {
    pub(super) const fn milliseconds(count: u64) -> Self {
        Self(Duration::from_millis(count))
    }

    pub(super) const fn seconds(count: u64) -> Self {
        Self(Duration::from_secs(count))
    }

    pub(super) const fn minutes(count: u64) -> Self {
        Self::seconds(count * 60)
    }

    pub(super) const fn hours(count: u64) -> Self {
        Self::minutes(count * 60)
    }

    pub(super) const fn days(count: u64) -> Self {
        Self::hours(count * 24)
    }

    pub(crate) const fn duration(self) -> Duration {
        self.0
    }

    fn parse(text: &str) -> Result<Self, String> {
        let complaint = |_| format!("`{text}` is no length of time; write it like `90s`, `1h 30m` or `30d`");
        // Days are 24 hours here, which jiff leaves to calendars.
        let (days, rest) = match text.trim().split_once('d') {
            Some((days, rest)) if !days.is_empty() && days.bytes().all(|byte| byte.is_ascii_digit()) => {
                (days.parse::<u64>().map_err(|_| complaint(()))?, rest.trim())
            }
            _ => (0, text.trim()),
        };
        let rest = match rest {
            "" if text.contains('d') => Duration::ZERO,
            rest => {
                let parsed = rest.parse::<SignedDuration>().map_err(|_| complaint(()))?;
                Duration::try_from(parsed).map_err(|_| complaint(()))?
            }
        };
        let days = days.checked_mul(24 * 60 * 60).ok_or_else(|| complaint(()))?;
        Duration::from_secs(days).checked_add(rest).map(Self).ok_or_else(|| complaint(()))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match (seconds, self.0.subsec_millis()) {
            (_, 1..) => write!(formatter, "{}ms", self.0.as_millis()),
            (1.., 0) if seconds.is_multiple_of(24 * 60 * 60) => write!(formatter, "{}d", seconds / (24 * 60 * 60)),
            (1.., 0) if seconds.is_multiple_of(60 * 60) => write!(formatter, "{}h", seconds / (60 * 60)),
            (1.., 0) if seconds.is_multiple_of(60) => write!(formatter, "{}m", seconds / 60),
            _ => write!(formatter, "{seconds}s"),
        }
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// A number of bytes, written like `20 MiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ByteCount(u64);

const UNITS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

impl ByteCount {
    pub(super) const fn mebibytes(count: u64) -> Self {
        Self(count << 20)
    }

    /// The bytes.
    pub(crate) const fn count(self) -> u64 {
        self.0
    }

    fn parse(text: &str) -> Result<Self, String> {
        let complaint = || format!("`{text}` is no number of bytes; write it like `20 MiB`");
        let digits = text.trim().find(|character: char| !character.is_ascii_digit()).unwrap_or(text.trim().len());
        let (number, unit) = text.trim().split_at(digits);
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit.trim()).ok_or_else(complaint)?;
        let count: u64 = number.parse().map_err(|_| complaint())?;
        count.checked_mul(*factor).map(Self).ok_or_else(complaint)
    }
}

impl fmt::Display for ByteCount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |(_, factor): &&(&str, u64)| self.0.is_multiple_of(*factor) && self.0 > 0;
        let (name, factor) = UNITS.iter().find(fits).unwrap_or(&UNITS[3]);
        write!(formatter, "{} {name}", self.0 / factor)
    }
}

impl Serialize for ByteCount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ByteCount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// A word that is never printed.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secret(String);

impl Secret {
    /// The word itself.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("(redacted)")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_are_written_as_people_write_them() {
        for (text, seconds, shown) in [
            ("90s", 90, "90s"),
            ("1h 30m", 5400, "90m"),
            ("30d", 2_592_000, "30d"),
            ("1d 12h", 129_600, "36h"),
            ("0s", 0, "0s"),
        ] {
            let span = Span::parse(text).unwrap();
            assert_eq!((span.duration().as_secs(), span.to_string().as_str()), (seconds, shown), "{text}");
        }
        assert_eq!(Span::parse("1500ms").unwrap().to_string(), "1500ms");
        for bad in ["", "90", "-5s", "soon", "d", "99999999999999999999d"] {
            assert!(Span::parse(bad).is_err(), "{bad}");
        }
        for (text, count, shown) in
            [("2 GiB", 1 << 31, "2 GiB"), ("20MiB", 20 << 20, "20 MiB"), ("100 B", 100, "100 B")]
        {
            let bytes = ByteCount::parse(text).unwrap();
            assert_eq!((bytes.count(), bytes.to_string().as_str()), (count, shown), "{text}");
        }
        for bad in ["", "20", "20 MB", "-1 B", "99999999999 GiB"] {
            assert!(ByteCount::parse(bad).is_err(), "{bad}");
        }
    }
}
