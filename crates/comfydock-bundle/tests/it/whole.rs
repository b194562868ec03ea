//! A whole bundle, of which nothing may ever be other than it was: its bytes, its description, its lock, its identity.

use comfydock_bundle::pack::{Item, content_digest, measure, pack};
use comfydock_bundle::unpack::{Allowance, unpack};
use comfydock_core::bundle::{DESCRIPTION, Description, LOCK, SCHEMA_VERSION, judge_environment, lock_text};
use comfydock_core::digest::CommitId;
use comfydock_core::manifest::Manifest;
use comfydock_store::hash::sha256_of;

/// The SHA-256 of the file. What is exported twice is the same file (formats.md, Bundle).
const FILE: &str = "c56fa7f661482537c2ade862dff1625b17769e23b34b30bd5f26407a3c587a06";
/// The identity of its content, which registries and signatures go by.
const CONTENT: &str = "25b0454e362cc082dda52f2ad7d10f26235054963708bf6bbc611e43a90cde76";

const MANIFEST: &str = r#"[project]
name = "comfydock-environment"
version = "0.0.0"
requires-python = "==3.11.*"
dependencies = ["six>=1.16"]

[tool.uv]
package = false
environments = ["sys_platform == 'linux' and platform_machine == 'x86_64'"]

[tool.comfydock]
schema_version = 1

[tool.comfydock.environment]
comfyui_version = "v0.3.64"
comfyui_commit = "a125cd84a125cd84a125cd84a125cd84a125cd84"
comfyui_url = "https://github.com/comfyanonymous/ComfyUI"
python_version = "3.11"
platforms = ["linux-x86_64"]

[tool.comfydock.nodes.comfyui-impact-pack]
name = "ComfyUI-Impact-Pack"
source = "registry"
version = "8.8.1"
registry_id = "comfyui-impact-pack"
repository = "https://github.com/ltdrdata/ComfyUI-Impact-Pack"
sha256 = "1111111111111111111111111111111111111111111111111111111111111111"

[tool.comfydock.nodes.mine]
name = "mine"
source = "development"
commit = "2222222222222222222222222222222222222222"

[[tool.comfydock.workflows."portraits/hero".models]]
filename = "sd15.safetensors"
category = "checkpoints"
hash = "3333333333333333333333333333333333333333333333333333333333333333"
status = "resolved"
criticality = "flexible"
nodes = [{ node_id = "4", node_type = "CheckpointLoaderSimple", widget_index = 0 }]

[tool.comfydock.models.3333333333333333333333333333333333333333333333333333333333333333]
filename = "sd15.safetensors"
size = 4265380512
relative_path = "checkpoints/sd15.safetensors"
category = "checkpoints"
sha256 = "4444444444444444444444444444444444444444444444444444444444444444"
sources = ["civitai:4384/3290", "https://example.org/sd15.safetensors"]
"#;

const PYTHON_LOCK: &str = r#"version = 1
revision = 3
requires-python = "==3.11.*"
supported-markers = [
    "platform_machine == 'x86_64' and sys_platform == 'linux'",
]

[[package]]
name = "comfydock-environment"
version = "0.0.0"
source = { virtual = "." }
dependencies = [
    { name = "six", marker = "platform_machine == 'x86_64' and sys_platform == 'linux'" },
]

[package.metadata]
requires-dist = [{ name = "six", specifier = ">=1.16" }]

[[package]]
name = "six"
version = "1.17.0"
source = { registry = "https://pypi.org/simple" }
"#;

/// The parts of a bundle but its description.
fn parts(manifest: &Manifest) -> Vec<Item<'static>> {
    let mut items = vec![
        Item::of("pyproject.toml", MANIFEST.into()),
        Item::of("uv.lock", PYTHON_LOCK.into()),
        Item::of(".python-version", "3.11\n".into()),
        Item::of(LOCK, lock_text(manifest).into_bytes()),
        Item::of("workflows/portraits/hero.json", r#"{"nodes":[],"links":[],"version":0.4}"#.into()),
        Item::of("workflows/gr\u{fc}n.json", "{\"nodes\":[]}".into()),
        Item::of("dev_nodes/mine/__init__.py", "NODE_CLASS_MAPPINGS = {}\n".into()),
        Item::of("dev_nodes/mine/bin/tool.sh", "#!/bin/sh\n".into()),
    ];
    items[7].executable = true;
    items
}

#[test]
fn a_bundle_is_the_file_it_always_was() {
    let manifest = Manifest::parse(MANIFEST).unwrap();
    let mut items = parts(&manifest);
    let files = measure(&items, |_, _| {}).unwrap();
    let commit = |digit: &str| CommitId::parse(&digit.repeat(40)).unwrap();
    let description = Description {
        schema_version: SCHEMA_VERSION,
        timestamp: "2025-11-28T12:00:00Z".to_owned(),
        comfydock_version: "0.1.0".to_owned(),
        environment_name: "studio".to_owned(),
        environment_commit: commit("5"),
        workflows: vec!["gr\u{fc}n".to_owned(), "portraits/hero".to_owned()],
        python_version: "3.11".to_owned(),
        comfyui_version: "v0.3.64".to_owned(),
        comfyui_commit: manifest.environment.comfyui_commit.clone(),
        platform: "linux-x86_64".to_owned(),
        total_models: 1,
        total_nodes: 2,
        content_digest: content_digest(&files),
        files,
    };
    items.push(Item::of(DESCRIPTION, description.text().into_bytes()));
    let facts = measure(&items, |_, _| {}).unwrap();
    let file = pack(&items, &facts, Vec::new(), |_| {}).unwrap();
    assert_eq!((sha256_of(&file).as_str(), description.content_digest.as_str()), (FILE, CONTENT));

    // It is one that would be taken, and says of itself what it is.
    let folder = tempfile::tempdir().unwrap();
    let taken = unpack(&file[..], &folder.path().join("x"), &mut Allowance::default()).unwrap();
    let found: Vec<_> = taken.into_iter().map(|file| file.fact).collect();
    let read = Description::parse(&std::fs::read(folder.path().join("x").join(DESCRIPTION)).unwrap()).unwrap();
    assert_eq!(read, description);
    read.check_files(&found, &content_digest(&found)).unwrap();
    read.check_manifest(&manifest).unwrap();
    let found = judge_environment(&manifest, MANIFEST, b"3.11\n", PYTHON_LOCK.as_bytes());
    assert!(found.is_empty(), "{found:?}");
}
