//! What lies beside installed packages.

use super::installed::{Files, locked, once, package};
use super::*;

fn text(package: &Package) -> String {
    let from = match &package.origin {
        PackageOrigin::Index => String::new(),
        PackageOrigin::Url(url) => format!(" from {url}"),
        PackageOrigin::Editable(folder) => format!(" worked on in {folder}"),
    };
    let by = package.installer.as_deref().map(|by| format!(" by {by}")).unwrap_or_default();
    format!("{} {}{from}{by}", package.name, package.version.as_deref().unwrap_or("-"))
}

#[test]
fn dist_info_tells_name_version_and_origin() {
    let table: &[(&str, &str, &str, &str, Option<&str>)] = &[
        (
            "PyYAML-6.0.2.dist-info",
            "Metadata-Version: 2.1\nName: PyYAML\nVersion: 6.0.2\n\nVersion: 9\n",
            "",
            "pip\n",
            Some("pyyaml 6.0.2 by pip"),
        ),
        ("typing_extensions-4.1.dist-info", "", "", "", Some("typing-extensions 4.1")),
        (
            "torch-2.9.0+cu128.dist-info",
            "Name: torch\nVersion: 2.9.0+cu128\n",
            "",
            "uv",
            Some("torch 2.9.0+cu128 by uv"),
        ),
        ("old-1.0-py3.8.egg-info", "", "", "", Some("old 1.0")),
        ("old.egg-info", "Name: Old\nVersion: 2\n", "", "", Some("old 2")),
        (
            "ed-1.dist-info",
            "Name: ed\nVersion: 1\n",
            r#"{"url": "file:///home/me/ed", "dir_info": {"editable": true}}"#,
            "",
            Some("ed 1 worked on in file:///home/me/ed"),
        ),
        (
            "vcs-1.dist-info",
            "Name: vcs\nVersion: 1\n",
            r#"{"url": "https://h/u/vcs", "vcs_info": {"vcs": "git", "commit_id": "0123"}}"#,
            "",
            Some("vcs 1 from git+https://h/u/vcs@0123"),
        ),
        (
            "zip-1.dist-info",
            "Name: zip\nVersion: 1\n",
            r#"{"url": "https://h/zip.whl", "archive_info": {}}"#,
            "",
            Some("zip 1 from https://h/zip.whl"),
        ),
        ("bad-1.dist-info", "Name: bad\nVersion: 1\n", "no json", "", Some("bad 1")),
        ("torch", "", "", "", None),
        ("__pycache__", "", "", "", None),
    ];
    for (folder, metadata, direct_url, installer, expected) in table {
        let some = |text: &&'static str| (!text.is_empty()).then_some(text.as_bytes());
        let files = Files { metadata: some(metadata), direct_url: some(direct_url), installer: some(installer) };
        assert_eq!(package(folder, files).as_ref().map(text).as_deref(), *expected, "{folder}");
    }
}

#[test]
fn a_package_in_two_versions_is_broken() {
    let one = |name: &str, version: &str| Package {
        name: name.to_owned(),
        version: Some(version.to_owned()),
        origin: PackageOrigin::Index,
        installer: None,
    };
    let (found, left) = once(vec![one("b", "1"), one("a", "1"), one("b", "2"), one("a", "1")]);
    assert_eq!(found.iter().map(text).collect::<Vec<_>>(), ["a 1"]);
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].reason, "it is installed in several versions: 1, 2");
}

#[test]
fn a_lock_tells_what_was_to_be_installed() {
    let lock = r#"
version = 1
[[package]]
name = "env"
version = "0"
source = { virtual = "." }
[[package]]
name = "idna"
version = "3.7"
source = { registry = "https://index.example/simple" }
[[package]]
name = "own"
version = "1"
source = { editable = "../own" }
[[package]]
name = "vcs"
version = "1"
source = { git = "https://h/u/vcs#0123" }
"#;
    let found: Vec<String> = locked(lock).iter().map(text).collect();
    assert_eq!(found, ["idna 3.7", "own 1 worked on in ../own", "vcs 1 from https://h/u/vcs#0123"]);
    assert_eq!(locked("no [toml"), []);
}
