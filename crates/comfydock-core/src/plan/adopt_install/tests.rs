//! What is taken over, and how, in tables.

use super::*;
use crate::adoption::{ComfyUi, GitClone, Package, PackageOrigin, Release};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

fn wish() -> Wish {
    Wish {
        comfyui_url: "https://h/ComfyUI".to_owned(),
        url_is_chosen: false,
        comfyui_version: None,
        python: None,
        usual_python: "3.11".to_owned(),
    }
}

fn commit() -> Option<CommitId> {
    CommitId::parse(COMMIT).ok()
}

/// A clean clone that is published.
fn clone() -> GitClone {
    GitClone {
        url: Some("https://h/u/r".to_owned()),
        commit: commit(),
        branch: Some("main".to_owned()),
        published: Some(true),
        ..GitClone::default()
    }
}

fn pack(name: &str, origin: Origin) -> Pack {
    Pack { name: name.to_owned(), disabled: false, origin, place: Some(format!("/c/{name}")), link: None }
}

fn planned(packs: Vec<Pack>) -> (Vec<String>, String) {
    let comfyui = ComfyUi { commit: commit(), version: Some("0.3.64".to_owned()), ..ComfyUi::default() };
    let found = Found { comfyui, python: Some("3.11".to_owned()), packs, ..Found::default() };
    let plan = plan(&found, &wish());
    let line = |step: &PackStep| {
        let how = match &step.how {
            How::Git { url, commit, published, .. } => {
                format!("git {url} {} {published}", commit.as_ref().map_or("newest", |commit| commit.short(4)))
            }
            How::Registry { id, version } => format!("registry {id}@{version}"),
            How::Copy { reason, .. } => format!("copy, {reason}"),
        };
        let keep = if step.keep.is_empty() { String::new() } else { format!(" with {}", step.keep.join(" ")) };
        format!("{}: {how}{keep}", step.name)
    };
    let left = plan.left.iter().map(|left| format!("{}: {}\n", left.what, left.reason)).collect();
    (plan.packs.iter().map(line).collect(), left)
}

#[test]
fn each_sort_of_pack_has_its_way() {
    let changed = |change: fn(&mut GitClone)| {
        let mut clone = clone();
        change(&mut clone);
        Origin::Git(clone)
    };
    let release = |change: fn(&mut Release)| {
        let mut release = Release { id: "kj".to_owned(), version: Some("1.1.4".to_owned()), ..Release::default() };
        change(&mut release);
        Origin::Registry(release)
    };
    let table: Vec<(Origin, &str)> = vec![
        (changed(|_| ()), "git https://h/u/r 0123 true"),
        (changed(|clone| clone.untracked = vec!["ckpt".to_owned()]), "git https://h/u/r 0123 true with ckpt"),
        (changed(|clone| clone.published = None), "git https://h/u/r 0123 false"),
        (changed(|clone| clone.published = Some(false)), "copy, its commit was never pushed"),
        (changed(|clone| clone.modified = vec!["a.py".to_owned()]), "copy, its files were changed: a.py"),
        (changed(|clone| clone.url = None), "copy, its repository has no remote"),
        (changed(|clone| clone.commit = None), "copy, its repository has no commit"),
        (
            changed(|clone| clone.url = Some("ext::sh -c x".to_owned())),
            "copy, the address of its remote cannot be used: ",
        ),
        (
            changed(|clone| clone.url = Some("--upload-pack=x".to_owned())),
            "copy, the address of its remote cannot be used: ",
        ),
        (release(|_| ()), "registry kj@1.1.4"),
        (release(|release| release.added = vec!["cfg.json".to_owned()]), "registry kj@1.1.4 with cfg.json"),
        (release(|release| release.missing = vec!["a.py".to_owned()]), "copy, files of it are gone: a.py"),
        (release(|release| release.version = None), "copy, its version is no released one"),
        (Origin::Folder(None), "copy, nothing says where it comes from"),
        (Origin::Folder(Some("git cannot read it".to_owned())), "copy, git cannot read it"),
    ];
    for (origin, expected) in table {
        let (packs, left) = planned(vec![pack("p", origin)]);
        if expected.ends_with(": ") {
            assert!(packs[0].starts_with(&format!("p: {expected}")), "{packs:?}");
        } else {
            assert_eq!(packs, [format!("p: {expected}")]);
        }
        assert_eq!(left, "");
    }
}

