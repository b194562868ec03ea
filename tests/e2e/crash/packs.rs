//! `node add`, `node update`, `node remove` and `repair`.

use super::{Attempt, Looseness, pristine};
use crate::support::comfyui;
use crate::support::nodes::{NodePack, Workbench};
use crate::support::{git, report, skip, strace, write};

/// A workbench where `alpha` 1.0.0 is in the registry, and a git repository with another pack.
fn bench() -> (Workbench, NodePack) {
    let (bench, pack) = (Workbench::new(), NodePack::new());
    bench.publish("alpha", "1.0.0", "Alpha", "six==1.16.0\n");
    (bench, pack)
}

/// Both packs are there, committed, with files of the user's in their folders.
fn furnished() -> (Workbench, NodePack) {
    let (bench, pack) = bench();
    bench.a.ok(&["node", "add", "alpha", &pack.url()]);
    bench.a.ok(&["commit", "-m", "Packs", "--yes"]);
    write(&bench.folder("alpha/settings/mine.json"), "{}");
    write(&bench.folder(NodePack::NAME).join("presets/mine.txt"), "mine");
    (bench, pack)
}

#[track_caller]
fn kill(bench: &Workbench, arguments: &[&str], arrived: impl FnOnce()) {
    let reset = pristine(&bench.a);
    let attempt = Attempt { machine: &bench.a, arguments, most: 120, looseness: Looseness::Exact, reset: &reset };
    attempt.kill_everywhere(|_| arrived());
}

#[test]
fn packs_whose_adding_is_killed_are_there_or_not() {
    if !strace::is_here() {
        return skip("there is no strace");
    }
    let (bench, pack) = bench();
    kill(&bench, &["node", "add", "alpha", &pack.url()], || {
        assert_eq!(bench.package("six").as_deref(), Some("1.16.0"));
    });
    assert_eq!(report::start(&bench.a, "studio").nodes(), ["alpha", NodePack::NAME]);
}

#[test]
fn packs_whose_update_is_killed_are_the_old_or_the_new_ones() {
    if !strace::is_here() {
        return skip("there is no strace");
    }
    let (bench, pack) = furnished();
    bench.publish("alpha", "1.1.0", "AlphaTwo", "six==1.17.0\n");
    write(&pack.path().join("more.py"), "# more\n");
    let newer = git::commit(&pack.path(), "More", "2025-10-02T12:00:00Z");
    kill(&bench, &["node", "update"], || {
        assert_eq!(bench.package("six").as_deref(), Some("1.17.0"));
        assert_eq!(git::git(&bench.folder(NodePack::NAME), &["rev-parse", "HEAD"]), newer);
        assert!(bench.folder("alpha/settings/mine.json").is_file());
        assert!(bench.folder(NodePack::NAME).join("presets/mine.txt").is_file());
    });
    assert_eq!(report::start(&bench.a, "studio").nodes(), ["alpha", NodePack::NAME]);
}

#[test]
fn packs_whose_removal_is_killed_are_there_or_not() {
    if !strace::is_here() {
        return skip("there is no strace");
    }
    let (bench, _pack) = furnished();
    kill(&bench, &["node", "remove", "alpha", NodePack::NAME], || {
        assert_eq!(bench.package("six"), None);
        assert!(!bench.folder("alpha").exists() && !bench.folder(NodePack::NAME).exists());
    });
    assert_eq!(report::start(&bench.a, "studio").nodes(), [""; 0]);
}

#[test]
fn a_repair_that_is_killed_mended_nothing_or_all() {
    if !strace::is_here() {
        return skip("there is no strace");
    }
    let (bench, _pack) = furnished();
    let environment = bench.a.environment("studio");
    std::fs::remove_dir_all(bench.folder("alpha")).unwrap();
    std::fs::remove_dir_all(bench.folder(NodePack::NAME)).unwrap();
    git::git(&environment.join("ComfyUI"), &["checkout", "--quiet", comfyui::NEW]);
    let site = std::fs::canonicalize(environment.join(".venv/lib")).unwrap();
    let site = site.read_dir().unwrap().next().unwrap().unwrap().path().join("site-packages");
    std::fs::remove_file(site.join("six.py")).unwrap();
    kill(&bench, &["--offline", "repair", "--rebuild", "--yes"], || {
        assert!(site.join("six.py").is_file());
        assert!(bench.folder("alpha/__init__.py").is_file());
        assert!(environment.join("ComfyUI/only_in_old.txt").is_file());
    });
    assert_eq!(report::start(&bench.a, "studio").nodes(), ["alpha", NodePack::NAME]);
}
