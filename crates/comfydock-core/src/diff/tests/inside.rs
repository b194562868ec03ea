//! Inside a workflow.

use super::between;
use crate::diff::workflow::compare;

const KREA: &str = include_str!("../../../../../tests/fixtures/workflows/flux1_krea_dev.json");

/// A loader, a sampler and an image, linked in a row.
const SMALL: &str = r#"{"id":"x","revision":0,"last_node_id":3,"last_link_id":2,"nodes":[
 {"id":1,"type":"CheckpointLoaderSimple","pos":[0,0],"size":[10,10],"flags":{},"order":0,"mode":0,"inputs":[],
  "outputs":[{"name":"MODEL","type":"MODEL","links":[1]},{"name":"VAE","type":"VAE","links":[]}],
  "properties":{"Node name for S&R":"CheckpointLoaderSimple","ver":"0.3.60"},"widgets_values":["a.safetensors"]},
 {"id":2,"type":"KSampler","pos":[9,0],"size":[10,10],"flags":{},"order":1,"mode":0,
  "inputs":[{"name":"model","type":"MODEL","link":1},{"name":"latent_image","type":"LATENT","link":null}],
  "outputs":[{"name":"LATENT","type":"LATENT","links":[2]}],"properties":{},
  "widgets_values":[7,"fixed",20,8,"euler","normal",1]},
 {"id":3,"type":"Mystery","title":"shown","inputs":[{"name":"in","type":"LATENT","link":2}],"outputs":[],"widgets_values":["a",{"on":true,"lora":"x"},3]}
],"links":[[1,1,0,2,0,"MODEL"],[2,2,0,3,0,"LATENT"]],"groups":[],"config":{},"extra":{"ds":{"scale":1}},"version":0.4}"#;

