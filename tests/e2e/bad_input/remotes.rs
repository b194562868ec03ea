//! Remotes that are no environment, or one that nobody should take.

use std::path::{Path, PathBuf};

use super::refused;
use crate::support::comfyui::ComfyUi;
use crate::support::nodes::file_url;
use crate::support::{Machine, git, safetensors, templates, write};

/// A good environment in a bare repository, and B that has cloned it.
struct Good {
    folder: tempfile::TempDir,
    b: Machine,
    _comfyui: ComfyUi,
}

impl Good {
    fn new() -> Self {
        let (folder, comfyui) = (tempfile::tempdir().unwrap(), ComfyUi::new());
        let (a, b) = (Machine::new(), Machine::new());
        let bare = folder.path().join("studio.git");
        git::git(folder.path(), &["init", "--quiet", "--bare", "studio.git"]);
        a.create(&comfyui);
        let template = templates::old("default");
        let bytes = safetensors::model(1, 40_000);
        for machine in [&a, &b] {
            machine.put_model(&template.models()[0].path(), &bytes);
        }
        write(&a.workflow("studio", "portrait"), &template.text);
        a.ok(&["commit", "-m", "Good", "--yes"]);
        a.ok(&["remote", "add", "origin", &file_url(&bare)]);
        a.ok(&["push"]).says("pushed v2");
        b.ok(&["clone", &file_url(&bare), "--models-dir", b.models().to_str().unwrap(), "--yes"]);
        Self { folder, b, _comfyui: comfyui }
    }

    fn bare(&self) -> PathBuf {
        self.folder.path().join("studio.git")
    }

    /// Pushes one bad commit, sees it refused by pull and by clone, and takes it back.
    #[track_caller]
    fn refuses(&self, spoil: impl FnOnce(&Path), words: &[&str]) {
        let work = self.folder.path().join("work");
        let good = git::git(&self.bare(), &["rev-parse", "main"]);
        git::git(self.folder.path(), &["clone", "--quiet", self.bare().to_str().unwrap(), "work"]);
        spoil(&work);
        if git::git(&work, &["rev-parse", "HEAD"]) == good {
            git::commit(&work, "Bad", "2025-10-20T12:00:00Z");
        }
        git::git(&work, &["push", "--quiet", "origin", "HEAD:main"]);
        refused(&self.b, &["pull", "--yes"], words);
        refused(&self.b, &["clone", &file_url(&self.bare()), "--name", "other", "--yes"], words);
        git::git(&self.bare(), &["update-ref", "refs/heads/main", &good]);
        std::fs::remove_dir_all(&work).unwrap();
        self.b.ok(&["pull", "--yes"]).says("already up to date");
    }
}

fn edit(path: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{from:?} is not in {text}");
    write(path, text.replace(from, to));
}

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
