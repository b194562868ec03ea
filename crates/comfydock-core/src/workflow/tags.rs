//! Names of models inside texts: `embedding:NAME` and `<lora:NAME:WEIGHT>`.

use std::ops::Range;

use super::model_refs::RefKind;

/// What stands before an embedding's name.
const EMBEDDING: &str = "embedding:";

/// What stands before a LoRA's name.
const LORA: &str = "<lora:";

/// A name inside a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) kind: RefKind,
    /// The name's bytes in the text.
    pub(super) range: Range<usize>,
    /// The name; `\(` and `\)` stand for parentheses.
    pub(super) name: String,
}

/// The tags of a text, in order.
///
/// ComfyUI reads `embedding:` at the start of a word; in `(embedding:name:1.2)` the weight is not part
/// of the name. `<lora:name:1>` may have further weights after the first, or none.
pub(super) fn tags(text: &str) -> Vec<Tag> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices(EMBEDDING) {
        let starts_a_word = text[..at].chars().next_back().is_none_or(|before| {
            before.is_whitespace()
                || matches!(before, '(' | ')' | '[' | ']' | '{' | '}' | '|' | ',' | ':' | '<' | '>' | '"')
        });
        if starts_a_word {
            let start = at + EMBEDDING.len();
            let end = start + embedding_name(&text[start..]);
            found.extend(tag(RefKind::Embedding, text, start..end));
        }
    }
    for (at, _) in text.match_indices(LORA) {
        let start = at + LORA.len();
        let rest = &text[start..];
        let Some(close) = rest.find(['>', '<', '\n']).filter(|&close| rest[close..].starts_with('>')) else { continue };
        let end = rest[..close].find(':').unwrap_or(close);
        // A wildcard is a choice among names, not a name.
        if !rest[..end].contains(['{', '}', '|', '$', '*', '?', '"']) {
            found.extend(tag(RefKind::LoraTag, text, start..start + end));
        }
    }
    found.sort_by_key(|tag| tag.range.start);
    found
}

fn tag(kind: RefKind, text: &str, range: Range<usize>) -> Option<Tag> {
    let raw = &text[range.clone()];
    let trimmed = raw.trim();
    let start = range.start + (raw.len() - raw.trim_start().len());
    let name = match kind {
        RefKind::Embedding => trimmed.replace("\\(", "(").replace("\\)", ")"),
        _ => trimmed.to_owned(),
    };
    (!trimmed.is_empty()).then(|| Tag { kind, range: start..start + trimmed.len(), name })
}

/// The length of an embedding's name at the start of a text. A full stop at the end belongs to the
/// sentence.
fn embedding_name(text: &str) -> usize {
    let mut end = text.len();
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let escaped = character == '\\' && matches!(characters.peek(), Some((_, '(' | ')')));
        if escaped {
            characters.next();
        } else if character.is_whitespace()
            || matches!(character, ',' | ';' | ':' | '(' | ')' | '[' | ']' | '{' | '}' | '<' | '>' | '|' | '"')
        {
            end = at;
            break;
        }
    }
    text[..end].trim_end_matches('.').len()
}

/// The name as a text of this kind must spell it.
pub(super) fn escaped(kind: RefKind, name: &str) -> String {
    match kind {
        RefKind::Embedding => name.replace('(', "\\(").replace(')', "\\)"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<(RefKind, String)> {
        tags(text).into_iter().map(|tag| (tag.kind, tag.name)).collect()
    }

    #[test]
    fn names_in_texts() {
        let (embedding, lora) = (RefKind::Embedding, RefKind::LoraTag);
        for (text, kind, name) in [
            ("a cat, embedding:easynegative, bad", embedding, "easynegative"),
            ("embedding:sub\\neg.pt", embedding, "sub\\neg.pt"),
            ("(embedding:neg-v1.5:1.2)", embedding, "neg-v1.5"),
            ("embedding:neg:1.2 x", embedding, "neg"),
            ("see embedding:neg.", embedding, "neg"),
            ("embedding:neg \\(v2\\)", embedding, "neg"),
            ("embedding:neg_\\(v2\\), x", embedding, "neg_(v2)"),
            ("[dog:embedding:cat:0.5]", embedding, "cat"),
            ("x\nembedding:日本", embedding, "日本"),
            ("<lora:style:0.8>", lora, "style"),
            ("cat<lora:a/b c:0.8:1>dog", lora, "a/b c"),
            ("<lora:x.safetensors>", lora, "x.safetensors"),
            ("<lora: x :1:1:LBW=SD-ALL>", lora, "x"),
        ] {
            assert_eq!(names(text), [(kind, name.to_owned())], "{text}");
        }
        for text in [
            "embedding: x",
            "myembedding:x",
            "embeddings:x",
            "Embedding:x",
            "embedding:",
            "<lora:>",
            "<lora:x",
            "<lora:x\n:1>",
            "<lora:{a|b}:1>",
            "lora:x:1",
            "<hypernet:x:1>",
        ] {
            assert!(names(text).is_empty(), "{text}");
        }
        assert_eq!(names("<lora:b:1> embedding:a <lora:c:1>").len(), 3);
    }
}
