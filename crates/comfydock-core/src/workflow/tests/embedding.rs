use proptest::prelude::*;

use super::{FIXTURES, fixture};
use crate::workflow::{
    Confidence, Error, Metadata, NodeModels, Reference, Status, model_refs, same_content, with_metadata,
    without_metadata,
};

fn metadata() -> Metadata {
    let mut metadata = Metadata::new("2026-01-02T03:04:05Z".into());
    let reference = Reference {
        kind: crate::workflow::RefKind::File,
        widget_index: 0,
        widget_path: None,
        path: "SD 1.5\\\"photön\".safetensors".into(),
        hash: Some("a".repeat(64)),
        sha256: None,
        blake3: None,
        size: Some(18_446_744_073_709_551_615),
        sources: vec!["https://x.org/m\nn".into()],
        status: Status::Resolved,
        confidence: Confidence::High,
    };
    let node = NodeModels { node_type: "CheckpointLoaderSimple".into(), refs: vec![reference] };
    metadata.models.insert("16".into(), node);
    metadata
}

fn read(text: &str) -> Metadata {
    let root = crate::json::parse(text).unwrap();
    Metadata::parse(root.get("extra").unwrap().get(super::KEY).unwrap().text(text)).unwrap()
}

#[test]
fn in_and_out_again_changes_no_byte() {
    let invented = [
        "{\"nodes\":[],\"extra\":{}}",
        "{\"nodes\":[],\"extra\":{ }}\n",
        "{\"nodes\":[],\"extra\":{\"ds\":{\"scale\":1.0}},\"version\":0.4}",
        "{\n  \"nodes\": [],\n  \"extra\": {}\n}\n",
        "{\n  \"nodes\": [],\n  \"extra\": {\n  }\n}",
        "{\n\t\"nodes\": [],\n\t\"extra\": {\n\t\t\"ds\": 1e2\n\t},\n\t\"version\": 0.4\n}\n",
        "{\r\n \"nodes\" : [],\r\n \"extra\" : {\r\n  \"a\": 1\r\n }\r\n}\r\n",
        "{ \"nodes\": [], \"extra\": { \"a\": 18446744073709552000 } }",
        "\n{\"extra\":{},\n\"nodes\":[]}",
    ];
    for text in invented.into_iter().chain(FIXTURES.map(|(_, text)| text)) {
        let with = with_metadata(text, &metadata()).unwrap();
        assert_eq!(read(&with), metadata(), "{text}");
        assert_eq!(without_metadata(&with).unwrap(), text);
        assert_eq!(without_metadata(text).unwrap(), text);
        assert!(same_content(text, &with));
        // Replacing is not adding.
        let newer = Metadata::new("2027".into());
        let replaced = with_metadata(&with, &newer).unwrap();
        assert_eq!(read(&replaced), newer);
        assert_eq!(without_metadata(&replaced).unwrap(), text);
        assert_eq!(with_metadata(&with, &metadata()).unwrap(), with);
    }
}

#[test]
fn the_layout_follows_the_file() {
    let empty = Metadata::new("T".into());
    for (text, expected) in [
        (
            "{\"nodes\":[],\"extra\":{\"a\":1}}",
            "{\"nodes\":[],\"extra\":{\"a\":1,\"_comfydock_metadata\":{\"version\":\"0.2.0\",\"last_updated\":\"T\",\"models\":{}}}}",
        ),
        (
            "{\"nodes\":[]}",
            "{\"nodes\":[],\"extra\":{\"_comfydock_metadata\":{\"version\":\"0.2.0\",\"last_updated\":\"T\",\"models\":{}}}}",
        ),
        (
            "{\n \"extra\": null,\n \"nodes\": []\n}\n",
            "{\n \"extra\": {\n  \"_comfydock_metadata\": {\n   \"version\": \"0.2.0\",\n   \"last_updated\": \"T\",\n   \"models\": {}\n  }\n },\n \"nodes\": []\n}\n",
        ),
        (
            "{\n  \"nodes\": []\n}",
            "{\n  \"nodes\": [],\n  \"extra\": {\n    \"_comfydock_metadata\": {\n      \"version\": \"0.2.0\",\n      \"last_updated\": \"T\",\n      \"models\": {}\n    }\n  }\n}",
        ),
    ] {
        let with = with_metadata(text, &empty).unwrap();
        assert_eq!(with, expected);
        assert!(same_content(text, &with));
        assert!(same_content(text, &without_metadata(&with).unwrap()));
    }
    assert_eq!(with_metadata("{\"extra\":[1]}", &empty), Err(Error::Extra));
}