#[test]
fn what_only_a_file_tells_of_cannot_be_copied() {
    let told = |origin| Pack { place: None, ..pack("p", origin) };
    let (packs, left) = planned(vec![told(Origin::Folder(None))]);
    assert_eq!((packs.as_slice(), left.as_str()), (&[][..], "node pack `p`: nothing says where it comes from\n"));
    let (packs, left) = planned(vec![told(Origin::Git(GitClone { commit: None, published: None, ..clone() }))]);
    assert_eq!(packs, ["p: git https://h/u/r newest false"]);
    assert_eq!(left, "the commit of node pack `p`: nothing says it; the newest is taken\n");
}

#[test]
fn what_stays_behind_is_named_with_the_command_that_brings_it() {
    let disabled = |name: &str, origin| Pack { disabled: true, ..pack(name, origin) };
    let release = Release { id: "kj".to_owned(), version: Some("1.1.4".to_owned()), ..Release::default() };
    let (packs, left) = planned(vec![
        disabled("a", Origin::Git(clone())),
        disabled("b", Origin::Registry(release)),
        disabled("c", Origin::Folder(None)),
        pack("Same-Name", Origin::Git(clone())),
        pack("same_name", Origin::Git(clone())),
        pack("two words", Origin::Git(GitClone { other_work: true, ..clone() })),
        pack("..", Origin::Folder(None)),
    ]);
    assert_eq!(packs, ["Same-Name: git https://h/u/r 0123 true", "two-words: git https://h/u/r 0123 true"]);
    assert_eq!(
        left,
        format!(
            "branches or stashes of node pack `two words`: they are on no remote and stay in the old folder\n\
             node pack `..`: its folder's name cannot be had on every system\n\
             node pack `a`: it is disabled; `comfydock node add https://h/u/r@{COMMIT}` brings it\n\
             node pack `b`: it is disabled; `comfydock node add kj@1.1.4` brings it\n\
             node pack `c`: it is disabled\n\
             node pack `same_name`: `Same-Name` is there under another spelling of the same name\n\
             node pack `two words`: it is called `two-words` in the environment; ComfyUI knows it by that name\n"
        )
    );
}

#[test]
fn a_single_file_becomes_a_pack_unless_it_must_not_move() {
    let file = |name: &str, knows_its_place, disabled| SingleFile {
        name: name.to_owned(),
        disabled,
        place: Some(format!("/c/{name}")),
        knows_its_place,
    };
    let found = Found {
        packs: vec![pack("taken", Origin::Folder(None))],
        files: vec![
            file("nodes_x.py", false, false),
            file("here.py", true, false),
            file("taken.py", false, false),
            file("off.py", false, true),
            SingleFile { place: None, ..file("told.py", false, false) },
        ],
        ..Found::default()
    };
    let plan = plan(&found, &wish());
    let lines: Vec<String> = plan
        .files
        .iter()
        .map(|step| match step {
            FileStep::Wrap { name, place } => format!("wrap {place} as {name}"),
            FileStep::Copy { name, place } => format!("copy {place} to {name}"),
        })
        .collect();
    assert_eq!(lines, ["wrap /c/nodes_x.py as nodes_x", "copy /c/here.py to here.py", "copy /c/taken.py to taken.py"]);
    let names: Vec<&str> = plan.left.iter().map(|left| left.what.as_str()).collect();
    for name in ["here.py", "taken.py", "off.py", "told.py"] {
        assert!(names.contains(&format!("custom_nodes/{name}").as_str()), "{name}: {names:?}");
    }
}

#[test]
fn comfyui_and_python_are_what_was_there_unless_the_user_chose() {
    let found = |commit: Option<CommitId>, version: Option<&str>, url: Option<&str>| Found {
        comfyui: ComfyUi {
            commit,
            version: version.map(str::to_owned),
            url: url.map(str::to_owned),
            ..ComfyUi::default()
        },
        python: Some("3.12".to_owned()),
        ..Found::default()
    };
    let at = |found: &Found, wish: &Wish| {
        let plan = plan(found, wish);
        (plan.comfyui.url, plan.comfyui.at, plan.python)
    };
    let both = found(commit(), Some("0.3.64"), Some("https://h/fork"));
    let installed = At::Commit { commit: commit().unwrap(), version: Some("0.3.64".to_owned()) };
    assert_eq!(at(&both, &wish()), ("https://h/fork".to_owned(), installed, "3.12".to_owned()));
    let chosen = Wish {
        url_is_chosen: true,
        comfyui_version: Some("v0.3.70".to_owned()),
        python: Some("3.13".to_owned()),
        ..wish()
    };
    assert_eq!(
        at(&both, &chosen),
        ("https://h/ComfyUI".to_owned(), At::Chosen("v0.3.70".to_owned()), "3.13".to_owned())
    );
    assert_eq!(at(&found(None, Some("0.3.64"), None), &wish()).1, At::Release("0.3.64".to_owned()));
    let nothing = Found::default();
    assert_eq!(at(&nothing, &wish()), ("https://h/ComfyUI".to_owned(), At::Newest, "3.11".to_owned()));
    let left: Vec<String> = plan(&nothing, &wish()).left.into_iter().map(|left| left.what).collect();
    assert_eq!(left, ["ComfyUI's version", "the version of Python"]);
}

