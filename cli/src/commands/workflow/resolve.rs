use std::path::PathBuf;
use std::process::ExitCode;

use comfydock_core::category::Criticality;
use comfydock_core::plan::resolve::{Choice, Likeness, Question};
use comfydock_workspace::Error;
use comfydock_workspace::ops::resolve::{self, Draft, Given, Outcome};
use serde_json::{Value, json};

use crate::error::Failure;
use crate::printer::{BOLD, DIM, GREEN, YELLOW, paint};
use crate::prompt;
use crate::session::Session;
use crate::words::{bytes, count};

/// Settle the models of a workflow that are missing or not clear
///
/// Asks about each; an answer is written into ComfyUI's file of the workflow, and kept. Every question
/// has a flag too.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The workflow
    workflow: String,
    /// Use this model of this machine for a name: a file name, a path, or the start of a hash (can be given again)
    #[arg(long = "use", value_name = "NAME=MODEL", value_parser = pair)]
    using: Vec<(String, String)>,
    /// The file that a name means; one outside the models folders is linked in (can be given again)
    #[arg(long, value_name = "NAME=FILE", value_parser = pair)]
    locate: Vec<(String, String)>,
    /// Leave a name and do not ask again until node or name change; `*` for all (can be given again)
    #[arg(long, value_name = "NAME")]
    skip: Vec<String>,
    /// Put a model in the place of another in every workflow of the environment, on record (can be given again)
    #[arg(long, value_name = "OLD=NEW", value_parser = pair)]
    substitute: Vec<(String, String)>,
    /// Exit with 0 although names are left open
    #[arg(long)]
    allow_issues: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("it must be NAME=VALUE".to_owned()),
    }
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let (workspace, environment) = session.environment()?;
    let context = session.context(&[]);
    let mut rewritten = Vec::new();
    for (old, new) in &args.substitute {
        rewritten.extend(resolve::replace(&workspace, &environment, old, new, &context)?.rewritten);
    }
    let draft = resolve::draft(&workspace, &environment, &args.workflow, &context)?;
    let mut answers = from_flags(&draft, args)?;
    if prompt::interactive(session) && !session.global.json {
        for (position, question) in draft.questions().iter().enumerate() {
            if answers.iter().all(|(answered, _)| *answered != position)
                && let Some(given) = ask(question)?
            {
                answers.push((position, given));
            }
        }
    }
    let (workflow, asked) = (draft.workflow().to_owned(), draft.questions().len());
    let mut outcome = if answers.is_empty() {
        Outcome { rewritten: Vec::new(), brought: Vec::new(), open: draft.questions().to_vec() }
    } else {
        resolve::apply(&workspace, &environment, draft, &answers, &context)?
    };
    outcome.rewritten.extend(rewritten);
    outcome.rewritten.sort();
    outcome.rewritten.dedup();
    let document = json!({
        "workflow": workflow, "asked": asked, "rewritten": outcome.rewritten, "brought": outcome.brought,
        "open": outcome.open.iter().map(describe).collect::<Vec<_>>(),
    });
    session.print("workflow.resolve", document, || told(&workflow, asked, &outcome))?;
    if !outcome.rewritten.is_empty() {
        session.say("reload the workflow in ComfyUI if it is open there: an open tab saves what it has");
    }
    let incomplete = !outcome.open.is_empty() && !args.allow_issues;
    Ok(if incomplete { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn from_flags(draft: &Draft, args: &Args) -> Result<Vec<(usize, Given)>, Failure> {
    let mut answers: Vec<(usize, Given)> = Vec::new();
    let mut give = |name: &str, given: Given| -> Result<(), Failure> {
        let fitting =
            |question: &Question| question.value == name || question.value.rsplit(['/', '\\']).next() == Some(name);
        let positions: Vec<usize> =
            draft.questions().iter().enumerate().filter(|(_, question)| fitting(question)).map(|(at, _)| at).collect();
        if positions.is_empty() {
            let open: Vec<&str> = draft.questions().iter().map(|question| question.value.as_str()).collect();
            let hint =
                if open.is_empty() { "nothing is open in it".to_owned() } else { format!("open: {}", open.join(", ")) };
            return Err(
                Error::refused(format!("workflow `{}` does not ask about `{name}`", draft.workflow()), hint).into()
            );
        }
        answers.extend(positions.into_iter().map(|position| (position, given.clone())));
        Ok(())
    };
    for (name, model) in &args.using {
        give(name, Given::Use(draft.key_of(model)?))?;
    }
    for (name, file) in &args.locate {
        give(name, Given::Locate(PathBuf::from(file)))?;
    }
    for name in args.skip.iter().filter(|name| *name != "*") {
        give(name, Given::Skip)?;
    }
    if args.skip.iter().any(|name| name == "*") {
        for position in 0..draft.questions().len() {
            if answers.iter().all(|(answered, _)| *answered != position) {
                answers.push((position, Given::Skip));
            }
        }
    }
    Ok(answers)
}

/// What can be answered on the screen.
enum Reply {
    Use(String),
    Locate,
    Skip,
    Later,
}

fn ask(question: &Question) -> Result<Option<Given>, Failure> {
    let mut lines: Vec<String> = Vec::new();
    let mut options = Vec::new();
    for choice in &question.choices {
        lines.push(offered(choice));
        options.push(Reply::Use(choice.key.clone()));
    }
    for (line, option) in [
        ("locate the file myself", Reply::Locate),
        ("skip it, and do not ask again", Reply::Skip),
        ("decide later", Reply::Later),
    ] {
        lines.push(line.to_owned());
        options.push(option);
    }
    let picked = inquire::Select::new(&title(question), lines).raw_prompt().map_err(|_| Failure::Cancelled)?.index;
    Ok(match &options[picked] {
        Reply::Use(key) => Some(Given::Use(key.clone())),
        Reply::Locate => {
            let path = inquire::Text::new("Where is it?").prompt().map_err(|_| Failure::Cancelled)?;
            Some(Given::Locate(PathBuf::from(path.trim())))
        }
        Reply::Skip => Some(Given::Skip),
        Reply::Later => None,
    })
}

fn title(question: &Question) -> String {
    let same = question.choices.iter().filter(|choice| choice.likeness == Likeness::SameName).count();
    let what = if question.absent.is_some() {
        "is not on this machine"
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
    let matters = match question.criticality {
        Criticality::Required => "required",
        Criticality::Flexible => "flexible",
        Criticality::Optional => "optional",
    };
    format!("{category}, {matters}; {first}{more}")
}

fn offered(choice: &Choice) -> String {
    let why = match choice.likeness {
        Likeness::SameName => String::new(),
        Likeness::Substitute => ", stands in for it elsewhere".to_owned(),
        Likeness::Similar(score) => format!(", similar name ({:.0} %)", score * 100.0),
    };
    format!("{}/{} ({}{why})", choice.category, choice.name, bytes(choice.size))
}

fn describe(question: &Question) -> Value {
    let choices = question.choices.iter().map(|choice| {
        let (why, score) = match choice.likeness {
            Likeness::SameName => ("same_name", None),
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
    })
}

fn told(workflow: &str, asked: usize, outcome: &Outcome) -> Vec<String> {
    if asked == 0 && outcome.rewritten.is_empty() {
        return vec![format!("{} every model of {workflow} is clear", paint(GREEN, "ready"))];
    }
    let mut lines: Vec<String> = outcome.brought.iter().map(|path| format!("linked {path}")).collect();
    lines.extend(
        outcome.rewritten.iter().map(|name| format!("{} {name} names its models anew", paint(GREEN, "written"))),
    );
    for question in &outcome.open {
        lines.push(format!("{} {} ({})", paint(YELLOW, "open"), paint(BOLD, &question.value), places(question)));
        lines.extend(question.choices.iter().map(|choice| paint(DIM, format!("     {}", offered(choice)))));
    }
    if outcome.open.is_empty() {
        lines.push(format!("{} {}; `comfydock commit` records it", paint(GREEN, "settled"), count(asked, "name")));
    } else {
        lines.push("answer with --use NAME=MODEL, --locate NAME=FILE or --skip NAME".to_owned());
    }
    lines
}
