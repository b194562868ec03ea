use super::*;

const TEXT: &str = r#"# the studio's environment
[project]
name = "comfydock-environment"
version = "0.0.0"
requires-python = "==3.11.*"
dependencies = ["torch", "numpy>=1.25"] # keep

[dependency-groups]
node-pack = ["six"]

[tool.uv]
package = false

[[tool.uv.index]]
url = "https://index.example.org/simple"

[tool.other]
mine = true

[tool.comfydock]
schema_version = 1

[tool.comfydock.environment]
comfyui_version = "v0.3.64" # pinned for the show
comfyui_commit = "a125cd84054a57729b5eecab930ca9408719832e"
comfyui_url = "https://example.org/ComfyUI"
python_version = "3.11"
platforms = ["linux-x86_64"]

[tool.comfydock.nodes.pack]
name = "Pack"
source = "git"
repository = "https://example.org/pack"
commit = "a125cd84054a57729b5eecab930ca9408719832e"

[[tool.comfydock.workflows."portraits/hero".models]]
filename = "sd15.safetensors"
category = "checkpoints"
hash = "KEY"
status = "resolved"
criticality = "required"
nodes = [{ node_id = "4", node_type = "CheckpointLoaderSimple", widget_index = 0 }, { node_id = "u:5", node_type = "X", widget_index = 2, widget_path = [2, "lora"] }]

[tool.comfydock.models."KEY"]
filename = "sd15.safetensors"
size = 4265380512
relative_path = "checkpoints/sd15.safetensors"
category = "checkpoints"
sha256 = "SHA"
sources = ["https://example.org/sd15.safetensors"]
"#;

fn text() -> String {
    TEXT.replace("KEY", &"9f".repeat(32)).replace("SHA", &"ab".repeat(32))
}

#[test]
fn a_manifest_says_what_it_says() {
    let manifest = Manifest::parse(&text()).unwrap();
    assert_eq!(manifest.environment.python_version, "3.11");
    assert_eq!(manifest.nodes["pack"].name.as_str(), "Pack");
    let models = &manifest.workflows["portraits/hero"];
    assert_eq!(models[0].nodes[1].widget_path.as_ref().unwrap().len(), 2);
    assert_eq!(manifest.workflows_using(&"9f".repeat(32)), ["portraits/hero"]);
    let origins: Vec<_> = manifest.code_origins().into_iter().collect();
    assert_eq!(
        origins,
        ["https://example.org/ComfyUI", "https://example.org/pack", "https://index.example.org/simple"]
    );
}

#[test]
fn every_bad_manifest_says_what_is_wrong() {
    for (from, to, message) in [
        ("schema_version = 1", "schema_version = 2", "schema_version 2"),
        ("[tool.comfydock", "[tool.comfygit", "no ComfyDock environment"),
        ("[project]", "[project", "line 2"),
        ("checkpoints/sd15", "../sd15", "`..`"),
        ("checkpoints/sd15.safetensors", "custom_nodes/x/__init__.py", "extension"),
        ("name = \"Pack\"", "name = \"../Pack\"", "node name"),
        ("[tool.comfydock.nodes.pack]", "[tool.comfydock.nodes.other]", "whose key is `pack`"),
        ("package = false", "no-binary-package = [\"x\"]", "no-binary"),
        ("9f9f9f9f", "9x9f9f9f", "quick hash"),
        ("portraits/hero", "../hero", "`..`"),
        ("https://example.org/sd15.safetensors", "https://example.org/x?token=1", "secret"),
    ] {
        let error = Manifest::parse(&text().replace(from, to)).unwrap_err().to_string();
        assert!(error.contains(message), "{from} -> {to}: {error}");
    }
}

