//! Node packs: found in `custom_nodes`, taken over, and only sent when others can get them.

use crate::support::nodes::{NodePack, Workbench, code_of};
use crate::support::{Hub, Machine, STUDIO, Studio, git, report, tree, write};

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

#[test]
fn a_pack_that_is_worked_on_travels_with_its_source() {
    let studio = Studio::new();
    let Studio { a, b, .. } = &studio;
    let on = |machine: &Machine| machine.environment("studio").join("ComfyUI/custom_nodes/my-node");
    write(&on(a).join("__init__.py"), code_of("Mine"));
    write(&on(a).join("data/presets.json"), "{}");
    a.ok(&["node", "add", "my-node", "--dev"]);
    a.ok(&["commit", "-m", "Mine", "--yes"]);
    a.ok(&["push"]);
    studio.clone().ok();
    assert_eq!(report::start(b, "studio").nodes(), ["my-node"]);
    assert!(on(b).join("data/presets.json").is_file());
    // Nothing to do on either side, though Python has written its own files beside the code.
    for machine in [a, b] {
        report::start(machine, "studio");
        machine.ok(&["status"]).says("nothing to commit");
    }
    // What changes here arrives there, where nobody touched it.
    write(&on(a).join("__init__.py"), code_of("MineToo"));
    a.ok(&["status"]).line(&["changed", "my-node"]);
    a.ok(&["commit", "-m", "Mine too", "--yes"]);
    a.ok(&["push"]);
    b.ok(&["pull", "--yes"]);
    assert_eq!(std::fs::read_to_string(on(b).join("__init__.py")).unwrap(), code_of("MineToo"));
    b.ok(&["status"]).says("nothing to commit");
    b.ok(&["push"]).says("nothing to push");
    // Where somebody did, nothing is changed.
    write(&on(a).join("__init__.py"), code_of("MineThree"));
    a.ok(&["commit", "-m", "Mine three", "--yes"]);
    a.ok(&["push"]);
    write(&on(b).join("__init__.py"), code_of("Theirs"));
    b.run(&["pull", "--yes"]).code(1).says("my-node was worked on here and there");
    assert_eq!(std::fs::read_to_string(on(b).join("__init__.py")).unwrap(), code_of("Theirs"));
}

#[test]
fn a_pack_of_the_registry_travels() {
    let bench = Workbench::new();
    let (hub, mut b, a) = (Hub::start(), Machine::new(), &bench.a);
    b.set("COMFYDOCK_REGISTRY_URL", bench.registry.url());
    hub.admit(a, "ann");
    hub.admit(&b, "bob");
    bench.publish("alpha", "1.0.0", "Alpha", "six==1.16.0\n");
    a.ok(&["node", "add", "alpha"]);
    a.ok(&["commit", "-m", "Alpha", "--yes"]);
    a.ok(&["remote", "add", "origin", STUDIO]);
    a.ok(&["push"]);
    let models = b.models();
    let clone = ["clone", STUDIO, "--models-dir", models.to_str().unwrap(), "--yes"];
    b.ok(&clone).line(&["registry:alpha"]).line(&["node pack alpha at 1.0.0"]);
    assert_eq!(report::start(&b, "studio").nodes(), ["alpha"]);
    b.ok(&["status"]).says("nothing to commit");
    // The registry serves other bytes under the same version: they are refused, and named.
    bench.publish("alpha", "1.0.0", "Evil", "");
    std::fs::remove_dir_all(b.workspace()).unwrap();
    b.run(&clone).code(1).says("alpha");
    assert!(!b.environment("studio").join("ComfyUI/custom_nodes/alpha").exists());
}

#[test]
fn a_pack_that_cannot_be_had_is_missing_and_comes_later() {
    let studio = Studio::new();
    let Studio { a, b, .. } = &studio;
    let (pack, kept) = (NodePack::new(), tempfile::tempdir().unwrap());
    a.ok(&["push"]);
    studio.clone().ok();
    a.ok(&["node", "add", &pack.url()]);
    studio.send("Six");
    // The repository is away for a while.
    let away = kept.path().join("away");
    std::fs::rename(pack.path(), &away).unwrap();
    b.run(&["pull", "--yes"]).code(1).line(&["missing", NodePack::NAME, "comfydock repair"]);
    b.ok(&["status"]).line(&["missing", NodePack::NAME]);
    let folder = b.environment("studio").join("ComfyUI/custom_nodes").join(NodePack::NAME);
    assert!(!folder.exists());
    b.run(&["repair", "--yes"]).code(1);
    std::fs::remove_dir_all(b.workspace()).unwrap();
    studio.clone().code(1).line(&["missing", NodePack::NAME, "comfydock repair"]);
    b.ok(&["status"]).line(&["missing", NodePack::NAME]).never_says("new");
    std::fs::rename(&away, pack.path()).unwrap();
    b.ok(&["repair", "--yes"]).says("repaired");
    assert_eq!(report::start(b, "studio").nodes(), [NodePack::NAME]);
    b.ok(&["status"]).says("nothing to commit");
}
