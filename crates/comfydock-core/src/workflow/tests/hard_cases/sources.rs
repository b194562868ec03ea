//! Which reference an entry of `properties.models` speaks of.

use super::{check, check_nodes};

/// A node with two LoRAs and this entry, of which the URL says what it names.
fn stack(first: &str, second: &str, entries: &[&str]) -> String {
    let entry = |name: &&str| format!(r#"{{"name":"{name}","url":"of {name}","directory":"loras"}}"#);
    let entries: Vec<_> = entries.iter().map(entry).collect();
    format!(
        r#"{{"id":1,"type":"CR LoRA Stack","widgets_values":["On","{first}",1,1,"On","{second}",1,1],
        "properties":{{"models":[{}]}}}}"#,
        entries.join(",")
    )
}

#[test]
fn one_file_name_in_two_folders() {
    for (name, first, second, entries, expected) in [
        ("the one it is equal to", "x/v.pt", "y/v.pt", &["x/v.pt"][..], ["x/v.pt ×2 < of x/v.pt", "y/v.pt ×1"]),
        ("one each", "x/v.pt", "y/v.pt", &["y/v.pt", "x/v.pt"], ["x/v.pt ×2 < of x/v.pt", "y/v.pt ×2 < of y/v.pt"]),
        ("neither, if both could be meant", "x/v.pt", "y/v.pt", &["v.pt"], ["x/v.pt ×1", "y/v.pt ×1"]),
        ("neither, if folders disagree", "x/v.pt", "b.pt", &["y/v.pt"], ["x/v.pt ×1", "b.pt ×1"]),
        ("the end of a path", "a/x/v.pt", "y/v.pt", &["x/v.pt"], ["a/x/v.pt ×1 < of x/v.pt", "y/v.pt ×1"]),
        ("an end is whole names", "ax/v.pt", "b.pt", &["x/v.pt"], ["ax/v.pt ×1", "b.pt ×1"]),
        ("without a folder", "v.pt", "b.pt", &["x/v.pt"], ["v.pt ×1 < of x/v.pt", "b.pt ×1"]),
        ("of two that could be meant none", "v.pt", "b.pt", &["x/v.pt", "y/v.pt"], ["v.pt ×1", "b.pt ×1"]),
        ("equal before nearly", "v.pt", "x/v.pt", &["v.pt"], ["v.pt ×2 < of v.pt", "x/v.pt ×1"]),
        ("in another spelling", "x\\\\v.pt", "y/v.pt", &["x/v.pt"], [r"x\v.pt ×1 < of x/v.pt", "y/v.pt ×1"]),
    ] {
        let line = |index: usize, rest: &str| format!("1 {index} file high loras {rest}");
        let expected = [line(1, expected[0]), line(5, expected[1])];
        check_nodes(name, &stack(first, second, entries), &expected.each_ref().map(String::as_str));
    }
}

#[test]
fn entries_of_the_whole_file() {
    check(
        "the category must agree",
        r#"{"nodes":[{"id":1,"type":"CheckpointLoaderSimple","widgets_values":["f.sft"]},
        {"id":2,"type":"UNETLoader","widgets_values":["f.sft"]},{"id":3,"type":"UNETLoader","widgets_values":["x/f.sft"]}],
        "models":[{"name":"f.sft","url":"u","directory":"unet"}]}"#,
        &[
            "1 0 file high checkpoints f.sft ×1",
            "2 0 file high diffusion_models f.sft ×2 < u",
            "3 0 file high diffusion_models x/f.sft ×1",
        ],
    );
}
