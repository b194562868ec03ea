//! Node packs: found in `custom_nodes`, taken over, and only sent when others can get them.

use crate::support::nodes::NodePack;
use crate::support::{Studio, git, report, tree, write};

#[test]
fn a_clean_clone_is_taken_over_and_travels() {
    let studio = Studio::new();
    let Studio { a, b, hub, .. } = &studio;
    let pack = NodePack::new();
    let folder = a.environment("studio").join("ComfyUI/custom_nodes");
    write(&folder.join("scratch/__init__.py"), "");
    let there = folder.join(NodePack::NAME);
    git::git(&folder, &["clone", "--quiet", &pack.url(), NodePack::NAME]);
    a.ok(&["status"]).line(&["new", "node pack", NodePack::NAME]).line(&["untracked", "custom_nodes/scratch"]);
    // Its requirements come with it.
    let said = studio.a.ok(&["commit", "-m", "Six", "--yes"]);
    said.line(&["node pack", NodePack::NAME]);
    assert!(report::start(a, "studio").nodes().contains(&NodePack::NAME.to_owned()));
    a.ok(&["push"]);
    studio.clone().ok().line(&["node pack", NodePack::NAME]);
    assert_eq!(report::start(b, "studio").nodes(), [NodePack::NAME]);

    // A commit that only this machine has cannot be rebuilt anywhere else.
    let start = there.join("__init__.py");
    let more = format!("{}MORE = 1\n", std::fs::read_to_string(&start).unwrap());
    write(&start, &more);
    a.ok(&["status"]).line(&["changed", "node pack", NodePack::NAME, "__init__.py"]);
    let only_here = git::commit(&there, "More", "2025-10-02T12:00:00Z");
    a.ok(&["commit", "-m", "More", "--yes"]);
    let before = tree::tree(&hub.repository(), &|_| false);
    a.run(&["push"]).code(1).says(NodePack::NAME).says(&only_here[..12]);
    tree::assert_same(&before, &tree::tree(&hub.repository(), &|_| false), "after a push that was stopped");
    git::git(&there, &["push", "--quiet", "origin", "HEAD:refs/heads/more"]);
    a.ok(&["push"]).says("pushed");
    let said = b.ok(&["pull", "--yes"]);
    said.line(&["node pack", NodePack::NAME, &only_here[..12]]);
    let arrived = b.environment("studio").join("ComfyUI/custom_nodes").join(NodePack::NAME).join("__init__.py");
    assert_eq!(std::fs::read_to_string(arrived).unwrap(), more);
}

#[test]
fn a_node_that_cannot_be_added_changes_nothing() {
    let studio = Studio::new();
    let pack = NodePack::new();
    write(&pack.path().join("requirements.txt"), "a-package-that-nobody-ever-made-1f3a\n");
    git::commit(&pack.path(), "Impossible", "2025-10-02T12:00:00Z");
    let a = &studio.a;
    let before = tree::of_machine(a.root());
    let said = a.run(&["node", "add", &pack.url()]).code(1).says("a-package-that-nobody-ever-made-1f3a");
    tree::assert_same(&before, &tree::of_machine(a.root()), &said.to_string());
    a.run(&["node", "add", &format!("{}@no-such-branch", pack.url())]).code(1).says("no-such-branch");
    tree::assert_same(&before, &tree::of_machine(a.root()), "after a branch that is not there");
}
