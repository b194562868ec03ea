//! What no log may hold.

use comfydock_core::secret;
use comfydock_git::program::without_credentials;

use comfydock_core::redact::redact;

/// Parts of the names of variables that hold secrets.
const NAMES: [&str; 5] = ["TOKEN", "PASSWORD", "SECRET", "API_KEY", "CREDENTIAL"];

/// A shorter value is no secret, and would be found in other words.
const SHORTEST: usize = 6;

/// Whether a variable is called as those are that hold secrets.
pub(crate) fn is_secret(name: &str) -> bool {
    NAMES.iter().any(|part| name.to_ascii_uppercase().contains(part))
}

/// The secrets that are known by their value.
pub(super) struct Secrets(Vec<String>);

impl Secrets {
    /// Those in the variables of this process.
    pub(super) fn of_surroundings() -> Self {
        let variables =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let mut values: Vec<String> = variables
            .filter(|(name, value)| is_secret(name) && value.trim().len() >= SHORTEST)
            .map(|(_, value)| value.trim().to_owned())
            .collect();
        // The longest first: one may begin as another does.
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        Self(values)
    }

    /// A line without secrets: known ones, credentials and queries of URLs, what a word like `token=`
    /// announces, and what looks like the token of a site.
    pub(super) fn hide(&self, line: &str) -> String {
        let indent = &line[..line.len() - line.trim_start().len()];
        let mut clean = self.0.iter().fold(line.to_owned(), |line, secret| line.replace(secret.as_str(), "…"));
        clean = without_credentials(&clean);
        // It takes spaces at the end of words with a query; the indent says what belongs together.
        clean = format!("{indent}{}", redact(clean.trim_start(), None));
        for found in secret::find("line.txt", clean.clone().as_bytes()) {
            let Some(start) = clean.find(&found.shown) else { continue };
            let ends = |character: char| character.is_whitespace() || matches!(character, '"' | '\'' | ',' | ';' | ')');
            let end = clean[start..].find(ends).map_or(clean.len(), |length| start + length);
            clean.replace_range(start..end, "…");
        }
        clean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_gets_through() {
        let secrets = Secrets(vec!["hunter2-and-more".to_owned(), "hunter2".to_owned()]);
        let shaped = format!("hf_{}", "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3g");
        for line in [
            "comfydock remote add origin https://ann:hunter2@hub.example/a/b",
            "comfydock models source add x.ckpt https://cdn.example/x?sig=hunter2",
            "  warning: the hub said hunter2-and-more",
            "header Authorization: Bearer hunter2",
            &format!("loaded {shaped}, ready"),
            &format!("  token \"{shaped}\""),
        ] {
            let clean = secrets.hide(line);
            assert!(!clean.contains("hunter2") && !clean.contains(&shaped[..12]), "{clean}");
            assert_eq!(clean.starts_with("  "), line.starts_with("  "), "{clean}");
        }
        for plain in ["  Locking 12 Python requirements", "comfydock pull --yes", "see https://x.example/a/b now"] {
            assert_eq!(secrets.hide(plain), plain);
        }
    }
}
