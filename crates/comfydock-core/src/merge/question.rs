//! What a merge asks, and what it was answered.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// A side of a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// What is here.
    Ours,
    /// What is at the remote.
    Theirs,
}

/// Which of two values is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// What is here.
    Ours,
    /// What is at the remote.
    Theirs,
    /// Of workflows: both, theirs under the name and ours beside it.
    Both,
}

/// What a question is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Subject {
    /// A workflow.
    Workflow {
        /// Its name.
        name: String,
    },
    /// ComfyUI's version, with the requirements and the date that go with it.
    ComfyUi,
    /// Python's version.
    Python,
    /// A node pack, with the requirements that go with it.
    Pack {
        /// Its folder in `custom_nodes`.
        name: String,
    },
    /// What is asked for of a Python package.
    Requirement {
        /// The dependency group or the setting; none for ComfyUI's own.
        group: Option<String>,
        /// The package.
        package: String,
    },
    /// A package index.
    Index {
        /// Its name, or its URL.
        name: String,
    },
    /// What stands in for a model.
    Substitution {
        /// The key of the model that is not used.
        key: String,
    },
    /// Which file a workflow's model is, or how much it matters.
    Model {
        /// The workflow.
        workflow: String,
        /// The file's name.
        filename: String,
    },
    /// Anything else in the manifest.
    Setting {
        /// The keys on the way, with dots between.
        key: String,
    },
    /// Another file.
    File {
        /// Its path.
        path: String,
    },
}

impl Subject {
    /// The word that names it in a flag: of a workflow its name, of anything else one with a colon,
    /// which no workflow's name has.
    pub fn word(&self) -> String {
        match self {
            Self::Workflow { name } => name.clone(),
            Self::ComfyUi => "fact:comfyui".to_owned(),
            Self::Python => "fact:python".to_owned(),
            Self::Pack { name } => format!("pack:{name}"),
            Self::Requirement { group: None, package } => format!("package:{package}"),
            Self::Requirement { group: Some(group), package } => format!("package:{group}/{package}"),
            Self::Index { name } => format!("index:{name}"),
            Self::Substitution { key } => format!("substitution:{key}"),
            Self::Model { workflow, filename } => format!("model:{workflow}/{filename}"),
            Self::Setting { key } => format!("setting:{key}"),
            Self::File { path } => format!("file:{path}"),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workflow { name } => write!(formatter, "workflow {name}"),
            Self::ComfyUi => formatter.write_str("ComfyUI's version"),
            Self::Python => formatter.write_str("Python's version"),
            Self::Pack { name } => write!(formatter, "node pack {name}"),
            Self::Requirement { group: None, package } => write!(formatter, "the requirement {package}"),
            Self::Requirement { group: Some(group), package } => {
                write!(formatter, "the requirement {package} of {group}")
            }
            Self::Index { name } => write!(formatter, "package index {name}"),
            Self::Substitution { key } => write!(formatter, "the substitution of {key}"),
            Self::Model { workflow, filename } => write!(formatter, "model {filename} of workflow {workflow}"),
            Self::Setting { key } => write!(formatter, "the setting {key}"),
            Self::File { path } => write!(formatter, "the file {path}"),
        }
    }
}

/// Something that both sides changed, and not alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Question {
    /// What it is about.
    pub subject: Subject,
    /// What we changed, a line each.
    pub ours: Vec<String>,
    /// What they changed, a line each.
    pub theirs: Vec<String>,
    /// Whether both can be kept.
    pub both: bool,
}

/// A question with its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Settled {
    /// What was asked.
    #[serde(flatten)]
    pub question: Question,
    /// What was answered.
    pub answer: Answer,
}

/// Answers to questions, given before they are asked.
#[derive(Debug, Clone, Default)]
pub struct Answers {
    /// For every workflow without an answer of its own.
    pub workflows: Option<Answer>,
    /// For everything else without one. [`Answer::Both`] answers nothing there.
    pub others: Option<Answer>,
    /// By [`Subject::word`].
    pub named: BTreeMap<String, Answer>,
}

/// Where questions are put and answered.
pub(super) struct Desk<'a> {
    answers: &'a Answers,
    pub(super) questions: Vec<Question>,
    pub(super) settled: Vec<Settled>,
    pub(super) said: Vec<String>,
}

impl<'a> Desk<'a> {
    pub(super) fn new(answers: &'a Answers) -> Self {
        Self { answers, questions: Vec::new(), settled: Vec::new(), said: Vec::new() }
    }

    /// What was answered to a question about a workflow; one without an answer is noted, and ours stands
    /// for the time being. Where one side has none, both is the other.
    pub(super) fn ask_workflow(&mut self, name: &str, ours: Vec<String>, theirs: Vec<String>, both: bool) -> Answer {
        let subject = Subject::Workflow { name: name.to_owned() };
        let answer = self.answers.named.get(&subject.word()).copied().or(self.answers.workflows);
        self.note(Question { subject, ours, theirs, both }, answer)
    }

    /// The same about anything else, which cannot be kept twice.
    pub(super) fn ask(&mut self, subject: Subject, ours: Vec<String>, theirs: Vec<String>) -> Side {
        let named = self.answers.named.get(&subject.word()).copied();
        let answer = [named, self.answers.others].into_iter().flatten().find(|answer| *answer != Answer::Both);
        match self.note(Question { subject, ours, theirs, both: false }, answer) {
            Answer::Theirs => Side::Theirs,
            _ => Side::Ours,
        }
    }

    fn note(&mut self, question: Question, answer: Option<Answer>) -> Answer {
        match answer {
            Some(answer) => self.settled.push(Settled { question, answer }),
            None => self.questions.push(question),
        }
        answer.unwrap_or(Answer::Ours)
    }

    /// Notes what was decided without a question.
    pub(super) fn say(&mut self, what: String) {
        self.said.push(what);
    }
}
