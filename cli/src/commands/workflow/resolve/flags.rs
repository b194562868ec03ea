//! Answers given as flags.

use comfydock_core::resolve::ladder::Finding;
use comfydock_workspace::Error;
use comfydock_workspace::ops::resolve::{Draft, Given};

use super::{Args, screen};
use crate::error::Failure;

/// Every answer the flags give, by the question's position.
///
/// # Errors
/// When a flag names what is not asked, or no model.
pub(super) fn answers(draft: &Draft, findings: &[Finding], args: &Args) -> Result<Vec<(usize, Given)>, Failure> {
    let mut answers: Vec<(usize, Given)> = Vec::new();
    for (name, model) in &args.using {
        let given = Given::Use(draft.key_of(model)?);
        answers.extend(asked(draft, name)?.into_iter().map(|position| (position, given.clone())));
    }
    for (name, file) in &args.locate {
        let given = Given::Locate(screen::path(file));
        answers.extend(asked(draft, name)?.into_iter().map(|position| (position, given.clone())));
    }
    for name in &args.download {
        let positions = asked(draft, name)?;
        let before = answers.len();
        for position in open(&positions, &answers) {
            let offer = findings[position].offers.iter().find(|offer| offer.sha256.is_some());
            answers.extend(offer.map(|offer| (position, Given::Download(Box::new(offer.clone())))));
        }
        if answers.len() == before && name != ALL {
            return Err(Error::refused(
                format!("no download with a known SHA-256 is offered for `{name}`"),
                "`comfydock models download URL --category CATEGORY` brings a file whose hash nobody knows",
            )
            .into());
        }
    }
    for name in &args.skip {
        let positions = asked(draft, name)?;
        let left = open(&positions, &answers);
        answers.extend(left.into_iter().map(|position| (position, Given::Skip)));
    }
    Ok(answers)
}

/// Stands for every name.
const ALL: &str = "*";

/// The names that flags speak of: these are asked about although they were skipped.
pub(super) fn named(args: &Args) -> Vec<&str> {
    let pairs = args.using.iter().chain(&args.locate).map(|(name, _)| name.as_str());
    pairs.chain(args.download.iter().map(String::as_str)).filter(|name| *name != ALL).collect()
}

/// The questions about a name.
fn asked(draft: &Draft, name: &str) -> Result<Vec<usize>, Failure> {
    let questions = draft.questions().iter().enumerate();
    let positions: Vec<usize> =
        questions.filter(|(_, question)| name == ALL || question.is_called(name)).map(|(at, _)| at).collect();
    if positions.is_empty() && name != ALL {
        let open: Vec<&str> = draft.questions().iter().map(|question| question.value.as_str()).collect();
        let hint =
            if open.is_empty() { "nothing is open in it".to_owned() } else { format!("open: {}", open.join(", ")) };
        let message = format!("workflow `{}` does not ask about `{name}`", draft.workflow());
        return Err(Error::refused(message, hint).into());
    }
    Ok(positions)
}

/// Those that have no answer yet.
fn open(positions: &[usize], answers: &[(usize, Given)]) -> Vec<usize> {
    positions.iter().copied().filter(|position| answers.iter().all(|(answered, _)| answered != position)).collect()
}
