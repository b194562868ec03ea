use proptest::prelude::*;

use super::*;

/// The same value as serde_json would have it; numbers by serde_json's own reading of their text.
fn as_serde(value: &Value, text: &str) -> serde_json::Value {
    match &value.kind {
        Kind::Null => serde_json::Value::Null,
        Kind::Bool(bool) => (*bool).into(),
        Kind::Number => serde_json::from_str(value.text(text)).unwrap(),
        Kind::String(string) => string.clone().into(),
        Kind::Array(items) => items.iter().map(|item| as_serde(item, text)).collect(),
        Kind::Object(members) => {
            members.iter().map(|member| (member.key.clone(), as_serde(&member.value, text))).collect()
        }
    }
}

/// Every span covers text that parses to the same value on its own.
fn check_spans(value: &Value, text: &str) {
    let alone = parse(value.text(text)).unwrap();
    assert_eq!(as_serde(&alone, value.text(text)), as_serde(value, text));
    match &value.kind {
        Kind::Array(items) => items.iter().for_each(|item| check_spans(item, text)),
        Kind::Object(members) => members.iter().for_each(|member| {
            let key = parse(&text[member.key_span.clone()]).unwrap();
            assert_eq!(key.as_str(), Some(member.key.as_str()));
            check_spans(&member.value, text);
        }),
        _ => {}
    }
}

/// Whether serde_json takes the text for JSON, without asking whether its numbers fit an `f64`.
fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::btree_map(any::<String>(), inner, 0..6).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"a\"",
    "\"",
    "\\",
    "\\n",
    "\\u00e9",
    "\\ud83d\\ude00",
    "0",
    "-",
    "12",
    ".5",
    "1e3",
    "E-",
    "01",
    "true",
    "nul",
    "null",
    " ",
    "\n",
    "\t",
    "é",
    "\u{1}",
];

/// Pieces that make nearly-JSON, right and wrong about equally often.
fn nearly_json() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 0..9).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn reads_what_serde_json_writes(value in json(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
        let text = text.unwrap();
        let parsed = parse(&text).unwrap();
        // Compared with serde_json's reading, which may round a float it has written.
        prop_assert_eq!(as_serde(&parsed, &text), serde_json::from_str::<serde_json::Value>(&text).unwrap());
        check_spans(&parsed, &text);
    }

    #[test]
    fn accepts_exactly_what_serde_json_accepts(text in nearly_json()) {
        let ours = parse(&text);
        prop_assert_eq!(ours.is_ok(), is_json(&text), "{:?}", ours);
        if let (Ok(ours), Ok(theirs)) = (ours, serde_json::from_str::<serde_json::Value>(&text)) {
            prop_assert_eq!(as_serde(&ours, &text), theirs);
        }
    }

    #[test]
    fn damaged_documents_are_judged_as_serde_json_does(
        value in json(), at in any::<prop::sample::Index>(), piece in "[\\[\\]{},:\"\\\\0e.\\- ]"
    ) {
        let mut text = serde_json::to_string(&value).unwrap();
        let borders: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        text.insert_str(borders[at.index(borders.len())], &piece);
        prop_assert_eq!(parse(&text).is_ok(), is_json(&text), "{}", text);
    }

    #[test]
    fn every_truncation_of_an_object_is_called_one(value in json(), at in any::<prop::sample::Index>()) {
        let text = format!("{{\"a\":{value}}}");
        let borders: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let cut = &text[..borders[at.index(borders.len())]];
        prop_assert!(parse(cut).unwrap_err().truncated, "{}", cut);
    }

    #[test]
    fn a_quoted_string_reads_back(string in any::<String>()) {
        let literal = quote(&string);
        let parsed = parse(&literal).unwrap();
        prop_assert_eq!(parsed.as_str(), Some(string.as_str()));
        prop_assert_eq!(serde_json::from_str::<String>(&literal).unwrap(), string);
    }

    #[test]
    fn a_part_of_a_string_is_found_in_its_literal(before in any::<String>(), part in any::<String>(), after in any::<String>()) {
        let whole = format!("{before}{part}{after}");
        let escaped: String = whole.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        for literal in [quote(&whole), format!("\"{escaped}\"")] {
            let text = format!("[{literal}]");
            let literal = Literal::of(&text, &(1..text.len() - 1));
            let span = literal.part(&(before.len()..before.len() + part.len()));
            let again = format!("\"{}\"", &text[span]);
            let again = parse(&again).unwrap();
            prop_assert_eq!(again.as_str(), Some(part.as_str()));
        }
    }

    #[test]
    fn splicing_every_value_with_itself_changes_nothing(value in json()) {
        let text = serde_json::to_string_pretty(&value).unwrap();
        let parsed = parse(&text).unwrap();
        let items = parsed.as_array().unwrap_or_default();
        let edits: Vec<_> =
            items.iter().rev().map(|item| (item.span.clone(), item.text(&text).to_owned())).collect();
        prop_assert_eq!(splice(&text, &edits), text);
    }
}

