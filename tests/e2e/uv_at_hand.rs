//! uv is found, or fetched, or refused.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::support::comfyui::{ComfyUi, OLD};
use crate::support::programs::{python, succeed};
use crate::support::{Machine, write};

/// A machine on whose PATH are git and Python, and no uv.
fn without_uv() -> Machine {
    let mut machine = Machine::new();
    let programs = machine.root().join("programs");
    std::fs::create_dir(&programs).unwrap();
    let git = succeed(std::process::Command::new("sh").args(["-c", "command -v git"])).stdout;
    let git = String::from_utf8(git).unwrap();
    for (name, target) in [("git", Path::new(git.trim())), ("python3.11", python()), ("python3", python())] {
        // A link to Python's program would make it look for its library beside the link.
        let target = target.display();
        let path = programs.join(name);
        write(&path, format!("#!/bin/sh\nexec {target} \"$@\"\n"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    machine.set("PATH", format!("{}:/bin:/usr/bin", programs.display()));
    machine.set("COMFYDOCK_UV", "");
    machine.init();
    machine
}

fn create<'a>(comfyui: &'a ComfyUi, name: &'a str) -> [&'a str; 6] {
    ["create", name, "--comfyui-url", comfyui.url(), "--comfyui-version", OLD]
}

#[test]
fn without_uv_it_is_put_into_the_workspace() {
    let machine = without_uv();
    let comfyui = ComfyUi::new();
    let uv = machine.workspace().join("uv/bin/uv");
    machine
        .run(&[&["--offline"], &create(&comfyui, "one")[..]].concat())
        .code(1)
        .says("uv was not found")
        .says("run once without --offline");
    assert!(!uv.exists());
    machine.ok(&create(&comfyui, "one")).says("Installing uv 0.13.8 into the workspace");
    assert!(uv.exists());
    machine.ok(&create(&comfyui, "two")).never_says("Installing uv");
    // Only the program was kept.
    assert_eq!(std::fs::read_dir(uv.parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn an_old_uv_is_refused_before_it_is_used() {
    let mut machine = Machine::new();
    let old = machine.root().join("uv");
    write(&old, "#!/bin/sh\necho 'uv 0.5.31 (e38ac490c 2025-02-12)'\n");
    std::fs::set_permissions(&old, std::fs::Permissions::from_mode(0o755)).unwrap();
    machine.set("COMFYDOCK_UV", &old);
    machine.init();
    let comfyui = ComfyUi::new();
    machine.run(&create(&comfyui, "one")).code(1).says("is uv 0.5.31; 0.9 or newer is needed").says("update it");
    // What is there now counts, not what was noted of it.
    write(&old, "#!/bin/sh\necho 'uv 0.4.1'\n");
    machine.run(&create(&comfyui, "one")).code(1).says("is uv 0.4.1;");
}
