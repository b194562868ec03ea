//! Work on both sides: what is kept, what is taken, what stops a pull.

use std::path::PathBuf;

use crate::support::{Machine, Studio, templates, tree, write};

/// Changes the prompt of a workflow.
fn change(machine: &Machine, name: &str, to: &str) {
    let path = machine.workflow("studio", name);
    let text = std::fs::read_to_string(&path).unwrap();
    let start = text.find("scenery").unwrap();
    write(&path, format!("{}{to}{}", &text[..start], &text[start..]));
}

fn text(path: &PathBuf) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn both_have(names: &[&str]) -> Studio {
    let studio = Studio::new();
    for name in names {
        studio.share(name, &templates::old("default"), 40_000);
    }
    studio.send("Start");
    studio.clone().ok();
    studio
}

#[track_caller]
fn stops(machine: &Machine, arguments: &[&str], words: &[&str]) {
    let before = tree::of_machine(machine.root());
    let mut said = machine.run(arguments).code(1);
    for word in words {
        said = said.says(word);
    }
    tree::assert_same(&before, &tree::of_machine(machine.root()), &said.to_string());
}

#[test]
fn each_workflow_is_judged_on_its_own() {
    let studio = both_have(&["mine", "yours", "gone"]);
    let Studio { a, b, .. } = &studio;
    change(b, "mine", "my ");
    let mine = text(&b.workflow("studio", "mine"));
    change(a, "yours", "your ");
    std::fs::remove_file(a.workflow("studio", "gone")).unwrap();
    studio.send("Yours");
    let said = b.ok(&["pull", "--yes"]);
    said.line(&["mine", "keeps your change"]).line(&["workflow gone is removed"]);
    assert_eq!(text(&b.workflow("studio", "mine")), mine);
    assert_eq!(text(&b.workflow("studio", "yours")), text(&a.workflow("studio", "yours")));
    assert!(!b.workflow("studio", "gone").exists());
    // The change that was kept is still one.
    b.ok(&["status"]).line(&["changed", "workflow mine"]).never_says("yours");
}

#[test]
fn a_workflow_changed_on_both_sides_stops_the_pull() {
    let studio = both_have(&["portrait", "other"]);
    let Studio { a, b, .. } = &studio;
    change(a, "portrait", "your ");
    change(a, "other", "your ");
    change(b, "portrait", "my ");
    studio.send("Yours");
    stops(b, &["pull", "--yes"], &["portrait", "nothing was changed"]);
    // The same change on both sides is no conflict.
    write(&b.workflow("studio", "portrait"), text(&a.workflow("studio", "portrait")));
    b.ok(&["pull", "--yes"]);
    b.ok(&["status"]).says("nothing to commit");
}

#[test]
fn histories_that_diverged_are_merged() {
    let studio = both_have(&["portrait", "other"]);
    let Studio { a, b, .. } = &studio;
    change(a, "portrait", "your ");
    studio.send("Yours");
    change(b, "other", "my ");
    b.ok(&["commit", "-m", "Mine", "--yes"]);
    let mine = text(&b.workflow("studio", "other"));
    stops(b, &["push"], &["pull"]);
    b.ok(&["pull", "--yes"]).says("merged 1 commit, now at v4");
    assert_eq!(text(&b.workflow("studio", "other")), mine);
    assert_eq!(text(&b.workflow("studio", "portrait")), text(&a.workflow("studio", "portrait")));
    b.ok(&["status"]).says("2 commits to push").says("nothing to commit");
}
