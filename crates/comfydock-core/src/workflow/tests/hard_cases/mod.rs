//! The cases that real workflows are hard by, one row each: what is found, and that rewriting it
//! changes those places and no byte besides.

mod fed;
mod promoted;
mod sources;

use std::collections::HashSet;

use crate::workflow::{ModelRef, RefKind, Workflow, model_refs, rewrite};

/// `node path kind confidence category value ×places`, ` off` where ComfyUI would not load it, ` < URL` for what the
/// workflow says about where to get it.
fn line(reference: &ModelRef) -> String {
    let path = match &reference.widget_path {
        Some(path) => serde_json::to_string(path).unwrap(),
        None => reference.widget_index.to_string(),
    };
    let word = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let places = reference.mirrors.len() + 1;
    format!(
        "{} {path} {} {} {} {} ×{places}{}{}",
        reference.node_id,
        word(serde_json::to_value(reference.kind).unwrap()),
        word(serde_json::to_value(reference.confidence).unwrap()),
        reference.category.as_deref().unwrap_or("-"),
        reference.value,
        if reference.active { "" } else { " off" },
        reference.embedded.iter().map(|source| format!(" < {}", source.url)).collect::<String>(),
    )
}

/// The text with `new` at every place of the reference, put together from what is written in the file and not from
/// what `rewrite` does with it.
fn with_all_places(text: &str, reference: &ModelRef, new: &str) -> String {
    let mut places: Vec<_> =
        reference.mirrors.iter().chain([&reference.span]).map(|span| (span.start, span.end)).collect();
    places.sort_unstable();
    places.dedup();
    let literal = serde_json::to_string(new).unwrap();
    let escaped =
        if reference.kind == RefKind::Embedding { new.replace('(', "\\(").replace(')', "\\)") } else { new.into() };
    let inside = serde_json::to_string(&escaped).unwrap();
    let (mut at, mut result) = (0, String::new());
    for (start, end) in places {
        let whole = text[start..end].starts_with('"');
        result += &text[at..start];
        result += if whole { &literal } else { &inside[1..inside.len() - 1] };
        at = end;
    }
    result + &text[at..]
}

/// How many strings of the second document are not those of the first; all else must be alike.
fn changed_strings(name: &str, before: &serde_json::Value, after: &serde_json::Value) -> usize {
    use serde_json::Value;
    match (before, after) {
        (Value::String(before), Value::String(after)) => usize::from(before != after),
        (Value::Array(before), Value::Array(after)) => {
            assert_eq!(before.len(), after.len(), "{name}");
            before.iter().zip(after).map(|(before, after)| changed_strings(name, before, after)).sum()
        }
        (Value::Object(before), Value::Object(after)) => {
            assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>(), "{name}");
            before.iter().map(|(key, before)| changed_strings(name, before, &after[key])).sum()
        }
        _ => {
            assert_eq!(before, after, "{name}");
            0
        }
    }
}

