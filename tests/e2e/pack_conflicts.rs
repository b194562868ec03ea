//! What stands in the way of a node pack is told apart before anything is touched; each case has its
//! resolution (the seed's table).

use crate::support::nodes::{NodePack, Workbench, code_of};
use crate::support::{git, report, tree, write};

/// Holds that adding is refused with these words and changes nothing, then that `--force` does it and
/// keeps what was there.
fn refused_then_forced(bench: &Workbench, given: &str, words: &[&str], kept: Option<&str>) {
    let a = &bench.a;
    let before = tree::of_machine(a.root());
    let mut said = a.run(&["node", "add", given]).code(1);
    for word in words {
        said = said.says(word);
    }
    tree::assert_same(&before, &tree::of_machine(a.root()), &said.to_string());
    a.ok(&["node", "add", given, "--force"]);
    if let Some(text) = kept {
        let trash = a.environment("studio").join(".comfydock/trash");
        assert!(!tree::files_with(&trash, text).is_empty(), "{text} is not in the trash");
    }
    assert_eq!(report::start(a, "studio").nodes(), [NodePack::NAME]);
}

#[test]
fn a_plain_directory() {
    let (bench, pack) = (Workbench::new(), NodePack::new());
    write(&bench.folder(NodePack::NAME).join("__init__.py"), "# by hand\n");
    refused_then_forced(&bench, &pack.url(), &["is no git repository", "--dev", "--force"], Some("# by hand"));
}

#[test]
fn a_local_repository() {
    let (bench, pack) = (Workbench::new(), NodePack::new());
    let folder = bench.folder(NodePack::NAME);
    write(&folder.join("__init__.py"), "# local\n");
    git::git(&folder, &["init", "--quiet", "--initial-branch=work"]);
    let commit = git::commit(&folder, "Local", "2025-10-01T12:00:00Z");
    let words = ["without a remote", "branch work", &commit[..12], "--dev"];
    refused_then_forced(&bench, &pack.url(), &words, Some("# local"));
}

#[test]
fn the_same_repository() {
    let (bench, pack) = (Workbench::new(), NodePack::new());
    let folder = bench.folder("");
    git::git(&folder, &["clone", "--quiet", &pack.url(), NodePack::NAME]);
    let words = ["clone of the same repository", &pack.commit[..12], "--dev"];
    let before = tree::of_machine(bench.a.root());
    let mut said = bench.a.run(&["node", "add", &pack.url()]).code(1);
    for word in words {
        said = said.says(word);
    }
    tree::assert_same(&before, &tree::of_machine(bench.a.root()), "after the refusal");
    bench.a.ok(&["node", "add", NodePack::NAME, "--dev"]);
    bench.a.ok(&["node", "list"]).line(&[NodePack::NAME, "development"]);
}

#[test]
fn the_same_repository_in_another_spelling_or_folder() {
    let (bench, pack) = (Workbench::new(), NodePack::new());
    let plain = pack.path().to_str().unwrap().to_owned();
    git::git(&bench.folder(""), &["clone", "--quiet", &plain, "renamed"]);
    write(&bench.folder("renamed/mine.txt"), "mine");
    refused_then_forced(&bench, &pack.url(), &["custom_nodes/renamed is a clone of the same repository"], Some("mine"));
    assert!(!bench.folder("renamed").exists());
}

#[test]
fn another_repository_of_that_name() {
    let (bench, pack) = (Workbench::new(), NodePack::new());
    let other = tempfile::tempdir().unwrap();
    let there = other.path().join(NodePack::NAME);
    write(&there.join("__init__.py"), "# another\n");
    git::git(&there, &["init", "--quiet"]);
    git::commit(&there, "Another", "2025-10-01T12:00:00Z");
    git::git(&bench.folder(""), &["clone", "--quiet", there.to_str().unwrap(), NodePack::NAME]);
    write(&bench.folder(NodePack::NAME).join("mine.txt"), "my notes");
    refused_then_forced(&bench, &pack.url(), &["looks like another repository", "rename"], Some("my notes"));
}

#[test]
fn another_spelling_of_the_name() {
    let (bench, pack) = (Workbench::new(), NodePack::new());
    write(&bench.folder("ComfyUI_Six/__init__.py"), "# spelled otherwise\n");
    let words = ["custom_nodes/ComfyUI_Six is there already"];
    refused_then_forced(&bench, &pack.url(), &words, Some("# spelled otherwise"));
}

#[test]
fn a_pack_that_is_had_from_elsewhere() {
    let (bench, pack) = (Workbench::new(), NodePack::new());
    bench.publish("comfyui-six", "1.0.0", "Six", "");
    bench.a.ok(&["node", "add", "comfyui-six"]);
    bench
        .a
        .run(&["node", "add", &pack.url(), "--force"])
        .code(1)
        .says("is the same pack")
        .says("node remove comfyui-six");
}

#[test]
fn changed_files_stop_what_would_replace_or_remove_them() {
    let bench = Workbench::new();
    let a = &bench.a;
    bench.publish("alpha", "1.0.0", "Alpha", "");
    a.ok(&["node", "add", "alpha"]);
    a.ok(&["commit", "-m", "Alpha", "--yes"]);
    write(&bench.folder("alpha/__init__.py"), format!("{}# patched\n", code_of("Alpha")));
    a.ok(&["status"]).line(&["changed", "alpha", "__init__.py"]);
    bench.publish("alpha", "2.0.0", "AlphaTwo", "");
    let before = tree::of_machine(a.root());
    a.run(&["node", "update", "alpha"]).code(1).says("lose work").says("__init__.py");
    a.run(&["node", "remove", "alpha"]).code(1).says("work of yours");
    a.run(&["node", "add", "alpha@2.0.0"]).code(1).says("__init__.py");
    tree::assert_same(&before, &tree::of_machine(a.root()), "after three refusals");
    a.ok(&["node", "remove", "alpha", "--force"]).says("kept in");
    let trash = a.environment("studio").join(".comfydock/trash");
    assert!(!tree::files_with(&trash, "# patched").is_empty());
}
