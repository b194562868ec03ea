//! Whether a push may land. It is judged while its objects are in quarantine (decision 49).

mod options;
mod references;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use comfydock_core::admission::{ALLOW_OPTION, Rule};
use comfydock_core::foreign::Violation;
use comfydock_git::arrivals;
use comfydock_git::objects::{self, Objects};
use comfydock_git::serve::reference_targets;

use super::is_zero;
use super::pending::{Allowed, Update};
use crate::hook::Verdict;
use crate::service::access::Ownership;
use crate::service::environment::Judged;
use crate::service::{Error, environment};

/// Problems that one answer names; more would bury the first.
const SHOWN: usize = 20;
/// Findings of one rule that are written down when an owner lets them through.
const RECORDED: usize = 100;

/// A push that is to be judged.
pub(super) struct Case<'a> {
    pub(super) repository: &'a Path,
    /// Where its objects are, the quarantine first.
    pub(super) folders: &'a [PathBuf],
    /// All of them land or none.
    pub(super) updates: &'a [Update],
    /// What `git push -o` was given.
    pub(super) options: &'a [String],
    /// Set once nobody waits for the verdict any more.
    pub(super) is_over: &'a Arc<AtomicBool>,
    /// Patterns of branches that keep their history.
    pub(super) protected: &'a [String],
    /// References that one push may change.
    pub(super) most_references: usize,
}

/// The verdict, and what was let through to reach it.
pub(super) struct Judgement {
    pub(super) verdict: Verdict,
    pub(super) allowed: Vec<Allowed>,
}

/// Judges a push. Who owns the environment is asked only when it matters.
pub(super) fn judge(case: &Case<'_>, owner: impl FnOnce() -> Result<Ownership, Error>) -> Result<Judgement, Error> {
    let refused = |lines| Ok(Judgement { verdict: Verdict { accepted: false, lines }, allowed: Vec::new() });
    if case.updates.len() > case.most_references {
        let count = case.updates.len();
        return refused(vec![
            format!("error: the push changes {count} references; at most {} at a time", case.most_references),
            "hint: push the branches and tags that others need".to_owned(),
        ]);
    }
    let wanted = match options::allowed_rules(case.options) {
        Ok(wanted) => wanted,
        Err(lines) => return refused(lines),
    };
    let problems = find_problems(case)?;
    if problems.iter().all(|problem| problem.allowable().is_none()) {
        return Ok(Judgement {
            verdict: Verdict { accepted: problems.is_empty(), lines: lines(&problems) },
            allowed: Vec::new(),
        });
    }
    let ownership = owner()?;
    let asked = |problem: &Violation| problem.allowable().is_some_and(|rule| wanted.contains(&rule));
    let (allowed, left): (Vec<_>, Vec<_>) =
        problems.into_iter().partition(|problem| ownership.is_owner && asked(problem));
    let mut lines = lines(&left);
    lines.extend(way_through(&left, &ownership, &wanted));
    if left.is_empty() {
        lines.push(format!("allowed, and written down: {}", words(allowed.iter().filter_map(Violation::allowable))));
    }
    Ok(Judgement { verdict: Verdict { accepted: left.is_empty(), lines }, allowed: record(&allowed) })
}

fn find_problems(case: &Case<'_>) -> Result<Vec<Violation>, Error> {
    let objects = Objects::open(case.folders).map_err(Error::repository)?.until(case.is_over.clone());
    let mut problems = references::judge(case.repository, &objects, case.updates, case.protected)?;
    let mut seen = HashSet::new();
    let mut judged = Judged::default();
    let mut tips = Vec::new();
    for update in case.updates.iter().filter(|update| !is_zero(&update.new)) {
        let is_environment = !update.reference.starts_with(references::OWN);
        if seen.insert((&update.new, is_environment)) {
            match judge_tip(&objects, update, is_environment, &mut judged)? {
                Ok(found) => {
                    problems.extend(found);
                    tips.push(update.new.clone());
                }
                // What cannot be read to its end cannot be looked through either.
                Err(refusal) => problems.push(refusal),
            }
        }
    }
    let known = reference_targets(case.repository).map_err(Error::repository)?;
    match arrivals::judge(&objects, &tips, &known) {
        Ok(found) => {
            // Size is judged on the way as well; it is said once.
            let large: BTreeSet<String> =
                found.iter().filter(|new| new.rule == Some(Rule::FileSize)).map(|new| new.path.clone()).collect();
            problems.retain(|problem| problem.rule != Some(Rule::FileSize) || !large.contains(&problem.path));
            problems.extend(found);
        }
        Err(error) if error.is_limit() => {
            let hint = "push it in parts: an older commit first (`git push <remote> COMMIT:main`), then the rest";
            problems.push(Violation::new("the push", format!("is too much at once: {error}"), Some(hint)));
        }
        Err(error) => return Err(Error::repository(error)),
    }
    let mut seen = HashSet::new();
    problems.retain(|problem| seen.insert(problem.to_string()));
    Ok(problems)
}

