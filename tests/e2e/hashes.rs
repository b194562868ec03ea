//! Questions without a terminal, hashes that were left for later, models nobody knows.

use crate::support::{Studio, report, templates, tree, write};

#[test]
fn a_push_measures_what_a_commit_left() {
    let studio = Studio::new();
    let Studio { a, b, .. } = &studio;
    let model = studio.share("portrait", &templates::old("default"), 50_000).remove(0);
    let before = tree::of_machine(a.root());
    a.run(&["commit", "-m", "A portrait"]).code(1).says("--no-full-hash");
    tree::assert_same(&before, &tree::of_machine(a.root()), "after a question nobody answered");
    a.ok(&["commit", "-m", "A portrait", "--no-full-hash"]);
    a.ok(&["push"]).says("recorded the hashes of 1 model").says("pushed v3");
    a.ok(&["log", "--oneline"]).line(&["v3", "Record model hashes"]).line(&["v2", "A portrait"]);
    studio.clone().ok().line(&["downloaded", &model.name]);
    report::assert_same(a, b);
    b.ok(&["commit", "--yes"]).says("nothing to commit");
}

#[test]
fn a_model_nobody_knows_is_named_everywhere() {
    let studio = Studio::new();
    let Studio { a, b, .. } = &studio;
    let model = studio.share("portrait", &templates::old("default"), 50_000).remove(0);
    let text = std::fs::read_to_string(a.workflow("studio", "portrait")).unwrap();
    write(&a.workflow("studio", "broken"), text.replace(&model.name, "never-heard-of.safetensors"));
    let before = tree::of_machine(a.root());
    a.run(&["commit", "-m", "Two", "--yes"])
        .code(1)
        .says("never-heard-of.safetensors")
        .says("broken")
        .says("--allow-issues");
    tree::assert_same(&before, &tree::of_machine(a.root()), "after a commit that was stopped");
    a.ok(&["commit", "-m", "Two", "--yes", "--allow-issues"]);
    a.ok(&["push"]).line(&["warning", "broken", "never-heard-of.safetensors"]);
    let said = studio.clone();
    said.line(&["ready", "portrait"]).line(&["not ready", "broken", "never-heard-of.safetensors"]);
    b.run(&["status", "--check"]).code(1).says("never-heard-of.safetensors");
    b.ok(&["status"]);
}

#[test]
fn nothing_is_built_without_an_answer() {
    let studio = Studio::new();
    studio.send_portrait(50_000);
    let b = &studio.b;
    b.init();
    let before = tree::of_machine(b.root());
    b.run(&["clone", crate::support::STUDIO]).code(1).says("--accept-origins or --yes");
    tree::assert_same(&before, &tree::of_machine(b.root()), "after a question nobody answered");
    b.ok(&["clone", crate::support::STUDIO, "--accept-origins"]);
}
