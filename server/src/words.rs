//! Words for people.

use comfydock_core::wire::KeptFiles;

/// A number of things, of which the noun says one: `1 repository`, `2 repositories`.
pub(crate) fn count(number: impl TryInto<u64>, noun: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    match noun.strip_suffix('y') {
        _ if number == 1 => format!("1 {noun}"),
        Some(start) => format!("{number} {start}ies"),
        None => format!("{number} {noun}s"),
    }
}

/// Bytes in the unit people read, as the configuration counts them: `1.9 GiB`.
pub(crate) fn bytes(number: u64) -> String {
    const UNITS: [(&str, u64); 4] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let Some((name, unit)) = UNITS.into_iter().find(|(_, unit)| number >= *unit) else { return format!("{number} B") };
    let tenths = number % unit * 10 / unit;
    if tenths == 0 { format!("{} {name}", number / unit) } else { format!("{}.{tenths} {name}", number / unit) }
}

/// Model files that the hub keeps: `3 model files with 1.9 GiB`.
pub(crate) fn model_files(kept: KeptFiles) -> String {
    format!("{} with {}", count(kept.files, "model file"), bytes(kept.bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_as_the_configuration_has_them() {
        for (number, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1_000_000, "976.5 KiB"),
            (3 << 20, "3 MiB"),
            ((3 << 30) + (1 << 29), "3.5 GiB"),
            (u64::MAX, "16777215.9 TiB"),
        ] {
            assert_eq!(bytes(number), text);
        }
    }

    #[test]
    fn one_is_not_many() {
        let said = [count(0, "model"), count(1_usize, "model"), count(2, "repository"), count(1, "repository")];
        assert_eq!(said, ["0 models", "1 model", "2 repositories", "1 repository"]);
    }
}
