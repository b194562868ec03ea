//! Node packs on another file system than the rest of the environment: a mount, or a link to one.

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
