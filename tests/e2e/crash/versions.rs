//! `rollback` and `comfyui update`.

use super::{Attempt, Looseness, pristine};
use crate::support::comfyui;
use crate::support::nodes::{NodePack, Workbench};
use crate::support::{git, report, skip, strace, write};

fn workflow(seed: usize) -> String {
    format!(
        r#"{{"nodes":[{{"id":1,"type":"KSampler","widgets_values":[{seed},"fixed",20,8,"euler","normal",1]}}],"links":[]}}"#
    )
}

#[test]
fn a_rollback_that_is_killed_brought_back_nothing_or_all() {
    if !strace::is_here() {
        return skip("there is no strace");
    }
    let (bench, pack) = (Workbench::new(), NodePack::new());
    let a = &bench.a;
    bench.publish("alpha", "1.0.0", "Alpha", "six==1.16.0\n");
    bench.publish("beta", "1.0.0", "Beta", "");
    a.ok(&["node", "add", "alpha", "beta", &pack.url()]);
    ["kept", "changed", "removed"].iter().for_each(|name| write(&a.workflow("studio", name), workflow(1)));
    a.ok(&["commit", "-m", "Before", "--yes"]);

    // Two changes of the packages: the generation of the version that comes back is gone, and the one
    // between goes with the way back.
    bench.publish("alpha", "1.1.0", "AlphaTwo", "six==1.17.0\n");
    write(&pack.path().join("more.py"), "# more\n");
    git::commit(&pack.path(), "More", "2025-10-02T12:00:00Z");
    a.ok(&["node", "update"]);
    bench.publish("gamma", "1.0.0", "Gamma", "iniconfig==2.0.0\n");
    a.ok(&["node", "add", "gamma"]);
    a.ok(&["node", "remove", "beta"]);
    a.ok(&["comfyui", "update", comfyui::NEW]);
    write(&a.workflow("studio", "changed"), workflow(2));
    write(&a.workflow("studio", "new"), workflow(3));
    std::fs::remove_file(a.workflow("studio", "removed")).unwrap();
    a.ok(&["commit", "-m", "After", "--yes"]);
    // And something that no commit holds.
    write(&a.workflow("studio", "kept"), workflow(4));
    write(&bench.folder("alpha/settings/mine.json"), "{}");

    let reset = pristine(a);
    let arguments = ["--offline", "rollback", "v2", "--yes"];
    let attempt = Attempt { machine: a, arguments: &arguments, most: 150, looseness: Looseness::Exact, reset: &reset };
    attempt.kill_everywhere(|_| {
        assert_eq!(bench.package("six").as_deref(), Some("1.16.0"));
        assert!(bench.folder("beta/__init__.py").is_file() && !bench.folder("gamma").exists());
        assert!(a.environment("studio").join("ComfyUI/only_in_old.txt").is_file());
        let seeds = |name: &str| std::fs::read_to_string(a.workflow("studio", name)).unwrap().contains("[1,");
        assert!(["kept", "changed", "removed"].into_iter().all(seeds), "the workflows are the old ones");
    });
    assert_eq!(report::start(a, "studio").nodes(), ["alpha", "beta", NodePack::NAME]);
}

#[test]
fn an_update_of_comfyui_that_is_killed_moved_nothing_or_all() {
    if !strace::is_here() {
        return skip("there is no strace");
    }
    let bench = Workbench::new();
    let (a, upstream) = (&bench.a, bench.comfyui.path());
    let requirements = std::fs::read_to_string(upstream.join("requirements.txt")).unwrap();
    write(&upstream.join("requirements.txt"), format!("{requirements}six\n"));
    let newest = git::commit(upstream, "Release 0.3.66", "2025-10-20T12:00:00Z");
    git::git(upstream, &["tag", "v0.3.66"]);
    // Files of the user's, beside ComfyUI's and in a folder that goes.
    let folder = a.environment("studio").join("ComfyUI");
    write(&folder.join("notes.txt"), "mine");
    write(&folder.join("old_folder/notes.txt"), "mine");

    let reset = pristine(a);
    let arguments = ["comfyui", "update", "v0.3.66"];
    let attempt = Attempt { machine: a, arguments: &arguments, most: 120, looseness: Looseness::Exact, reset: &reset };
    attempt.kill_everywhere(|new| {
        assert_eq!(new["ComfyUI: HEAD"], newest);
        assert!(bench.package("six").is_some());
        assert!(folder.join("old_folder/notes.txt").is_file() && !folder.join("only_in_old.txt").exists());
    });
    assert_eq!(report::start(a, "studio").nodes(), [""; 0]);
}
