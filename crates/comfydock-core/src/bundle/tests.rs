use super::*;
use crate::digest::{CommitId, Sha256};
use crate::foreign::{Mode, TreeEntry};
use crate::manifest::Manifest;

const MANIFEST: &str = r#"
[project]
name = "comfydock-environment"
version = "0.0.0"
requires-python = "==3.11.*"
dependencies = []

[tool.comfydock]
schema_version = 1

[tool.comfydock.environment]
comfyui_version = "v0.3.64"
comfyui_commit = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
comfyui_url = "https://github.com/comfyanonymous/ComfyUI"
python_version = "3.11"
platforms = ["linux-x86_64"]

[tool.comfydock.nodes.alpha]
name = "Alpha"
source = "git"
repository = "https://github.com/someone/Alpha"
commit = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

[tool.comfydock.models.1111111111111111111111111111111111111111111111111111111111111111]
filename = "sd15.safetensors"
size = 7
relative_path = "checkpoints/sd15.safetensors"
category = "checkpoints"
sources = ["https://example.org/sd15.safetensors"]
"#;

fn sha(byte: &str) -> Sha256 {
    Sha256::parse(&byte.repeat(64)).unwrap()
}

fn fact(path: &str, size: u64, byte: &str) -> FileFact {
    FileFact { path: path.to_owned(), size, sha256: sha(byte) }
}

fn description() -> Description {
    let commit = |byte: &str| CommitId::parse(&byte.repeat(40)).unwrap();
    Description {
        schema_version: SCHEMA_VERSION,
        timestamp: "2025-01-15T10:30:00Z".to_owned(),
        comfydock_version: "0.1.0".to_owned(),
        environment_name: "studio".to_owned(),
        environment_commit: commit("c"),
        workflows: vec!["hero".to_owned()],
        python_version: "3.11".to_owned(),
        comfyui_version: "v0.3.64".to_owned(),
        comfyui_commit: commit("a"),
        platform: "linux-x86_64".to_owned(),
        total_models: 1,
        total_nodes: 1,
        files: vec![fact("pyproject.toml", 3, "1"), fact("workflows/hero.json", 4, "2")],
        content_digest: sha("3"),
    }
}

#[test]
fn every_path_has_its_part_or_none() {
    for (path, expected) in [
        ("manifest.json", Some(Part::Description)),
        ("pyproject.toml", Some(Part::Environment)),
        ("comfydock.lock", Some(Part::Environment)),
        ("workflows/a/b.json", Some(Part::Workflow("a/b"))),
        ("workflows/.index.json", None),
        ("workflows/a.txt", None),
        ("dev_nodes/mine/__init__.py", Some(Part::DevNode("mine", "__init__.py"))),
        ("dev_nodes/mine/a/b.py", Some(Part::DevNode("mine", "a/b.py"))),
        ("dev_nodes/mine", None),
        ("dev_nodes/../x", None),
        ("dev_nodes//x", None),
        (".gitignore", None),
        ("models/a.safetensors", None),
        ("Manifest.json", None),
    ] {
        assert_eq!(part(path), expected, "{path}");
    }
}

#[test]
fn a_bundle_has_what_it_needs_and_nothing_else() {
    let entry = |path: &str| TreeEntry { path: path.as_bytes().to_vec(), mode: Mode::File, size: 1 };
    let whole: Vec<TreeEntry> =
        REQUIRED.iter().chain(&["manifest.json", "workflows/a.json"]).map(|path| entry(path)).collect();
    assert_eq!(judge(&whole), []);
    for (more, complaint) in [
        (entry("models/a.bin"), "models/a.bin: does not belong into a bundle"),
        (entry("WORKFLOWS/A.json"), "does not belong"),
        (entry("workflows/A.json"), "collides"),
        (entry("workflows/a.json"), "collides"),
        (TreeEntry { mode: Mode::Link, ..entry("dev_nodes/x/y") }, "symbolic link"),
        (TreeEntry { size: TOTAL_LIMIT, ..entry("dev_nodes/x/y") }, "bytes"),
    ] {
        let mut entries = whole.clone();
        entries.push(more);
        let said: Vec<String> = judge(&entries).iter().map(ToString::to_string).collect();
        assert!(said.iter().any(|line| line.contains(complaint)), "{complaint}: {said:?}");
    }
    for lost in REQUIRED {
        let entries: Vec<TreeEntry> = whole.iter().filter(|entry| entry.path != lost.as_bytes()).cloned().collect();
        assert_eq!(judge(&entries).len(), 1, "{lost}");
    }
}

#[test]
fn the_content_digest_is_taken_over_sorted_lines() {
    let lines =
        content_lines(&[fact("b", 2, "2"), fact("manifest.json", 9, "9"), fact("a", 1, "1"), fact("B", 3, "3")]);
    let expected =
        format!("B\x003\x00{}\na\x001\x00{}\nb\x002\x00{}\n", "3".repeat(64), "1".repeat(64), "2".repeat(64));
    assert_eq!(String::from_utf8(lines).unwrap(), expected);
}

