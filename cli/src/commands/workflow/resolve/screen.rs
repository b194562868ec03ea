//! Questions and what came of them, for people and as JSON.

use std::path::PathBuf;

use comfydock_core::plan::resolve::{Choice, Likeness, Question};
use comfydock_core::resolve::ladder::{Evidence, Finding, Offer};
use comfydock_core::source::Source;
use comfydock_workspace::ops::resolve::{Given, Outcome};
use serde_json::{Value, json};

use crate::commands::look_up;
use crate::error::Failure;
use crate::printer::{BOLD, DIM, GREEN, RED, YELLOW, paint};
use crate::prompt;
use crate::words::{bytes, count};

/// What can be answered on the screen.
enum Reply {
    Use(String),
    Download(Box<Offer>),
    Locate,
    Skip,
    Later,
}

/// Asks about one name; none when it shall stay open.
pub(super) fn ask(question: &Question, offers: &[Offer]) -> Result<Option<Given>, Failure> {
    let mut lines: Vec<String> = Vec::new();
    let mut options = Vec::new();
    for choice in &question.choices {
        lines.push(offered(choice));
        options.push(Reply::Use(choice.key.clone()));
    }
    for offer in offers {
        lines.push(downloadable(offer));
        options.push(Reply::Download(Box::new(offer.clone())));
    }
    for (line, option) in [
        ("locate the file myself", Reply::Locate),
        ("skip it, and do not ask again", Reply::Skip),
        ("decide later", Reply::Later),
    ] {
        lines.push(line.to_owned());
        options.push(option);
    }
    // Enter alone takes what is the very file, or was chosen before; never what is only alike.
    let sure = |choice: &Choice| matches!(choice.likeness, Likeness::SameContent | Likeness::Substitute);
    let start = if question.choices.first().is_some_and(sure) { 0 } else { lines.len() - 1 };
    let picked = prompt::choose_from(&title(question), lines, start)?;
    Ok(match &options[picked] {
        Reply::Use(key) => Some(Given::Use(key.clone())),
        Reply::Download(offer) => Some(Given::Download(offer.clone())),
        Reply::Locate => Some(Given::Locate(located()?)),
        Reply::Skip => Some(Given::Skip),
        Reply::Later => None,
    })
}

/// Asks until a file is named: a slip of the keyboard takes no other answer along.
fn located() -> Result<PathBuf, Failure> {
    let there = |text: &str| {
        Ok(if path(text.trim()).is_file() {
            inquire::validator::Validation::Valid
        } else {
            inquire::validator::Validation::Invalid("there is no such file".into())
        })
    };
    let answer = inquire::Text::new("Where is it?").with_validator(there).prompt().map_err(|_| Failure::Cancelled)?;
    Ok(path(answer.trim()))
}

/// A path as people type it: `~/` is the home folder.
pub(super) fn path(text: &str) -> PathBuf {
    match (text.strip_prefix("~/"), std::env::home_dir()) {
        (Some(below), Some(home)) => home.join(below),
        _ => PathBuf::from(text),
    }
}

fn title(question: &Question) -> String {
    let same = question.choices.iter().filter(|choice| choice.likeness == Likeness::SameName).count();
    let other = question.choices.iter().any(|choice| choice.likeness == Likeness::OtherFile);
    let what = if question.absent.is_some() {
        "is not on this machine"
    } else if other {
        "is here another file than the one its author used"
    } else if same > 1 {
        "means several models"
    } else {
        "was not found"
    };
    format!("{} {what} ({})", question.value, places(question))
}

/// Where it stands, in words.
fn places(question: &Question) -> String {
    let category = question.category.as_deref().unwrap_or("of unknown category");
    let first = question.uses.first().map(|at| format!("node {}, {}", at.node_id, at.node_type)).unwrap_or_default();
    let others = question.uses.len().saturating_sub(1);
    let more = if others > 0 { format!(" and {others} more") } else { String::new() };
    let matters = question.criticality.word();
    format!("{category}, {matters}; {first}{more}")
}

