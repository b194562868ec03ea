//! Names of packages.

/// A package's or a group's name in the one spelling: lower case, runs of `-`, `_` and `.` are one `-`.
pub fn normalised(name: &str) -> String {
    let mut normalised = String::new();
    for character in name.chars() {
        match character {
            '-' | '_' | '.' if normalised.ends_with('-') => {}
            '-' | '_' | '.' => normalised.push('-'),
            other => normalised.extend(other.to_lowercase()),
        }
    }
    normalised
}

/// Whether it can be the name of a package or an extra.
pub(super) fn is_valid(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.ends_with(|last: char| last.is_ascii_alphanumeric())
        && name.chars().all(is_part)
}

/// Whether a name can contain it.
pub(super) fn is_part(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.')
}
