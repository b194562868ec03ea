//! Secrets known by what stands around them: headers, URLs, key files.

use super::{Hit, bits_per_byte, is_placeholder};

/// The kinds of this module.
pub(super) const KINDS: [&str; 4] = ["bearer", "private-key", "url-credential", "webhook"];

/// Query keys whose value lets somebody in. A signature is not among them: it opens one file for some
/// minutes, and published workflows carry such links.
const QUERY_KEYS: [&str; 13] = [
    "token",
    "access_token",
    "auth_token",
    "api_token",
    "api_key",
    "apikey",
    "api-key",
    "key",
    "auth",
    "password",
    "secret",
    "client_secret",
    "authorization",
];

/// All of them in the bytes.
pub(super) fn find(bytes: &[u8]) -> Vec<Hit> {
    let mut hits = Vec::new();
    for (at, byte) in bytes.iter().enumerate() {
        let rest = &bytes[at..];
        let hit = match byte {
            b'b' | b'B' => bearer(rest),
            b'-' => private_key(rest),
            b':' => user_and_password(rest),
            b'?' | b'&' => query(rest),
            b'h' | b'd' => webhook(rest),
            _ => None,
        };
        if let Some((kind, what, secret, length)) = hit {
            hits.push(Hit { kind, what, at, secret: at + secret, end: at + length });
        }
    }
    hits
}

/// Kind, words, where the secret begins and where it ends.
type Match = Option<(&'static str, &'static str, usize, usize)>;

fn starts_with_ignoring_case(bytes: &[u8], word: &str) -> bool {
    bytes.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
}

fn run(bytes: &[u8], further: &[u8]) -> usize {
    bytes.iter().take_while(|byte| byte.is_ascii_alphanumeric() || further.contains(byte)).count()
}

/// At least one digit among the letters: prose has none.
fn looks_random(text: &[u8], bits: f64) -> bool {
    text.iter().any(u8::is_ascii_digit)
        && text.iter().any(u8::is_ascii_alphabetic)
        && bits_per_byte(text) >= bits
        && !is_placeholder(text)
}

fn bearer(rest: &[u8]) -> Match {
    const WORD: &str = "bearer ";
    if !starts_with_ignoring_case(rest, WORD) {
        return None;
    }
    let length = run(&rest[WORD.len()..], b"-._~+/=");
    let token = &rest[WORD.len()..WORD.len() + length];
    (length >= 20 && looks_random(token, 3.0)).then_some(("bearer", "a bearer token", WORD.len(), WORD.len() + length))
}

/// The first line of a key file, and key material after it.
fn private_key(rest: &[u8]) -> Match {
    const START: &[u8] = b"-----BEGIN ";
    const END: &[u8] = b"PRIVATE KEY";
    if !rest.starts_with(START) {
        return None;
    }
    let line = &rest[..rest.len().min(64)];
    let at = line.windows(END.len()).position(|window| window == END)? + END.len();
    let after = &rest[at..rest.len().min(at + 400)];
    // Code that looks for keys goes on too, but never in lines like those of a key.
    let is_material = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    let line = after.split(|byte| !is_material(byte)).max_by_key(|run| run.len())?;
    (line.len() >= 40 && bits_per_byte(line) >= 3.5).then_some(("private-key", "a private key", 0, at))
}

/// `://user:password@`
fn user_and_password(rest: &[u8]) -> Match {
    let authority = rest.strip_prefix(b"://")?;
    let end = authority.iter().take(512).position(|byte| {
        matches!(byte, b'/' | b'?' | b'#' | b'"' | b'\'' | b'<' | b'>' | b'\\' | b'`') || !byte.is_ascii_graphic()
    });
    let authority = &authority[..end.unwrap_or(authority.len().min(512))];
    let at = authority.iter().rposition(|byte| *byte == b'@')?;
    let colon = authority[..at].iter().position(|byte| *byte == b':')?;
    let password = &authority[colon + 1..at];
    // `user:pass@`, `$USER:$PASSWORD@`, `{user}:{password}@` are how documentation writes it.
    let is_form = password.iter().any(|byte| matches!(byte, b'$' | b'{' | b'*'))
        || [&b"pass"[..], b"password", b"pw", b"token", b"secret", b"pwd"]
            .contains(&password.to_ascii_lowercase().as_slice());
    (!password.is_empty() && !is_form && !is_placeholder(password)).then_some((
        "url-credential",
        "a URL with a password",
        3 + colon + 1,
        3 + at,
    ))
}

fn query(rest: &[u8]) -> Match {
    let pair = &rest[1..];
    let key =
        QUERY_KEYS.iter().find(|key| starts_with_ignoring_case(pair, key) && pair.get(key.len()) == Some(&b'='))?;
    let value = &pair[key.len() + 1..];
    let length = run(value, b"-._~%+=");
    let start = 1 + key.len() + 1;
    (length >= 16 && looks_random(&value[..length], 3.0)).then_some((
        "url-credential",
        "a URL with a credential",
        start,
        start + length,
    ))
}

fn webhook(rest: &[u8]) -> Match {
    const HOOKS: [&str; 3] = ["hooks.slack.com/services/", "discord.com/api/webhooks/", "discordapp.com/api/webhooks/"];
    let hook = HOOKS.iter().find(|hook| rest.starts_with(hook.as_bytes()))?;
    let length = run(&rest[hook.len()..], b"-_/");
    let path = &rest[hook.len()..hook.len() + length];
    (length >= 40 && looks_random(path, 3.0)).then_some((
        "webhook",
        "a webhook's secret address",
        hook.len(),
        hook.len() + length,
    ))
}
