//! A corpus of key shapes, made anew at each run: nothing here is a key, and nothing in this file looks
//! like one to other scanners.

mod corpus;

use proptest::prelude::*;

use self::corpus::*;
use super::*;
use crate::json::quote;
use crate::violation::Field;

fn check(spot: &Spot, kind: &str) {
    let found = find("workflows/a.json", spot.text.as_bytes());
    assert_eq!(found.len(), 1, "{kind} in {}: {found:?}", spot.text);
    assert_eq!(found[0].kind, kind, "{}", spot.text);
    let place = found[0].place.as_ref().unwrap();
    assert_eq!(place.node.as_ref().map(|node| node.id.as_str()), spot.node, "{}", spot.text);
    assert_eq!(place.field, spot.field, "{}", spot.text);
}

#[test]
fn every_shape_is_found_in_every_place() {
    assert_eq!((corpus(&mut Dice(1)).len(), spots("").len()), (35, 16), "decision 50 tells these numbers");
    for seed in 1..=20 {
        for (secret, kind) in corpus(&mut Dice(seed * 7_919)) {
            for mut spot in spots(&secret) {
                // A shape says what it is; only the position is known where names are missing.
                if spot.node == Some("6") && super::named::is_secret(&secret, super::named::Name::Strong) {
                    spot.field = Field::Widget("token".to_owned());
                } else if spot.node == Some("6") {
                    spot.field = Field::WidgetAt(2);
                }
                check(&spot, kind);
            }
        }
    }
}

#[test]
fn what_has_no_shape_is_found_where_the_name_says_it() {
    for seed in 1..=50 {
        for secret in shapeless(&mut Dice(seed * 104_729)) {
            for spot in spots(&secret).iter().filter(|spot| spot.named) {
                let found = find("workflows/a.json", spot.text.as_bytes());
                // `Bearer …` has a shape of its own once it is long enough.
                let kind = if secret.starts_with("Bearer") { "bearer" } else { "random-value" };
                assert_eq!(found.iter().map(|found| found.kind).collect::<Vec<_>>(), [kind], "{secret} {}", spot.text);
                check(spot, kind);
            }
        }
    }
}

#[test]
fn a_complaint_names_the_place_and_keeps_the_secret() {
    let mut dice = Dice(5);
    for (secret, kind) in corpus(&mut dice) {
        let body: String = secret.chars().rev().take(8).collect::<Vec<_>>().into_iter().rev().collect();
        for (path, text) in
            [("workflows/a.json", spots(&secret)[0].text.clone()), ("notes.md", format!("a\nb {secret}\n"))]
        {
            for found in find(path, text.as_bytes()) {
                let violation = found.violation(path);
                let said = format!("{violation} {:?}", violation.hint);
                assert!(said.contains(&format!("[secret:{kind}]")), "{said}");
                assert!(!said.contains(&body) && !said.contains(&secret), "{said}");
                let place = if path == "notes.md" { "line 2" } else { "node 5 `OpenAIChat`, widget `api_key`" };
                assert!(said.contains(place), "{said}");
            }
        }
    }
}