fn check(name: &str, text: &str, expected: &[&str]) {
    let workflow = Workflow::parse_any(text.to_owned()).unwrap_or_else(|error| panic!("{name}: {error}"));
    let references = model_refs(&workflow);
    assert_eq!(references.iter().map(line).collect::<Vec<_>>(), expected, "{name}");

    // Every name by itself: all its places change, everything around them stays, and it reads back.
    let before: serde_json::Value = serde_json::from_str(text).unwrap();
    for (position, reference) in references.iter().enumerate() {
        let new = reference.spelling_of("sub\\né_(1).safetensors");
        let text = rewrite(&workflow, &[(reference, new.clone())]);
        assert_eq!(text, with_all_places(workflow.text(), reference, &new), "{name}");
        let strings: HashSet<usize> = reference
            .mirrors
            .iter()
            .chain([&reference.span])
            // A name inside a text has no quote before it that is not escaped; the string begins at the last that is not.
            .map(|span| literal_start(workflow.text(), span.start))
            .collect();
        let after = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(changed_strings(name, &before, &after), strings.len(), "{name}: {}", reference.value);
        let again = Workflow::parse_any(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let reread = model_refs(&again);
        assert_eq!(reread.get(position).map(|reference| reference.value.as_str()), Some(&*new), "{name}");
        assert_eq!(reread.len(), references.len(), "{name}");
    }
    let same: Vec<_> = references.iter().map(|reference| (reference, reference.value.clone())).collect();
    assert_eq!(model_refs(&Workflow::parse_any(rewrite(&workflow, &same)).unwrap()).len(), references.len(), "{name}");
}

/// Where the string literal begins that this byte belongs to.
fn literal_start(text: &str, at: usize) -> usize {
    if text[at..].starts_with('"') {
        return at;
    }
    let is_quote = |&(position, _): &(usize, &str)| {
        let slashes = text[..position].bytes().rev().take_while(|byte| *byte == b'\\').count();
        slashes % 2 == 0
    };
    text[..at].rmatch_indices('"').find(is_quote).map_or(0, |(position, _)| position)
}

fn check_nodes(name: &str, nodes: &str, expected: &[&str]) {
    check(name, &format!(r#"{{"nodes":[{nodes}],"links":[],"extra":{{}},"version":0.4}}"#), expected);
}

/// One node of this type.
fn check_node(name: &str, node_type: &str, widgets: &str, expected: &[&str]) {
    check_nodes(name, &format!(r#"{{"id":1,"type":"{node_type}","widgets_values":{widgets}}}"#), expected);
}

#[test]
fn names_of_files() {
    for (name, node_type, widgets, expected) in [
        ("checkpoint", "CheckpointLoaderSimple", r#"["sd15.ckpt"]"#, "1 0 file high checkpoints sd15.ckpt ×1"),
        ("yaml first", "CheckpointLoader", r#"["v1.yaml","a.ckpt"]"#, "1 1 file high checkpoints a.ckpt ×1"),
        ("no ending", "LoraLoader", r#"["style",1,1]"#, "1 0 file high loras style ×1"),
        ("a VAE's word elsewhere", "LoraLoader", r#"["taesd_style",1,1]"#, "1 0 file high loras taesd_style ×1"),
        ("another", "UNETLoader", r#"["taesd_x"]"#, "1 0 file high diffusion_models taesd_x ×1"),
        ("a third", "CheckpointLoaderSimple", r#"["pixel_space"]"#, "1 0 file high checkpoints pixel_space ×1"),
        ("a tiny VAE's file", "VAELoader", r#"["taesd.safetensors"]"#, "1 0 file high vae taesd.safetensors ×1"),
        ("backslash", "LoraLoader", r#"["a\\b.sft",1,1]"#, "1 0 file high loras a\\b.sft ×1"),
        ("not ASCII", "LoraLoader", r#"["\u65e5本 (1)+ x.pt"]"#, "1 0 file high loras 日本 (1)+ x.pt ×1"),
        ("vae.pt", "X", r#"["a.vae.pt"]"#, "1 0 file medium - a.vae.pt ×1"),
        ("patch", "X", r#"["inpaint_v26.fooocus.patch"]"#, "1 0 file medium - inpaint_v26.fooocus.patch ×1"),
        ("size label", "X", r#"["x.gguf [~7.5GB]"]"#, "1 0 file medium - x.gguf ×1"),
        ("repo label", "X", r#"["org/repo | x.gguf"]"#, "1 0 file medium - x.gguf ×1"),
        ("both labels", "X", r#"["org/repo | x.gguf [2 GB]"]"#, "1 0 file medium - x.gguf ×1"),
        (
            "shard",
            "LTXVGemmaCLIPModelLoader",
            r#"["g/model-00001-of-00005.safetensors","ltx.safetensors"]"#,
            "1 0 file high text_encoders g/model-00001-of-00005.safetensors ×1|1 1 file high checkpoints ltx.safetensors ×1",
        ),
        ("bbox", "UltralyticsDetectorProvider", r#"["bbox/f.pt"]"#, "1 0 file high ultralytics bbox/f.pt ×1"),
        ("dict", "X", r#"{"a":1,"m":{"n":["b.pt"]}}"#, "1 [\"m\",\"n\",0] file medium - b.pt ×1"),
        ("holes", "UNETLoader", r#"["u.sft",null,null]"#, "1 0 file high diffusion_models u.sft ×1"),
        (
            "an index that counts control_after_generate",
            "TrainLoraNode",
            r#"[0,1,2,3,4,5,6,7,8,9,10,11,12,"l.sft"]"#,
            "1 13 file high loras l.sft ×1",
        ),
        ("a hole before it", "CheckpointLoader", r#"[null,"a.ckpt"]"#, "1 1 file high checkpoints a.ckpt ×1"),
        ("case", "LoraLoader", r#"["Sub/A.SafeTensors",1,1]"#, "1 0 file high loras Sub/A.SafeTensors ×1"),
        (
            "in a text, with its ending",
            "Any Text",
            r#"["a, embedding:s/n.pt, b"]"#,
            "1 0 embedding low embeddings s/n.pt ×1",
        ),
        ("folder", "DiffusersLoader", r#"["my model"]"#, "1 0 folder high diffusers my model ×1"),
        (
            "nunchaku folder",
            "NunchakuFluxDiTLoader",
            r#"["svdq-int4-flux.1-dev","disabled"]"#,
            "1 0 folder high diffusion_models svdq-int4-flux.1-dev ×1",
        ),
        (
            "nunchaku file",
            "NunchakuFluxDiTLoader",
            r#"["svdq.safetensors"]"#,
            "1 0 file high diffusion_models svdq.safetensors ×1",
        ),
        (
            "remote",
            "DownloadAndLoadFlorence2Model",
            r#"["microsoft/Florence-2-base","fp16"]"#,
            "1 0 remote high - microsoft/Florence-2-base ×1",
        ),
        ("remote file", "DownloadAndLoadSAM2Model", r#"["sam2.safetensors"]"#, "1 0 remote high - sam2.safetensors ×1"),
        (
            "preset",
            "IPAdapterUnifiedLoader",
            r#"["PLUS (high strength)"]"#,
            "1 0 remote high - PLUS (high strength) ×1",
        ),
    ] {
        let expected: Vec<&str> = expected.split('|').filter(|line| !line.is_empty()).collect();
        check_node(name, node_type, widgets, &expected);
    }
}

#[test]
fn lists_and_switches_of_custom_nodes() {
    check_node(
        "Power Lora Loader",
        "Power Lora Loader (rgthree)",
        r#"[null,{"type":"PowerLoraLoaderHeaderWidget"},{"on":true,"lora":"a\\b.safetensors","strength":1.0},
        {"on":false,"lora":"c.safetensors"},{"on":true,"lora":"None"},""]"#,
        &[r#"1 [2,"lora"] file high loras a\b.safetensors ×1"#, r#"1 [3,"lora"] file high loras c.safetensors ×1 off"#],
    );
    check_node(
        "LoraManager's twins",
        "Lora Loader (LoraManager)",
        r#"["<lora:sub/st:0.60> <lora:b:1:0.5>",[{"name":"sub/st","active":true},{"name":"b","active":false}]]"#,
        &[
            "1 0 lora_tag medium loras sub/st ×1",
            "1 0 lora_tag medium loras b ×1",
            r#"1 [1,0,"name"] lora_tag high loras sub/st ×1"#,
            r#"1 [1,1,"name"] lora_tag high loras b ×1 off"#,
        ],
    );
    check_node(
        "CR LoRA Stack",
        "CR LoRA Stack",
        r#"["On","a.sft",1,1,"Off","b.sft",1,1,"On","None",1,1]"#,
        &["1 1 file high loras a.sft ×1", "1 5 file high loras b.sft ×1 off"],
    );
    check_node(
        "stale slots beyond the count",
        "LoRA Stacker",
        r#"["simple",1,"a.sft",1,1,1,"b.sft",1,1,1,"None",1,1,1]"#,
        &["1 2 file high loras a.sft ×1", "1 6 file high loras b.sft ×1 off"],
    );
    check_node(
        "Efficient Loader",
        "Efficient Loader",
        r#"["c.ckpt","Baked VAE",-1,"l.sft",1,1,"embedding:e","n"]"#,
        &["1 0 file high checkpoints c.ckpt ×1", "1 3 file high loras l.sft ×1", "1 6 embedding low embeddings e ×1"],
    );
    check_node(
        "WanVideo",
        "WanVideoLoraSelectMulti",
        r#"["W\\a.safetensors",1,"none",1,"none",1,"none",1,"none",1,false,true]"#,
        &[r"1 0 file high loras W\a.safetensors ×1"],
    );
}

#[test]
fn tags_in_texts() {
    check_node(
        "embeddings with and without ending, one twice",
        "CLIPTextEncode",
        r#"["a \"x\", embedding:neg, (embedding:sub\\bad.pt:1.2)\nembedding:neg"]"#,
        &["1 0 embedding medium embeddings neg ×2", r"1 0 embedding medium embeddings sub\bad.pt ×1"],
    );
    check_node(
        "the encoder does not read lora tags",
        "CLIPTextEncode",
        r#"["cat <lora:a/b:0.8:1>"]"#,
        &["1 0 lora_tag low loras a/b ×1"],
    );
    check_node(
        "a whole value, escaped",
        "Some Text",
        r#"["embedding:\u00e9\ud83d\ude00.pt"]"#,
        &["1 0 embedding low embeddings é😀.pt ×1"],
    );
    for (value, name) in [
        ("masterpiece, embedding:neg.pt", "neg.pt"),
        ("(embedding:a.pt", "a.pt"),
        (" embedding:b.safetensors", "b.safetensors"),
    ] {
        let expected = format!("1 0 embedding low embeddings {name} ×1");
        check_node("a name at the end of a line", "Some Text", &format!(r#"["{value}"]"#), &[&expected]);
    }
    check(
        "copies of a text",
        r#"{"nodes":[{"id":1,"type":"CLIPTextEncode","inputs":[{"widget":{"name":"text"},"link":4}],
        "widgets_values":["embedding:a b"],"widgets_values_named":{"text":"embedding:a b"}},
        {"id":2,"type":"PrimitiveNode","widgets_values":["embedding:a b"]}],"links":[[4,2,0,1,0,"STRING"]]}"#,
        &["1 0 embedding medium embeddings a ×3"],
    );
}

#[test]
fn nodes_that_save() {
    check_node("and load", "LoraSaveAndLoad", r#"["m.sft"]"#, &["1 0 file medium - m.sft ×1"]);
    check_nodes(
        "a name that properties.models confirms",
        r#"{"id":1,"type":"JWSaver","widgets_values":["m.sft","n.sft"],"properties":{"models":[{"name":"m.sft","url":"u"}]}}"#,
        &["1 0 file high - m.sft ×2 < u"],
    );
    check_node(
        "groups are called as their authors like",
        "workflow/Save all",
        r#"["a.pt"]"#,
        &["1 0 file medium - a.pt ×1"],
    );
    check_node("components too", "## Save [ab12]", r#"["a.pt"]"#, &["1 0 file medium - a.pt ×1"]);
}

#[test]
fn what_names_no_model() {
    for (node_type, widgets) in [
        ("Note", r#"["use loras/x.safetensors, embedding:neg <lora:a:1>"]"#),
        ("MarkdownNote", r#"["https://x.org/a.safetensors"]"#),
        ("CLIPTextEncode", r#"["a robot called r2.d2, file model.safetensors"]"#),
        ("SaveImage", r#"["checkpoints/x"]"#),
        ("CheckpointSave", r#"["checkpoints/ComfyUI.safetensors"]"#),
        ("LoraSave", r#"["loras/a.safetensors",8]"#),
        ("Save Image w/Metadata", r#"["a","b.safetensors","c.pt"]"#),
        ("SaveLBW //Inspire", r#"["x.lbw.safetensors"]"#),
        ("ShowText|pysssss", r#"[["a.safetensors"],"b.safetensors"]"#),
        ("easy showAnything", r#"["a.safetensors"]"#),
        ("Lora Info (LoraManager)", r#"["/models/loras/a.safetensors"]"#),
        ("LoadLBW //Inspire", r#"["a.lbw.safetensors"]"#),
        ("ToDetailerPipeSDXL", r#"["","picked.safetensors","Select the Wildcard to add to the text"]"#),
        ("ImpactWildcardEncode", r#"["a","a","populate","picked.safetensors","x",1]"#),
        ("Power Prompt (rgthree)", r#"["a cat","picked.safetensors","e.pt","x"]"#),
        ("X", r#"["https://x.org/a.safetensors"]"#),
        ("X", r#"["two\nlines.pt"]"#),
        ("X", r#"["v1-inference.yaml","multistep/res_2m","img.png","a*.pt","4x.pt|b","x.gguf [","[x.gguf]"]"#),
        ("VAELoader", r#"["taesdxl"]"#),
        ("VAELoader", r#"["pixel_space"]"#),
        ("VAELoader", r#"["taef1"]"#),
        ("LoraLoader", r#"["None"]"#),
        ("LoraLoader", r#"["none"]"#),
        ("LoraLoader", r#"[" NONE "]"#),
        ("Power Lora Loader (rgthree)", r#"[{"on":true,"lora":"none"}]"#),
        ("TrainLoraNode", r#"[0,1,2,3,4,5,6,7,8,9,10,11,12,"[None]"]"#),
        ("IPAdapterUnifiedLoader", r#"[""]"#),
        ("UNETLoader", "null"),
        ("UNETLoader", r#""u.sft""#),
        ("UNETLoader", "7"),
        ("UNETLoader", "[]"),
    ] {
        check_node(widgets, node_type, widgets, &[]);
    }
    check_nodes("no widgets at all", r#"{"id":1,"type":"UNETLoader"}"#, &[]);
    for extra in ["[1]", "7", "\"x\"", "{\"groupNodes\":[]}"] {
        let text = format!(r#"{{"nodes":[{{"id":1,"type":"VAELoader","widgets_values":["v"]}}],"extra":{extra}}}"#);
        check(extra, &text, &["1 0 file high vae v ×1"]);
    }
    check_nodes(
        "a copy by name that says something else is none",
        r#"{"id":1,"type":"LoraLoader","widgets_values":["a.sft",1,1],"widgets_values_named":{"lora_name":"b.sft"}}"#,
        &["1 0 file high loras a.sft ×1"],
    );
    check_nodes(
        "copies by name inside a widget",
        r#"{"id":1,"type":"Power Lora Loader (rgthree)","widgets_values":[{"on":true,"lora":"a.sft"}],
        "widgets_values_named":{"lora_1":{"on":true,"lora":"a.sft"}}}"#,
        &[r#"1 [0,"lora"] file high loras a.sft ×2"#],
    );
}

#[test]
fn subgraphs() {
    let graph = |instances: &str, extra: &str| {
        format!(
            r#"{{"nodes":[{instances}],"definitions":{{"subgraphs":[{{"id":"d","inputs":[{{"name":"model","linkIds":[9]}}],
            "links":[{{"id":9,"origin_id":-10,"origin_slot":0,"target_id":5,"target_slot":0}}],
            "nodes":[{{"id":5,"type":"UNETLoader","inputs":[{{"name":"unet_name","widget":{{"name":"unet_name"}},"link":9}}],
            "widgets_values":["in.sft","default"]{extra}}},{{"id":"six","type":"CLIPTextEncode","widgets_values":["embedding:e"]}}]}}]}}}}"#
        )
    };
    let encoder = "d:six 0 embedding medium embeddings e ×1";
    check(
        "a promoted copy, with every mirror",
        &graph(
            r#"{"id":1,"type":"d","widgets_values":["in.sft"],"widgets_values_named":{"model":"in.sft"}}"#,
            r#","widgets_values_named":{"unet_name":"in.sft"},"properties":{"models":[{"name":"in.sft","url":"u"}]}"#,
        ),
        &["d:5 0 file high diffusion_models in.sft ×5 < u", encoder],
    );
    check(
        "two instances that differ: what every instance replaces does not run",
        &graph(
            r#"{"id":1,"type":"d","widgets_values":["a.sft"]},{"id":2,"type":"d","mode":4,"widgets_values":["b"]}"#,
            "",
        ),
        &[
            "1 0 file high diffusion_models a.sft ×1",
            "2 0 file high diffusion_models b ×1 off",
            "d:5 0 file high diffusion_models in.sft ×1 off",
            encoder,
        ],
    );
    check(
        "proxyWidgets that name the subgraph's own input, and a text",
        &graph(
            r#"{"id":1,"type":"d","properties":{"proxyWidgets":[["-1","model"],["six","text"]]},
            "widgets_values":["out.gguf","embedding:f x"]}"#,
            "",
        ),
        &[
            "1 0 file high diffusion_models out.gguf ×1",
            "1 1 embedding medium embeddings f ×1",
            "d:5 0 file high diffusion_models in.sft ×1 off",
            "d:six 0 embedding medium embeddings e ×1 off",
        ],
    );
    check(
        "the same id at the root",
        &graph(r#"{"id":1,"type":"d"},{"id":5,"type":"LoraLoader","widgets_values":["l.sft"]}"#, ""),
        &["5 0 file high loras l.sft ×1", "d:5 0 file high diffusion_models in.sft ×1", encoder],
    );
    check(
        "a subgraph in a subgraph",
        r#"{"nodes":[{"id":1,"type":"o","properties":{"proxyWidgets":[["3","lora_name"]]},"widgets_values":["x"]}],
        "definitions":{"subgraphs":[
        {"id":"o","nodes":[{"id":3,"type":"i","properties":{"proxyWidgets":[["4","lora_name"]]},"widgets_values":["y"]}]},
        {"id":"i","nodes":[{"id":4,"type":"LoraLoader","widgets_values":["y",1,1]}]}]}}"#,
        &["1 0 file high loras x ×1", "i:4 0 file high loras y ×2 off"],
    );
}

#[test]
fn groups() {
    let group = r#""extra":{"groupNodes":{"my group":{"nodes":[
        {"index":0,"type":"CheckpointLoaderSimple","widgets_values":["old.ckpt"]},
        {"index":1,"type":"VAELoader","widgets_values":["old.pt"]},
        {"index":2,"type":"X","widgets_values":[1,"y"]}]}}}"#;
    for kind in ["workflow/my group", "workflow>my group"] {
        check(
            "widgets one after the other",
            &format!(r#"{{"nodes":[{{"id":7,"type":"{kind}","widgets_values":["a","taesd",1,"z.pt"]}}],{group}}}"#),
            &["7 0 file high checkpoints a ×1", "7 3 file medium - z.pt ×1"],
        );
        check(
            "a widget that is linked inside is not there",
            &format!(r#"{{"nodes":[{{"id":7,"type":"{kind}","widgets_values":["a.ckpt","b.pt",1]}}],{group}}}"#),
            &["7 0 file high checkpoints a.ckpt ×1", "7 1 file high vae b.pt ×1"],
        );
    }
    check(
        "a component",
        r###"{"nodes":[{"id":7,"type":"## Load [ab12]","widgets_values":["a.pt","b"]}],
        "components":{"## Load [ab12]":{"nodes":[{"type":"UpscaleModelLoader","widgets_values":["x.pt"]},
        {"type":"StyleModelLoader","widgets_values":["y.pt"]}]}}}"###,
        &["7 0 file high upscale_models a.pt ×1", "7 1 file high style_models b ×1"],
    );
    check(
        "without its definition the ending tells",
        r#"{"nodes":[{"id":7,"type":"workflow/gone","widgets_values":["a.pt","b"]}],"extra":null}"#,
        &["7 0 file medium - a.pt ×1"],
    );
}

#[test]
fn links_and_modes() {
    check(
        "a linked widget keeps a stale value",
        r#"{"nodes":[{"id":1,"type":"PrimitiveString","widgets_values":["new.sft"]},
        {"id":2,"type":"UNETLoader","inputs":[{"name":"unet_name","widget":{"name":"unet_name"},"link":4}],"widgets_values":["old.sft","default"]}],
        "links":[[4,1,0,2,0,"COMBO"]]}"#,
        &["1 0 file medium - new.sft ×1", "2 0 file high diffusion_models old.sft ×1 off"],
    );
    check(
        "a PrimitiveNode holds the same value",
        r#"{"nodes":[{"id":1,"type":"PrimitiveNode","widgets_values":["m.sft","fixed"]},
        {"id":2,"type":"UNETLoader","inputs":[{"name":"unet_name","widget":{"name":"unet_name"},"link":4}],"widgets_values":["m.sft","default"]}],
        "links":[[4,1,0,2,0,"COMBO"]]}"#,
        &["2 0 file high diffusion_models m.sft ×2"],
    );
    check_nodes(
        "muted and bypassed",
        r#"{"id":1,"type":"LoraLoader","mode":2,"widgets_values":["a"]},{"id":"x","type":"LoraLoader","mode":4,"widgets_values":["b"]}"#,
        &["1 0 file high loras a ×1 off", "x 0 file high loras b ×1 off"],
    );
    check_nodes(
        "one name in two categories, and in two folders of one",
        r#"{"id":1,"type":"CheckpointLoaderSimple","widgets_values":["flux1-dev-fp8.safetensors"]},
        {"id":2,"type":"UNETLoader","widgets_values":["flux1-dev-fp8.safetensors"]},
        {"id":3,"type":"UNETLoader","widgets_values":["x/flux1-dev-fp8.safetensors"]}"#,
        &[
            "1 0 file high checkpoints flux1-dev-fp8.safetensors ×1",
            "2 0 file high diffusion_models flux1-dev-fp8.safetensors ×1",
            "3 0 file high diffusion_models x/flux1-dev-fp8.safetensors ×1",
        ],
    );
    check_nodes(
        "a stale entry of properties.models adds nothing, a right one confirms",
        r#"{"id":1,"type":"X","widgets_values":["a.pt","b.pt"],"properties":{"models":[
        {"name":"gone.pt","url":"https://x.org/1","directory":"loras"},{"name":"a.pt","url":"https://x.org/2","directory":"vae"}]}}"#,
        &["1 0 file high vae a.pt ×2 < https://x.org/2", "1 1 file medium - b.pt ×1"],
    );
}

#[test]
fn numbers_and_layouts_stay() {
    let node = r#"{"id":18446744073709552000,"type":"UNETLoader","pos":[1.0,0.000003,1e5],"widgets_values":["u.sft"]}"#;
    for text in [
        format!(r#"{{"nodes":[{node}],"extra":null,"version":0.4}}"#),
        format!("{{\n    \"nodes\": [\n        {node}\n    ]\n}}\n"),
        format!("{{\n \"nodes\" : [{node}],\r\n\t\"version\": 1}}"),
    ] {
        check("as it was", &text, &["18446744073709552000 0 file high diffusion_models u.sft ×1"]);
    }
}

#[test]
fn api_format() {
    check(
        "inputs by name",
        r#"{"4":{"class_type":"CheckpointLoader","inputs":{"config_name":"v1.yaml","ckpt_name":"a"},"_meta":{"title":"x.pt"}},
        "57:8":{"class_type":"Power Lora Loader (rgthree)","inputs":{"lora_1":{"on":false,"lora":"l.sft"},"model":["4",0]}},
        "9":{"class_type":"Lora Loader (LoraManager)","inputs":{"text":"<lora:s:1>","loras":{"__value__":[{"name":"s","active":true}]}}},
        "10":{"class_type":"LoraLoader","inputs":{"lora_name":["4",1]}},
        "12":{"class_type":"CR LoRA Stack","inputs":{"switch_1":"Off","lora_name_1":"a.pt","switch_2":"On","lora_name_2":"b.pt"}},
        "13":{"class_type":"LoRA Stacker","inputs":{"lora_count":1,"lora_name_1":"a.pt","lora_name_2":"b.pt"}},
        "11":{"class_type":"X","inputs":{"list":{"__value__":["m.pt",3]},"f":"n.gguf"}}}"#,
        &[
            r#"4 ["ckpt_name"] file high checkpoints a ×1"#,
            r#"57:8 ["lora_1","lora"] file high loras l.sft ×1 off"#,
            r#"9 ["text"] lora_tag medium loras s ×1"#,
            r#"9 ["loras","__value__",0,"name"] lora_tag high loras s ×1"#,
            r#"12 ["lora_name_1"] file high loras a.pt ×1 off"#,
            r#"12 ["lora_name_2"] file high loras b.pt ×1"#,
            r#"13 ["lora_name_1"] file high loras a.pt ×1"#,
            r#"13 ["lora_name_2"] file high loras b.pt ×1 off"#,
            r#"11 ["list","__value__",0] file medium - m.pt ×1"#,
            r#"11 ["f"] file medium - n.gguf ×1"#,
        ],
    );
    check(
        "a request to the queue",
        r#"{"client_id":"x","prompt":{"1":{"class_type":"VAELoader","inputs":{"vae_name":"v"}}},"extra_data":{}}"#,
        &[r#"1 ["vae_name"] file high vae v ×1"#],
    );
    assert_eq!(Workflow::parse_any(r#"{"1":{"class_type":"A"}}"#.to_owned()).unwrap().version(), "api");
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_text_that_is_looked_at() {
    let text = r#"{"nodes":[{"id":1,"type":"VAELoader","widgets_values":["v"]}]}"#;
    let marked = format!("\u{feff}{text}");
    assert!(Workflow::parse(marked.clone()).is_err(), "a tracked file would not be the same to the byte");
    assert_eq!(Workflow::parse_any(marked).unwrap().text(), text);
}