fn offered(choice: &Choice) -> String {
    let why = match choice.likeness {
        Likeness::SameContent => ", the very file its author used".to_owned(),
        Likeness::SameName => String::new(),
        Likeness::OtherFile => ", another file than its author's".to_owned(),
        Likeness::Substitute => ", stands in for it elsewhere".to_owned(),
        Likeness::Similar(score) => format!(", similar name ({:.0} %)", score * 100.0),
    };
    format!("{}/{} ({}{why})", choice.category, choice.name, bytes(choice.size))
}

fn downloadable(offer: &Offer) -> String {
    let size = offer.size.map(|size| format!(", {}", bytes(size))).unwrap_or_default();
    let sure = match (offer.evidence, &offer.sha256) {
        (Evidence::Place, _) | (_, None) => "; the workflow names it and nobody can tell whether it is the file",
        _ => "",
    };
    let warning = offer.warning.as_ref().map(|warning| format!("; {warning}")).unwrap_or_default();
    format!("download {}{size} from {}{sure}{warning}", offer.filename, offer.source)
}

/// A question as JSON documents have it.
pub(super) fn describe(question: &Question, finding: Option<&Finding>) -> Value {
    let offers = finding.map_or(&[][..], |finding| finding.offers.as_slice());
    let choices = question.choices.iter().map(|choice| {
        let (why, score) = match choice.likeness {
            Likeness::SameContent => ("same_content", None),
            Likeness::SameName => ("same_name", None),
            Likeness::OtherFile => ("other_file", None),
            Likeness::Substitute => ("substitute", None),
            Likeness::Similar(score) => ("similar", Some(score)),
        };
        json!({ "key": choice.key, "category": choice.category, "name": choice.name, "size": choice.size, "sha256": choice.sha256, "why": why, "score": score })
    });
    json!({
        "value": question.value, "category": question.category, "kind": question.kind, "confidence": question.confidence,
        "criticality": question.criticality, "nodes": question.uses,
        "absent": question.absent.as_ref().map(|(key, model)| json!({ "key": key, "sha256": model.sha256, "size": model.size, "sources": model.sources })),
        "choices": choices.collect::<Vec<_>>(),
        "offers": offers.iter().map(look_up::describe).collect::<Vec<_>>(),
        "reasons": finding.map(|finding| &finding.reasons),
    })
}

/// What came of it, in lines.
pub(super) fn told<'a>(
    workflow: &str,
    asked: usize,
    outcome: &Outcome,
    found: impl Fn(&Question) -> Option<&'a Finding>,
) -> Vec<String> {
    if asked == 0 && outcome.rewritten.is_empty() && outcome.brought.is_empty() {
        return vec![format!("{} every model of {workflow} is clear", paint(GREEN, "ready"))];
    }
    let mut lines: Vec<String> =
        outcome.brought.iter().map(|path| format!("{} {path}", paint(GREEN, "brought"))).collect();
    lines.extend(outcome.missing.iter().map(|(name, why)| format!("{} {name}: {why}", paint(RED, "missing"))));
    lines.extend(
        outcome.renamed.iter().map(|name| {
            format!("{} {} instead of {} in {}", paint(GREEN, "written"), name.to, name.from, name.workflow)
        }),
    );
    for question in &outcome.open {
        lines.push(format!("{} {} ({})", paint(YELLOW, "open"), paint(BOLD, &question.value), places(question)));
        lines.extend(question.choices.iter().map(|choice| paint(DIM, format!("     {}", offered(choice)))));
        let told = question.told.iter().filter_map(|told| Source::parse(&told.url).ok());
        lines.extend(told.map(|source| paint(DIM, format!("     its author had it from {source}"))));
        let Some(finding) = found(question) else { continue };
        lines.extend(finding.offers.iter().map(|offer| paint(DIM, format!("     {}", downloadable(offer)))));
        lines.extend(finding.reasons.iter().map(|reason| paint(DIM, format!("     {reason}"))));
    }
    if outcome.open.is_empty() && asked == 0 {
        lines.push(format!("{} every model of {workflow} is clear now", paint(GREEN, "ready")));
    } else if outcome.open.is_empty() {
        lines.push(format!("{} {}; `comfydock commit` records it", paint(GREEN, "settled"), count(asked, "name")));
    } else {
        lines.push("answer with --use NAME=MODEL, --download NAME, --locate NAME=FILE or --skip NAME".to_owned());
    }
    lines
}
