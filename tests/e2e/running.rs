//! What may happen while ComfyUI runs.

use crate::support::nodes::NodePack;
use crate::support::running::Running;
use crate::support::{Studio, report, templates, tree};

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
