//! What a server wants to know of who asks: `WWW-Authenticate` (RFC 9110, section 11.6.1).

use std::collections::BTreeMap;

/// One way a server offers to be told who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// Its name in lower case: `basic`, `bearer`.
    pub scheme: String,
    /// Its parameters, names in lower case; of those that are there twice the first.
    pub parameters: BTreeMap<String, String>,
}

impl Challenge {
    /// A parameter's value.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }
}

/// The challenges of one header, in its order. A comma separates challenges as well as parameters and may stand
/// inside quotes; what cannot be read ends the list.
pub fn challenges(header: &str) -> Vec<Challenge> {
    let mut found: Vec<Challenge> = Vec::new();
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let Some((word, after)) = token(rest) else { return found };
        if let Some((value, after)) = value(after)
            && let Some(challenge) = found.last_mut()
        {
            challenge.parameters.entry(word.to_ascii_lowercase()).or_insert(value);
            rest = after;
            continue;
        }
        // A scheme stands alone or is followed by a space.
        if !after.is_empty() && !after.starts_with([' ', '\t', ',']) {
            return found;
        }
        found.push(Challenge { scheme: word.to_ascii_lowercase(), parameters: BTreeMap::new() });
        rest = after_token68(after);
    }
}

/// A token of RFC 9110 at the start of the text, and what comes behind it.
fn token(text: &str) -> Option<(&str, &str)> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let end = text.bytes().position(|byte| !is_part(byte)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// `= value` at the start of the text, and what comes behind it.
fn value(text: &str) -> Option<(String, &str)> {
    let text = text.trim_start_matches([' ', '\t']).strip_prefix('=')?.trim_start_matches([' ', '\t']);
    let Some(quoted) = text.strip_prefix('"') else {
        let (word, rest) = token(text)?;
        return Some((word.to_owned(), rest));
    };
    let mut value = String::new();
    let mut letters = quoted.char_indices();
    while let Some((place, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &quoted[place + 1..])),
            '\\' => value.push(letters.next()?.1),
            _ => value.push(letter),
        }
    }
    None
}

/// Some schemes are followed by one word (`Negotiate oYIB…==`) in the place of parameters; it is passed over.
fn after_token68(text: &str) -> &str {
    let word = text.trim_start_matches([' ', '\t']);
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    let end = word.bytes().position(|byte| !is_part(byte)).unwrap_or(word.len());
    let rest = word[end..].trim_start_matches('=').trim_start_matches([' ', '\t']);
    let ends_here = rest.is_empty() || rest.starts_with(',');
    // `Basic, Bearer …`: the comma right behind a scheme ends it.
    if end > 0 && ends_here { rest } else { text }
}
