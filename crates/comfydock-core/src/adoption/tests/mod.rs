//! Tables of what is read.

use super::*;
use crate::digest::CommitId;

mod dist_info;
mod manifests;
mod snapshots;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const OTHER: &str = "89abcdef0123456789abcdef0123456789abcdef";

/// A pack in one line: name, where from, at what, and whether it is disabled.
fn line(pack: &Pack) -> String {
    let from = match &pack.origin {
        Origin::Git(clone) => format!(
            "git {} {}",
            clone.url.as_deref().unwrap_or("-"),
            clone.commit.as_ref().map_or("-", |commit| commit.short(4))
        ),
        Origin::Registry(release) => format!("registry {} {}", release.id, release.version.as_deref().unwrap_or("-")),
        Origin::Folder(_) => "folder".to_owned(),
    };
    format!("{}: {from}{}", pack.name, if pack.disabled { " disabled" } else { "" })
}

fn lines(found: &Found) -> Vec<String> {
    let mut lines: Vec<String> = found.packs.iter().map(line).collect();
    lines.sort();
    lines
}

fn left(found: &Found) -> String {
    found.left.iter().map(|left| format!("{}: {}\n", left.what, left.reason)).collect()
}

#[test]
fn a_folder_is_named_by_the_last_part_of_its_url() {
    for (url, folder) in [
        ("https://github.com/a/Pack", Some("Pack")),
        ("https://github.com/a/Pack.git", Some("Pack")),
        ("https://github.com/a/Pack.git/", Some("Pack")),
        ("git@github.com:a/Pack.git", Some("Pack")),
        ("git@host:Pack", Some("Pack")),
        ("/srv/git/Pack.git", Some("Pack")),
        ("https://x/a/Pack?tab=readme", Some("Pack")),
        ("", None),
        ("/", None),
    ] {
        assert_eq!(found::folder_of(url), folder, "{url}");
    }
}

#[test]
fn names_in_custom_nodes_tell_packs_and_whether_they_are_disabled() {
    for (name, inside, pack, disabled) in [
        ("Pack", false, "Pack", false),
        ("Pack.disabled", false, "Pack", true),
        ("Pack.1.disabled", false, "Pack", true),
        ("Pack.v2.disabled", false, "Pack.v2", true),
        // ComfyUI loads what does not end in `.disabled`.
        ("Pack.disabled2", false, "Pack.disabled2", false),
        ("pack@1_2_3", true, "pack", true),
        ("pack@nightly", true, "pack", true),
        ("pack", true, "pack", true),
    ] {
        assert_eq!(marks::pack_name(name, inside), (pack.to_owned(), disabled), "{name}");
    }
    assert_eq!(marks::disabled_version("pack@1_2_3").as_deref(), Some("1.2.3"));
    assert_eq!(marks::disabled_version("pack@nightly"), None);
}

#[test]
fn versions_of_the_registry_are_three_numbers() {
    for (text, version) in [
        ("1.2.3", Some("1.2.3")),
        ("2.5", Some("2.5.0")),
        ("v2", Some("2.0.0")),
        ("1.0.2608210019", Some("1.0.2608210019")),
        ("nightly", None),
        ("unknown", None),
        ("1.2.3.4", None),
        ("1.2.x", None),
        ("", None),
        (COMMIT, None),
    ] {
        assert_eq!(marks::release_version(text).as_deref(), version, "{text}");
    }
}

#[test]
fn comfyui_says_its_version_in_a_file_that_is_not_run() {
    for (text, version) in [
        ("__version__ = \"0.3.64\"\n", Some("0.3.64")),
        ("# c\n\n__version__='0.3.64'", Some("0.3.64")),
        ("__version__ = compute()\n", None),
        ("__version__ = \"\"\n", None),
        ("version = \"1\"\n", None),
    ] {
        assert_eq!(marks::comfyui_version(text).as_deref(), version, "{text}");
    }
    assert_eq!(marks::project_version("[project]\nversion = \"0.3.1\"\n").as_deref(), Some("0.3.1"));
    assert_eq!(marks::project_version("[project]\n"), None);
}

#[test]
fn what_the_registry_gave_says_what_it_is() {
    let text = "\u{feff}[project]\nname = \" ComfyUI-KJNodes \"\nversion = \"1.1\"\n";
    assert_eq!(marks::registry_pack(text), Some(("comfyui-kjnodes".to_owned(), Some("1.1.0".to_owned()))));
    assert_eq!(marks::registry_pack("[project]\nname = \"x\"\n"), Some(("x".to_owned(), None)));
    for text in ["", "[tool.comfy]\n", "[project]\nversion = \"1\"\n", "no toml ["] {
        assert_eq!(marks::registry_pack(text), None, "{text}");
    }
    let tracked = marks::tracked("__init__.py\r\nweb\\a.js\n\nweb/\n");
    assert_eq!(tracked.into_iter().collect::<Vec<_>>(), ["__init__.py", "web/a.js"]);
}

