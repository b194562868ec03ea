//! The commands of uv that put another build of torch into a venv (decision 76). They work without a
//! project: its settings are for what is locked.

use std::path::Path;
use std::process::Command;

use super::{Error, Uv};

impl Uv<'_> {
    /// Resolves the file `wanted` into `listed`, with hashes: for the Python of `venv`, within the
    /// versions of `constraints`, and preferring those that `listed` names already. Packages come from
    /// the index everybody locks from and from `index`.
    ///
    /// # Errors
    /// When the index lacks a build, or cannot be reached.
    pub fn compile(
        &self,
        folder: &Path,
        [wanted, constraints, listed]: [&str; 3],
        venv: &Path,
        index: &str,
    ) -> Result<(), Error> {
        let make = |command: &mut Command| {
            command
                .args(["pip", "compile", "--no-config", "--quiet", "--no-header", "--no-annotate", "--generate-hashes"])
                .args(["--only-binary", ":all:", "--index-strategy", "unsafe-best-match", "--index", index])
                .args(["--constraints", constraints, "--output-file", listed, wanted, "--python"])
                .arg(venv.join("bin/python"))
                .current_dir(folder);
        };
        self.run("resolve this machine's build of torch", &make).map(|_| ())
    }

    /// Installs what a list with hashes names, and nothing else.
    ///
    /// # Errors
    /// When something cannot be had or is not what the list says.
    pub fn install_listed(&self, list: &Path, venv: &Path, index: &str) -> Result<(), Error> {
        let make = |command: &mut Command| {
            command
                .args(["pip", "install", "--no-config", "--no-deps", "--require-hashes", "--only-binary", ":all:"])
                .args(["--index-strategy", "unsafe-best-match", "--index", index, "--python"])
                .arg(venv.join("bin/python"))
                .arg("--requirements")
                .arg(list);
        };
        self.run("install this machine's build of torch", &make).map(|_| ())
    }

    /// What the packages of a venv lack of each other, a line each.
    ///
    /// # Errors
    /// When uv fails in another way than by finding something.
    pub fn check(&self, venv: &Path) -> Result<Vec<String>, Error> {
        let make = |command: &mut Command| {
            command.args(["pip", "check", "--no-config", "--python"]).arg(venv.join("bin/python"));
        };
        let complaints = |text: &str| {
            let lines = text.lines().map(str::trim).filter(|line| line.starts_with("The package "));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        match self.run("check the Python packages", &make) {
            Ok(_) => Ok(Vec::new()),
            Err(error) => {
                let found = complaints(&error.details().join("\n"));
                if found.is_empty() { Err(error) } else { Ok(found) }
            }
        }
    }
}