#[test]
fn a_description_is_written_in_one_way_and_read_back() {
    let text = description().text();
    assert!(text.starts_with(r#"{"comfydock_version":"0.1.0","comfyui_commit":"aaaa"#), "{text}");
    assert!(!text.contains(": ") && !text.contains('\n'));
    assert_eq!(Description::parse(text.as_bytes()).unwrap(), description());
}

#[test]
fn a_description_that_cannot_be_taken_says_why() {
    let changed = |from: &str, to: &str| {
        let text = description().text();
        assert!(text.contains(from), "{from}");
        Description::parse(text.replace(from, to).as_bytes()).unwrap_err().to_string()
    };
    assert!(changed("\"schema_version\":1", "\"schema_version\":2").contains("knows up to 1"));
    assert!(changed("\"schema_version\":1", "\"schema_version\":\"1\"").contains("no schema_version"));
    assert!(changed("\"schema_version\":1", "\"schema_version\":0").contains("no schema_version"));
    assert!(changed("\"size\":3", "\"size\":-3").contains("manifest.json"));
    assert!(Description::parse(b"[]").is_err() && Description::parse(b"\xff").is_err());
}

#[test]
fn a_description_is_held_against_the_files() {
    let said = description();
    let files = said.files.clone();
    said.check_files(&files, &sha("3")).unwrap();
    let with = |change: fn(&mut Vec<FileFact>), digest: &str| {
        let mut files = files.clone();
        change(&mut files);
        said.check_files(&files, &sha(digest)).unwrap_err().to_string()
    };
    assert!(with(|files| drop(files.pop()), "3").contains("lists `workflows/hero.json`, which is not in the bundle"));
    assert!(with(|files| files.push(fact("x", 1, "1")), "3").contains("does not list `x`"));
    assert!(with(|files| files[0].size = 4, "3").contains("`pyproject.toml` with another size"));
    assert!(with(|files| files[0].sha256 = sha("7"), "3").contains("`pyproject.toml` with another"));
    assert!(with(|_| {}, "4").contains("content digest"));
    let twice = Description { files: vec![fact("a", 1, "1"), fact("a", 1, "1")], ..description() };
    assert!(twice.check_files(&[fact("a", 1, "1")], &sha("3")).unwrap_err().to_string().contains("twice"));
}

#[test]
fn a_description_is_held_against_the_manifest() {
    let manifest = Manifest::parse(MANIFEST).unwrap();
    description().check_manifest(&manifest).unwrap();
    for wrong in [
        Description { python_version: "3.12".to_owned(), ..description() },
        Description { comfyui_version: "v1".to_owned(), ..description() },
        Description { comfyui_commit: CommitId::parse(&"d".repeat(40)).unwrap(), ..description() },
        Description { total_models: 2, ..description() },
        Description { total_nodes: 0, ..description() },
    ] {
        assert!(wrong.check_manifest(&manifest).is_err(), "{wrong:?}");
    }
}

#[test]
fn the_lock_is_the_manifests_and_nothing_else() {
    let manifest = Manifest::parse(MANIFEST).unwrap();
    let text = lock_text(&manifest);
    assert!(text.starts_with("lock_version = 1\n"), "{text}");
    assert!(text.contains("[[model]]") && text.contains("[[node]]"), "{text}");
    assert_eq!(disagreements(&text, &manifest), Vec::<String>::new());
    // Another order is the same list.
    let (head, rest) = text.split_once("[[model]]").unwrap();
    let (model, node) = rest.split_once("[[node]]").unwrap();
    assert!(disagreements(&format!("{head}[[node]]{node}\n[[model]]{model}"), &manifest).is_empty());
    for (from, to, named) in [
        ("https://example.org", "https://evil.example", "model sd15.safetensors"),
        ("someone/Alpha", "someone/Beta", "node pack alpha"),
        ("lock_version = 1", "lock_version = 2", "lock_version 2"),
        ("[[node]]", "[[nodes]]", "node pack alpha"),
        ("size = 7", "size = \"7\"", "comfydock.lock: "),
    ] {
        assert!(text.contains(from), "{from}: {text}");
        let said = disagreements(&text.replace(from, to), &manifest);
        assert!(said.len() == 1 && said[0].contains(named), "{from}: {said:?}");
    }
}

#[test]
fn layers_have_an_order() {
    let mut layers = [Layer::DevNode("b".to_owned()), Layer::Workflows, Layer::DevNode("a".to_owned()), Layer::Lock];
    layers.sort();
    let titles: Vec<String> = layers.iter().map(Layer::title).collect();
    assert_eq!(titles, ["lock.tar.gz", "workflows.tar.gz", "dev_nodes-a.tar.gz", "dev_nodes-b.tar.gz"]);
    assert_eq!(part("manifest.json").and_then(Layer::of), None);
    assert_eq!(part("dev_nodes/a/b.py").and_then(Layer::of), Some(Layer::DevNode("a".to_owned())));
}

#[test]
fn a_newer_program_is_told_from_an_older_one() {
    for (theirs, ours, newer) in [
        ("0.2.0", "0.1.9", true),
        ("0.10.0", "0.9.0", true),
        ("0.1.9", "0.1.9", false),
        ("0.1.8", "0.1.9", false),
        ("nightly", "0.1.9", false),
    ] {
        let said = Description { comfydock_version: theirs.to_owned(), ..description() };
        assert_eq!(said.is_newer_than(ours), newer, "{theirs} and {ours}");
    }
}
