//! A remote that is good but for one commit.

use std::path::{Path, PathBuf};

use super::refused;
use crate::support::comfyui::ComfyUi;
use crate::support::nodes::file_url;
use crate::support::{Machine, git, safetensors, templates, write};

/// A good environment in a bare repository, and B that has cloned it.
pub(super) struct Good {
    folder: tempfile::TempDir,
    pub(super) b: Machine,
    _comfyui: ComfyUi,
}

impl Good {
    pub(super) fn new() -> Self {
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

    pub(super) fn bare(&self) -> PathBuf {
        self.folder.path().join("studio.git")
    }

    /// Pushes one bad commit, sees it refused by pull and by clone, and takes it back.
    #[track_caller]
    pub(super) fn refuses(&self, spoil: impl FnOnce(&Path), words: &[&str]) {
        let before = self.spoil(spoil);
        refused(&self.b, &["pull", "--yes"], words);
        refused(&self.b, &["clone", &file_url(&self.bare()), "--name", "other", "--yes"], words);
        self.restore(&before);
    }

    /// Pushes one commit by plain git; returns the commit before it.
    pub(super) fn spoil(&self, spoil: impl FnOnce(&Path)) -> String {
        let work = self.folder.path().join("work");
        let good = git::git(&self.bare(), &["rev-parse", "main"]);
        git::git(self.folder.path(), &["clone", "--quiet", self.bare().to_str().unwrap(), "work"]);
        spoil(&work);
        if git::git(&work, &["rev-parse", "HEAD"]) == good {
            git::commit(&work, "Bad", "2025-10-20T12:00:00Z");
        }
        git::git(&work, &["push", "--quiet", "origin", "HEAD:main"]);
        std::fs::remove_dir_all(&work).unwrap();
        good
    }

    /// Takes that commit back.
    pub(super) fn restore(&self, before: &str) {
        git::git(&self.bare(), &["update-ref", "refs/heads/main", before]);
        self.b.ok(&["pull", "--yes"]).says("already up to date");
    }
}

pub(super) fn edit(path: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{from:?} is not in {text}");
    write(path, text.replace(from, to));
}
