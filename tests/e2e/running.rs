//! What may happen while ComfyUI runs.

use crate::support::nodes::{NodePack, Workbench};
use crate::support::running::Running;
use crate::support::{Studio, comfyui, report, templates, tree, write};

#[test]
fn workflows_come_while_comfyui_runs_and_code_waits() {
    let studio = Studio::new();
    let Studio { a, b, .. } = &studio;
    studio.send_portrait(40_000);
    studio.clone().ok();
    let comfyui = Running::start(b);
    let holder = comfyui.process().to_string();

    studio.share("second", &templates::old("default"), 40_000);
    studio.send("Second");
    b.ok(&["pull", "--yes"]).says("reload the tab");
    b.ok(&["status"]).says("nothing to commit");
    b.ok(&["commit", "--yes"]).says("nothing to commit");
    b.ok(&["push"]).says("nothing to push");
    b.ok(&["log"]).says("Second");
    b.ok(&["models", "list"]);

    let pack = NodePack::new();
    a.ok(&["node", "add", &pack.url()]);
    studio.send("Six");
    let before = tree::of_machine(b.root());
    let said = b.run(&["pull", "--yes"]).code(1).says(&holder);
    tree::assert_same(&before, &tree::of_machine(b.root()), &said.to_string());
    b.run(&["node", "add", &pack.url()]).code(1).says(&holder);

    drop(comfyui);
    b.ok(&["pull", "--yes"]).says("now at v4");
    assert_eq!(report::start(b, "studio").nodes(), [NodePack::NAME]);
}

#[test]
fn every_change_of_code_waits_and_says_so_before_it_begins() {
    let bench = Workbench::new();
    let (a, pack) = (&bench.a, NodePack::new());
    for version in ["1.0.0", "1.1.0"] {
        bench.publish("alpha", version, "Alpha", "");
    }
    a.ok(&["node", "add", "alpha@1.0.0"]);
    a.ok(&["commit", "-m", "Alpha", "--yes"]);
    write(&a.workflow("studio", "hero"), r#"{"nodes":[],"links":[]}"#);
    let comfyui = Running::start(a);
    let holder = comfyui.process().to_string();
    let before = tree::of_machine(a.root());
    let url = pack.url();
    for words in [
        &["node", "add", "alpha@1.1.0"][..],
        &["node", "add", &url],
        &["node", "add", "my-node", "--dev"],
        &["node", "update"],
        &["node", "remove", "alpha"],
        &["comfyui", "update", comfyui::NEW],
        &["rollback", "v1"],
        &["repair", "--rebuild"],
    ] {
        let said = a.run(&[words, &["--yes"]].concat()).code(1);
        let about_a_folder = words.contains(&"--dev");
        let said =
            if about_a_folder { said.says("there is no folder") } else { said.says(&holder).says("stop ComfyUI") };
        let said = said.never_says("Locking").never_says("Installing");
        tree::assert_same(&before, &tree::of_machine(a.root()), &said.to_string());
    }
    // Workflows may change.
    a.ok(&["rollback", "--yes"]).says("is kept");
    assert!(!a.workflow("studio", "hero").exists());
}
