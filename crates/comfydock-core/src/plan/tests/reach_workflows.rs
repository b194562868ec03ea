//! Uncommitted work at a pull (decision 29), workflow by workflow.

use std::collections::BTreeSet;

use super::super::reach::{Plan, Target, WorkflowStep, parse_tracked};
use super::reach::Machine;
use super::*;

fn text(number: u32) -> Option<String> {
    (number > 0).then(|| workflow(&[checkpoint(number, "x.safetensors")]))
}

fn named(text: Option<String>) -> BTreeMap<String, String> {
    text.map(|text| ("hero".to_owned(), text)).into_iter().collect()
}

fn reach(base: Option<String>, mine: Option<String>, theirs: Option<String>) -> Plan {
    let machine = Machine { tracked: named(base), live: named(mine), ..Machine::default() };
    let tracked = named(theirs);
    machine.to(&Target {
        manifest: &manifest(),
        tracked: &tracked,
        generation: "one",
        package_origins: BTreeSet::new(),
    })
}

/// What happens to the workflow: nothing, a step, or a conflict.
#[derive(Debug, PartialEq)]
enum Outcome {
    Nothing,
    Step(WorkflowStep),
    Conflict,
}

fn outcome(base: u32, mine: u32, theirs: u32) -> Outcome {
    let plan = reach(text(base), text(mine), text(theirs));
    match (plan.workflows.get("hero"), plan.conflicts.as_slice()) {
        (None, []) => Outcome::Nothing,
        (Some(step), []) => Outcome::Step(*step),
        (None, [conflict]) if conflict == "workflow hero was changed here and there" => Outcome::Conflict,
        other => panic!("{other:?}"),
    }
}

#[test]
fn three_ways() {
    use Outcome::{Conflict, Nothing, Step};
    use WorkflowStep::{Keep, Remove, Write};
    // 0 is absent.
    for (base, mine, theirs, expected) in [
        (1, 1, 1, Nothing),
        (1, 1, 2, Step(Write)),
        (1, 1, 0, Step(Remove)),
        (1, 2, 1, Step(Keep)),
        (1, 2, 2, Nothing),
        (1, 2, 3, Conflict),
        (1, 2, 0, Conflict),
        (1, 0, 1, Step(Keep)),
        (1, 0, 2, Conflict),
        (1, 0, 0, Nothing),
        (0, 0, 2, Step(Write)),
        (0, 2, 0, Step(Keep)),
        (0, 2, 2, Nothing),
        (0, 2, 3, Conflict),
    ] {
        assert_eq!(outcome(base, mine, theirs), expected, "{base} {mine} {theirs}");
    }
}

#[test]
fn layout_and_metadata_are_no_change() {
    let base = text(1);
    let same = base.clone().map(|text| text.replace(',', " ,\n\t"));
    let metadata = r#""extra":{"_comfydock_metadata":{"version":"0.2.0","models":{}}}"#;
    let carrying = base.clone().map(|text| text.replace(r#""extra":{}"#, metadata));
    assert_ne!((&same, &carrying), (&base, &base));
    assert_eq!(reach(base.clone(), same.clone(), carrying.clone()).workflows, BTreeMap::new());
    let plan = reach(base, same, text(2));
    assert_eq!((plan.workflows["hero"], plan.conflicts.len()), (WorkflowStep::Write, 0));
    assert_eq!(reach(carrying, text(1), None).workflows["hero"], WorkflowStep::Remove);
}

#[test]
fn each_conflict_is_named_and_the_others_are_planned() {
    let all = |numbers: [u32; 3]| {
        let names = ["a", "b/c", "d"].into_iter().zip(numbers);
        names.filter_map(|(name, number)| Some((name.to_owned(), text(number)?))).collect::<BTreeMap<_, _>>()
    };
    let machine = Machine { tracked: all([1, 1, 1]), live: all([2, 1, 2]), ..Machine::default() };
    let theirs = all([3, 3, 3]);
    let plan = machine.to(&Target {
        manifest: &manifest(),
        tracked: &theirs,
        generation: "one",
        package_origins: BTreeSet::new(),
    });
    assert_eq!(plan.conflicts, ["a", "d"].map(|name| format!("workflow {name} was changed here and there")));
    assert_eq!(plan.workflows, BTreeMap::from([("b/c".to_owned(), WorkflowStep::Write)]));
}

#[test]
fn a_tree_whose_workflow_cannot_be_read_names_it() {
    let mut tracked = named(text(1));
    assert_eq!(parse_tracked(&tracked).unwrap().len(), 1);
    tracked.insert("bad".to_owned(), "{".to_owned());
    assert_eq!(parse_tracked(&tracked).unwrap_err().0, "bad");
}
