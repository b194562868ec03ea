//! A bundle that the predecessor itself has made.

use serde_json::json;

use crate::support::comfyui::{self, ComfyUi};
use crate::support::nodes::{NodePack, file_url};
use crate::support::{Machine, ModelServer, comfygit, git, report, templates, write};

#[test]
fn what_comfygit_exported_becomes_an_environment() {
    let (machine, comfyui, server, pack) = (Machine::new(), ComfyUi::new(), ModelServer::start(), NodePack::new());
    let repositories = tempfile::tempdir().unwrap();
    let own = NodePack::with(repositories.path(), "theirs", &[("data.txt", "1\n")]);
    let commit = git::git(&repositories.path().join("theirs"), &["rev-parse", "HEAD"]);
    let old = git::git(comfyui.path(), &["rev-parse", comfyui::OLD]);
    let workflow = templates::old("default").at(&server).text;
    let studio = machine.root().join("studio");
    let cec = studio.join(".cec");
    write(&cec.join(".python-version"), "3.11\n");
    write(&cec.join("workflows/first.json"), &workflow);
    // What its newer versions keep beside that, and what it never exports.
    write(&cec.join("workflow_api/first/prompt.json"), "{}");
    write(&cec.join("overlays/studio.toml"), "");
    write(&cec.join("package_config.toml"), "");
    write(&cec.join("uv.lock"), "version = 1\n");
    let facts = json!({
        "environment": {
            "name": "studio", "python_version": "3.11", "comfyui_version": comfyui::OLD, "comfyui_version_type": "release",
            "comfyui_commit_sha": old, "comfyui_repository": file_url(comfyui.path()),
        },
        "nodes": [
            { "name": NodePack::NAME, "version": pack.commit, "source": "git", "repository": pack.url() },
            { "name": "theirs", "version": "dev", "source": "development", "repository": own, "branch": "main", "pinned_commit": commit },
            { "name": "mine", "version": "dev", "source": "development" },
        ],
        "models": [{
            "hash": "0123456789abcdef", "filename": "old.safetensors", "size": 12, "relative_path": "checkpoints/old.safetensors",
            "category": "checkpoints", "sources": ["https://example.org/old.safetensors"],
        }],
    });
    let bundle = machine.root().join("studio.tar.gz");
    comfygit::export(&cec, &bundle, &facts);

    let said = machine.run(&["import", bundle.to_str().unwrap(), "--name", "studio", "--yes"]);
    said.ok()
        .line(&["made environment studio"])
        .line(&["model `old.safetensors`", "https://example.org"])
        // Its source never was in the bundle.
        .line(&["node pack `mine`"]);
    let environment = machine.environment("studio");
    assert_eq!(git::git(&environment.join("ComfyUI"), &["rev-parse", "HEAD"]), old);
    assert_eq!(std::fs::read_to_string(machine.workflow("studio", "first")).unwrap(), workflow);
    let packs = environment.join("ComfyUI/custom_nodes");
    assert_eq!(git::git(&packs.join(NodePack::NAME), &["rev-parse", "HEAD"]), pack.commit);
    assert_eq!(std::fs::read_to_string(packs.join("theirs/data.txt")).unwrap(), "1\n");
    assert_eq!(report::start(&machine, "studio").nodes(), [NodePack::NAME, "theirs"]);
}
