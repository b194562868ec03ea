//! Which branches keep their history.

/// Whether a branch, named without `refs/heads/`, matches one of the patterns. `*` stands for any text.
pub fn is_protected<P: AsRef<str>>(patterns: &[P], branch: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern.as_ref(), branch))
}

fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, branch, expected) in [
            ("main", "main", true),
            ("main", "maintenance", false),
            ("main", "my/main", false),
            ("release/*", "release/1", true),
            ("release/*", "release", false),
            ("*", "anything/at/all", true),
            ("*/stable", "a/stable", true),
            ("*/stable", "stable", false),
            ("a*b*c", "a-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("a*ba", "aba", true),
            ("ab*ba", "aba", false),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(is_protected(&[pattern], branch), expected, "{pattern} {branch}");
        }
        assert!(is_protected(&["a", "b*"], "bc") && !is_protected(&[] as &[&str], "main"));
    }
}
