//! What instances of subgraphs hold for the widgets inside.

use super::check;

/// Instances at the root, and definitions.
fn graph(nodes: &str, definitions: &str) -> String {
    format!(r#"{{"nodes":[{nodes}],"definitions":{{"subgraphs":[{definitions}]}}}}"#)
}

/// An instance with proxies for these widgets.
fn instance(id: u8, of: &str, proxies: &str, values: &str) -> String {
    format!(r#"{{"id":{id},"type":"{of}","properties":{{"proxyWidgets":[{proxies}]}},"widgets_values":[{values}]}}"#)
}

/// The definition `d` with two LoRA loaders.
fn loras(first: &str, second: &str) -> String {
    let lora = |id: u8, value: &str| format!(r#"{{"id":{id},"type":"LoraLoader","widgets_values":["{value}",1,1]}}"#);
    format!(r#"{{"id":"d","nodes":[{},{}]}}"#, lora(5, first), lora(6, second))
}

#[test]
fn each_value_belongs_to_its_own_widget() {
    let both = r#"["5","lora_name"],["6","lora_name"]"#;
    check(
        "equal to another widget's value",
        &graph(&instance(1, "d", both, r#""b.sft","b.sft""#), &loras("a.sft", "b.sft")),
        &["1 0 file high loras b.sft ×1", "d:5 0 file high loras a.sft ×1 off", "d:6 0 file high loras b.sft ×2"],
    );
    check(
        "the order tells, where nothing else does",
        &graph(r#"{"id":1,"type":"d","widgets_values":["s.sft","s.sft"]}"#, &loras("s.sft", "s.sft")),
        &["d:5 0 file high loras s.sft ×2", "d:6 0 file high loras s.sft ×2"],
    );
    check(
        "nothing chosen is a value too",
        &graph(&instance(1, "d", both, r#""None","b.sft""#), &loras("a.sft", "b.sft")),
        &["d:5 0 file high loras a.sft ×1 off", "d:6 0 file high loras b.sft ×2"],
    );
    check(
        "what only shows something has no value",
        &graph(
            &instance(
                1,
                "d",
                r#"["5","lora_name"],["9","$$canvas-image-preview"],["5","strength_model"]"#,
                r#""style",1"#,
            ),
            &loras("old", "b.sft"),
        ),
        &["1 0 file high loras style ×1", "d:5 0 file high loras old ×1 off", "d:6 0 file high loras b.sft ×1"],
    );
    check(
        "one input that leads to two widgets",
        &graph(
            r#"{"id":1,"type":"d","widgets_values":["x.sft"]}"#,
            r#"{"id":"d","inputs":[{"name":"lora","linkIds":[8,9]}],"links":[
            {"id":8,"target_id":5,"target_slot":0},{"id":9,"target_id":6,"target_slot":0}],"nodes":[
            {"id":5,"type":"LoraLoader","inputs":[{"widget":{"name":"lora_name"}}],"widgets_values":["x.sft",1,1]},
            {"id":6,"type":"LoraLoader","inputs":[{"widget":{"name":"lora_name"}}],"widgets_values":["y.sft",1,1]}]}"#,
        ),
        &["d:5 0 file high loras x.sft ×2", "d:6 0 file high loras y.sft ×1 off"],
    );
}

/// A subgraph in a subgraph, with a value at each level.
fn nested(root: &str, middle: &str, inner: &str, more: &str) -> String {
    let text = |value: &str| format!(r#""{value}""#);
    let middle = instance(3, "i", r#"["4","lora_name"]"#, &text(middle));
    graph(
        &format!("{}{more}", instance(1, "o", r#"["3","lora_name"]"#, &text(root))),
        &format!(
            r#"{{"id":"o","nodes":[{middle}]}},
            {{"id":"i","nodes":[{{"id":4,"type":"LoraLoader","widgets_values":["{inner}",1,1]}}]}}"#
        ),
    )
}

#[test]
fn a_subgraph_in_a_subgraph() {
    for (root, middle, inner, expected) in [
        (
            "x",
            "y",
            "z",
            &["1 0 file high loras x ×1", "o:3 0 file high loras y ×1 off", "i:4 0 file high loras z ×1 off"][..],
        ),
        ("x", "x", "x", &["i:4 0 file high loras x ×3"]),
        ("x", "x", "z", &["o:3 0 file high loras x ×2", "i:4 0 file high loras z ×1 off"]),
        ("x", "z", "z", &["1 0 file high loras x ×1", "i:4 0 file high loras z ×2 off"]),
        (
            "x",
            "y",
            "x",
            &["1 0 file high loras x ×1", "o:3 0 file high loras y ×1 off", "i:4 0 file high loras x ×1 off"],
        ),
        ("None", "y", "z", &["o:3 0 file high loras y ×1 off", "i:4 0 file high loras z ×1 off"]),
    ] {
        check(&format!("{root} {middle} {inner}"), &nested(root, middle, inner, ""), expected);
    }
    check(
        "the inner one has an instance elsewhere too, which leaves it as it is",
        &nested("x", "z", "z", r#",{"id":2,"type":"i"}"#),
        &["1 0 file high loras x ×1", "o:3 0 file high loras z ×1 off", "i:4 0 file high loras z ×1"],
    );
}

#[test]
fn sources_of_an_instance() {
    check(
        "a file of another category is another file",
        &graph(
            r#"{"id":1,"type":"d","widgets_values":["f.sft"],
            "properties":{"models":[{"name":"f.sft","url":"u","directory":"checkpoints"}]}}"#,
            r#"{"id":"d","inputs":[{"name":"c","linkIds":[9]}],"links":[{"id":9,"target_id":5,"target_slot":0}],"nodes":[
            {"id":5,"type":"CheckpointLoaderSimple","inputs":[{"widget":{"name":"ckpt_name"}}],"widgets_values":["f.sft"]},
            {"id":6,"type":"UNETLoader","widgets_values":["f.sft","default"]}]}"#,
        ),
        &["d:5 0 file high checkpoints f.sft ×3 < u", "d:6 0 file high diffusion_models f.sft ×1"],
    );
    check(
        "a widget that is not promoted is none of the instance's",
        &graph(
            r#"{"id":1,"type":"d","properties":{"proxyWidgets":[["5","lora_name"]],
            "models":[{"name":"f.sft","url":"u","directory":"loras"}]},"widgets_values":["f.sft"]}"#,
            &loras("f.sft", "f.sft"),
        ),
        &["d:5 0 file high loras f.sft ×3 < u", "d:6 0 file high loras f.sft ×1"],
    );
}

#[test]
fn ids_that_meet() {
    check(
        "a node of the root that is called like one inside",
        &graph(
            r#"{"id":"d:5","type":"LoraLoader","widgets_values":["in.sft"]},{"id":1,"type":"d","widgets_values":["in.sft"]}"#,
            r#"{"id":"d","nodes":[{"id":5,"type":"UNETLoader","widgets_values":["other.sft"]}]}"#,
        ),
        &[
            "d:5 0 file high loras in.sft ×1",
            "1 0 file medium - in.sft ×1",
            "d:5 0 file high diffusion_models other.sft ×1",
        ],
    );
    check(
        "of two definitions with one id the first counts",
        &graph(
            &instance(1, "d", r#"["5","unet_name"]"#, r#""q""#),
            r#"{"id":"d","nodes":[{"id":5,"type":"UNETLoader","widgets_values":["in.sft"]}]},{"id":"d","nodes":[]}"#,
        ),
        &["1 0 file high diffusion_models q ×1", "d:5 0 file high diffusion_models in.sft ×1 off"],
    );
}
