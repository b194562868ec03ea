//! Manifests of comfygit and of the older ComfyDock.

use super::*;

const COMFYGIT: &str = r#"
[project]
name = "comfygit-env-x"
[dependency-groups]
comfygit-system = ["six"]
"mynode-1a2b3c4d" = ["six"]
extra = ["idna"]
[tool.comfygit]
schema_version = 2
comfyui_version = "v0.3.64"
comfyui_commit_sha = "0123456789abcdef0123456789abcdef01234567"
comfyui_repository = "https://github.com/comfyanonymous/ComfyUI"
python_version = "3.11"
[tool.comfygit.nodes.mynode]
name = "mynode"
source = "git"
repository = "https://h/u/mynode"
pinned_commit = "89abcdef0123456789abcdef0123456789abcdef"
branch = "main"
[tool.comfygit.nodes.comfyui-kjnodes]
name = "ComfyUI-KJNodes"
source = "registry"
registry_id = "comfyui-kjnodes"
version = "1.1.4"
[tool.comfygit.nodes.dev]
name = "dev"
source = "development"
[tool.comfygit.nodes.odd]
source = "unknown"
"#;

#[test]
fn an_environment_of_comfygit() {
    let found = comfygit::parse(COMFYGIT).unwrap().unwrap();
    assert_eq!(found.comfyui.commit.as_ref().unwrap().as_str(), COMMIT);
    assert_eq!(found.comfyui.version.as_deref(), Some("v0.3.64"));
    assert_eq!(found.comfyui.url.as_deref(), Some("https://github.com/comfyanonymous/ComfyUI"));
    assert_eq!(found.python.as_deref(), Some("3.11"));
    assert_eq!(
        lines(&found),
        ["ComfyUI-KJNodes: registry comfyui-kjnodes 1.1.4", "dev: folder", "mynode: git https://h/u/mynode 89ab",]
    );
    assert_eq!(
        left(&found),
        "node pack `odd`: its source `unknown` says not where it is\n\
         dependency group `extra`: it belongs to no node pack; what the packs and ComfyUI need is read anew\n"
    );
}

#[test]
fn an_environment_of_the_older_comfydock() {
    let text = r#"
[dependency-groups]
"comfyui-impact-pack" = ["opencv-python>=4.5.0"]
"node:my-pack" = ["einops"]
comfyui-core = ["torch"]
[tool.comfydock.environment]
comfyui_version = "v1.0.0"
python_version = "3.11"
[tool.comfydock.nodes]
"comfyui-impact-pack" = { source = "registry", registry_id = "comfyui-impact-pack", version = "4.18" }
"my-pack" = { source = "github", repository = "https://h/u/My-Pack", version = "0123456789abcdef0123456789abcdef01234567" }
"my-custom-node" = { source = "dev", path = "dev_nodes/my-custom-node" }
"#;
    let found = comfygit::parse(text).unwrap().unwrap();
    assert_eq!(found.comfyui.version.as_deref(), Some("v1.0.0"));
    assert_eq!(
        lines(&found),
        [
            "My-Pack: git https://h/u/My-Pack 0123",
            "comfyui-impact-pack: registry comfyui-impact-pack 4.18.0",
            "my-custom-node: folder",
        ]
    );
    assert_eq!(left(&found), "");
    // The same facts, flat.
    let flat =
        "[tool.comfydock]\ncomfyui_version = \"0123456789abcdef0123456789abcdef01234567\"\npython_version = \"3.12\"\n";
    let found = comfygit::parse(flat).unwrap().unwrap();
    assert_eq!((found.comfyui.commit.is_some(), found.comfyui.version), (true, None));
}

#[test]
fn one_of_ours_is_none_of_theirs() {
    let ours = "[tool.comfydock]\nschema_version = 1\n[tool.comfydock.environment]\ncomfyui_commit = \"0123456789abcdef0123456789abcdef01234567\"\n";
    assert_eq!(comfygit::parse(ours).unwrap(), None);
    for text in ["", "[project]\nname = \"x\"\n", "x = ["] {
        assert!(comfygit::parse(text).is_err(), "{text}");
    }
}
