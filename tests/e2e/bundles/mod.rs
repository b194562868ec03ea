//! Environments that travel as files.

mod asked;
mod comfygit;
mod exporting;
mod hostile;
mod into;
mod killed_registry;
mod publishing;
mod sources;
mod tampering;
mod tls;
mod travel;

use std::path::PathBuf;

use crate::support::nodes::{NodePack, code_of};
use crate::support::{Machine, Studio, git, templates, write};

/// A has an environment with everything a bundle can hold, committed; B has nothing.
pub(crate) struct Scene {
    pub(crate) studio: Studio,
    /// Repositories of packs; they live as long as they may be cloned.
    _repositories: (NodePack, tempfile::TempDir),
}

impl Scene {
    pub(crate) fn new() -> Self {
        let (studio, pack, repositories) = (Studio::new(), NodePack::new(), tempfile::tempdir().unwrap());
        let a = &studio.a;
        studio.share("portrait", &templates::old("default"), 20_000);
        studio.share("deep/upscale", &templates::old("esrgan_example"), 9_000);
        a.ok(&["node", "add", &pack.url()]);
        // Worked on here, without a repository anyone can reach.
        let mine = a.environment("studio").join("ComfyUI/custom_nodes/mine");
        write(&mine.join("__init__.py"), code_of("Mine"));
        write(&mine.join("bin/tool.sh"), "#!/bin/sh\n");
        write(&mine.join(".gitignore"), "*.log\nsecrets/\n");
        write(&mine.join("run.log"), "not for others\n");
        a.ok(&["node", "add", "mine", "--dev"]);
        // Worked on here, with one.
        let url = NodePack::with(repositories.path(), "theirs", &[("data.txt", "1\n")]);
        let theirs = a.environment("studio").join("ComfyUI/custom_nodes");
        git::git(&theirs, &["clone", "--quiet", &url, "theirs"]);
        a.ok(&["node", "add", "theirs", "--dev"]);
        a.ok(&["commit", "-m", "Everything", "--yes"]);
        Self { studio, _repositories: (pack, repositories) }
    }

    pub(crate) fn a(&self) -> &Machine {
        &self.studio.a
    }

    pub(crate) fn b(&self) -> &Machine {
        &self.studio.b
    }

    /// A exports into a file of this name.
    pub(crate) fn export(&self, name: &str) -> PathBuf {
        let path = self.a().root().join(name);
        self.a().ok(&["export", "--output", path.to_str().unwrap(), "--yes", "--allow-issues"]);
        path
    }

    /// B imports a file.
    pub(crate) fn import(&self, path: &std::path::Path) -> crate::support::Said {
        let b = self.b();
        b.run(&["import", path.to_str().unwrap(), "--models-dir", b.models().to_str().unwrap(), "--yes"])
    }
}

/// The identity of what a bundle holds, as the environment's next export says it.
pub(crate) fn content_digest(machine: &Machine, environment: &str) -> String {
    let path = machine.root().join(format!("{environment}-again.tar.gz"));
    let told = machine.json(&[
        "export",
        "--env",
        environment,
        "--output",
        path.to_str().unwrap(),
        "--force",
        "--yes",
        "--allow-issues",
    ]);
    told["content_digest"].as_str().unwrap().to_owned()
}
