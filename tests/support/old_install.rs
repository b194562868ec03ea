//! A ComfyUI that somebody installed by hand and used for a year: packs of every sort, models on two
//! drives, workflows, a snapshot of ComfyUI-Manager.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{Hash as _, Hasher as _};
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The release it stands at.
pub(crate) const RELEASE: &str = "v0.3.64";

/// Versions that were current then, and are no longer.
pub(crate) const PACKAGES: &[(&str, &str)] = &[("idna", "3.6"), ("pyyaml", "6.0.1"), ("six", "1.16.0")];

/// Packs that ComfyUI loads, by the type each of them brings; files among them.
pub(crate) const TYPES: &[(&str, &str)] = &[
    ("ahead-git", "AheadGit"),
    ("clean-git", "CleanGit"),
    ("detached-git", "DetachedGit"),
    ("dirty-git", "DirtyGit"),
    ("fork-git", "ForkGit"),
    ("linked", "Linked"),
    ("loose", "Loose"),
    ("no-remote", "NoRemote"),
    ("nodes_here.py", "NodesHere"),
    ("nodes_single.py", "NodesSingle"),
    ("registry-broken", "RegistryBroken"),
    ("registry-kj", "RegistryKj"),
    ("shallow-git", "ShallowGit"),
    ("worktree-git", "WorktreeGit"),
];

