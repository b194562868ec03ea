//! The programs that are started: the two of ours, uv, Python.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use super::cached;

/// What a program needs of the surroundings to reach the network, and nothing else.
const NETWORK: &[&str] = &[
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "UV_DEFAULT_INDEX",
    "UV_INDEX_URL",
];

/// `comfydock`.
pub(crate) fn comfydock() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_comfydock"))
}

/// `comfydock-hub`, built now: it belongs to another package, so cargo would not do it by itself.
pub(crate) fn hub() -> &'static Path {
    static HUB: OnceLock<PathBuf> = OnceLock::new();
    HUB.get_or_init(|| {
        let folder = comfydock().parent().unwrap();
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["build", "--quiet", "--package", "comfydock-server", "--bin", "comfydock-hub", "--target-dir"]);
        cargo.arg(folder.parent().unwrap()).current_dir(super::project());
        if folder.ends_with("release") {
            cargo.arg("--release");
        }
        succeed(&mut cargo);
        folder.join("comfydock-hub")
    })
}

/// uv: COMFYDOCK_UV, the one on PATH, or one from PyPI.
pub(crate) fn uv() -> &'static Path {
    static UV: OnceLock<PathBuf> = OnceLock::new();
    UV.get_or_init(|| {
        let named = std::env::var_os("COMFYDOCK_UV").map(PathBuf::from);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = || std::env::split_paths(&path).map(|folder| folder.join("uv")).find(|file| file.is_file());
        named.or_else(found).unwrap_or_else(|| {
            let install = |folder: &Path| {
                succeed(Command::new(python()).args(["-m", "pip", "install", "--quiet", "uv", "--target"]).arg(folder));
            };
            cached("uv", install).join("bin/uv")
        })
    })
}

/// The Python behind whatever shim is on PATH; shims look into HOME, and machines have their own.
pub(crate) fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let output = succeed(Command::new("python3").args(["-c", "import sys; print(sys.executable)"]));
        PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
    })
}

/// PATH with that Python in front.
pub(crate) fn path() -> std::ffi::OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(python().parent().unwrap().to_owned()).chain(std::env::split_paths(&path));
    std::env::join_paths(folders).unwrap()
}

/// A command that inherits nothing but PATH and the way to the network.
pub(crate) fn bare(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", path());
    for name in NETWORK {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

/// Runs a command that must succeed.
pub(crate) fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = || format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{}", output.status, said());
    output
}
