//! The node types that Python code declares, as far as its text tells.
//!
//! ComfyUI reads `NODE_CLASS_MAPPINGS` of a pack's module after running it. Nothing is run here, so
//! names that are computed are not found.

use std::collections::BTreeSet;

use super::python::{Token, tokens};

/// What the table of node types is called; packs put it together from parts with longer names.
const MAPPINGS: &str = "NODE_CLASS_MAPPINGS";

/// The types that a Python file declares, sorted, each once: members of `NODE_CLASS_MAPPINGS`, what is
/// put into it later, and the `node_id` of schemas in ComfyUI's newer interface.
pub fn node_types(py_text: &str) -> Vec<String> {
    // Most files of a pack declare nothing.
    if !py_text.contains(MAPPINGS) && !py_text.contains("node_id") {
        return Vec::new();
    }
    let tokens = tokens(py_text);
    let mut found = BTreeSet::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        let after = &tokens[at..];
        // What was read is not read again, so a file takes no longer than its length.
        at += match token {
            Token::Word(word) if word.contains(MAPPINGS) => of_mappings(after, &mut found),
            Token::Word(word) if word == "Schema" => schema(after, &mut found),
            _ => 0,
        };
    }
    found.retain(|name| !name.is_empty() && name.len() <= 256);
    found.into_iter().collect()
}

/// Reads what follows the table's name; gives how many tokens that were.
fn of_mappings(after: &[Token], found: &mut BTreeSet<String>) -> usize {
    match after {
        [Token::Sign('['), Token::Text(name), Token::Sign(']'), Token::Sign('='), next, ..]
            if *next != Token::Sign('=') =>
        {
            found.insert(name.clone());
            4
        }
        [Token::Sign('.'), Token::Word(update), Token::Sign('('), rest @ ..] if update == "update" => {
            3 + table(rest, found)
        }
        [Token::Sign('='), rest @ ..] => 1 + table(rest, found),
        [Token::Sign('|'), Token::Sign('='), rest @ ..] => 2 + table(rest, found),
        [Token::Sign(':'), rest @ ..] => {
            // A type in between: `NODE_CLASS_MAPPINGS: dict[str, type] = {`.
            let equals = rest.iter().take(16).position(|token| *token == Token::Sign('='));
            equals.map_or(0, |equals| 2 + equals + table(&rest[equals + 1..], found))
        }
        _ => 0,
    }
}

/// Reads `{…}`, several of them with `|` between, or `dict(…)`; gives how many tokens that were.
fn table(tokens: &[Token], found: &mut BTreeSet<String>) -> usize {
    let mut read = 0;
    loop {
        let rest = match &tokens[read..] {
            [Token::Sign('{'), rest @ ..] => {
                members(&rest[..closing(rest)], found);
                rest
            }
            [Token::Word(dict), Token::Sign('('), rest @ ..] if dict == "dict" => {
                read += 1;
                keywords(&rest[..closing(rest)], found);
                rest
            }
            _ => return read,
        };
        // The opening bracket, what is inside, and the closing one.
        read = tokens.len().min(read + closing(rest) + 2);
        match tokens.get(read) {
            Some(Token::Sign('|')) => read += 1,
            _ => return read,
        }
    }
}

/// Takes the keys of a table that are texts.
fn members(inside: &[Token], found: &mut BTreeSet<String>) {
    for at in starts(inside) {
        let name = &inside[at..];
        let texts = name.iter().take_while(|token| matches!(token, Token::Text(_))).count();
        if texts > 0 && name.get(texts) == Some(&Token::Sign(':')) {
            // Texts beside each other are one.
            let text = |token: &Token| if let Token::Text(text) = token { text.clone() } else { String::new() };
            found.insert(name[..texts].iter().map(text).collect());
        }
    }
}

/// Takes the names of `dict(A=…, B=…)`.
fn keywords(inside: &[Token], found: &mut BTreeSet<String>) {
    for at in starts(inside) {
        if let [Token::Word(name), Token::Sign('='), ..] = &inside[at..] {
            found.insert(name.clone());
        }
    }
}

/// Takes the `node_id` of a schema; gives how many tokens were read.
fn schema(after: &[Token], found: &mut BTreeSet<String>) -> usize {
    let [Token::Sign('('), rest @ ..] = after else { return 0 };
    let inside = &rest[..closing(rest)];
    for at in starts(inside) {
        if let [Token::Word(word), Token::Sign('='), Token::Text(name), ..] = &inside[at..]
            && word == "node_id"
        {
            found.insert(name.clone());
        }
    }
    1 + inside.len()
}

/// Where each of several things begins that have commas between them.
fn starts(inside: &[Token]) -> impl Iterator<Item = usize> {
    depths(inside)
        .filter(|(at, depth)| *depth == 0 && (*at == 0 || inside[at - 1] == Token::Sign(',')))
        .map(|(at, _)| at)
}

/// How many tokens come before what closes the bracket that was opened just before them.
fn closing(tokens: &[Token]) -> usize {
    depths(tokens).find(|(_, depth)| *depth < 0).map_or(tokens.len(), |(at, _)| at)
}

/// Each token's position and how deep in brackets it stands; a closing one stands outside of its own.
fn depths(tokens: &[Token]) -> impl Iterator<Item = (usize, i32)> {
    tokens.iter().enumerate().scan(0, |depth, (at, token)| {
        let before = *depth;
        match token {
            Token::Sign('(' | '[' | '{') => *depth += 1,
            Token::Sign(')' | ']' | '}') => *depth -= 1,
            _ => {}
        }
        Some((at, before.min(*depth)))
    })
}
