//! What is about to leave this machine, by `push` or in a bundle: what is looked at first, and what stops it.

use comfydock_core::admission::Rule;
use comfydock_core::foreign::Violation;
use comfydock_core::plan::commit::Change;
use comfydock_core::plan::push::Findings;

use super::commit;
use super::vendor::Unpublished;
use crate::Error;

/// What lies in an environment and no commit has, in words.
pub fn uncommitted(draft: &commit::Draft) -> Vec<String> {
    let workflows = draft
        .changes()
        .iter()
        .filter(|(_, change)| **change != Change::Models)
        .map(|(name, _)| format!("workflow {name}"));
    let packs = draft.adoption().packs.iter().map(|pack| format!("node pack {}", pack.name));
    workflows.chain(draft.others().iter().cloned()).chain(packs).collect()
}

/// Lets findings through whose rules are allowed, and returns these in words. `command` takes the flags that
/// would allow the rest.
///
/// # Errors
/// When others are left; `message` says what does not happen.
pub fn let_through(
    violations: Vec<Violation>,
    allow: &[Rule],
    command: &str,
    message: &str,
) -> Result<Vec<String>, Error> {
    let (allowed, left): (Vec<Violation>, Vec<Violation>) =
        violations.into_iter().partition(|found| found.rule.is_some_and(|rule| allow.contains(&rule)));
    if left.is_empty() {
        return Ok(allowed.iter().map(ToString::to_string).collect());
    }
    let mut rules: Vec<Rule> = left.iter().filter_map(|found| found.rule).filter(|rule| rule.is_secret()).collect();
    rules.sort_unstable();
    rules.dedup();
    let mut hints: Vec<String> = Vec::new();
    for hint in left.iter().filter_map(|found| found.hint.as_ref()) {
        if !hints.contains(hint) {
            hints.push(hint.clone());
        }
    }
    if !rules.is_empty() {
        let flags: Vec<String> = rules.iter().map(|rule| format!("--allow-secret {rule}")).collect();
        hints.push(format!("if it is none: `comfydock {command} {}`", flags.join(" ")));
    }
    Err(Error::Refused {
        message: message.to_owned(),
        details: left.iter().map(ToString::to_string).collect(),
        hint: (!hints.is_empty()).then(|| hints.join("; ")),
    })
}

/// Node packs must be had by those who receive the environment (decision 24). `vendor` is the command that
/// takes their files along, `done` what nothing was.
///
/// # Errors
/// When one could not be had.
pub fn check_nodes(
    findings: &Findings,
    unpublished: &[Unpublished<'_>],
    vendor: &str,
    done: &str,
) -> Result<(), Error> {
    let nowhere = findings.unpublished.iter();
    let mut details: Vec<String> =
        nowhere.map(|name| format!("node pack {name} has no repository others could clone")).collect();
    details.extend(unpublished.iter().map(Unpublished::complaint));
    if details.is_empty() {
        return Ok(());
    }
    let mut hint = "push the node packs' commits to their repositories first".to_owned();
    if !unpublished.is_empty() {
        hint.push_str(&format!(", or send their files along with `comfydock {vendor}`"));
    }
    Err(Error::Refused {
        message: format!("others could not rebuild this environment; nothing was {done}"),
        details,
        hint: Some(hint),
    })
}