/// The installation. Its parts lie in one folder: `old/ComfyUI`, `origins`, `elsewhere`, `nas`.
pub(crate) struct OldInstall {
    folder: tempfile::TempDir,
    /// The commit of each pack, and of `ComfyUI`.
    pub(crate) commits: BTreeMap<String, String>,
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let date = "2025-10-08T12:00:00Z";
    let output = Command::new("git")
        .current_dir(folder)
        .args(["-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "init.defaultBranch=main"])
        .args(["-c", "protocol.file.allow=always", "-c", "advice.detachedHead=false"])
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .envs([("GIT_AUTHOR_DATE", date), ("GIT_COMMITTER_DATE", date), ("LC_ALL", "C")])
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

fn put(path: &Path, content: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn commit(folder: &Path, message: &str) -> String {
    git(folder, &["add", "--all", "--force"]);
    git(folder, &["commit", "--quiet", "--allow-empty", "--message", message]);
    git(folder, &["rev-parse", "HEAD"])
}

/// A pack's code: it brings one type, called like the pack.
fn code(name: &str, more: &str) -> String {
    let class: String = name
        .trim_end_matches(".py")
        .split(['-', '_'])
        .map(|word| format!("{}{}", word[..1].to_uppercase(), &word[1..]))
        .collect();
    format!("{more}\n\nclass {class}:\n    pass\n\n\nNODE_CLASS_MAPPINGS = {{\"{class}\": {class}}}\n")
}

impl OldInstall {
    /// Builds it; `project` is the folder of this project.
    pub(crate) fn new(project: &Path) -> Self {
        let folder = tempfile::Builder::new().prefix("old-").tempdir().unwrap();
        let mut install = Self { folder, commits: BTreeMap::new() };
        for part in ["old", "origins", "elsewhere", "nas"] {
            fs::create_dir(install.root().join(part)).unwrap();
        }
        install.comfyui_itself(project);
        install.clones();
        install.other_packs();
        install.models_and_workflows();
        install.snapshot();
        install
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn comfyui(&self) -> PathBuf {
        self.root().join("old/ComfyUI")
    }

    pub(crate) fn pack(&self, name: &str) -> PathBuf {
        self.comfyui().join("custom_nodes").join(name)
    }

    fn origin(&self, name: &str) -> PathBuf {
        self.root().join("origins").join(name)
    }

    /// The address of a repository that packs, or ComfyUI, are cloned from.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("file://{}", self.origin(name).display())
    }

    fn comfyui_itself(&mut self, project: &Path) {
        let origin = self.origin("ComfyUI");
        fs::create_dir(&origin).unwrap();
        git(&origin, &["init", "--quiet"]);
        for entry in fs::read_dir(project.join("tests/fixtures/comfyui")).unwrap().flatten() {
            put(&origin.join(entry.file_name()), fs::read(entry.path()).unwrap());
        }
        put(&origin.join("comfyui_version.py"), "__version__ = \"0.3.64\"\n");
        put(
            &origin.join(".gitignore"),
            "__pycache__/\n/custom_nodes/\n/models/\n/user/\n/venv/\n/extra_model_paths.yaml\n",
        );
        put(&origin.join("custom_nodes/websocket_image_save.py"), "NODE_CLASS_MAPPINGS = {}\n");
        let commit = commit(&origin, "Release");
        git(&origin, &["tag", RELEASE]);
        git(&self.root().join("old"), &["clone", "--quiet", &self.url("ComfyUI"), "ComfyUI"]);
        self.commits.insert("ComfyUI".to_owned(), commit);
    }

    /// A repository of a pack, with two commits; the first has the tag `v1`.
    fn new_origin(&self, name: &str, more: &str) -> String {
        let origin = self.origin(name);
        fs::create_dir(&origin).unwrap();
        git(&origin, &["init", "--quiet"]);
        put(&origin.join("__init__.py"), code(name, more));
        put(&origin.join("README.md"), "first\n");
        commit(&origin, "first");
        git(&origin, &["tag", "v1"]);
        put(&origin.join("README.md"), "second\n");
        commit(&origin, "second")
    }

    fn clones(&mut self) {
        let nodes = self.comfyui().join("custom_nodes");
        for name in ["clean-git", "dirty-git", "ahead-git", "detached-git", "off-git"] {
            let more = if name == "clean-git" { "import six" } else { "" };
            self.new_origin(name, more);
            if name == "clean-git" {
                put(&self.origin(name).join("requirements.txt"), "six\n");
                commit(&self.origin(name), "requirements");
            }
            git(&nodes, &["clone", "--quiet", &self.url(name), name]);
        }
        put(&self.pack("clean-git/settings.ini"), "mine\n");
        put(&self.pack("clean-git/ckpt/own.bin"), [7; 64]);
        put(&self.pack("clean-git/__pycache__/x.pyc"), "passing");
        put(&self.pack("dirty-git/README.md"), "mine\n");
        put(&self.pack("ahead-git/mine.py"), "mine = 1\n");
        commit(&self.pack("ahead-git"), "mine, never pushed");
        git(&self.pack("detached-git"), &["checkout", "--quiet", "--detach", "v1"]);
        fs::rename(self.pack("off-git"), self.pack("off-git.disabled")).unwrap();

        self.new_origin("shallow-git", "");
        git(&nodes, &["clone", "--quiet", "--depth", "1", &self.url("shallow-git"), "shallow-git"]);

        self.new_origin("fork-git", "");
        git(&self.root().join("origins"), &["clone", "--quiet", "--bare", &self.url("fork-git"), "the-fork"]);
        git(&nodes, &["clone", "--quiet", &self.url("the-fork"), "fork-git"]);
        git(&self.pack("fork-git"), &["remote", "add", "upstream", &self.url("fork-git")]);
        put(&self.origin("fork-git").join("README.md"), "only upstream has this\n");
        commit(&self.origin("fork-git"), "third");
        git(&self.pack("fork-git"), &["fetch", "--quiet", "upstream"]);
        git(&self.pack("fork-git"), &["reset", "--quiet", "--hard", "upstream/main"]);

        self.new_origin("worktree-git", "");
        git(&self.root().join("elsewhere"), &["clone", "--quiet", &self.url("worktree-git"), "main-tree"]);
        let there = self.pack("worktree-git");
        git(
            &self.root().join("elsewhere/main-tree"),
            &["worktree", "add", "--quiet", "--detach", there.to_str().unwrap()],
        );

        fs::create_dir(self.pack("no-remote")).unwrap();
        put(&self.pack("no-remote/__init__.py"), code("no-remote", ""));
        git(&self.pack("no-remote"), &["init", "--quiet"]);
        commit(&self.pack("no-remote"), "first");

        for name in [
            "clean-git",
            "dirty-git",
            "ahead-git",
            "detached-git",
            "shallow-git",
            "fork-git",
            "worktree-git",
            "no-remote",
        ] {
            self.commits.insert(name.to_owned(), git(&self.pack(name), &["rev-parse", "HEAD"]));
        }
    }

    fn other_packs(&self) {
        self.release("registry-kj", "1.1.4");
        put(&self.pack("registry-kj/my-presets.json"), "{}\n");
        self.release("registry-broken", "2.0.0");
        fs::remove_file(self.pack("registry-broken/nodes/extra.py")).unwrap();
        self.release(".disabled/off-kj@1_2_3", "1.2.3");
        put(&self.pack("loose/__init__.py"), code("loose", "import idna"));
        put(&self.pack("loose/requirements.txt"), "idna\n");
        put(&self.pack("loose/__pycache__/gone.cpython-311.pyc"), "passing");
        put(&self.root().join("elsewhere/linked/__init__.py"), code("linked", ""));
        symlink(self.root().join("elsewhere/linked"), self.pack("linked")).unwrap();
        symlink("/nowhere/at/all", self.pack("gone-link")).unwrap();
        put(&self.pack("nodes_single.py"), code("nodes_single.py", ""));
        put(&self.pack("nodes_here.py"), code("nodes_here.py", "HERE = __file__"));
        put(&self.pack("old_nodes.py.disabled"), code("old_nodes.py", ""));
        put(&self.pack("no-init/README.md"), "no pack\n");
    }

    /// What ComfyUI-Manager unpacks from the registry.
    fn release(&self, name: &str, version: &str) {
        let folder = self.pack(name);
        let id = name.trim_start_matches(".disabled/").split('@').next().unwrap();
        for (path, text) in Self::release_files(id, version) {
            put(&folder.join(path), text);
        }
        put(&folder.join(".tracking"), "__init__.py\nnodes/extra.py\npyproject.toml");
    }

    /// The files of a release, as the registry has them.
    pub(crate) fn release_files(id: &str, version: &str) -> Vec<(&'static str, String)> {
        vec![
            ("__init__.py", code(id, "")),
            ("nodes/extra.py", "extra = 1\n".to_owned()),
            ("pyproject.toml", format!("[project]\nname = \"{id}\"\nversion = \"{version}\"\n")),
        ]
    }

    fn models_and_workflows(&self) {
        let models = self.comfyui().join("models");
        put(&models.join("checkpoints/sd15.safetensors"), "sd15");
        put(&models.join("vae/put_vae_here"), "");
        put(&self.root().join("elsewhere/loras/style/ink.safetensors"), "ink");
        symlink(self.root().join("elsewhere/loras"), models.join("loras")).unwrap();
        put(&self.root().join("nas/sd/flux.safetensors"), "flux");
        put(&self.root().join("nas/more-vae/ae.safetensors"), "ae");
        let yaml =
            "nas:\n    base_path: ../../nas\n    checkpoints: sd\n    vae: more-vae\n    upscale_models: not-mounted\n";
        put(&self.comfyui().join("extra_model_paths.yaml"), yaml);

        let user = self.comfyui().join("user");
        let names = ["sd15.safetensors", "flux.safetensors"];
        for number in 0..30 {
            let folder = if number % 3 == 0 { "old/tests/" } else { "" };
            let checkpoint = names[number % names.len()];
            let text = format!(
                r#"{{"last_node_id": 3, "last_link_id": 0, "nodes": [
 {{"id": 1, "type": "CheckpointLoaderSimple", "pos": [{number}, 0], "size": [1, 1], "flags": {{}}, "order": 0, "mode": 0, "inputs": [], "outputs": [], "properties": {{}}, "widgets_values": ["{checkpoint}"]}},
 {{"id": 2, "type": "LoraLoader", "pos": [0, 0], "size": [1, 1], "flags": {{}}, "order": 1, "mode": 0, "inputs": [], "outputs": [], "properties": {{}}, "widgets_values": ["style/ink.safetensors", 1, 1]}},
 {{"id": 3, "type": "VAELoader", "pos": [0, 0], "size": [1, 1], "flags": {{}}, "order": 2, "mode": 0, "inputs": [], "outputs": [], "properties": {{}}, "widgets_values": ["ae.safetensors"]}}
], "links": [], "groups": [], "config": {{}}, "extra": {{}}, "version": 0.4}}"#
            );
            put(&user.join(format!("default/workflows/{folder}work {number}.json")), text);
        }
        put(&user.join("default/workflows/.index.json"), "{}");
        put(&user.join("default/comfy.settings.json"), "{\"Comfy.ColorPalette\": \"dark\"}\n");
        put(&user.join("bob/workflows/bobs.json"), "{}");
    }

    fn snapshot(&self) {
        let git =
            |name: &str, commit: &str| format!("{:?}: {{\"hash\": \"{commit}\", \"disabled\": false}}", self.url(name));
        let packs = [
            git("clean-git", &"0".repeat(40)),
            git("detached-git", &self.commits["detached-git"]),
            git("was-here", &"1".repeat(40)),
        ];
        let text = format!(
            "{{\"comfyui\": \"{}\", \"git_custom_nodes\": {{{}}}, \"cnr_custom_nodes\": {{\"registry-kj\": \"1.1.4\"}}, \"file_custom_nodes\": [], \"pips\": {{}}}}",
            self.commits["ComfyUI"],
            packs.join(", ")
        );
        put(&self.comfyui().join("user/default/ComfyUI-Manager/snapshots/2025-10-09_snapshot.json"), text);
    }

    /// A Python beside it whose packages are only written down.
    pub(crate) fn with_written_packages(self) -> Self {
        let venv = self.comfyui().join("venv");
        put(&venv.join("pyvenv.cfg"), "home = /usr/bin\nversion = 3.11.7\ninclude-system-site-packages = false\n");
        let mut all = PACKAGES.to_vec();
        all.extend([("torch", "2.9.0+cu128"), ("never_was", "9.9")]);
        for (name, version) in all {
            self.write_package(name, version);
        }
        put(
            &self.write_package("from-git", "1.0").join("direct_url.json"),
            r#"{"url": "https://h/u/x", "vcs_info": {"vcs": "git", "commit_id": "0123"}}"#,
        );
        self
    }

    /// A Python that runs, with packages from an index; `uv` makes it with `python`.
    pub(crate) fn with_real_packages(self, uv: &mut Command, install: &mut Command) -> Self {
        let venv = self.comfyui().join("venv");
        let wanted = PACKAGES.iter().map(|(name, version)| format!("{name}=={version}"));
        for command in [uv.arg(&venv), install.arg("--python").arg(venv.join("bin/python")).args(wanted)] {
            let output = command.output().unwrap();
            assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        for (name, version) in [("torch", "2.9.0+cu128"), ("never_was", "9.9")] {
            self.write_package(name, version);
        }
        self
    }

    /// Notes a package as installed; returns its folder.
    pub(crate) fn write_package(&self, name: &str, version: &str) -> PathBuf {
        let library = self.comfyui().join("venv/lib");
        let found = fs::read_dir(&library).into_iter().flatten().flatten().map(|entry| entry.path()).next();
        let packages = found.unwrap_or_else(|| library.join("python3.11")).join("site-packages");
        let folder = packages.join(format!("{}-{version}.dist-info", name.replace('-', "_")));
        put(&folder.join("METADATA"), format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"));
        put(&folder.join("INSTALLER"), "pip\n");
        folder
    }

    /// Everything of it with content, modes, links and times.
    pub(crate) fn state(&self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        visit(self.root(), &mut found);
        found
    }

    /// Holds that nothing of it has changed.
    #[track_caller]
    pub(crate) fn assert_untouched(&self, before: &BTreeMap<String, String>) {
        let after = self.state();
        let names = before.keys().chain(after.keys());
        let changed: std::collections::BTreeSet<_> =
            names.filter(|name| before.get(*name) != after.get(*name)).collect();
        assert!(changed.is_empty(), "{changed:#?}");
    }
}

fn visit(folder: &Path, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let about = path.symlink_metadata().unwrap();
        let content = if about.is_symlink() {
            fs::read_link(&path).unwrap().display().to_string()
        } else if about.is_file() {
            let mut hasher = std::hash::DefaultHasher::new();
            fs::read(&path).unwrap().hash(&mut hasher);
            format!("{} {:x}", about.len(), hasher.finish())
        } else {
            String::new()
        };
        let what = format!("{:o} {} {}.{} {content}", about.mode(), about.nlink(), about.mtime(), about.mtime_nsec());
        found.insert(path.display().to_string(), what);
        if about.is_dir() {
            visit(&path, found);
        }
    }
}
