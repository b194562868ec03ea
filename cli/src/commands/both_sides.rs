//! What two states have otherwise: asked on the screen, or answered by flags.

use comfydock_core::merge::{Answer, Answers, Question, Settled};
use comfydock_workspace::Error;
use serde_json::{Value, json};

use crate::error::Failure;
use crate::printer::{BOLD, paint, talk};
use crate::prompt;
use crate::session::Session;
use crate::words;

/// Flags that answer what a merge asks.
#[derive(clap::Args)]
#[group(id = "both_sides", multiple = true)]
pub(crate) struct Args {
    /// Where both sides changed one thing, take what is here
    #[arg(long)]
    ours: bool,
    /// Where both sides changed one thing, take what is there
    #[arg(long, conflicts_with = "ours")]
    theirs: bool,
    /// Where both sides changed a workflow, keep both, yours under another name; goes with --ours or --theirs for the rest
    #[arg(long)]
    both: bool,
    /// The same for one thing, by the word that the question names (can be given again)
    #[arg(long, value_name = "WORD=ours|theirs|both", value_parser = taken)]
    take: Vec<(String, Answer)>,
}

fn taken(text: &str) -> Result<(String, Answer), String> {
    let (word, answer) = text.rsplit_once('=').unwrap_or((text, ""));
    let answer = match answer {
        "ours" => Answer::Ours,
        "theirs" => Answer::Theirs,
        "both" => Answer::Both,
        _ => return Err("it must be WORD=ours, WORD=theirs or WORD=both".to_owned()),
    };
    Ok((word.to_owned(), answer))
}

/// What two states are to each other, in words.
#[derive(Clone, Copy)]
pub(crate) enum Between {
    /// One became two.
    Histories,
    /// A bundle comes into an environment.
    Bundle,
}

impl Between {
    /// What holds of one thing that is asked about.
    fn one(self) -> &'static str {
        match self {
            Self::Histories => "was changed here and there",
            Self::Bundle => "is another here than in the bundle",
        }
    }

    /// The same of several.
    fn several(self, count: usize) -> String {
        match (self, count) {
            (Self::Histories, 1) => "1 thing was changed here and there".to_owned(),
            (Self::Histories, _) => format!("{} were changed here and there", words::count(count, "thing")),
            (Self::Bundle, 1) => "1 thing is another here than in the bundle".to_owned(),
            (Self::Bundle, _) => format!("{} are others here than in the bundle", words::count(count, "thing")),
        }
    }
}

impl Args {
    /// Whether anything is answered.
    pub(crate) fn is_given(&self) -> bool {
        self.ours || self.theirs || self.both || !self.take.is_empty()
    }

    /// The answers.
    pub(crate) fn answers(&self) -> Answers {
        let side = match (self.ours, self.theirs) {
            (true, _) => Some(Answer::Ours),
            (_, true) => Some(Answer::Theirs),
            _ => None,
        };
        let workflows = if self.both { Some(Answer::Both) } else { side };
        Answers { workflows, others: side, named: self.take.iter().cloned().collect() }
    }
}

/// How the questions ended.
pub(crate) enum Ending {
    /// Each has an answer.
    Settled(Answers),
    /// These have none, and nobody is there to ask.
    Open(Vec<Question>),
}

/// Gathers answers until nothing is left to ask.
///
/// # Errors
/// When a flag answers what is not asked, or the person breaks off.
pub(crate) fn settle(
    session: &Session,
    between: Between,
    mut answers: Answers,
    questions: impl Fn(&Answers) -> Result<Vec<Question>, Error>,
) -> Result<Ending, Failure> {
    loop {
        let open = questions(&answers)?;
        if open.is_empty() {
            return Ok(Ending::Settled(answers));
        }
        if session.global.json || !prompt::interactive(session) {
            return Ok(Ending::Open(open));
        }
        for question in &open {
            answers.named.insert(question.subject.word(), ask(session, between, question)?);
        }
    }
}

fn ask(session: &Session, between: Between, question: &Question) -> Result<Answer, Failure> {
    session.close();
    talk(&format!("{} {}", paint(BOLD, &question.subject), between.one()));
    sides(question).iter().for_each(|line| talk(line));
    let mut options = vec![("yours", Answer::Ours), ("theirs", Answer::Theirs)];
    if question.both {
        options.push(("keep both, yours under another name", Answer::Both));
    }
    let lines = options.iter().map(|(line, _)| *line).collect();
    let picked = prompt::choose("Which shall it be?", lines)?;
    Ok(options[picked].1)
}

/// What each side changed, a line each.
fn sides(question: &Question) -> Vec<String> {
    let side = |name: &str, lines: &[String]| {
        // A widget's text may hold line feeds, which would look like other lines.
        let lines = lines.iter().map(|line| format!("    {}", line.replace(['\n', '\r', '\t'], " ")));
        std::iter::once(format!("  {name}:")).chain(lines).collect::<Vec<_>>()
    };
    [side("yours", &question.ours), side("theirs", &question.theirs)].concat()
}

/// Why nothing was done.
pub(crate) fn unanswered(between: Between, open: &[Question]) -> Error {
    let details = open.iter().flat_map(|question| {
        let values = if question.both { "ours|theirs|both" } else { "ours|theirs" };
        let flag = format!("--take {}={values}", quoted(&question.subject.word()));
        std::iter::once(format!("{}: {flag}", question.subject)).chain(sides(question))
    });
    Error::Refused {
        message: format!("{}, and nothing says which to take; nothing was changed", between.several(open.len())),
        details: details.collect(),
        hint: Some(
            "answer each with --take, all with --ours or --theirs, workflows with --both; in a terminal you are asked"
                .to_owned(),
        ),
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |character: char| character.is_alphanumeric() || "-_./:".contains(character);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// What was answered, a line each.
pub(crate) fn answered<'a>(settled: impl IntoIterator<Item = &'a Settled>) -> Vec<String> {
    let line = |settled: &Settled| {
        let taken = match settled.answer {
            Answer::Both if settled.question.both => "both are kept",
            // Of two where one is gone, both is the one that is there.
            Answer::Both => "what is left of it is kept",
            Answer::Ours => "yours is taken",
            Answer::Theirs => "theirs is taken",
        };
        format!("  {}: {taken}", settled.question.subject)
    };
    settled.into_iter().map(line).collect()
}

/// Questions as JSON documents have them; without an answer while there is none.
pub(crate) fn document<'a>(questions: impl IntoIterator<Item = (&'a Question, Option<Answer>)>) -> Value {
    let describe = |(question, answer): (&Question, Option<Answer>)| {
        let mut document = json!(question);
        document["word"] = question.subject.word().into();
        document["answer"] = json!(answer);
        document
    };
    questions.into_iter().map(describe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_equals_sign_parts_a_word_from_its_answer() {
        assert_eq!(taken("a=b=theirs"), Ok(("a=b".to_owned(), Answer::Theirs)));
        assert_eq!(taken("package:node-x/six=ours"), Ok(("package:node-x/six".to_owned(), Answer::Ours)));
        assert!(taken("portrait").is_err() && taken("portrait=mine").is_err());
    }

    #[test]
    fn words_are_quoted_for_a_shell() {
        for (word, expected) in [("a/b-c", "a/b-c"), ("my flow", "'my flow'"), ("it's", r"'it'\''s'")] {
            assert_eq!(quoted(word), expected);
        }
    }
}
