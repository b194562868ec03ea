//! Node packs on another file system than the rest of the environment: a mount, or a link to one.

use std::path::Path;

use crate::support::nodes::{NodePack, Workbench};
use crate::support::tmpfs::Tmpfs;
use crate::support::{git, report, skip, tree, write};

const MIB: usize = 1024 * 1024;

/// Packs come, are updated, go and come back, and the user's files are where they were or in the trash.
fn walk(bench: &Workbench) {
    let a = &bench.a;
    let pack = NodePack::new();
    bench.publish("alpha", "1.0.0", "Alpha", "six==1.16.0\n");
    a.ok(&["node", "add", "alpha", &pack.url()]);
    a.ok(&["commit", "-m", "Packs", "--yes"]).says("v2");
    assert_eq!(report::start(a, "studio").nodes(), ["alpha", NodePack::NAME]);
    a.ok(&["status"]).never_says("untracked");

    // The user has files there, and the next release has one of the same name.
    write(&bench.folder("alpha/presets/own.json"), "own");
    write(&bench.folder("alpha/presets/first.json"), "mine");
    write(&bench.folder(NodePack::NAME).join("own.txt"), "own");
    let files: [(&str, &[u8]); 3] = [
        ("__init__.py", b"NODE_CLASS_MAPPINGS = {}\n"),
        ("requirements.txt", b"six==1.17.0\n"),
        ("presets/first.json", b"theirs"),
    ];
    bench.registry.publish_files("alpha", "1.1.0", &files);
    write(&pack.path().join("more.py"), "# more\n");
    git::commit(&pack.path(), "More", "2025-10-02T12:00:00Z");
    a.ok(&["node", "update"]).line(&["updated", "alpha", "1.1.0"]).line(&["updated", NodePack::NAME]);
    let read = |path: &str| std::fs::read_to_string(bench.folder(path)).unwrap();
    assert_eq!((read("alpha/presets/own.json").as_str(), read("alpha/presets/first.json").as_str()), ("own", "theirs"));
    assert_eq!(read(&format!("{}/own.txt", NodePack::NAME)), "own");
    let kept = tree::files_with(&bench.folder(".comfydock-trash.disabled"), "mine");
    assert_eq!(kept.len(), 1, "what made room is in the trash beside the packs");
    a.ok(&["commit", "-m", "Newer", "--yes"]).says("v3");
    assert_eq!(report::start(a, "studio").nodes(), ["alpha", NodePack::NAME]);

    a.ok(&["node", "remove", "alpha"]).line(&["removed", "alpha"]);
    assert_eq!(report::start(a, "studio").nodes(), [NodePack::NAME]);
    a.ok(&["--offline", "rollback", "v2", "--yes"]);
    assert_eq!(bench.package("six").as_deref(), Some("1.16.0"));
    assert!(!bench.folder(NodePack::NAME).join("more.py").exists());
    assert_eq!(report::start(a, "studio").nodes(), ["alpha", NodePack::NAME]);
    a.ok(&["status"]).never_says("untracked");
    let left: Vec<String> = std::fs::read_dir(bench.folder(""))
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|name| name.starts_with(".comfydock-") && name != ".comfydock-trash.disabled")
        .collect();
    assert!(left.is_empty(), "stages are swept: {left:?}");
    emptied(bench, &bench.folder(".comfydock-trash.disabled"));
}

/// Holds that `gc` tells of the trash there, and empties it.
fn emptied(bench: &Workbench, trash: &Path) {
    let a = &bench.a;
    assert!(std::fs::read_dir(trash).unwrap().next().is_some(), "{} is empty", trash.display());
    a.ok(&["gc", "--older-than", "0"]).says(trash.to_str().unwrap());
    a.ok(&["gc", "--older-than", "0", "--prune"]);
    assert_eq!(std::fs::read_dir(trash).unwrap().count(), 0);
}

/// Takes back a workflow that nobody committed, so that it is kept.
fn take_back(bench: &Workbench, name: &str) {
    write(&bench.a.workflow("studio", name), "{\"nodes\": [], \"links\": [], \"version\": 0.4}");
    bench.a.ok(&["rollback", "--yes"]);
    assert!(!bench.a.workflow("studio", name).exists());
}

#[test]
fn trash_of_a_users_folder_that_is_mounted_is_emptied() {
    let bench = Workbench::new();
    let user = bench.a.environment("studio").join("ComfyUI/user");
    std::fs::create_dir_all(&user).unwrap();
    let Some(_disk) = Tmpfs::mount_at(&user, 16 * MIB) else { return skip("mounting is not allowed here") };
    take_back(&bench, "sketch");
    emptied(&bench, &user.join(".comfydock-trash.disabled"));
}

#[test]
fn trash_of_workflows_behind_a_link_is_emptied() {
    let Some(disk) = Tmpfs::mount(16 * MIB) else { return skip("mounting is not allowed here") };
    let bench = Workbench::new();
    let shared = bench.a.workflow("studio", "x").with_file_name("shared");
    std::fs::create_dir_all(shared.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(disk.path(), &shared).unwrap();
    take_back(&bench, "shared/sketch");
    emptied(&bench, &shared.join(".comfydock-trash.disabled"));
}

#[test]
fn packs_lie_on_a_disk_that_is_mounted_there() {
    let bench = Workbench::new();
    let Some(_disk) = Tmpfs::mount_at(&bench.folder(""), 64 * MIB) else { return skip("mounting is not allowed here") };
    walk(&bench);
}

#[test]
fn packs_lie_where_a_link_leads() {
    let Some(disk) = Tmpfs::mount(64 * MIB) else { return skip("mounting is not allowed here") };
    let bench = Workbench::new();
    let place = bench.a.environment("studio").join("ComfyUI/custom_nodes");
    std::fs::remove_dir(&place).unwrap();
    std::fs::create_dir(disk.path().join("nodes")).unwrap();
    std::os::unix::fs::symlink(disk.path().join("nodes"), &place).unwrap();
    walk(&bench);
}
