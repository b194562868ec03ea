//! An old version that is put in the place of a newer one, with its signature.

use std::cmp::Ordering;

use super::Claim;
use crate::pack_identifier::Version;

/// How what is signed now stands to what was last seen of the same reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// The same or newer.
    NotOlder,
    /// Older: by its version, or by its time where the versions are equal or no numbers.
    Older,
    /// Nothing was signed that could be compared.
    Unknown,
}

/// Compares what is signed now with what was last seen.
pub fn age(seen: &Claim, now: &Claim) -> Age {
    let versions = version(now).zip(version(seen)).map(|(now, seen)| now.cmp(&seen));
    let times = time(now).zip(time(seen)).map(|(now, seen)| now.cmp(seen));
    match (versions, times) {
        (Some(Ordering::Less), _) | (Some(Ordering::Equal) | None, Some(Ordering::Less)) => Age::Older,
        (None, None) => Age::Unknown,
        _ => Age::NotOlder,
    }
}

/// The version, and whether it is a release: `1.2.0-rc1` comes before `1.2.0`. Other words have no order.
fn version(claim: &Claim) -> Option<(Version, bool)> {
    let text = claim.version.as_deref()?;
    let text = text.split_once('+').map_or(text, |(before, _)| before);
    match text.split_once('-') {
        None => Some((Version::parse(text)?, true)),
        // Two candidates of one version are told apart by their time.
        Some((numbers, _)) => Some((Version::parse(numbers)?, false)),
    }
}

/// The time without fractions, if it is written the one way in which texts order like times.
fn time(claim: &Claim) -> Option<&str> {
    let text = claim.created.as_deref()?;
    let (whole, rest) = text.split_at_checked(19)?;
    let form = whole.bytes().zip(*b"0000-00-00T00:00:00").all(|(byte, form)| match form {
        b'0' => byte.is_ascii_digit(),
        sign => byte == sign,
    });
    let fraction = rest.strip_suffix('Z')?;
    let fraction_is_digits = fraction.is_empty()
        || fraction
            .strip_prefix('.')
            .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()));
    (form && fraction_is_digits).then_some(whole)
}