#[test]
fn names_that_are_secrets_themselves_are_not_repeated() {
    for (secret, _) in corpus(&mut Dice(31)) {
        let (body, secret) = (secret.chars().skip(secret.len() - 8).collect::<String>(), quote(&secret));
        for text in [
            format!(r#"{{"nodes":[{{"id":{secret},"type":{secret},"title":{secret},"widgets_values":[{secret}]}}]}}"#),
            format!(r#"{{"nodes":[{{"id":1,"type":"X","widgets_values":{{{secret}:{secret}}}}}]}}"#),
            format!(r#"{{{secret}:{{{secret}:[{secret}]}}}}"#),
            format!(r#"{{{secret}:{{"class_type":"X","inputs":{{"text":{secret}}}}}}}"#),
        ] {
            let found = find("a.json", text.as_bytes());
            assert!(!found.is_empty(), "{text}");
            for found in found {
                let said = found.violation("a.json").to_string();
                assert!(!said.contains(&body), "{said}");
            }
        }
    }
}

#[test]
fn every_shape_is_found_in_other_files() {
    let mut dice = Dice(11);
    for (secret, kind) in corpus(&mut dice) {
        for (path, bytes) in [
            ("pyproject.toml", format!("[[tool.uv.index]]\nurl = \"{secret}\"\n").into_bytes()),
            ("broken.json", format!("{{\"a\": \"{secret}\"").into_bytes()),
            ("notes.md", format!("({secret})").into_bytes()),
            // A picture with its workflow inside.
            ("cover.png", [&b"\x89PNG\r\n\x1a\n\xff\xfe\0tEXtprompt\0"[..], secret.as_bytes(), b"\0\xff"].concat()),
        ] {
            let found = find(path, &bytes);
            assert_eq!(found.iter().map(|found| found.kind).collect::<Vec<_>>(), [kind], "{path} {secret}");
        }
    }
}

#[test]
fn what_only_resembles_a_secret_is_none() {
    let mut dice = Dice(17);
    let hash = dice.text(HEX, 64);
    let table = [
        // Placeholders and forms.
        ("api_key", "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx".to_owned()),
        ("api_key", "YOUR_OPENAI_API_KEY_GOES_HERE_1".to_owned()),
        ("api_key", "00000000-00000-0000-0000-000000000000:00000000000000000000000000000000".to_owned()),
        ("api_key", "my-openai-key-2024-production".to_owned()),
        ("api_key", "OPENAI_API_KEY_PRODUCTION_2".to_owned()),
        ("note", "https://user:password@example.org/ and https://$USER:$TOKEN@example.org".to_owned()),
        ("note", "use a Bearer token, or the hf_ prefix; see sk-learn and sk_buff".to_owned()),
        ("note", "-----BEGIN PRIVATE KEY----- is how such a file starts".to_owned()),
        ("api_key", "sk-1234567890abcdef1234567890abcdef".to_owned()),
        // Code that deals with keys, as in transformers' and google-auth's own files.
        (
            "note",
            "_KEY = re.compile(b\"-----BEGIN [A-Z ]*PRIVATE KEY-----.+?-----END [A-Z ]*PRIVATE KEY-----\", re.DOTALL)\n\
             def is_key(data: bytes) -> bool:\n    \"\"\"Whether it is one.\"\"\"\n    return bool(_KEY.match(data))\n"
                .to_owned(),
        ),
        // Names of things that have keys and tokens, and what they refer to.
        ("kms_key", "arn:aws:kms:us-west-2:123456789012:key/6f2b4c1e-0a93".to_owned()),
        ("s3_key", "outputs/2024/img_0001_9c1fe07b3a52.png".to_owned()),
        ("cache_key", format!("preview_{}", dice.text(HEX, 32))),
        // As ComfyUI-Manager's list of nodes has it.
        ("https://github.com/ann/comfyui-api-key", "SD3 XL Loader".replace(' ', "") + "TextEncoder9Ab3Xy7Qz"),
        // Seeds, hashes, models.
        ("seed", "18446744073709551615".to_owned()),
        ("token", "18446744073709551615".to_owned()),
        ("hash", hash.clone()),
        ("key", hash.clone()),
        ("cache_key", hash),
        ("key", uuid(&mut dice)),
        ("api_key", "qwen_2.5_vl_7b_fp8_scaled_e4m3fn.safetensors".to_owned()),
        // Names that are about secrets.
        ("max_tokens", dice.mixed(32)),
        ("tokenizer", dice.mixed(32)),
        ("api_key_name", dice.mixed(32)),
        ("keyframe", dice.mixed(32)),
        ("author", dice.mixed(32)),
        ("keyscale", dice.mixed(32)),
        ("text", dice.mixed(32)),
        ("prompt", dice.text(LETTERS, 40)),
        // A link that opens one file for some minutes.
        ("url", format!("https://s3.example/a.png?Expires=1&Signature={}", dice.mixed(60))),
    ];
    for (name, value) in table {
        for text in [
            format!(r#"{{"nodes":[{{"id":1,"type":"X","widgets_values":{{"{name}":{}}}}}]}}"#, quote(&value)),
            format!(r#"{{"nodes":[],"extra":{{"{name}":{}}}}}"#, quote(&value)),
            format!(
                r#"{{"nodes":[{{"id":1,"type":"CLIPTokenizeText","inputs":[{{"widget":{{"name":"{name}"}}}}],"widgets_values":[{}]}}]}}"#,
                quote(&value)
            ),
        ] {
            let found = find("workflows/a.json", text.as_bytes());
            assert!(found.is_empty(), "{name} {value}: {found:?}");
        }
    }
}

#[test]
fn the_order_of_places_is_that_of_the_file_and_each_is_named() {
    let mut dice = Dice(23);
    let [one, two] = [dice.mixed(40), dice.mixed(40)];
    let text = format!(
        r#"{{"nodes":[{{"id":1,"type":"A","widgets_values":{{"api_key":"{one}"}}}},{{"id":2,"type":"B","widgets_values":{{"token":"{two}","password":"{one}"}}}}]}}"#
    );
    let places: Vec<String> =
        find("a.json", text.as_bytes()).iter().map(|found| found.place.as_ref().unwrap().to_string()).collect();
    assert_eq!(places, ["node 1 `A`, widget `api_key`", "node 2 `B`, widget `token`", "node 2 `B`, widget `password`"]);
}

/// JSON of any shape whose strings are words: what a person writes.
fn any_json() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        "[a-z ]{0,40}",
        "[A-Z][a-z]{2,9} [0-9]{1,4}",
        Just("model.safetensors".to_owned()),
        "[0-9]{1,19}",
        "[a-f0-9]{64}",
    ];
    let key = prop_oneof![
        Just("nodes".to_owned()),
        Just("type".to_owned()),
        Just("id".to_owned()),
        Just("inputs".to_owned()),
        Just("widgets_values".to_owned()),
        Just("widget".to_owned()),
        Just("name".to_owned()),
        Just("properties".to_owned()),
        Just("proxyWidgets".to_owned()),
        Just("class_type".to_owned()),
        Just("groupNodes".to_owned()),
        Just("definitions".to_owned()),
        Just("subgraphs".to_owned()),
        Just("key".to_owned()),
        "[a-z]{1,8}",
    ];
    let leaf = prop_oneof![word.prop_map(|word| quote(&word)), "-?[1-9][0-9]{0,5}", Just("null".to_owned())];
    leaf.prop_recursive(6, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((key.clone(), inner), 0..6).prop_map(|members| {
                let members: Vec<_> = members.iter().map(|(key, value)| format!("{}:{value}", quote(key))).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn a_document_without_secrets_gives_none(text in any_json()) {
        prop_assert_eq!(find("a.json", text.as_bytes()), vec![]);
    }

    #[test]
    fn no_bytes_break_it(bytes in prop::collection::vec(any::<u8>(), 0..400), word in "[ -~]{0,80}") {
        find("a.json", &bytes);
        find("a.txt", &bytes);
        find("a.json", word.as_bytes());
        find("a.txt", format!("sk-ant-{word}://{word}:{word}@?token={word}Bearer {word}").as_bytes());
    }
}

/// Text that is made to keep the scanner busy. A scan that looks at each byte more than a bounded number
/// of times would take hours for it.
#[test]
fn what_is_made_to_be_slow_is_not() {
    let length = 1_000_000;
    for pattern in [
        "-sk-ant-",
        "-eyJ",
        "eyJhbGciOiJIUzI1.eyJ",
        "bearer ",
        "?token=",
        "-----BEGIN ",
        "a://b:c",
        "-hf_",
        "0123abcd-",
    ] {
        let text = pattern.repeat(length / pattern.len());
        find("a.txt", text.as_bytes());
        find("a.json", format!("{{{}:{}}}", quote(&text), quote(&text)).as_bytes());
    }
    let members: Vec<_> = (0..20_000).map(|number| format!(r#""p{number}":"x""#)).collect();
    let title = "t".repeat(length);
    let text =
        format!(r#"{{"nodes":[{{"id":1,"type":"X","title":"{title}","properties":{{{}}}}}]}}"#, members.join(","));
    assert_eq!(find("a.json", text.as_bytes()), []);
    // So many that nobody reads them: it is enough to know that there are too many.
    let mut dice = Dice(41);
    let keys: String = (0..2_000).map(|_| ["hf", "_", &dice.text(LETTERS, 34), " "].concat()).collect();
    assert_eq!(find("a.txt", keys.as_bytes()).len(), crate::admission::FINDING_LIMIT + 1);
}

#[test]
fn a_key_is_found_wherever_it_lies_among_bytes_that_say_nothing() {
    let key = ["gl", "pat-", "Zx9Qw8Lk7Jh6Gf5Ds4Aa"].concat();
    for before in 0..40 {
        for odd in [0x00, 0x80, 0xff, 0x1b] {
            let legible = "ab ".repeat(before / 3);
            let bytes = [&vec![odd; before][..], legible.as_bytes(), &[odd], key.as_bytes(), &[odd], b"tail"].concat();
            let found = super::find("picture.png", &bytes);
            assert_eq!(found.len(), 1, "{before} {odd}");
            assert_eq!(found[0].kind, "gitlab-token");
        }
    }
    assert!(super::find("picture.png", &key.as_bytes()[..11]).is_empty());
}
