//! Widgets whose value comes through a link, from a `PrimitiveNode` or from something that only running tells.

use super::check;

/// A workflow of these nodes and links; `I` in a node stands for an input of this widget by this link.
fn linked(nodes: &str, links: &str) -> String {
    format!(r#"{{"nodes":[{nodes}],"links":[{links}]}}"#)
}

fn node(id: u8, node_type: &str, inputs: &[(&str, u8)], widgets: &str) -> String {
    let input =
        |(name, link): &(&str, u8)| format!(r#"{{"name":"{name}","widget":{{"name":"{name}"}},"link":{link}}}"#);
    let inputs: Vec<_> = inputs.iter().map(input).collect();
    format!(r#"{{"id":{id},"type":"{node_type}","inputs":[{}],"widgets_values":{widgets}}}"#, inputs.join(","))
}

fn primitive(id: u8, value: &str) -> String {
    node(id, "PrimitiveNode", &[], &format!(r#"["{value}","fixed"]"#))
}

fn all(name: &str, nodes: &[String], links: &str, expected: &[&str]) {
    check(name, &linked(&nodes.join(","), links), expected);
}

#[test]
fn primitives() {
    let flux = "flux1-dev-fp8.safetensors";
    let checkpoint = node(2, "CheckpointLoaderSimple", &[("ckpt_name", 4)], &format!(r#"["{flux}"]"#));
    let unet = node(3, "UNETLoader", &[], &format!(r#"["{flux}","default"]"#));
    all(
        "of two equal strings one is linked",
        &[primitive(1, flux), checkpoint.clone(), unet],
        r#"[4,1,0,2,0,"COMBO"]"#,
        &[
            "2 0 file high checkpoints flux1-dev-fp8.safetensors ×2",
            "3 0 file high diffusion_models flux1-dev-fp8.safetensors ×1",
        ],
    );
    all(
        "one that feeds several",
        &[primitive(1, flux), checkpoint, node(3, "UNETLoader", &[("unet_name", 5)], &format!(r#"["{flux}"]"#))],
        r#"[4,1,0,2,0,"C"],[5,1,0,3,0,"C"]"#,
        &[
            "2 0 file high checkpoints flux1-dev-fp8.safetensors ×2",
            "3 0 file high diffusion_models flux1-dev-fp8.safetensors ×2",
        ],
    );
    let loader = |value: &str| node(2, "UNETLoader", &[("unet_name", 5)], &format!(r#"["{value}","default"]"#));
    all(
        "another value than the loader's is the one that runs",
        &[primitive(1, "new"), loader("old.sft")],
        r#"[5,1,0,2,0,"C"]"#,
        &["1 0 file high diffusion_models new ×1", "2 0 file high diffusion_models old.sft ×1 off"],
    );
    all(
        "nothing chosen is a value too",
        &[primitive(1, "None"), loader("old.sft")],
        r#"[5,1,0,2,0,"C"]"#,
        &["2 0 file high diffusion_models old.sft ×1 off"],
    );
    all(
        "the loader had nothing chosen",
        &[primitive(1, "new.sft"), node(2, "LoraLoader", &[("lora_name", 5)], r#"["None",1,1]"#)],
        r#"[5,1,0,2,0,"C"]"#,
        &["1 0 file high loras new.sft ×1"],
    );
    all(
        "linked to nothing",
        &[primitive(1, "new.sft"), loader("new.sft")],
        "",
        &["2 0 file high diffusion_models new.sft ×1"],
    );
    all(
        "around corners",
        &[
            primitive(1, "a.sft"),
            node(8, "Reroute", &[], "null").replace("[]", r#"[{"name":"","link":4}]"#),
            loader("a.sft"),
        ],
        r#"[4,1,0,8,0,"C"],[5,8,0,2,0,"C"]"#,
        &["2 0 file high diffusion_models a.sft ×2"],
    );
    all(
        "a corner that leads nowhere, and a ring",
        &[
            node(8, "Reroute", &[], "null").replace("[]", r#"[{"name":"","link":null}]"#),
            node(9, "Reroute", &[], "null").replace("[]", r#"[{"name":"","link":6}]"#),
            loader("a.sft"),
            node(3, "VAELoader", &[("vae_name", 7)], r#"["v.sft"]"#),
        ],
        r#"[5,8,0,2,0,"C"],[6,9,0,9,0,"C"],[7,9,0,3,0,"C"]"#,
        &["2 0 file high diffusion_models a.sft ×1", "3 0 file high vae v.sft ×1"],
    );
    all(
        "a widget of a node that no table knows",
        &[primitive(1, "a.pt"), node(2, "X", &[("n", 5)], r#"[1,"a.pt"]"#), node(3, "X", &[("n", 6)], r#"[1,"b.pt"]"#)],
        r#"[5,1,0,2,0,"C"],[6,1,0,3,0,"C"]"#,
        &["2 1 file medium - a.pt ×2", "3 1 file medium - b.pt ×1"],
    );
}

#[test]
fn stale_values_of_custom_nodes() {
    let source = node(9, "PrimitiveString", &[], r#"["x"]"#);
    all(
        "a row with a pattern, and one for all types that begin alike",
        &[
            source,
            node(1, "Efficient Loader", &[("lora_name", 1)], r#"["c.ckpt","Baked VAE",-1,"l.sft",1,1]"#),
            node(2, "UnetLoaderGGUF", &[("unet_name", 2)], r#"["stale.gguf","x"]"#),
            node(3, "LoRA Stacker", &[("lora_name_2", 3)], r#"["simple",2,"a.sft",1,1,1,"b.sft",1,1,1]"#),
        ],
        r#"[1,9,0,1,0,"C"],[2,9,0,2,0,"C"],[3,9,0,3,0,"C"]"#,
        &[
            "1 0 file high checkpoints c.ckpt ×1",
            "1 3 file high loras l.sft ×1 off",
            "2 0 file high diffusion_models stale.gguf ×1 off",
            "3 2 file high loras a.sft ×1",
            "3 6 file high loras b.sft ×1 off",
        ],
    );
}

/// The group `g` of a checkpoint loader and a node with a list of LoRAs.
fn group(instance: &str, more: &str, links: &str, second: &str) -> String {
    format!(
        r#"{{"nodes":[{instance}{more}],"links":[{links}],"extra":{{"groupNodes":{{"g":{{"nodes":[
        {{"index":0,"type":"CheckpointLoaderSimple","widgets_values":["old.ckpt"]}},{second}]}}}}}}}}"#
    )
}

#[test]
fn groups() {
    let lora = r#"{"index":1,"type":"LoraLoaderModelOnly","mode":4,"widgets_values":["off.sft"]}"#;
    let instance = node(7, "workflow/g", &[("ckpt_name", 4)], r#"["a.ckpt","off.sft"]"#);
    check(
        "a linked widget, and a node inside that is bypassed",
        &group(&instance, &format!(",{}", node(8, "PrimitiveString", &[], r#"["q"]"#)), r#"[4,8,0,7,0,"C"]"#, lora),
        &["7 0 file high checkpoints a.ckpt ×1 off", "7 1 file high loras off.sft ×1 off"],
    );
    let running = lora.replace(r#""mode":4"#, r#""mode":0"#);
    check(
        "a PrimitiveNode with another value, and one whose input is called after its node",
        &group(
            &node(7, "workflow/g", &[("ckpt_name", 4), ("LoraLoaderModelOnly lora_name", 5)], r#"["a.ckpt","l.sft"]"#),
            &format!(",{},{}", primitive(8, "b"), primitive(9, "l.sft")),
            r#"[4,8,0,7,0,"C"],[5,9,0,7,1,"C"]"#,
            &running,
        ),
        &["7 0 file high checkpoints a.ckpt ×1 off", "7 1 file high loras l.sft ×2", "8 0 file high checkpoints b ×1"],
    );
    check(
        "the count of a list inside stands behind the other nodes' widgets",
        &group(
            &node(7, "workflow/g", &[], r#"["c.ckpt","simple",1,"a.sft",1,1,1,"b.sft",1,1,1]"#),
            "",
            "",
            r#"{"index":1,"type":"LoRA Stacker","widgets_values":["simple",2,"a.sft",1,1,1,"b.sft",1,1,1]}"#,
        ),
        &["7 0 file high checkpoints c.ckpt ×1", "7 3 file high loras a.sft ×1", "7 7 file high loras b.sft ×1 off"],
    );
}

/// One subgraph `d` with a checkpoint loader behind its input.
fn instance(nodes: &[String], links: &str) -> String {
    format!(
        r#"{{"nodes":[{}],"links":[{links}],"definitions":{{"subgraphs":[{{"id":"d","inputs":[{{"name":"ckpt","linkIds":[9]}}],
        "links":[{{"id":9,"origin_id":-10,"origin_slot":0,"target_id":5,"target_slot":0}}],"nodes":[{}]}}]}}}}"#,
        nodes.join(","),
        node(5, "CheckpointLoaderSimple", &[("ckpt_name", 9)], r#"["in.ckpt"]"#)
    )
}

#[test]
fn instances() {
    let string = node(8, "PrimitiveString", &[], r#"["new.ckpt"]"#);
    for (stored, stale) in [(r#"["stale.ckpt"]"#, true), ("[]", false), (r#"["in.ckpt"]"#, false)] {
        let places = if stored.contains("in.ckpt") { 2 } else { 1 };
        let inner = format!("d:5 0 file high checkpoints in.ckpt ×{places} off");
        let mut expected = vec!["8 0 file medium - new.ckpt ×1"];
        expected.extend(stale.then_some("1 0 file high checkpoints stale.ckpt ×1 off"));
        expected.push(&inner);
        let nodes = [string.clone(), node(1, "d", &[("ckpt", 4)], stored)];
        check(stored, &instance(&nodes, r#"[4,8,0,1,0,"C"]"#), &expected);
    }
    check(
        "a PrimitiveNode with another value",
        &instance(&[primitive(8, "new"), node(1, "d", &[("ckpt", 4)], r#"["in.ckpt"]"#)], r#"[4,8,0,1,0,"C"]"#),
        &["8 0 file high checkpoints new ×1", "d:5 0 file high checkpoints in.ckpt ×2 off"],
    );
    check(
        "a PrimitiveNode with the same value",
        &instance(&[primitive(8, "in.ckpt"), node(1, "d", &[("ckpt", 4)], r#"["in.ckpt"]"#)], r#"[4,8,0,1,0,"C"]"#),
        &["d:5 0 file high checkpoints in.ckpt ×3"],
    );
}