/// Judges what a reference will stand at; an error says why that cannot be done.
fn judge_tip(
    objects: &Objects,
    update: &Update,
    is_environment: bool,
    judged: &mut Judged,
) -> Result<Result<Vec<Violation>, Violation>, Error> {
    let refuse =
        |error: &objects::Error| Violation::new(update.reference.escape_debug().to_string(), error.to_string(), None);
    let commit = match objects.peel_to_commit(&update.new) {
        Ok(commit) => commit,
        Err(error @ (objects::Error::Kind { .. } | objects::Error::TooLarge { .. })) => {
            return Ok(Err(refuse(&error)));
        }
        Err(error) => return Err(Error::repository(error)),
    };
    let outcome = if is_environment {
        environment::judge(objects, &commit, judged)
    } else {
        environment::judge_tree(objects, &commit).map(|judged| judged.err().unwrap_or_default())
    };
    match outcome {
        Ok(problems) => Ok(Ok(problems)),
        Err(error) if error.is_limit() => Ok(Err(refuse(&error))),
        Err(error) => Err(Error::repository(error)),
    }
}

fn record(allowed: &[Violation]) -> Vec<Allowed> {
    let mut by_rule: BTreeMap<Rule, Vec<String>> = BTreeMap::new();
    for violation in allowed {
        if let Some(rule) = violation.allowable() {
            by_rule.entry(rule).or_default().push(violation.to_string());
        }
    }
    let shortened = |(rule, mut findings): (Rule, Vec<String>)| {
        let more = findings.len().saturating_sub(RECORDED);
        findings.truncate(RECORDED);
        findings.extend((more > 0).then(|| format!("… and {more} more")));
        Allowed { rule, findings }
    };
    by_rule.into_iter().map(shortened).collect()
}

/// How what is left could be let through, and by whom.
fn way_through(left: &[Violation], ownership: &Ownership, wanted: &BTreeSet<Rule>) -> Option<String> {
    let rules: BTreeSet<Rule> = left.iter().filter_map(Violation::allowable).collect();
    if rules.is_empty() {
        return None;
    }
    let owner = &ownership.owner;
    let options = || {
        let option = |rule: &Rule| format!("-o {ALLOW_OPTION}={rule}");
        rules.iter().map(option).collect::<Vec<_>>().join(" ")
    };
    Some(if !ownership.is_owner && rules.iter().any(|rule| wanted.contains(rule)) {
        format!("hint: only {owner} or an admin of this hub may allow it")
    } else if ownership.is_owner {
        format!("hint: as an owner you may let it through: `git push {}`; it is written down", options())
    } else {
        format!("hint: {owner} or an admin of this hub may let it through with `git push {}`", options())
    })
}

fn words(rules: impl Iterator<Item = Rule>) -> String {
    rules.collect::<BTreeSet<_>>().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn lines(problems: &[Violation]) -> Vec<String> {
    let mut lines = Vec::new();
    for problem in problems.iter().take(SHOWN) {
        lines.push(format!("error: {problem}"));
        // The same advice for twenty files is said once.
        let hint = problem.hint.as_ref().map(|hint| format!("hint: {hint}"));
        lines.extend(hint.filter(|hint| !lines.contains(hint)));
    }
    if problems.len() > SHOWN {
        lines.push(format!("error: … and {} more", problems.len() - SHOWN));
    }
    lines
}
