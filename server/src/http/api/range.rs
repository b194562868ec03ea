//! The one range of a file that a request asks for (RFC 9110, section 14).

/// What to send of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    All,
    /// From this byte so many.
    Part {
        first: u64,
        count: u64,
    },
    /// Nothing of it is there.
    Nothing,
}

impl Wanted {
    /// Reads the header. What is no single range of bytes is passed over, as the standard has it.
    pub(super) fn read(header: Option<&str>, size: u64) -> Self {
        header.and_then(|text| Self::parse(text, size)).unwrap_or(Self::All)
    }

    fn parse(text: &str, size: u64) -> Option<Self> {
        let span = text.trim().strip_prefix("bytes=")?.trim();
        let number = |text: &str| {
            let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            // What no number holds is beyond every file.
            is_plain.then(|| text.parse::<u64>().unwrap_or(u64::MAX))
        };
        let (first, last) = span.split_once('-')?;
        let (first, end) = match (first, last) {
            ("", count) => (size.saturating_sub(number(count)?), if number(count)? == 0 { 0 } else { size }),
            (first, "") => (number(first)?, size),
            (first, last) if number(first)? <= number(last)? => {
                (number(first)?, number(last)?.saturating_add(1).min(size))
            }
            _ => return None,
        };
        Some(if first < end { Self::Part { first, count: end - first } } else { Self::Nothing })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let part = |first, count| Wanted::Part { first, count };
        for (header, wanted) in [
            (Some("bytes=0-0"), part(0, 1)),
            (Some("bytes=0-9"), part(0, 10)),
            (Some("bytes=3-"), part(3, 7)),
            (Some("bytes=9-"), part(9, 1)),
            (Some("bytes=5-99999999999999999999999"), part(5, 5)),
            (Some("bytes=-3"), part(7, 3)),
            (Some("bytes=-30"), part(0, 10)),
            (Some("bytes=10-"), Wanted::Nothing),
            (Some("bytes=99999999999999999999999-"), Wanted::Nothing),
            (Some("bytes=-0"), Wanted::Nothing),
            (Some("bytes=0-1,3-4"), Wanted::All),
            (Some("bytes=5-3"), Wanted::All),
            (Some("bytes=+1-2"), Wanted::All),
            (Some("lines=1-2"), Wanted::All),
            (Some("bytes=-"), Wanted::All),
            (None, Wanted::All),
        ] {
            assert_eq!(Wanted::read(header, 10), wanted, "{header:?}");
        }
        assert_eq!(Wanted::read(Some("bytes=0-"), 0), Wanted::Nothing);
    }
}
