//! Answers given as flags.

use std::path::PathBuf;

use comfydock_core::plan::resolve::Question;
use comfydock_core::resolve::ladder::Finding;
use comfydock_workspace::Error;
use comfydock_workspace::ops::resolve::{Draft, Given};

use super::Args;
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
        let given = Given::Locate(PathBuf::from(file));
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

/// The questions about a name.
fn asked(draft: &Draft, name: &str) -> Result<Vec<usize>, Failure> {
    let questions = draft.questions().iter().enumerate();
    let positions: Vec<usize> =
        questions.filter(|(_, question)| name == ALL || fits(question, name)).map(|(at, _)| at).collect();
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

/// Whether a name given on the command line means the question.
fn fits(question: &Question, name: &str) -> bool {
    question.value == name || question.value.rsplit(['/', '\\']).next() == Some(name)
}
