//! Custom node packs in git repositories.

use std::path::{Path, PathBuf};

use super::comfyui::ComfyUi;
use super::registry::Registry;
use super::{Machine, git, write};

/// A pack that needs `six`, which nothing else brings.
pub(crate) struct NodePack {
    folder: tempfile::TempDir,
    /// Its commit.
    pub(crate) commit: String,
}

impl NodePack {
    /// The name of its folder.
    pub(crate) const NAME: &str = "comfyui-six";

    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(Self::NAME);
        write(
            &path.join("__init__.py"),
            "import six\n\n\nclass Six:\n    pass\n\n\nNODE_CLASS_MAPPINGS = {\"Six\": Six}\n",
        );
        write(&path.join("requirements.txt"), "six\n");
        git::git(&path, &["init", "--quiet"]);
        let commit = git::commit(&path, "Six", "2025-10-01T12:00:00Z");
        Self { folder, commit }
    }

    /// The URL of a pack with these files beside its module, which loads nothing; made in `folder`
    /// unless it is there.
    pub(crate) fn with(folder: &Path, name: &str, files: &[(&str, &str)]) -> String {
        let path = folder.join(name);
        if path.exists() {
            return file_url(&path);
        }
        write(&path.join("__init__.py"), "NODE_CLASS_MAPPINGS = {}\n");
        files.iter().for_each(|(file, text)| write(&path.join(file), text));
        git::git(&path, &["init", "--quiet"]);
        git::commit(&path, "Pack", "2025-10-01T12:00:00Z");
        file_url(&path)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join(Self::NAME)
    }

    pub(crate) fn url(&self) -> String {
        file_url(&self.path())
    }
}

/// A machine with the environment `studio`, and the Comfy registry within its reach.
pub(crate) struct Workbench {
    /// It lives as long as its clones are wanted.
    pub(crate) comfyui: ComfyUi,
    pub(crate) registry: Registry,
    pub(crate) a: Machine,
}

impl Workbench {
    pub(crate) fn new() -> Self {
        let (comfyui, registry, mut a) = (ComfyUi::new(), Registry::start(), Machine::new());
        a.set("COMFYDOCK_REGISTRY_URL", registry.url());
        a.create(&comfyui);
        // ComfyUI makes it when it starts.
        std::fs::create_dir_all(a.environment("studio").join("ComfyUI/custom_nodes")).unwrap();
        Self { comfyui, registry, a }
    }

    /// A folder in `custom_nodes`.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.a.environment("studio").join("ComfyUI/custom_nodes").join(name)
    }

    /// What lies in the manifest.
    pub(crate) fn manifest(&self) -> String {
        std::fs::read_to_string(self.a.environment("studio").join(".cec/pyproject.toml")).unwrap()
    }

    /// Publishes a pack with one node type and these requirements.
    pub(crate) fn publish(&self, id: &str, version: &str, kind: &str, requirements: &str) {
        let code = code_of(kind);
        let project = format!("[project]\nname = \"{id}\"\nversion = \"{version}\"\n");
        let mut files: Vec<(&str, &[u8])> =
            vec![("__init__.py", code.as_bytes()), ("pyproject.toml", project.as_bytes())];
        if !requirements.is_empty() {
            files.push(("requirements.txt", requirements.as_bytes()));
        }
        self.registry.publish_files(id, version, &files);
    }

    /// The version of a package in the venv; none when it is not there.
    pub(crate) fn package(&self, name: &str) -> Option<String> {
        let python = self.a.environment("studio").join(".venv/bin/python");
        let code = format!("import importlib.metadata as m; print(m.version('{name}'))");
        let output = super::programs::bare(python).args(["-c", &code]).output().unwrap();
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim().to_owned())
    }
}

/// The code of a pack with one node type.
pub(crate) fn code_of(kind: &str) -> String {
    format!("class {kind}:\n    pass\n\n\nNODE_CLASS_MAPPINGS = {{\"{kind}\": {kind}}}\n")
}

/// The URL of a repository on this machine.
pub(crate) fn file_url(path: &Path) -> String {
    format!("file://{}", path.display())
}
