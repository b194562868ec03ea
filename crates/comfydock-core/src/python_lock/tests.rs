//! Locks as uv 0.13 writes them.

use super::*;

const MANIFEST: &str = r#"
[project]
name = "comfydock-environment"
version = "0.0.0"
requires-python = ">=3.11,<3.13"
dependencies = ["PyYAML", "idna >= 3", "torch[cuda]~=2.05 ; sys_platform == 'linux'", "own @ git+https://git.example/own@main"]
[dependency-groups]
"Comfy_Pack" = ["numpy>=1.20,<2", {include-group = "base"}]
base = ["rich==13.0rc1"]
[tool.uv]
override-dependencies = ["opencv-python ; sys_platform == 'never'", "six==1.16.0"]
constraint-dependencies = ["torch==2.9.0"]
"#;

const LOCK: &str = r#"
version = 1
requires-python = ">=3.11, <3.13"
[manifest]
constraints = [{ name = "torch", specifier = "==2.9.0" }]
overrides = [
    { name = "opencv-python", marker = "sys_platform == 'never'" },
    { name = "six", specifier = "==1.16.0" },
]
[[package]]
name = "comfydock-environment"
version = "0.0.0"
source = { virtual = "." }
[package.metadata]
requires-dist = [
    { name = "idna", specifier = ">=3" },
    { name = "own", git = "https://git.example/own?rev=main" },
    { name = "pyyaml" },
    { name = "torch", extras = ["cuda"], marker = "sys_platform == 'linux'", specifier = "~=2.5" },
]
[package.metadata.requires-dev]
base = [{ name = "rich", specifier = "==13.0.rc1" }]
comfy-pack = [{ name = "numpy", specifier = ">=1.20,<2" }, { name = "rich", specifier = "==13.0rc1" }]
[[package]]
name = "idna"
version = "3.20"
source = { registry = "https://index.example/simple" }
"#;

#[test]
fn a_lock_of_this_manifest_agrees() {
    assert_eq!(disagreements(MANIFEST, LOCK), Ok(Vec::new()));
}

#[test]
fn every_difference_is_named() {
    for (from, to, expected) in [
        ("\"PyYAML\", ", "", "pyyaml is locked and not asked for"),
        ("\"PyYAML\", ", "\"PyYAML\", \"six\", ", "six is not locked"),
        ("idna >= 3\"", "idna >= 4\"", "idna>=4 is not locked; idna>=3 is locked and not asked for"),
        ("<3.13", "<3.14", "requires-python is <3.14,>=3.11 there and <3.13,>=3.11 here"),
        ("numpy>=1.20,<2\"", "numpy>=1.20\"", "numpy>=1.20 in the group `comfy-pack` is not locked; numpy<2,>=1.20 in"),
        (", \"six==1.16.0\"", "", "six==1.16.0 in override-dependencies is locked and not asked for"),
        ("torch==2.9.0", "torch==2.9.1", "torch==2.9.1 in constraint-dependencies is not locked; torch==2.9.0 in"),
        (", {include-group = \"base\"}", "", "rich in the group `comfy-pack` is locked and not asked for"),
    ] {
        assert!(MANIFEST.contains(from), "{from}");
        let found = disagreements(&MANIFEST.replace(from, to), LOCK).unwrap();
        let found = found.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        assert!(found.starts_with(expected) || found == expected, "{found}");
    }
}

#[test]
fn a_difference_knows_where_it_was_asked_for() {
    let places = |from: &str, to: &str| -> Vec<Place> {
        let found = disagreements(&MANIFEST.replace(from, to), LOCK).unwrap();
        found.into_iter().map(|found| found.place).collect()
    };
    assert_eq!(places("\"PyYAML\", ", ""), [Place::Project]);
    assert_eq!(places("numpy>=1.20,<2", "numpy>=1.20,<2\", \"six"), [Place::Group("comfy-pack".to_owned())]);
    assert_eq!(places("\"torch==2.9.0\"", ""), [Place::Constraints]);
    assert_eq!(places("six==1.16.0", "opencv-python ; python_version < '3'"), [Place::Overrides]);
}

#[test]
fn what_is_no_lock_of_an_environment_is_refused() {
    assert!(disagreements(MANIFEST, "[[").unwrap_err().starts_with("cannot be read"));
    assert!(disagreements(MANIFEST, "version = 1").unwrap_err().contains("not the lock of an environment"));
    assert_eq!(disagreements("[[", LOCK), Ok(Vec::new()));
}

#[test]
fn every_kind_of_origin_is_found() {
    let lock = r#"
version = 1
[[package]]
name = "six"
source = { registry = "https://index.example/simple" }
sdist = { url = "https://files.example/a/six.tar.gz", hash = "sha256:00" }
wheels = [{ url = "https://wheels.example:8443/six.whl", hash = "sha256:00" }]
[[package]]
name = "own"
source = { git = "https://git.example/own?rev=main#0123" }
[[package]]
name = "direct"
source = { url = "https://direct.example/x.whl" }
"#;
    let found: Vec<_> = origins(lock).unwrap().into_iter().collect();
    assert_eq!(
        found,
        [
            "https://direct.example",
            "https://files.example",
            "https://git.example/own",
            "https://index.example/simple",
            "https://wheels.example:8443"
        ]
    );
    assert!(origins("[[").unwrap_err().contains("uv.lock"));
}