#[test]
fn errors_say_where_and_what() {
    for (text, message) in [
        ("", "line 1, column 1: expected a value, found the end of the file"),
        ("{\n  \"ä\": ?}", "line 2, column 8: expected a value, found `?`"),
        ("[1 2]", "line 1, column 4: expected `,` or `]`, found `2`"),
        ("{} x", "line 1, column 4: expected the end of the file, found `x`"),
        ("{1}", "line 1, column 2: expected a key in double quotes, found `1`"),
        ("\"a\u{1}\"", "line 1, column 3: expected an escape instead of a control character, found U+0001"),
        ("\u{feff}{}", "line 1, column 1: expected JSON, found a byte order mark (save the file as UTF-8 without one)"),
    ] {
        assert_eq!(parse(text).unwrap_err().to_string(), message);
    }
    assert!(!parse("[1 2]").unwrap_err().truncated);
}

#[test]
fn nesting_is_limited() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse(&nested(DEPTH_LIMIT)).is_ok());
    assert!(parse(&nested(DEPTH_LIMIT + 1)).is_err());
    assert!(parse(&"[".repeat(1_000_000)).is_err());
}

#[test]
fn allowances_for_javascript() {
    let text = r#"{"a":1,"a":2,"s":"\ud800","t":"\udc00x","u":"\ud83d\u0041","v":"\ud83d\ude00"}"#;
    let value = parse(text).unwrap();
    assert_eq!(value.get("a").unwrap().text(text), "2");
    assert_eq!(value.get("s").unwrap().as_str(), Some("\u{fffd}"));
    assert_eq!(value.get("t").unwrap().as_str(), Some("\u{fffd}x"));
    assert_eq!(value.get("u").unwrap().as_str(), Some("\u{fffd}A"));
    assert_eq!(value.get("v").unwrap().as_str(), Some("😀"));
    assert_eq!(value.get("none"), None);
}

#[test]
fn numbers_keep_their_spelling() {
    let text = "[18446744073709552000, 1.0, 0.000003, -0, 1E+5]";
    let value = parse(text).unwrap();
    let spelled: Vec<&str> = value.as_array().unwrap().iter().map(|item| item.text(text)).collect();
    assert_eq!(spelled, ["18446744073709552000", "1.0", "0.000003", "-0", "1E+5"]);
}

#[test]
fn edits_come_in_any_order() {
    let edits = [(4..5, "E".to_owned()), (0..1, String::new()), (2..2, "-".to_owned()), (2..2, "+".to_owned())];
    assert_eq!(splice("abcde", &edits), "b-+cdE");
}

#[test]
#[should_panic(expected = "overlap")]
fn overlapping_edits_are_a_bug() {
    splice("abcde", &[(0..3, String::new()), (2..4, String::new())]);
}
