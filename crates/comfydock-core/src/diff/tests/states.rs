//! Whole states: manifests, locks, workflows by name.

use std::collections::BTreeMap;

use super::shown;
use crate::diff::{Difference, State, diff};

const MANIFEST: &str = r#"[project]
name = "comfydock-environment"
requires-python = "==3.11.*"
dependencies = ["torch", "numpy>=1.25"]
[dependency-groups]
node-pack = ["six"]
[tool.uv]
package = false
exclude-newer = "2025-10-15T00:00:00Z"
[tool.comfydock]
schema_version = 1
[tool.comfydock.environment]
comfyui_version = "v0.3.64"
comfyui_commit = "a125cd84054a57729b5eecab930ca9408719832e"
comfyui_url = "https://example.org/ComfyUI"
python_version = "3.11"
platforms = ["linux-x86_64"]
[tool.comfydock.nodes.pack]
name = "Pack"
source = "git"
repository = "https://example.org/pack"
commit = "a125cd84054a57729b5eecab930ca9408719832e"
[[tool.comfydock.workflows.hero.models]]
filename = "sd15.safetensors"
category = "checkpoints"
hash = "KEY"
status = "resolved"
criticality = "required"
nodes = []
[tool.comfydock.models."KEY"]
filename = "sd15.safetensors"
size = 10
relative_path = "checkpoints/sd15.safetensors"
category = "checkpoints"
sha256 = "SHA"
sources = ["https://example.org/sd15.safetensors"]
"#;

const LOCK: &str = r#"version = 1
[[package]]
name = "comfydock-environment"
version = "0.0.0"
source = { virtual = "." }
[[package]]
name = "idna"
version = "3.10"
source = { registry = "https://index.example/simple" }
[[package]]
name = "own"
version = "1.0"
source = { git = "https://git.example/own?rev=main#abc" }
"#;

struct Side {
    manifest: String,
    workflows: BTreeMap<String, String>,
    files: BTreeMap<String, Vec<u8>>,
}

impl Side {
    fn new() -> Self {
        let workflow = r#"{"nodes":[{"id":1,"type":"Note","widgets_values":["a"]}]}"#;
        Self {
            manifest: MANIFEST.replace("KEY", &"9f".repeat(32)).replace("SHA", &"ab".repeat(32)),
            workflows: BTreeMap::from([("hero".to_owned(), workflow.to_owned())]),
            files: BTreeMap::from([("uv.lock".to_owned(), LOCK.into()), (".python-version".to_owned(), "3.11".into())]),
        }
    }

    fn state(&self) -> State<'_> {
        State { manifest: &self.manifest, workflows: &self.workflows, files: &self.files }
    }

    fn difference(&self, other: &Self) -> Difference {
        diff(self.state(), other.state()).unwrap()
    }
}

/// The sections with their lines.
fn told(difference: &Difference) -> Vec<String> {
    let sections = difference.sections(false).into_iter();
    sections.flat_map(|section| std::iter::once(section.title.to_owned()).chain(shown(&section.lines, 0))).collect()
}

#[test]
fn what_a_manifest_says_is_told_by_section() {
    let one = Side::new();
    assert!(one.difference(&one).is_empty());
    for (from, to, expected) in [
        ("\"v0.3.64\"", "\"v0.3.65\"", vec!["ComfyUI and Python", "~ comfyui_version \"v0.3.64\" → \"v0.3.65\""]),
        (
            "pack\"\ncommit = \"a125",
            "pack\"\ncommit = \"b125",
            vec!["node packs", "~ Pack: commit a125cd84054a → b125cd84054a"],
        ),
        ("source = \"git\"", "source = \"development\"", vec!["node packs", "~ Pack: source git → development"]),
        (
            "nodes.pack]\nname = \"Pack\"",
            "nodes.pock]\nname = \"pock\"",
            vec!["node packs", "- Pack (git, a125cd84054a)", "+ pock (git, a125cd84054a)"],
        ),
        (
            "sources = [\"https://example.org/sd15.safetensors\"]",
            "sources = [\"https://example.org/other.safetensors\"]",
            vec![
                "models",
                "~ sd15.safetensors (abababababab)",
                "  + source https://example.org/other.safetensors",
                "  - source https://example.org/sd15.safetensors",
            ],
        ),
        (
            "criticality = \"required\"",
            "criticality = \"optional\"",
            vec!["workflows", "~ hero", "  ~ model sd15.safetensors: required → optional"],
        ),
        ("\"numpy>=1.25\"", "\"NumPy>=2\"", vec!["requirements", "~ ComfyUI: numpy>=1.25 → NumPy>=2"]),
        ("[\"six\"]", "[\"six\", \"idna\"]", vec!["requirements", "+ group node-pack: idna"]),
        (
            "2025-10-15",
            "2025-11-15",
            vec!["settings", "~ tool.uv.exclude-newer \"2025-10-15T00:00:00Z\" → \"2025-11-15T00:00:00Z\""],
        ),
        ("[tool.uv]", "[tool.mine]\nx = [1, {a = 2}]\n[tool.uv]", vec!["settings", "+ tool.mine.x [1,{\"a\":2}]"]),
        ("[project]", "# a comment\n[project]", vec![]),
    ] {
        let mut other = Side::new();
        assert!(other.manifest.contains(from), "{from}");
        other.manifest = other.manifest.replacen(from, to, 1);
        assert_eq!(told(&one.difference(&other)), expected, "{from} -> {to}");
    }
}