#[test]
fn edits_keep_comments_order_and_unknown_keys() {
    let original = text();
    let mut document = Document::parse(&original).unwrap();
    let manifest = document.manifest().unwrap();
    document.set_environment(&manifest.environment);
    for node in manifest.nodes.values() {
        document.set_node(node);
    }
    assert_eq!(document.text(), original, "setting what is there changes nothing");

    let mut facts = manifest.environment.clone();
    facts.comfyui_version = "v0.3.65".to_owned();
    document.set_environment(&facts);
    document.set_group("node-other", &["idna>=3".to_owned(), "six".to_owned()]);
    let key = "9f".repeat(32);
    document.set_model(&key, &manifest.models[&key]);
    document.set_workflow("new/one", &manifest.workflows["portraits/hero"]);
    document.set_workflow("empty", &[]);
    let edited = document.text();
    for kept in ["# the studio's environment", "# keep", "[tool.other]\nmine = true"] {
        assert!(edited.contains(kept), "{edited}");
    }
    let back = document.manifest().unwrap();
    assert_eq!(back.environment, facts);
    assert_eq!(back.models, manifest.models);
    assert_eq!(back.workflows["new/one"], manifest.workflows["portraits/hero"]);
    assert!(back.workflows["empty"].is_empty());
    document.set_workflow("empty", &manifest.workflows["portraits/hero"]);
    document.set_workflow("new/one", &[]);
    document.set_group("node-other", &[]);
    let back = document.manifest().unwrap();
    assert_eq!(back.workflows["empty"], manifest.workflows["portraits/hero"]);
    assert!(back.workflows["new/one"].is_empty());
}

#[test]
fn a_new_manifest_reads_back() {
    let facts = Manifest::parse(&text()).unwrap().environment;
    let document = Document::new(&facts, Some("2025-10-15T00:00:00Z"));
    let manifest = document.manifest().unwrap();
    assert_eq!(manifest.environment, facts);
    assert!(
        document.text().contains("sys_platform == 'linux' and platform_machine == 'x86_64'"),
        "{}",
        document.text()
    );
}

#[test]
fn a_group_that_two_packs_share_goes_with_the_last_of_them() {
    let mut document = Document::parse(&text()).unwrap();
    let pack = |name: &str| Node {
        group: Some("node-shared".to_owned()),
        ..Node::new(NodeName::parse(name).unwrap(), NodeSource::Development)
    };
    document.set_group("node-shared", &["six".to_owned()]);
    ["one", "two"].iter().for_each(|name| document.set_node(&pack(name)));
    document.remove_node(&pack("one"));
    assert!(document.groups().contains_key("node-shared"));
    document.remove_node(&pack("two"));
    assert!(!document.groups().contains_key("node-shared"));
}

#[test]
fn a_platform_is_added_to_both_lists_and_nothing_else_changes() {
    let with = |environments: &str| text().replace("package = false\n", &format!("package = false\n{environments}"));
    let added = |environments: &str, platform: &str| {
        let mut document = Document::parse(&with(environments)).unwrap();
        document.add_platform(platform);
        let once = document.text();
        document.add_platform(platform);
        assert_eq!(document.text(), once, "{platform} is there once");
        once
    };
    for (platform, marker) in [
        ("linux-aarch64", "sys_platform == 'linux' and platform_machine == 'aarch64'"),
        ("macos-aarch64", "sys_platform == 'darwin' and platform_machine == 'arm64'"),
        ("windows-x86_64", "sys_platform == 'win32' and platform_machine == 'AMD64'"),
    ] {
        let platforms = format!("platforms = [\"linux-x86_64\", \"{platform}\"]");
        let expected = |environments: &str| with(environments).replace("platforms = [\"linux-x86_64\"]", &platforms);
        assert_eq!(
            added("environments = [\"mine\"] # why\n", platform),
            expected(&format!("environments = [\"mine\", \"{marker}\"] # why\n"))
        );
        // Without a list, or with one that has it, uv has nothing to be told.
        assert_eq!(added("", platform), expected(""));
        let known = format!("environments = [\"{marker}\"]\n");
        assert_eq!(added(&known, platform), expected(&known));
    }
    let text = added("environments = \"mine\"\n", "linux-riscv64");
    assert!(text.contains("environments = [\"mine\", \"sys_platform == 'linux' and"), "{text}");
}

#[test]
fn what_was_run_of_a_pack_is_kept_with_it() {
    let mut document = Document::parse(&text()).unwrap();
    let node = Node {
        install_script_sha256: Some(Sha256::parse(&"1".repeat(64)).unwrap()),
        ..Node::new(NodeName::parse("scripted").unwrap(), NodeSource::Development)
    };
    document.set_node(&node);
    assert_eq!(document.manifest().unwrap().nodes["scripted"], node);
    document.set_node(&Node { install_script_sha256: None, ..node });
    assert!(!document.text().contains("install_script"), "{}", document.text());
}
