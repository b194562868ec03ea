//! As much of Python's spelling as it takes to find strings: words, strings and single signs.

/// A token; comments, blanks and line ends are none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A name or a number.
    Word(String),
    /// A string whose value stands in the text.
    Text(String),
    /// Anything else, a string with `{…}` in it included, which is told as `f`.
    Sign(char),
}

/// Takes a text apart. What is not closed ends with the text or, in a plain string, with the line.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if first == '#' {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
        } else if first.is_whitespace() || (first == '\\' && rest[1..].starts_with(['\n', '\r'])) {
            rest = &rest[first.len_utf8()..];
        } else if first == '"' || first == '\'' {
            let (token, after) = string(rest, "");
            found.push(token);
            rest = after;
        } else if first.is_alphanumeric() || first == '_' {
            let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            let prefix = word.len() <= 2 && word.chars().all(|letter| "rRbBuUfF".contains(letter));
            if prefix && after.starts_with(['"', '\'']) {
                let (token, after) = string(after, word);
                found.push(token);
                rest = after;
            } else {
                found.push(Token::Word(word.to_owned()));
                rest = after;
            }
        } else {
            found.push(Token::Sign(first));
            rest = &rest[first.len_utf8()..];
        }
    }
    found
}

/// Reads a string that begins here.
fn string<'text>(text: &'text str, prefix: &str) -> (Token, &'text str) {
    let has = |letters: [char; 2]| prefix.contains(letters);
    let quote = &text[..1];
    let triple = quote.repeat(3);
    let end = if text.starts_with(&triple) { triple.as_str() } else { quote };
    let raw = has(['r', 'R']);
    let mut value = String::new();
    let mut rest = &text[end.len()..];
    loop {
        if let Some(after) = rest.strip_prefix(end) {
            rest = after;
            break;
        }
        let Some(letter) = rest.chars().next() else { break };
        if letter == '\n' && end.len() == 1 {
            break;
        }
        rest = &rest[letter.len_utf8()..];
        if letter != '\\' {
            value.push(letter);
        } else if raw {
            // The quote behind it does not end the string, and both stay.
            value.push(letter);
            if let Some(next) = rest.chars().next() {
                value.push(next);
                rest = &rest[next.len_utf8()..];
            }
        } else {
            rest = escape(rest, &mut value);
        }
    }
    (if has(['f', 'F']) || has(['b', 'B']) { Token::Sign('f') } else { Token::Text(value) }, rest)
}

/// Reads what follows a backslash.
fn escape<'text>(rest: &'text str, value: &mut String) -> &'text str {
    let Some(letter) = rest.chars().next() else { return rest };
    let after = &rest[letter.len_utf8()..];
    let digits = match letter {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => 0,
    };
    if let Some(code) = after.get(..digits).filter(|_| digits > 0).and_then(|code| u32::from_str_radix(code, 16).ok()) {
        value.push(char::from_u32(code).unwrap_or('\u{fffd}'));
        return &after[digits..];
    }
    match letter {
        '\n' => {}
        'n' => value.push('\n'),
        't' => value.push('\t'),
        '\\' | '\'' | '"' => value.push(letter),
        other => value.extend(['\\', other]),
    }
    after
}
