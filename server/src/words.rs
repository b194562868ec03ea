//! Words for people.

/// A number of things, of which the noun says one: `1 repository`, `2 repositories`.
pub(crate) fn count(number: impl TryInto<u64>, noun: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    match noun.strip_suffix('y') {
        _ if number == 1 => format!("1 {noun}"),
        Some(start) => format!("{number} {start}ies"),
        None => format!("{number} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_many() {
        let said = [count(0, "model"), count(1_usize, "model"), count(2, "repository"), count(1, "repository")];
        assert_eq!(said, ["0 models", "1 model", "2 repositories", "1 repository"]);
    }
}
