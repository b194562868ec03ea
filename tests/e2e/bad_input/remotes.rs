//! Remotes that are no environment, or one that nobody should take.

use super::good::{Good, edit};
use super::refused;
use crate::support::nodes::file_url;
use crate::support::{Machine, git, write};

#[test]
fn a_tree_that_breaks_a_rule_is_refused_and_the_file_is_named() {
    let good = Good::new();
    let manifest = "pyproject.toml";
    good.refuses(
        |work| edit(&work.join(manifest), "schema_version = 1", "schema_version = 2"),
        &[manifest, "schema_version", "2"],
    );
    let path = r#"relative_path = "checkpoints/v1-5"#;
    good.refuses(
        |work| edit(&work.join(manifest), path, r#"relative_path = "checkpoints/../../../evil"#),
        &[manifest, ".."],
    );
    good.refuses(
        |work| edit(&work.join(manifest), path, r#"relative_path = "/etc/evil"#),
        &[manifest, "relative_path"],
    );
    for name in ["evil.py", "evil", ".hidden.safetensors", "a\\\\b.safetensors"] {
        let to = format!("relative_path = \"checkpoints/{name}\" # ");
        good.refuses(
            |work| edit(&work.join(manifest), "relative_path = \"checkpoints/v1", &to),
            &[manifest, "relative_path"],
        );
    }
    good.refuses(|work| edit(&work.join(manifest), "size = 40000", "size = -1"), &[manifest, "size"]);
    good.refuses(|work| edit(&work.join(manifest), "[tool.comfydock]", "[tool.comfydock"), &[manifest]);
    good.refuses(
        |work| std::os::unix::fs::symlink("/etc/passwd", work.join("workflows/link.json")).unwrap(),
        &["workflows/link.json", "symbolic link"],
    );
    good.refuses(
        |work| {
            let entry = format!("160000,{},workflows/sub", git::git(work, &["rev-parse", "HEAD"]));
            git::git(work, &["update-index", "--add", "--cacheinfo", &entry]);
            git::git(work, &["commit", "--quiet", "-m", "Submodule"]);
        },
        &["workflows/sub", "submodule"],
    );
    good.refuses(|work| write(&work.join("workflows/cut.json"), "{\"nodes\": [{"), &["workflows/cut.json"]);
    good.refuses(
        |work| write(&work.join("workflows/Portrait.json"), "{\"nodes\": []}"),
        &["ortrait.json", "upper and lower case"],
    );
    for name in ["../evil", ".hidden", "a/b", "x.disabled"] {
        let node = format!(
            "\n[tool.comfydock.nodes.evil]\nname = \"{name}\"\nsource = \"git\"\nrepository = \"https://example.org/x\"\ncommit = \"{}\"\n",
            "a".repeat(40)
        );
        let add = |work: &std::path::Path| {
            let text = std::fs::read_to_string(work.join(manifest)).unwrap();
            write(&work.join(manifest), text + &node);
        };
        good.refuses(add, &[manifest, name]);
    }
    good.refuses(|work| std::fs::remove_file(work.join(manifest)).unwrap(), &["no ComfyDock environment", manifest]);
}

#[test]
fn a_remote_that_is_no_environment_is_named_as_such() {
    let b = Machine::new();
    b.init();
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other");
    write(&other.join("README.md"), "# Something else\n");
    git::git(&other, &["init", "--quiet"]);
    git::commit(&other, "First", "2025-10-01T12:00:00Z");
    git::git(folder.path(), &["init", "--quiet", "--bare", "empty.git"]);
    std::fs::create_dir(folder.path().join("nothing")).unwrap();
    for (name, words) in [
        ("other", &["no ComfyDock environment", "pyproject.toml"][..]),
        ("empty.git", &["no ComfyDock environment", "main"]),
        ("nothing", &["nothing"]),
        ("absent", &["absent"]),
    ] {
        let url = file_url(&folder.path().join(name));
        refused(&b, &["clone", &url, "--name", "new", "--yes"], &[words, &[&url]].concat());
    }
    // A clone that is refused makes no workspace either.
    let c = Machine::new();
    refused(&c, &["clone", &file_url(&other), "--yes"], &["no ComfyDock environment"]);
}
