//! Places named like a secret, and values that look like one there.

use super::{bits_per_byte, is_placeholder};
use crate::category;

/// How much a name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name {
    /// Something with keys: of a table, a lock, a translation. A hash is at home there.
    Weak,
    /// A credential.
    Strong,
}

const CREDENTIALS: [&str; 17] = [
    "accesskey",
    "apikey",
    "auth",
    "authkey",
    "authorization",
    "bearer",
    "credential",
    "credentials",
    "jwt",
    "passphrase",
    "passwd",
    "password",
    "pwd",
    "secret",
    "secretkey",
    "secrets",
    "token",
];
/// A word that ends so is one of them written together: `hftoken`.
const ENDINGS: [&str; 6] = ["accesskey", "apikey", "password", "secret", "secretkey", "token"];
/// Ends in `key` and is none.
const NO_KEYS: [&str; 7] = ["donkey", "hockey", "hotkey", "jockey", "monkey", "turkey", "whiskey"];
/// Keys of tables and stores.
const TABLE_WORDS: [&str; 20] = [
    "cache", "content", "dict", "file", "foreign", "hash", "image", "item", "json", "lookup", "map", "model", "node",
    "object", "primary", "prompt", "sort", "state", "storage", "workflow",
];
/// What is *about* a secret and is none: its name, where it is kept, how many there are.
const ABOUT: [&str; 22] = [
    "count", "endpoint", "env", "file", "format", "id", "length", "limit", "max", "min", "mode", "name", "num",
    "number", "path", "provider", "public", "size", "source", "type", "url", "var",
];

/// What a name of a widget or a property says, if anything.
pub(super) fn of_name(name: &str) -> Option<Name> {
    // An address, as the key of a table, names nothing here.
    if name.contains("://") {
        return None;
    }
    let words = words(name);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    if has(&ABOUT) {
        return None;
    }
    if has(&CREDENTIALS) || words.iter().any(|word| ENDINGS.iter().any(|ending| word.ends_with(ending))) {
        return Some(Name::Strong);
    }
    let is_key = |word: &String| {
        matches!(word.as_str(), "key" | "keys") || (word.ends_with("key") && !NO_KEYS.contains(&word.as_str()))
    };
    if !words.iter().any(is_key) {
        return None;
    }
    let alone = words.len() == 1 && matches!(words[0].as_str(), "key" | "keys");
    Some(if alone || has(&TABLE_WORDS) { Name::Weak } else { Name::Strong })
}

/// Whether a node of this class, or with this title, is there to hold a credential, whatever its
/// widgets are called. Counting or cutting tokens is something else.
pub(super) fn is_credential_node(name: &str) -> bool {
    let words = words(name);
    let last = words.last().map(String::as_str);
    let pair = |one: &str, other: &str| words.windows(2).any(|pair| pair[0] == one && pair[1] == other);
    let any = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    last == Some("token")
        || pair("api", "key")
        || pair("access", "key")
        || any(&["apikey", "auth", "credential", "credentials", "password", "secret"])
}

/// The words of `snake_case`, `camelCase`, `kebab-case` and `OpenAI APIKey`, in lower case.
fn words(name: &str) -> Vec<String> {
    let characters: Vec<char> = name.chars().take(120).collect();
    let mut words = vec![String::new()];
    for (position, &character) in characters.iter().enumerate() {
        if !character.is_alphanumeric() {
            words.push(String::new());
            continue;
        }
        let before = position.checked_sub(1).map(|before| characters[before]);
        let after = characters.get(position + 1);
        let begins = character.is_uppercase()
            && (before.is_some_and(char::is_lowercase)
                || (before.is_some_and(char::is_uppercase) && after.is_some_and(|after| after.is_lowercase())));
        if begins {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(character.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Fewest characters of a secret nobody gave a shape.
const LEAST: usize = 20;
const MOST: usize = 512;
/// Bits each: words and paths lie below, random letters and digits above.
const LEAST_BITS: f64 = 3.5;
/// For hexadecimal digits, which have four at most.
const LEAST_HEX_BITS: f64 = 3.0;

/// Whether a value in such a place is a secret: neither a seed nor, where hashes are at home, a hash;
/// no model, no words.
pub(super) fn is_secret(value: &str, name: Name) -> bool {
    let value = without_scheme(value.trim());
    if !(LEAST..=MOST).contains(&value.len()) {
        return false;
    }
    let further: &[u8] = if name == Name::Strong { b"_+/=-.:" } else { b"_+/=-" };
    let bytes = value.as_bytes();
    let has = |test: fn(&u8) -> bool| bytes.iter().any(test);
    if !bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || further.contains(byte))
        || !has(u8::is_ascii_digit)
        || !has(u8::is_ascii_alphabetic)
        || value.contains("://")
        || value.starts_with("arn:")
        || category::wide_model_extension(value)
        || is_path_of_file(value)
        || is_placeholder(bytes)
        || is_words(value, name)
    {
        return false;
    }
    // A hash or a UUID: what tells them from a key is only the name.
    if bytes.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-') {
        return name == Name::Strong && bits_per_byte(bytes) >= LEAST_HEX_BITS;
    }
    bits_per_byte(bytes) >= LEAST_BITS
}

/// `Bearer …` and the like, as people copy it.
fn without_scheme(value: &str) -> &str {
    match value.split_once(' ') {
        Some((scheme, rest)) if ["basic", "bearer", "key", "token"].contains(&scheme.to_ascii_lowercase().as_str()) => {
            rest.trim_start()
        }
        _ => value,
    }
}

/// Folders, and a name with an ending.
fn is_path_of_file(value: &str) -> bool {
    let ending = value.rsplit_once('.').map_or("", |(_, ending)| ending);
    value.contains('/') && (2..=5).contains(&ending.len()) && ending.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// Several words, each of letters in one case or a short number: the name of something. Where hashes
/// are at home, one may be among them.
fn is_words(value: &str, name: Name) -> bool {
    let parts: Vec<&str> = value.split(['_', '-', '.', ':', '/', '+', '=']).filter(|part| !part.is_empty()).collect();
    let is_hash = |part: &str| name == Name::Weak && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_word = |part: &&str| {
        let letters = part.trim_end_matches(|character: char| character.is_ascii_digit());
        let capitals = letters.bytes().skip(1).filter(u8::is_ascii_uppercase).count();
        part.len() - letters.len() <= 4
            && letters.bytes().all(|byte| byte.is_ascii_alphabetic())
            && letters.len() <= 14
            && (capitals == 0 || capitals + 1 == letters.len())
    };
    parts.len() > 1 && parts.iter().all(|part| is_word(part) || is_hash(part))
}
