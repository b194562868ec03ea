//! An environment on a client, under real git.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::text;

/// The smallest manifest of an environment.
pub(crate) const MANIFEST: &str = r#"[project]
name = "comfydock-environment"
version = "0.0.0"
requires-python = "==3.11.*"
dependencies = []

[tool.comfydock]
schema_version = 1

[tool.comfydock.environment]
comfyui_version = "v0.3.64"
comfyui_commit = "a125cd84a125cd84a125cd84a125cd84a125cd84"
comfyui_url = "https://github.com/comfyanonymous/ComfyUI"
python_version = "3.11"
platforms = ["linux-x86_64"]
"#;

/// A manifest with one more model, whose hashes are `digit` repeated.
pub(crate) fn manifest_with_model(manifest: &str, quick: char, sha256: char, size: u64, source: &str) -> String {
    let [quick, blake3, sha256] = [quick, sha256, sha256].map(|digit| digit.to_string().repeat(64));
    format!(
        "{manifest}\n[tool.comfydock.models.\"{quick}\"]\nfilename = \"a.safetensors\"\nsize = {size}\n\
         relative_path = \"loras/a.safetensors\"\ncategory = \"loras\"\nsha256 = \"{sha256}\"\n\
         blake3 = \"{blake3}\"\nsources = [\"{source}\"]\n"
    )
}

/// A work tree.
pub(crate) struct Repository {
    path: PathBuf,
}

impl Repository {
    /// A repository with one commit: a manifest and a workflow.
    pub(crate) fn new(path: PathBuf) -> Self {
        let repository = Self { path };
        std::fs::create_dir_all(&repository.path).unwrap();
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository.write("pyproject.toml", MANIFEST);
        repository.write("workflows/hero.json", r#"{"nodes":[],"links":[]}"#);
        repository.commit("v1");
        repository
    }

    /// A repository that is there.
    pub(crate) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub(crate) fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", message]);
        self.tip()
    }

    pub(crate) fn tip(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let output = self.try_git(arguments);
        assert!(output.status.success(), "git {arguments:?}: {}", text(&output.stderr));
        text(&output.stdout).trim().to_owned()
    }

    pub(crate) fn try_git(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).output().unwrap()
    }

    /// git in this work tree, with nothing of the machine's configuration.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new("git");
        command
            .current_dir(&self.path)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", "/nonexistent")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("LC_ALL", "C");
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "Ann").env(format!("GIT_{role}_EMAIL"), "ann@example.org");
        }
        command
    }

    /// The body of a request that pushes everything to main, as a client without a side band sends it.
    pub(crate) fn push_body(&self, old: &str) -> Vec<u8> {
        let mut packer = self.command();
        packer.args(["pack-objects", "--stdout", "--revs", "-q"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut packer = packer.spawn().unwrap();
        packer.stdin.take().unwrap().write_all(b"main\n").unwrap();
        let pack = packer.wait_with_output().unwrap().stdout;
        let line = format!("{old} {} refs/heads/main\0 report-status", self.tip());
        [format!("{:04x}{line}0000", line.len() + 4).into_bytes(), pack].concat()
    }

    /// Pushes and expects a refusal; returns what git said.
    pub(crate) fn refused(&self, url: &str, reference: &str) -> String {
        let output = self.try_git(&["push", url, reference]);
        assert!(!output.status.success(), "the push was accepted");
        text(&output.stderr)
    }
}