#[test]
fn every_sort_of_change_in_words() {
    let lora = r#"{"id":4,"type":"LoraLoader","inputs":[{"name":"model","type":"MODEL","link":1}],"outputs":[{"name":"MODEL","type":"MODEL","links":[3]}],"widgets_values":["l.safetensors",1,1]},"#;
    let with_lora = |text: &str| {
        text.replace(r#"{"id":3,"#, &format!("{lora}{{\"id\":3,"))
            .replace(r#"[1,1,0,2,0,"MODEL"]"#, r#"[1,1,0,4,0,"MODEL"],[3,4,0,2,0,"MODEL"]"#)
            .replace(r#""link":1},{"name":"latent"#, r#""link":3},{"name":"latent"#)
    };
    let cases: Vec<(&str, &str, Vec<&str>)> = vec![
        ("\"fixed\",20", "\"fixed\",30", vec!["~ KSampler (2): steps 20 → 30"]),
        (
            "[7,\"fixed\",20,8,\"euler\"",
            "[8,\"randomize\",20,8,\"dpmpp_2m\"",
            vec![
                "~ KSampler (2)",
                "  ~ seed 7 → 8",
                "  ~ control_after_generate \"fixed\" → \"randomize\"",
                "  ~ sampler_name \"euler\" → \"dpmpp_2m\"",
            ],
        ),
        ("\"lora\":\"x\"", "\"lora\":\"y\"", vec!["~ Mystery \"shown\" (3): widget 1.lora \"x\" → \"y\""]),
        ("\"lora\":\"x\"}", "\"lora\":\"x\",\"s\":2}", vec!["~ Mystery \"shown\" (3): widget 1.s 2 added"]),
        (",3]}", "]}", vec!["~ Mystery \"shown\" (3): widget 2 3 removed"]),
        ("\"order\":1,\"mode\":0", "\"order\":1,\"mode\":4", vec!["~ KSampler (2): active → bypassed"]),
        ("\"order\":0,\"mode\":0", "\"order\":0,\"mode\":2", vec!["~ CheckpointLoaderSimple (1): active → muted"]),
        ("\"title\":\"shown\"", "\"title\":\"other\"", vec!["~ Mystery \"other\" (3): title \"shown\" → \"other\""]),
        ("\"type\":\"KSampler\"", "\"type\":\"Other\"", vec!["~ Other (2): class KSampler → Other"]),
        (",[2,2,0,3,0,\"LATENT\"]", "", vec!["- Mystery.in ← KSampler.LATENT"]),
        (
            "[2,2,0,3,0,\"LATENT\"]",
            "[2,2,0,3,0,\"LATENT\"],[9,1,1,2,1,\"x\"]",
            vec!["+ KSampler.latent_image ← CheckpointLoaderSimple.VAE"],
        ),
        ("\"properties\":{},", "\"properties\":{\"text\":\"t\"},", vec!["~ KSampler (2): properties.text \"t\" added"]),
        (
            "{\"name\":\"in\",",
            "{\"name\":\"mask\",\"type\":\"MASK\"},{\"name\":\"in\",",
            vec![
                "~ Mystery \"shown\" (3): input mask \"MASK\" added",
                "- Mystery.in ← KSampler.LATENT",
                "+ Mystery.mask ← KSampler.LATENT",
            ],
        ),
        // What only looks different is counted.
        ("\"pos\":[9,0]", "\"pos\":[9,1]", vec!["~ layout of 1 node"]),
        ("\"ver\":\"0.3.60\"", "\"ver\":\"0.3.64\"", vec!["~ layout of 1 node"]),
        ("\"scale\":1", "\"scale\":2", vec!["~ layout"]),
        ("\"groups\":[]", "\"groups\":[{\"title\":\"g\"}]", vec!["~ layout"]),
        ("\"last_link_id\":2", "\"last_link_id\":8", vec!["~ layout"]),
        ("[2,2,0,3,0,\"LATENT\"]", "[7,2,0,3,0,\"LATENT\"]", vec!["~ layout"]),
    ];
    for (from, to, expected) in cases {
        assert!(SMALL.contains(from), "{from}");
        let after = SMALL.replacen(from, to, 1);
        assert_eq!(between(SMALL, &after), expected, "{from} -> {to}");
        assert_eq!(between(&after, &after), Vec::<String>::new());
    }
    assert_eq!(
        between(SMALL, &with_lora(SMALL)),
        [
            "+ LoraLoader (4)",
            "~ KSampler.model ← LoraLoader.MODEL, before CheckpointLoaderSimple.MODEL",
            "+ LoraLoader.model ← CheckpointLoaderSimple.MODEL",
        ]
    );
    // The other way round the links of the node that is gone go without saying.
    assert_eq!(
        between(&with_lora(SMALL), SMALL),
        ["- LoraLoader (4)", "~ KSampler.model ← CheckpointLoaderSimple.MODEL, before LoraLoader.MODEL",]
    );
}

#[test]
fn layout_is_told_when_it_is_asked_for() {
    let after = SMALL
        .replace("\"pos\":[9,0],\"size\":[10,10]", "\"pos\":[9,1],\"size\":[10,11]")
        .replace("\"scale\":1", "\"scale\":2");
    let lines = super::shown(&compare(SMALL, &after).lines(true), 0);
    assert_eq!(lines, ["~ layout of KSampler (2): pos, size", "~ layout of workflow: extra.ds"]);
    assert!(compare(SMALL, &after).runs_the_same());
}

#[test]
fn our_metadata_and_spelling_of_json_never_count() {
    let pretty = serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(SMALL).unwrap()).unwrap();
    let noted = SMALL.replace("\"ds\":", "\"_comfydock_metadata\":{\"version\":\"0.2.0\"},\"ds\":");
    for after in [pretty, noted] {
        assert_ne!(after, SMALL);
        assert!(compare(SMALL, &after).is_empty());
    }
}

#[test]
fn subgraphs_are_descended() {
    let after = KREA.replacen("\"euler\"", "\"heun\"", 1);
    assert_ne!(after, KREA);
    let said = between(KREA, &after);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains(" / KSampler (") && said[0].ends_with("sampler_name \"euler\" → \"heun\""), "{said:?}");

    let two = r#"{"nodes":[{"id":1,"type":"g","properties":{"proxyWidgets":[["5","text"]]},"widgets_values":["a"]}],"links":[],
      "definitions":{"subgraphs":[{"id":"g","name":"Portrait","inputs":[{"name":"in","type":"X"}],"outputs":[],"inputNode":{"id":-10},
      "nodes":[{"id":5,"type":"N","inputs":[{"name":"a","link":1}],"outputs":[]}],
      "links":[{"id":1,"origin_id":-10,"origin_slot":0,"target_id":5,"target_slot":0}]}]}}"#;
    for (from, to, expected) in [
        ("[\"a\"]", "[\"b\"]", vec!["~ Portrait (1): text \"a\" → \"b\""]),
        ("\"name\":\"Portrait\"", "\"name\":\"Face\"", vec!["~ Face / name \"Portrait\" → \"Face\""]),
        (
            "\"inputs\":[{\"name\":\"in\",\"type\":\"X\"}]",
            "\"inputs\":[{\"name\":\"in\",\"type\":\"X\"},{\"name\":\"b\",\"type\":\"Y\"}]",
            vec!["+ Portrait / input b \"Y\""],
        ),
        (
            "\"links\":[{\"id\":1,\"origin_id\":-10,\"origin_slot\":0,\"target_id\":5,\"target_slot\":0}]",
            "\"links\":[]",
            vec!["- Portrait / N.a ← subgraph input.in"],
        ),
        (
            "{\"id\":5,\"type\":\"N\",",
            "{\"id\":6,\"type\":\"M\"},{\"id\":5,\"type\":\"N\",",
            vec!["+ Portrait / M (6)"],
        ),
        (
            "\"subgraphs\":[{",
            "\"subgraphs\":[{\"id\":\"h\",\"name\":\"Other\",\"nodes\":[{\"id\":1,\"type\":\"N\"}]},{",
            vec!["+ subgraph Other (1 node)"],
        ),
    ] {
        assert!(two.contains(from), "{from}");
        assert_eq!(between(two, &two.replace(from, to)), expected, "{from} -> {to}");
    }
}

