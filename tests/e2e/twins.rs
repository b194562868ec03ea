//! Two models that differ only where the quick hash does not look.

use crate::support::{Studio, report, safetensors, sha256_of, templates, write};

const MIB: usize = 1024 * 1024;

#[test]
fn two_models_with_one_quick_hash_stay_two() {
    let studio = Studio::new();
    let Studio { a, b, server, .. } = &studio;
    let first = safetensors::model(7, 20 * MIB);
    let mut second = first.clone();
    // Samples end at 5 MiB and begin again at 7.5 MiB.
    second[6 * MIB] ^= 0xff;
    let template = templates::old("default");
    let plain = template.models()[0].name.clone();
    for (name, bytes) in [("one", first), ("two", second)] {
        let file = format!("checkpoints/{name}.safetensors");
        a.put_model(&file, &bytes);
        server.put(&file, bytes);
        let text = template.text.replace(&template.models()[0].url, &server.url(&file));
        write(&a.workflow("studio", name), text.replace(&plain, &format!("{name}.safetensors")));
    }
    let listed = a.json(&["models", "index"]);
    assert_eq!(listed["files"], 2, "{listed}");
    let listed = a.json(&["models", "list"]);
    assert!(
        listed["models"].as_array().unwrap().iter().all(|model| model["sha256"].is_null()),
        "only sampled: {listed}"
    );
    // What decides about them tells them apart first.
    a.ok(&["status"]);
    let listed = a.json(&["models", "list"]);
    let [one, two] = [&listed["models"][0], &listed["models"][1]];
    assert_ne!(one["sha256"], two["sha256"]);
    let quick = |model: &serde_json::Value| model["quick_hash"].as_str().unwrap()[..64].to_owned();
    assert_eq!(quick(one), quick(two), "the test is about one quick hash");

    studio.send("Twins");
    // One of them is on B already, under the other's name.
    write(
        &b.models().join("checkpoints/one.safetensors"),
        std::fs::read(a.models().join("checkpoints/two.safetensors")).unwrap(),
    );
    studio.clone().ok();
    let report = report::start(b, "studio").workflows();
    for name in ["one", "two"] {
        let expected = sha256_of(&a.models().join(format!("checkpoints/{name}.safetensors")));
        assert_eq!(report[name][0].sha256, Some(expected), "{name}");
    }
    assert!(server.requests("checkpoints/two.safetensors").is_empty());
    assert_eq!(server.requests("checkpoints/one.safetensors").len(), 1);
    b.ok(&["commit", "--yes"]).says("nothing to commit");
    a.ok(&["pull", "--yes"]).says("already up to date");
}