#[test]
fn a_version_is_found_among_tags() {
    let tags = ["v0.3.6", "v0.3.64", "0.2.1", "nightly"];
    assert_eq!(tag_for("0.3.64", tags), Some("v0.3.64"));
    assert_eq!(tag_for("v0.3.64", tags), Some("v0.3.64"));
    assert_eq!(tag_for("0.2.1", tags), Some("0.2.1"));
    assert_eq!(tag_for("0.3", tags), None);
}

fn installed(name: &str, version: &str) -> Package {
    Package { name: name.to_owned(), version: Some(version.to_owned()), origin: PackageOrigin::Index, installer: None }
}

#[test]
fn constraints_are_the_installed_versions_of_what_an_index_has() {
    let mut left = Vec::new();
    let url = Package { origin: PackageOrigin::Url("https://h/x.whl".to_owned()), ..installed("from-url", "1") };
    let editable = Package { origin: PackageOrigin::Editable("/home/me/e".to_owned()), ..installed("edited", "1") };
    let packages = [
        installed("torch", "2.9.0+cu128"),
        installed("idna", "3.7"),
        installed("odd", "1.0 ; evil"),
        installed("epoch", "1!2.0rc1"),
        Package { version: None, ..installed("none", "") },
        url,
        editable,
    ];
    let constraints = Constraints::of(&packages, &mut left);
    assert_eq!(constraints.requirements(), ["epoch==1!2.0rc1", "idna==3.7", "torch==2.9.0"]);
    let reasons: Vec<&str> = left.iter().map(|left| left.reason.as_str()).collect();
    assert_eq!(
        reasons,
        ["it was installed from https://h/x.whl", "it was installed from a folder that is worked on: /home/me/e"]
    );
}

#[test]
fn constraints_are_given_up_step_by_step() {
    let packages =
        ["torch", "xformers", "idna", "six", "numpy", "huggingface-hub"].map(|name| installed(name, "1.0")).to_vec();
    let mut constraints = Constraints::of(&packages, &mut Vec::new());
    let said = "error: No solution found when resolving dependencies\n  cause: Because env:node-a depends on Huggingface_Hub>=2 and your project depends on six==1.0";
    let given_up = |constraints: &Constraints| -> Vec<String> {
        constraints.given_up().iter().map(|one| one.name.clone()).collect()
    };
    assert!(!constraints.relax("error: Failed to fetch: `http://six`"), "the network is no matter of versions");
    assert!(constraints.relax(said));
    assert_eq!(given_up(&constraints), ["huggingface-hub", "six"]);
    // Nothing of what uv names is held to any more: it is about something else.
    assert!(!constraints.relax(said));
    // One of torch's family is named, so all of it goes.
    assert!(constraints.relax("No solution found: Because your project depends on torch==1.0"));
    assert_eq!(given_up(&constraints)[2..], ["torch", "xformers"]);
    assert_eq!(constraints.requirements(), ["idna==1.0", "numpy==1.0"]);
    assert!(constraints.relax_all());
    assert!(constraints.is_empty() && !constraints.relax_all());
}

#[test]
fn naming_has_an_end() {
    let packages: Vec<Package> = (0..40).map(|number| installed(&format!("p{number}"), "1")).collect();
    let mut constraints = Constraints::of(&packages, &mut Vec::new());
    let mut tries = 0;
    while constraints.relax(&format!("No solution found: p{tries}==1")) {
        tries += 1;
    }
    assert!(constraints.is_empty());
    assert!(tries < 12, "{tries}");
}