#[test]
fn a_file_that_asks_where_it_lies_must_not_move() {
    assert!(marks::knows_its_place("here = os.path.dirname(__file__)"));
    assert!(marks::knows_its_place("WEB_DIRECTORY = './web'"));
    assert!(!marks::knows_its_place("import math\nNODE_CLASS_MAPPINGS = {}\n"));
}

#[test]
fn the_version_of_python_is_read_from_names_and_texts() {
    for (text, version) in [
        ("3.11.7", Some("3.11")),
        ("3.12", Some("3.12")),
        ("Python 3.10.2", Some("3.10")),
        ("==3.13.*", Some("3.13")),
        ("3.11.7.final.0", Some("3.11")),
        ("3.13t", Some("3.13")),
        ("2.7", None),
        ("3", None),
        ("", None),
    ] {
        assert_eq!(python::minor(text).as_deref(), version, "{text}");
    }
    assert_eq!(python::of_venv("home = /usr/bin\nversion = 3.11.7\n").as_deref(), Some("3.11"));
    assert_eq!(python::of_venv("version_info = 3.12.1.final.0\nversion = 3.12.1\n").as_deref(), Some("3.12"));
    assert_eq!(python::of_venv("home = /usr\n"), None);
    assert_eq!(python::of_library_folder("python3.11").as_deref(), Some("3.11"));
    assert_eq!(python::of_library_folder("site-packages"), None);
    assert_eq!(python::of_embedded(["python.exe", "python3.dll", "python312._pth"]).as_deref(), Some("3.12"));
    assert_eq!(python::of_embedded(["python.exe", "python3.dll"]), None);
}

#[test]
fn a_snapshot_is_a_second_opinion() {
    let git = |name: &str, url: &str, commit: &str, disabled| {
        let clone = GitClone { url: Some(url.to_owned()), commit: CommitId::parse(commit).ok(), ..GitClone::default() };
        Pack::told(name, Origin::Git(clone), disabled)
    };
    let registry = |name: &str, id: &str, version: &str| {
        let release = Release { id: id.to_owned(), version: Some(version.to_owned()), ..Release::default() };
        Pack::told(name, Origin::Registry(release), false)
    };
    let found = |packs, commit: &str| {
        let comfyui = ComfyUi { commit: CommitId::parse(commit).ok(), ..ComfyUi::default() };
        Found { comfyui, packs, ..Found::default() }
    };
    let disk = found(
        vec![
            git("same", "https://h/u/same", COMMIT, false),
            git("renamed", "git@h:u/Other.git", COMMIT, false),
            git("moved", "https://h/u/moved", COMMIT, false),
            git("off", "https://h/u/off", COMMIT, true),
            registry("Kj", "kj-nodes", "1.2.0"),
            git("new", "https://h/u/new", COMMIT, false),
            Pack::told("mine", Origin::Folder(None), false),
        ],
        COMMIT,
    );
    let snapshot = found(
        vec![
            git("same", "https://h/u/same", COMMIT, false),
            git("Other", "https://h/u/Other", COMMIT, false),
            git("moved", "https://h/u/moved", OTHER, false),
            git("off", "https://h/u/off", COMMIT, false),
            registry("kj-nodes", "KJ-nodes", "1.1.0"),
            git("gone", "https://h/u/gone", COMMIT, false),
        ],
        OTHER,
    );
    let lines: Vec<String> = opinion::differences(&disk, &snapshot)
        .into_iter()
        .map(|left| format!("{}: {}", left.what, left.reason))
        .collect();
    assert_eq!(
        lines,
        [
            "ComfyUI: the snapshot has 89abcdef0123, the disk 0123456789ab",
            "node pack `moved`: the snapshot has 89abcdef0123, the disk 0123456789ab",
            "node pack `off`: the snapshot has it enabled, on disk it is disabled",
            "node pack `kj-nodes`: the snapshot has 1.1.0, the disk 1.2.0",
            "node pack `gone`: the snapshot has it, the disk does not",
            "node pack `new`: the snapshot does not have it",
        ]
    );
    assert_eq!(opinion::differences(&disk, &disk), []);
}
