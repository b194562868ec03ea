//! The house's arrows (docs/architecture.md): a new one is a decision, not an accident.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Who may depend on whom; only downwards.
const ARROWS: &str = "\
comfydock-bundle → comfydock-core comfydock-store
comfydock-cli → comfydock-core comfydock-workspace
comfydock-core →
comfydock-git → comfydock-core
comfydock-server → comfydock-core comfydock-git comfydock-store
comfydock-store → comfydock-core
comfydock-workspace → comfydock-bundle comfydock-core comfydock-git comfydock-store
";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

#[test]
fn arrows_only_go_down() {
    let mut arrows: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in packages() {
        let mut targets: Vec<String> = package["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            // Tests may use what they like; what ships (and its build scripts) may not.
            .filter(|dependency| dependency["kind"] != "dev" && !dependency["path"].is_null())
            .map(|dependency| dependency["name"].as_str().unwrap().to_owned())
            .collect();
        targets.sort();
        targets.dedup();
        arrows.insert(package["name"].as_str().unwrap().to_owned(), targets);
    }
    let found: String =
        arrows.iter().map(|(from, to)| format!("{from} → {}", to.join(" ")).trim_end().to_owned() + "\n").collect();
    assert_eq!(found, ARROWS, "an arrow changed: that is a decision for docs/decisions and docs/architecture.md");
}

#[test]
fn core_may_not_touch_the_machine() {
    let text = std::fs::read_to_string(root().join("crates/comfydock-core/clippy.toml")).unwrap();
    for forbidden in [
        "std::fs::File",
        "std::fs::OpenOptions",
        "std::process::Command",
        "std::net::TcpStream",
        "std::net::TcpListener",
        "std::net::UdpSocket",
        "std::os::unix::net::UnixStream",
        "std::time::SystemTime",
        "std::time::Instant",
        "std::fs::read",
        "std::fs::write",
        "std::env::var",
        "std::thread::sleep",
    ] {
        let line = format!("{{ path = \"{forbidden}\", reason = ");
        assert!(text.lines().any(|found| found.trim_start().starts_with(&line)), "{forbidden} is no longer forbidden");
    }
}

#[test]
fn core_brings_nothing_that_touches_the_machine() {
    // A clippy.toml forbids names of std; what other crates offer is kept out by the list itself.
    let core = packages().into_iter().find(|package| package["name"] == "comfydock-core").unwrap();
    let mut found: Vec<&str> = core["dependencies"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|dependency| dependency["kind"].is_null())
        .map(|dependency| dependency["name"].as_str().unwrap())
        .collect();
    found.sort_unstable();
    // saphyr without features is a parser of text and nothing else (decision 60).
    assert_eq!(
        found,
        [
            "regex",
            "saphyr",
            "saphyr-parser",
            "schemars",
            "serde",
            "serde_json",
            "strsim",
            "thiserror",
            "toml_edit",
            "unicode-normalization",
            "url"
        ]
    );
}
