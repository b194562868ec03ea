//! `gc`: what nobody needs goes, and nothing else.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::comfyui::{ComfyUi, OLD};
use crate::support::nodes::NodePack;
use crate::support::running::Running;
use crate::support::{Machine, git, report, tree, write};

/// What can go, by kind.
fn items<'a>(report: &'a Value, kind: &str) -> Vec<&'a str> {
    let items = report["items"].as_array().unwrap().iter().filter(|item| item["kind"] == kind);
    items.map(|item| item["about"].as_str().unwrap()).collect()
}

fn gc(machine: &Machine, flags: &[&str]) -> Value {
    machine.json(&[&["gc"], flags].concat())
}

/// Everything that can go at all, gone.
fn prune(machine: &Machine) -> Value {
    gc(machine, &["--older-than", "0", "--prune"])
}

fn cache(machine: &Machine, part: &str) -> PathBuf {
    machine.workspace().join("comfydock_cache").join(part)
}

fn mirrors(machine: &Machine) -> Vec<String> {
    let entries = std::fs::read_dir(cache(machine, "git")).unwrap().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn names(machine: &Machine, start: &str) -> bool {
    mirrors(machine).iter().any(|name| name.starts_with(start))
}

/// Commits what lies in `.cec`, as somebody does who works with git.
fn commit(machine: &Machine, message: &str) {
    git::git(&machine.environment("studio").join(".cec"), &["commit", "--quiet", "--all", "--message", message]);
}

/// An entry of the store of registry packs.
fn keep_pack(machine: &Machine, id: &str, version: &str) -> PathBuf {
    let folder = cache(machine, "custom_nodes/store").join(format!("{id}@{version}-{}", "a".repeat(16)));
    let metadata = serde_json::json!({
        "schema": 1, "registry_id": id, "version": version, "sha256": "a".repeat(64), "zip_size": 1,
        "fetched_at": "2025-10-01T12:00:00Z", "files": [],
    });
    write(&folder.join("content/__init__.py"), "");
    write(&folder.join("metadata.json"), metadata.to_string());
    folder
}

#[test]
fn what_any_version_names_is_kept() {
    let (machine, comfyui, pack) = (Machine::new(), ComfyUi::new(), NodePack::new());
    machine.create(&comfyui);
    machine.ok(&["node", "add", &pack.url()]);
    // Young things stay, whoever needs them.
    machine.ok(&["gc"]).says("nothing to remove");
    // A version that names a pack of the registry, and one that names neither.
    let manifest = machine.environment("studio").join(".cec/pyproject.toml");
    let with_pack = std::fs::read_to_string(&manifest).unwrap();
    let registry = "\n[tool.comfydock.nodes.named]\nname = \"named\"\nsource = \"registry\"\nregistry_id = \"Named\"\nversion = \"1.2.0\"\n";
    write(&manifest, format!("{with_pack}{registry}"));
    commit(&machine, "With packs");
    let before = git::git(&machine.environment("studio").join(".cec"), &["show", "HEAD~1:pyproject.toml"]);
    write(&manifest, format!("{before}\n"));
    commit(&machine, "Without");
    let (named, unnamed) = (keep_pack(&machine, "named", "1.2.0"), keep_pack(&machine, "named", "1.3.0"));

    let report = prune(&machine);
    assert_eq!(items(&report, "pack"), ["node pack named 1.3.0, which no environment names"]);
    assert!(items(&report, "mirror").is_empty(), "{report}");
    assert!(named.exists() && !unnamed.exists());
    assert!(names(&machine, NodePack::NAME) && mirrors(&machine).len() == 2, "{:?}", mirrors(&machine));
    let mirror = mirrors(&machine).into_iter().find(|name| name.starts_with(NodePack::NAME)).unwrap();
    git::git(&cache(&machine, "git").join(mirror), &["cat-file", "-e", &pack.commit]);
    assert!(std::fs::read_dir(cache(&machine, "resolutions")).unwrap().next().is_none());
    report::start(&machine, "studio");
    machine.ok(&["gc", "--older-than", "0"]).says("nothing to remove");
}

#[test]
fn a_history_that_cannot_be_read_keeps_the_caches() {
    let (machine, comfyui) = (Machine::new(), ComfyUi::new());
    machine.create(&comfyui);
    let kept = keep_pack(&machine, "unnamed", "1.0.0");
    let cec = machine.environment("studio").join(".cec");
    let head = git::git(&cec, &["rev-parse", "HEAD"]);
    let object = cec.join(".git/objects").join(&head[..2]).join(&head[2..]);
    let aside = machine.root().join("object");
    std::fs::rename(&object, &aside).unwrap();
    let report = prune(&machine);
    assert!(report["kept"][0].as_str().unwrap().contains("environments/studio"), "{report}");
    assert!(kept.exists() && items(&report, "pack").is_empty());
    std::fs::rename(&aside, &object).unwrap();
    assert_eq!(items(&prune(&machine), "pack").len(), 1);
}

#[test]
fn trash_goes_when_it_is_old_and_then_what_it_named() {
    let (machine, comfyui, pack) = (Machine::new(), ComfyUi::new(), NodePack::new());
    machine.create(&comfyui);
    machine.ok(&["create", "other", "--comfyui-url", comfyui.url(), "--comfyui-version", OLD]);
    machine.ok(&["--env", "other", "node", "add", &pack.url()]);
    machine.ok(&["delete", "other", "--force"]);
    machine.ok(&["gc"]).says("nothing to remove");
    // Ten years pass, for the trash: its name says when it was put there.
    let trash = machine.workspace().join(".metadata/trash");
    let id = std::fs::read_dir(&trash).unwrap().flatten().next().unwrap().path();
    std::fs::rename(&id, trash.join("01arz3ndektsv4rrffq69g5fav")).unwrap();
    let before = tree::of_machine(machine.root());
    let shown = machine.ok(&["gc"]).line(&["trash", "deleted: other"]).says("nothing was removed; --prune does it");
    tree::assert_same(&before, &tree::of_machine(machine.root()), "a look removes nothing");
    assert!(!shown.text().contains("mirror"));
    // As long as it may come back, what it needs stays.
    assert!(items(&gc(&machine, &["--older-than", "0"]), "mirror").is_empty());
    let report = gc(&machine, &["--prune"]);
    assert!(report["pruned"] == true && report["bytes"].as_u64().unwrap() > 10_000, "{report}");
    assert_eq!(std::fs::read_dir(&trash).unwrap().count(), 0);
    assert!(names(&machine, NodePack::NAME));
    assert_eq!(items(&prune(&machine), "mirror"), ["mirror of a repository that no environment names: comfyui-six"]);
    assert!(!names(&machine, NodePack::NAME));
    report::start(&machine, "studio");
}

#[test]
fn old_packages_go_and_those_in_force_stay() {
    let (machine, comfyui, pack) = (Machine::new(), ComfyUi::new(), NodePack::new());
    machine.create(&comfyui);
    machine.ok(&["node", "add", &pack.url()]);
    let venvs = machine.environment("studio").join(".comfydock/venvs");
    assert_eq!(std::fs::read_dir(&venvs).unwrap().count(), 2);
    let running = Running::start(&machine);
    let report = prune(&machine);
    assert_eq!(items(&report, "packages").len(), 1);
    assert!(report["kept"][0].as_str().unwrap().contains("is running"), "{report}");
    assert_eq!(std::fs::read_dir(&venvs).unwrap().count(), 2);
    drop(running);
    assert_eq!(items(&prune(&machine), "packages"), ["Python packages of studio that are not in force"]);
    assert_eq!(std::fs::read_dir(&venvs).unwrap().count(), 1);
    assert_eq!(report::start(&machine, "studio").nodes(), [NodePack::NAME]);
    // When nobody can tell which are in force, all are.
    std::fs::create_dir(venvs.join("another")).unwrap();
    write(&machine.environment("studio").join(".comfydock/current.json"), "{");
    assert!(items(&prune(&machine), "packages").is_empty());
    assert_eq!(std::fs::read_dir(&venvs).unwrap().count(), 2);
}

#[test]
fn what_is_being_made_is_left_alone() {
    let (machine, comfyui) = (Machine::new(), ComfyUi::new());
    machine.create(&comfyui);
    let unnamed = cache(&machine, "git").join("unnamed-0123456789abcdef.git");
    write(&unnamed.join("HEAD"), "ref: refs/heads/main\n");
    let left = cache(&machine, "custom_nodes/store/.part-x@1.0.0");
    write(&left.join("content/x.py"), "");
    let lock = machine.workspace().join(".metadata/txn/01arz3ndektsv4rrffq69g5fav.lock");
    let lock_file = std::fs::File::create(&lock).unwrap();
    lock_file.lock().unwrap();
    let report = prune(&machine);
    assert!(unnamed.exists() && left.exists(), "{report}");
    assert_eq!(report["kept"].as_array().unwrap().len(), 2, "{report}");
    // Unlocked, not only closed: a program that another test starts may hold a copy for a moment.
    lock_file.unlock().unwrap();
    machine.ok(&["gc", "--older-than", "0", "--prune", "--uv"]).says("removed");
    assert!(!unnamed.exists() && !left.exists());
    machine.run(&["gc", "--uv"]).code(2).says("--prune");
}

/// Writes a file of so many bytes that are really there.
fn fill(path: &Path, bytes: u64) {
    write(path, "");
    let file = std::fs::File::options().write(true).open(path).unwrap();
    rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, bytes).unwrap();
}

#[test]
fn much_trash_is_told_by_doctor() {
    let (machine, comfyui) = (Machine::new(), ComfyUi::new());
    machine.create(&comfyui);
    machine.ok(&["doctor"]).never_says("trash");
    fill(&machine.environment("studio").join(".comfydock/trash/01arz3ndektsv4rrffq69g5fav/0/movie.mp4"), 1 << 30);
    machine.ok(&["doctor"]).says("trash and packages that are not in force take 10").says("movie.mp4");
    machine.ok(&["gc"]).line(&["trash", "1.1 GB", "movie.mp4"]);
}