#[test]
fn metadata_anywhere_in_extra_comes_out() {
    for (text, expected) in [
        (r#"{"extra":{"_comfydock_metadata":1, "b":2}}"#, r#"{"extra":{"b":2}}"#),
        (r#"{"extra":{"a":1, "_comfydock_metadata":1 , "b":2}}"#, r#"{"extra":{"a":1, "b":2}}"#),
        (r#"{"extra":{"_comfydock_metadata":1,"a":1,"_comfydock_metadata":2}}"#, r#"{"extra":{"a":1}}"#),
        (r#"{"extra":{"_comfydock_metadata":1,"_comfydock_metadata":2}}"#, r#"{"extra":{}}"#),
    ] {
        assert_eq!(without_metadata(text).unwrap(), expected);
        assert_eq!(read(&with_metadata(text, &metadata()).unwrap()), metadata());
    }
}

#[test]
fn the_same_content() {
    let base = r#"{"nodes":[{"id":1,"a":1.0}],"extra":{"ds":{"x":1}}}"#;
    for (other, same) in [
        (r#"{ "extra":{"ds":{"x":1},"_comfydock_metadata":{}}, "nodes":[{"a":1.0,"id":1}]}"#, true),
        (r#"{"nodes":[{"id":1,"a":1}],"extra":{"ds":{"x":1}}}"#, false),
        (r#"{"nodes":[{"id":1,"a":1.0}],"extra":{}}"#, false),
        (r#"{"nodes":[{"id":1,"a":1.0}],"extra":{"ds":{"x":2}}}"#, false),
        (r#"{"nodes":[{"id":1,"a":1.0,"b":null}],"extra":{"ds":{"x":1}}}"#, false),
        (r#"{"nodes":[{"id":1,"a":2,"a":1.0}],"extra":{"ds":{"x":1}}}"#, true),
        (r#"{"nodes":[{"id":1,"a":1.0,"_comfydock_metadata":1}],"extra":{"ds":{"x":1}}}"#, false),
        (r#"{"nodes":["#, false),
    ] {
        assert_eq!(same_content(base, other), same, "{other}");
        assert_eq!(same_content(other, base), same, "{other}");
    }
    let without = [
        r#"{"nodes":[]}"#,
        r#"{"nodes":[],"extra":null}"#,
        r#"{"extra":{},"nodes":[]}"#,
        r#"{"nodes":[],"extra":{"_comfydock_metadata":{}}}"#,
    ];
    for (left, right) in without.iter().flat_map(|left| without.iter().map(move |right| (left, right))) {
        assert!(same_content(left, right), "{left} {right}");
    }
    assert!(!same_content(without[0], r#"{"nodes":[],"extra":[]}"#));
}

#[test]
fn version_0_1_is_read() {
    let sha = "C".repeat(64);
    let text = format!(
        r#"{{"version":"0.1.0","last_updated":"2024-01-20T16:30:00Z","models":{{
        "1":{{"node_type":"CheckpointLoader","refs":[
          {{"widget_index":0,"path":"checkpoints/a.ckpt","hash":"x","hash":"abc123","sha256":"{sha}","source":"local"}},
          {{"widget_index":1,"path":"configs/v1.yaml","hash":null,"source":null}}]}},
        "8":{{"node_type":"LoraLoader","refs":[
          {{"widget_index":0,"path":"b.pt","hash":null,"sha256":"short","blake3":null,
            "sources":["huggingface:org/repo/b.pt","URL:https://x.org/b.pt","civitai:78901","https://x.org/b.pt"]}}, 4]}},
        "9":{{"node_type":"VAELoader","refs":[{{"widget_index":0,"path":"v.yaml","hash":null}}]}}}}}}"#
    );
    let metadata = Metadata::parse(&text).unwrap();
    assert_eq!((metadata.version.as_str(), metadata.last_updated.as_str()), ("0.2.0", "2024-01-20T16:30:00Z"));
    assert_eq!(metadata.models.keys().collect::<Vec<_>>(), ["1", "8"]);
    let checkpoint = &metadata.models["1"].refs;
    assert_eq!(checkpoint.len(), 1, "a yaml config is no unresolved model");
    assert_eq!((checkpoint[0].hash.as_deref(), checkpoint[0].status), (Some("abc123"), Status::Resolved));
    assert_eq!(checkpoint[0].sha256.as_ref().unwrap().as_str(), "c".repeat(64));
    assert!(checkpoint[0].sources.is_empty());
    let lora = &metadata.models["8"].refs[0];
    assert_eq!((lora.status, &lora.sha256), (Status::Unresolved, &None));
    assert_eq!(lora.sources, ["hf:org/repo/b.pt", "https://x.org/b.pt", "civitai:78901"]);
}

#[test]
fn tags_of_one_text_go_in_and_out() {
    let text = r#"{"id":1,"type":"CLIPTextEncode","widgets_values":["embedding:a, embedding:b <lora:a:1>"]}"#;
    let references = model_refs(&super::of_nodes(text));
    let mut metadata = Metadata::new("T".into());
    let refs = references.iter().map(|found| Reference {
        widget_index: found.widget_index,
        widget_path: None,
        kind: found.kind,
        path: found.value.clone(),
        hash: Some(format!("{:?}", found.kind)),
        sha256: None,
        blake3: None,
        size: None,
        sources: Vec::new(),
        status: Status::Resolved,
        confidence: found.confidence,
    });
    metadata.models.insert("1".into(), NodeModels { node_type: "CLIPTextEncode".into(), refs: refs.collect() });
    let written = serde_json::to_string(&metadata).unwrap();
    assert!(written.contains(r#""kind":"lora_tag""#), "{written}");
    let read = Metadata::parse(&written).unwrap();
    assert_eq!(read, metadata);
    let kinds: Vec<_> = references.iter().map(|found| read.find(found).unwrap().hash.clone().unwrap()).collect();
    assert_eq!(kinds, ["Embedding", "Embedding", "LoraTag"]);
    let fewer = r#"{"id":1,"type":"CLIPTextEncode","widgets_values":["embedding:b"]}"#;
    assert_eq!(read.find(&model_refs(&super::of_nodes(fewer))[0]).unwrap().path, "b");
    let others = r#"{"id":1,"type":"CLIPTextEncode","widgets_values":["embedding:c <lora:b:1>"]}"#;
    assert!(model_refs(&super::of_nodes(others)).iter().all(|found| read.find(found).is_none()));
}

#[test]
fn what_cannot_be_read_says_so() {
    assert!(matches!(Metadata::parse(r#"{"version":"0.3.0"}"#), Err(Error::NewerMetadata { .. })));
    assert!(matches!(Metadata::parse(r#"{"version":"1.0.0"}"#), Err(Error::NewerMetadata { .. })));
    for text in ["{}", "[]", "{", r#"{"version":"x"}"#, r#"{"version":"0.2.0","models":[]}"#] {
        assert!(matches!(Metadata::parse(text), Err(Error::Metadata { .. })), "{text}");
    }
    assert!(Metadata::parse(r#"{"version":"0.2.7","models":null}"#).is_ok());
}

#[test]
fn metadata_is_checked_against_the_widgets() {
    let workflow = fixture("flux_schnell");
    assert_eq!(Metadata::of(&workflow), Ok(None));
    let references = model_refs(&workflow);
    let mut metadata = metadata();
    let mut known = metadata.models.remove("16").unwrap();
    known.node_type.clone_from(&references[0].node_type);
    known.refs[0].path.clone_from(&references[0].value);
    let id = references[0].node_id.clone();
    metadata.models.insert(id.clone(), known.clone());
    assert!(metadata.find(&references[0]).is_some());
    let other = NodeModels { node_type: "UNETLoader".into(), ..known.clone() };
    metadata.models.insert(id.clone(), other);
    assert!(metadata.find(&references[0]).is_none(), "another node has this id now");
    known.refs[0].path.push('x');
    metadata.models.insert(id, known);
    assert!(metadata.find(&references[0]).is_none(), "it names something else now");
}

fn members() -> impl Strategy<Value = serde_json::Map<String, serde_json::Value>> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<i64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    let value = leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::btree_map(any::<String>(), inner, 0..4).prop_map(|members| members.into_iter().collect()),
        ]
    });
    prop::collection::btree_map("[a-z_]{0,4}", value, 0..4).prop_map(|members| members.into_iter().collect())
}

proptest! {
    #[test]
    fn any_object_extra_comes_back_to_the_byte(
        root in members(), extra in members(), indent in prop::sample::select(vec!["", " ", "  ", "    ", "\t"]),
    ) {
        let mut root = root;
        root.insert("extra".into(), extra.into());
        let text = if indent.is_empty() {
            serde_json::to_string(&root).unwrap()
        } else {
            let mut bytes = Vec::new();
            let layout = serde_json::ser::PrettyFormatter::with_indent(indent.as_bytes());
            let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, layout);
            serde::Serialize::serialize(&root, &mut serializer).unwrap();
            String::from_utf8(bytes).unwrap()
        };
        let with = with_metadata(&text, &metadata()).unwrap();
        prop_assert!(same_content(&text, &with));
        prop_assert_eq!(read(&with), metadata());
        // Laid out as the same writer would have.
        prop_assert_eq!(with.contains('\n'), !indent.is_empty());
        prop_assert_eq!(without_metadata(&with).unwrap(), text);
    }

    /// Of version 0.1 everything but a yaml config is still there, and reading it again changes nothing.
    #[test]
    fn migration_loses_nothing(
        refs in prop::collection::vec(
            (0..9_usize, "[a-z/\\\\]{1,9}\\.(pt|yaml|sft)", prop::option::of("[a-f0-9]{16}"), prop::option::of("[a-f0-9]{64}"),
             prop::collection::vec(prop::sample::select(vec![
                 "huggingface:o/r/f.pt", "URL:https://x.org/f", "civitai:12", "local", "https://y.org/g", "",
             ]), 0..4), any::<bool>()),
            0..6,
        ),
        blake3 in prop::option::of("[a-f0-9]{64}"), size in prop::option::of(any::<u64>()), skipped in any::<bool>(),
        widget_path in prop::option::of(prop::collection::vec(prop_oneof![
            (0..9_usize).prop_map(serde_json::Value::from), "[a-z]{1,3}".prop_map(serde_json::Value::from),
        ], 1..3)),
        kind in prop::option::of(prop::sample::select(vec!["file", "embedding", "lora_tag", "folder", "remote"])),
        confidence in prop::option::of(prop::sample::select(vec!["low", "medium", "high"])),
    ) {
        let value = |(index, path, hash, sha256, sources, single): &(usize, String, Option<String>, Option<String>, Vec<&str>, bool)| {
            let mut value = serde_json::json!({
                "widget_index": index, "path": path, "hash": hash, "sha256": sha256, "blake3": &blake3, "size": size,
                "status": if skipped { "skipped" } else { "resolved" }, "widget_path": &widget_path, "kind": kind,
                "confidence": confidence,
            });
            let (key, sources) = match (single, sources.first()) {
                (true, first) => ("source", serde_json::json!(first)),
                (false, _) => ("sources", serde_json::json!(sources)),
            };
            value[key] = sources;
            value
        };
        let old = serde_json::json!({"version": "0.1.0", "last_updated": "T", "models": {"4": {
            "node_type": "X", "refs": refs.iter().map(value).collect::<Vec<_>>()}}});
        let read = Metadata::parse(&old.to_string()).unwrap();
        let kept: Vec<_> = refs.iter().filter(|(_, path, hash, ..)| hash.is_some() || !path.ends_with(".yaml")).collect();
        let found = read.models.get("4").map_or(&[][..], |node| &node.refs[..]);
        prop_assert_eq!(found.len(), kept.len());
        for (reference, (index, path, hash, sha256, sources, single)) in found.iter().zip(kept) {
            prop_assert_eq!((reference.widget_index, &reference.path, &reference.hash), (*index, path, hash));
            prop_assert_eq!(reference.sha256.as_ref().map(ToString::to_string), sha256.clone());
            prop_assert_eq!(reference.blake3.as_ref().map(ToString::to_string), blake3.clone());
            prop_assert_eq!(reference.size, size);
            let status = match (skipped, hash) {
                (true, _) => Status::Skipped,
                (false, Some(_)) => Status::Resolved,
                (false, None) => Status::Unresolved,
            };
            prop_assert_eq!(reference.status, status);
            prop_assert_eq!(serde_json::json!(reference.widget_path), serde_json::json!(widget_path));
            prop_assert_eq!(serde_json::json!(reference.kind), serde_json::json!(kind.unwrap_or("file")));
            prop_assert_eq!(serde_json::json!(reference.confidence), serde_json::json!(confidence.unwrap_or("high")));
            let given = if *single { &sources[..sources.len().min(1)] } else { &sources[..] };
            for source in given.iter().filter(|source| !matches!(**source, "local" | "")) {
                let today = source.replace("huggingface:", "hf:").replace("URL:", "");
                prop_assert!(reference.sources.contains(&today), "{} of {:?}", today, reference.sources);
            }
        }
        prop_assert_eq!(Metadata::parse(&serde_json::to_string(&read).unwrap()).unwrap(), read);
    }
}
