//! Core judges requirements by rules of its own; here uv says whether they are uv's.

use std::path::PathBuf;
use std::process::Command;

const TAKEN: &str = include_str!("../../../comfydock-core/src/requirements/tests/taken.txt");
const NOT_TAKEN: &str = include_str!("../../../comfydock-core/src/requirements/tests/not_taken.txt");

/// Whether uv can read a project with these requirements; whether they can be had is another matter.
fn uv_reads(requirements: &[&str]) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let quoted: Vec<String> = requirements.iter().map(|line| format!("{line:?}")).collect();
    let text = format!(
        "[project]\nname = \"x\"\nversion = \"0\"\nrequires-python = \">=3.8\"\ndependencies = [{}]\n[tool.uv]\npackage = false\n",
        quoted.join(", ")
    );
    std::fs::write(folder.path().join("pyproject.toml"), text).unwrap();
    let program = std::env::var_os("COMFYDOCK_UV").map_or_else(|| "uv".into(), PathBuf::from);
    let output = Command::new(&program)
        .args(["lock", "--offline", "--no-index", "--no-build", "--no-config"])
        .env("UV_CACHE_DIR", folder.path().join("cache"))
        .current_dir(folder.path())
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}; COMFYDOCK_UV names uv", program.display()));
    let said = String::from_utf8_lossy(&output.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
    // A project whose metadata cannot be read is one that would have to be built.
    let unreadable = said.contains("Failed to build `x") || said.contains("Failed to parse");
    assert!(
        unreadable
            || said.contains("not found in the provided package locations")
            || said.contains("offline")
            || said.contains("No solution found")
            || said.contains("Failed to download"),
        "{said}"
    );
    !unreadable
}

#[test]
fn what_core_takes_uv_can_read() {
    let lines: Vec<&str> = TAKEN.lines().collect();
    assert!(uv_reads(&lines));
}

#[test]
fn what_core_does_not_take_uv_cannot_read() {
    for line in NOT_TAKEN.lines() {
        assert!(!uv_reads(&[line]), "{line}");
    }
}
