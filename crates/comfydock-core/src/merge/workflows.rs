//! Workflows, whole: each from the side that changed it.

use std::collections::{BTreeMap, BTreeSet};

use super::Three;
use super::question::{Answer, Desk, Side};
use crate::diff::words::Line;
use crate::diff::{Change, Difference};
use crate::path::fold;
use crate::workflow::same_content;

/// A workflow of the merged state.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) name: String,
    pub(super) text: String,
    /// The side the text is from, and the name it has there.
    pub(super) side: Side,
    pub(super) was: String,
    /// Whether what both sides say of its models is put together; else the side's word stands, as the
    /// user chose it.
    pub(super) both_tie: bool,
}

type Texts<'a> = &'a BTreeMap<String, String>;

/// Takes each workflow from the side that changed it, and asks where both did.
pub(super) fn merge(texts: Three<Texts<'_>>, ours: &Difference, theirs: &Difference, desk: &mut Desk<'_>) -> Vec<Kept> {
    let mut kept = Vec::new();
    let renamed = Three { base: BTreeMap::new(), ours: renames(ours), theirs: renames(theirs) };
    let names: BTreeSet<&String> = texts.base.keys().chain(texts.ours.keys()).chain(texts.theirs.keys()).collect();
    // A name one side gave and the text the other wrote under the old one belong together.
    let moved: BTreeMap<&String, (&String, Side)> =
        [(&renamed.ours, texts.theirs, Side::Theirs), (&renamed.theirs, texts.ours, Side::Ours)]
            .into_iter()
            .flat_map(|(renames, written, side)| {
                renames
                    .iter()
                    .filter(move |(old, new)| {
                        let other = written.get(*old);
                        other.is_some() && !same(other, texts.base.get(*old)) && !written.contains_key(*new)
                    })
                    .map(move |(old, new)| (new, (old, side)))
            })
            .collect();
    let told: BTreeSet<&String> = moved.values().map(|(old, _)| *old).collect();
    for name in names {
        if told.contains(name) {
            continue;
        }
        let mut keep = |name: &str, was: &str, side: Side, both_tie: bool| {
            let text = Three { base: texts.base, ours: texts.ours, theirs: texts.theirs }.of(side).get(was);
            kept.extend(text.map(|text| Kept {
                name: name.to_owned(),
                text: text.clone(),
                side,
                was: was.to_owned(),
                both_tie,
            }));
        };
        if let Some((old, side)) = moved.get(name) {
            keep(name, old, *side, true);
            continue;
        }
        let three = texts.map(|texts| texts.get(name));
        if same(three.ours, three.theirs) || same(three.base, three.ours) {
            keep(name, name, Side::Theirs, true);
        } else if same(three.base, three.theirs) {
            keep(name, name, Side::Ours, true);
        } else {
            // Here the nodes of both could be put together one day, as `core/diff` tells them apart: a
            // merge that leaves nothing to ask would come before the question.
            let both = three.ours.is_some() && three.theirs.is_some();
            match desk.ask_workflow(name, words(ours, name), words(theirs, name), both) {
                Answer::Ours => keep(name, name, Side::Ours, false),
                Answer::Theirs => keep(name, name, Side::Theirs, false),
                Answer::Both => {
                    keep(name, name, Side::Theirs, false);
                    keep(name, name, Side::Ours, false);
                }
            }
        }
    }
    apart(&mut kept, desk);
    kept
}

/// Gives our workflow another name where theirs has it, also where upper and lower case are one.
fn apart(kept: &mut Vec<Kept>, desk: &mut Desk<'_>) {
    let theirs: BTreeMap<String, String> = kept
        .iter()
        .filter(|kept| kept.side == Side::Theirs)
        .map(|kept| (fold(&kept.name), kept.text.clone()))
        .collect();
    let collides = |kept: &Kept| kept.side == Side::Ours && theirs.contains_key(&fold(&kept.name));
    // One that both wrote alike is kept once.
    kept.retain(|kept| !(collides(kept) && same_content(&theirs[&fold(&kept.name)], &kept.text)));
    let mut taken: BTreeSet<String> = kept.iter().map(|kept| fold(&kept.name)).collect();
    for kept in kept.iter_mut().filter(|kept| collides(kept)) {
        let name = free(&kept.name, &taken);
        desk.say(format!("your workflow {} is kept as {name}", kept.name));
        taken.insert(fold(&name));
        kept.name = name;
    }
    kept.sort_by(|one, other| one.name.cmp(&other.name));
}

/// `NAME (mine)`, or with a number where that is taken.
fn free(name: &str, taken: &BTreeSet<String>) -> String {
    let numbered = (2..).map(|number| format!("{name} (mine {number})"));
    std::iter::once(format!("{name} (mine)"))
        .chain(numbered)
        .find(|name| !taken.contains(&fold(name)))
        .unwrap_or_else(|| name.to_owned())
}

fn same(one: Option<&String>, other: Option<&String>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => same_content(one, other),
        (None, None) => true,
        _ => false,
    }
}

/// New names of workflows, by their old ones.
fn renames(difference: &Difference) -> BTreeMap<String, String> {
    difference.workflows.iter().filter_map(|found| Some((found.was.clone()?, found.name.clone()))).collect()
}

/// What a side did to a workflow.
fn words(difference: &Difference, name: &str) -> Vec<String> {
    fn flat(lines: &[Line], depth: usize, found: &mut Vec<String>) {
        for line in lines {
            let sign = match line.change {
                Change::Added => '+',
                Change::Removed => '-',
                Change::Changed => '~',
            };
            found.push(format!("{}{sign} {}", "  ".repeat(depth), line.text));
            flat(&line.below, depth + 1, found);
        }
    }
    let Some(found) =
        difference.workflows.iter().find(|found| found.name == name || found.was.as_deref() == Some(name))
    else {
        return Vec::new();
    };
    match (found.change, found.was.as_deref()) {
        (Change::Removed, _) => vec!["removed".to_owned()],
        (Change::Added, _) => {
            vec![format!("added ({})", crate::plan::commit::plural(found.node_count.unwrap_or_default(), "node"))]
        }
        (Change::Changed, Some(was)) if was == name => vec![format!("renamed to {}", found.name)],
        (Change::Changed, _) => {
            let mut lines = Vec::new();
            flat(&found.below(false), 0, &mut lines);
            lines
        }
    }
}