#[test]
fn packages_and_files() {
    let (one, mut other) = (Side::new(), Side::new());
    let lock =
        LOCK.replace("3.10", "3.11").replace("#abc", "#abd") + "[[package]]\nname = \"six\"\nversion = \"1.17\"\n";
    other.files.insert("uv.lock".to_owned(), lock.into());
    other.files.insert(".comfydock_ignore".to_owned(), "x".into());
    other.files.remove(".python-version");
    assert_eq!(
        told(&one.difference(&other)),
        [
            "Python packages",
            "~ idna 3.10 → 3.11",
            "~ own 1.0 of https://git.example/own?rev=main#abc → 1.0 of https://git.example/own?rev=main#abd",
            "+ six 1.17",
            "files",
            "+ .comfydock_ignore",
            "- .python-version",
        ]
    );
    // What no package tells is told as a file.
    other = Side::new();
    other.files.insert("uv.lock".to_owned(), LOCK.replace("version = 1\n", "version = 1\nrevision = 3\n").into());
    assert_eq!(told(&one.difference(&other)), ["files", "~ uv.lock"]);
    other.files.insert("uv.lock".to_owned(), "no lock".into());
    assert_eq!(told(&one.difference(&other))[0], "Python packages");
}

#[test]
fn workflows_come_go_and_get_other_names() {
    let (one, mut other) = (Side::new(), Side::new());
    let text = other.workflows.remove("hero").unwrap();
    // The copy under the new name carries metadata of another time.
    let text = text.replace("}]}", "}],\"extra\":{\"ds\":{}}}");
    let noted =
        |time: &str| crate::workflow::with_metadata(&text, &crate::workflow::Metadata::new(time.to_owned())).unwrap();
    let one = Side { workflows: BTreeMap::from([("hero".to_owned(), noted("then"))]), ..one };
    other.workflows.insert("portraits/hero".to_owned(), noted("now"));
    other.workflows.insert("new".to_owned(), text.replace("\"a\"", "\"b\""));
    other.manifest = other.manifest.replace("workflows.hero", "workflows.\"portraits/hero\"");
    assert_eq!(told(&one.difference(&other)), ["workflows", "+ new (1 node)", "~ portraits/hero, before hero"]);
    assert_eq!(told(&other.difference(&one)), ["workflows", "~ hero, before portraits/hero", "- new (1 node)"]);
    other.workflows.clear();
    other.manifest = MANIFEST
        .replace("KEY", &"9f".repeat(32))
        .replace("SHA", &"ab".repeat(32))
        .replace("workflows.hero", "workflows.other");
    assert_eq!(told(&one.difference(&other)), ["workflows", "- hero (1 node)"]);
    assert_eq!(
        told(&other.difference(&one)),
        ["workflows", "+ hero (1 node)", "  + model sd15.safetensors (abababababab)"]
    );
}

#[test]
fn a_model_that_became_another_file_is_told_with_its_workflow() {
    let (one, mut other) = (Side::new(), Side::new());
    other.manifest =
        other.manifest.replace(&"ab".repeat(32), &"cd".repeat(32)).replace(&"9f".repeat(32), &"8f".repeat(32));
    assert_eq!(
        told(&one.difference(&other)),
        [
            "workflows",
            "~ hero",
            "  ~ model sd15.safetensors: abababababab → cdcdcdcdcdcd",
            "models",
            "+ sd15.safetensors (cdcdcdcdcdcd)",
            "- sd15.safetensors (abababababab)",
        ]
    );
    assert!(diff(State { manifest: "no manifest [", ..one.state() }, one.state()).is_err());
}

#[test]
fn the_document_holds_values_and_not_words() {
    let (one, mut other) = (Side::new(), Side::new());
    other.workflows.insert("hero".to_owned(), one.workflows["hero"].replace("\"a\"", "2.50"));
    let document = serde_json::to_value(one.difference(&other)).unwrap();
    let widget = &document["workflows"][0]["nodes"][0]["widgets"][0];
    assert_eq!(widget["before"], "a");
    assert_eq!(widget["after"], 2.5);
    assert_eq!(document["workflows"][0]["change"], "changed");
}