#[test]
fn group_nodes_are_descended() {
    let group = r#"{"nodes":[{"id":1,"type":"workflow/base","widgets_values":["v1.ckpt","t"]}],"extra":{"groupNodes":{"base":{"nodes":[
      {"type":"CheckpointLoaderSimple","id":-1,"index":0,"widgets_values":["v1.ckpt"],"outputs":[{"name":"MODEL"}]},
      {"type":"CLIPTextEncode","id":-1,"index":1,"widgets_values":["t"],"inputs":[{"name":"clip"}]}],"links":[[0,0,1,0,1,"CLIP"]]}}}}"#;
    for (from, to, expected) in [
        (
            "\"widgets_values\":[\"t\"]",
            "\"widgets_values\":[\"u\"]",
            "~ base / CLIPTextEncode (#1): text \"t\" → \"u\"",
        ),
        (",\"links\":[[0,0,1,0,1,\"CLIP\"]]", "", "- base / CLIPTextEncode.clip ← CheckpointLoaderSimple.MODEL"),
        ("\"groupNodes\":{", "\"groupNodes\":{\"more\":{\"nodes\":[]},", "+ subgraph more (0 nodes)"),
    ] {
        assert!(group.contains(from), "{from}");
        assert_eq!(between(group, &group.replace(from, to)), [expected], "{from} -> {to}");
    }
}

#[test]
fn api_format_has_names_and_links_in_its_inputs() {
    let api = r#"{"3":{"class_type":"KSampler","inputs":{"seed":1,"model":["4",0],"latent_image":["5",0]},"_meta":{"title":"KSampler"}},
                  "4":{"class_type":"CheckpointLoaderSimple","inputs":{"ckpt_name":"a"}},"5":{"class_type":"Empty","inputs":{}}}"#;
    for (from, to, expected) in [
        ("\"seed\":1", "\"seed\":18446744073709551615", "~ KSampler (3): seed 1 → 18446744073709551615"),
        ("[\"4\",0]", "[\"5\",0]", "~ KSampler.model ← Empty.0, before CheckpointLoaderSimple.0"),
        (",\"latent_image\":[\"5\",0]", "", "- KSampler.latent_image ← Empty.0"),
        (
            "\"5\":{\"class_type\":\"Empty\",",
            "\"6\":{\"class_type\":\"Note\",\"inputs\":{}},\"5\":{\"class_type\":\"Empty\",",
            "+ Note (6)",
        ),
        ("\"title\":\"KSampler\"", "\"title\":\"first\"", "~ KSampler \"first\" (3): title none → \"first\""),
    ] {
        assert!(api.contains(from), "{from}");
        assert_eq!(between(api, &api.replace(from, to)), [expected], "{from} -> {to}");
    }
    assert_eq!(between(api, SMALL), ["~ API format \"yes\" → \"no\""]);
    assert_eq!(between("not json", SMALL), ["~ readable \"no\" → \"yes\""]);
    assert_eq!(between("not json", "nor this"), ["~ text"]);
}

#[test]
fn long_texts_are_cut_to_where_they_differ() {
    let text = |word: &str| {
        format!(
            r#"{{"nodes":[{{"id":1,"type":"CLIPTextEncode","widgets_values":["{}{word}{}"]}}]}}"#,
            "long ".repeat(40),
            " and more".repeat(40)
        )
    };
    let said = between(&text("cat"), &text("dog"));
    assert_eq!(said.len(), 1);
    assert!(said[0].len() < 220 && said[0].contains("cat") && said[0].contains("dog"), "{said:?}");
}
