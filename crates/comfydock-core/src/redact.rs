//! Words that may be said aloud: no signature, no token.

use url::Url;

/// What stands before a secret.
const BEFORE: [&str; 10] = [
    "token=",
    "key=",
    "sig=",
    "signature=",
    "credential=",
    "password=",
    "secret=",
    "bearer ",
    "basic ",
    "authorization: ",
];

/// The URL without its query, which may be a signature.
pub fn shown(url: &Url) -> String {
    let mut clean = url.clone();
    clean.set_query(None);
    clean.set_fragment(None);
    let _ = clean.set_username("");
    let _ = clean.set_password(None);
    clean.to_string()
}

/// A server's words without what may be secret in them: the token that was sent, and whatever stands
/// behind a word that announces one. Queries of URLs go whole.
pub fn redact(text: &str, secret: Option<&str>) -> String {
    let bare = secret.map(|secret| secret.rsplit(' ').next().unwrap_or(secret)).filter(|bare| bare.len() >= 4);
    let text = bare.map_or_else(|| text.to_owned(), |bare| text.replace(bare, "…"));
    let mut clean = String::new();
    for word in text.split_inclusive(char::is_whitespace) {
        match word.split_once('?') {
            Some((path, _)) if path.contains("://") => {
                clean.push_str(path);
                clean.push(' ');
            }
            _ => clean.push_str(word),
        }
    }
    for before in BEFORE {
        let mut from = 0;
        while let Some(found) = clean[from..].to_ascii_lowercase().find(before) {
            let start = from + found + before.len();
            let ends = |character: char| character.is_whitespace() || matches!(character, '&' | '"' | '\'' | ',' | ';');
            let end = clean[start..].find(ends).map_or(clean.len(), |length| start + length);
            clean.replace_range(start..end, "…");
            from = start + "…".len();
        }
    }
    clean.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_repeated() {
        for text in [
            "bad token=hunter2 given",
            "X-Amz-Signature=hunter2&x=1",
            "Authorization: hunter2",
            "you sent Bearer hunter2",
            "see https://x.example/get?whatever=hunter2 again",
            "Sig=hunter2, api_key=hunter2",
            "echo hunter2",
        ] {
            let clean = redact(text, Some("Bearer hunter2"));
            assert!(!clean.contains("hunter2") && clean.contains('…') || clean.contains("x.example/get"), "{clean}");
            assert!(!clean.contains("hunter2"), "{clean}");
        }
        assert_eq!(redact("The creator wants you to log in?", None), "The creator wants you to log in?");
        assert_eq!(redact("token=", None), "token=…");
        assert_eq!(redact("İtoken=x İ", None), "İtoken=… İ");
        assert_eq!(shown(&Url::parse("https://me:pw@x.example/a?sig=1#f").unwrap()), "https://x.example/a");
    }
}
