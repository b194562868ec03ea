//! Two states that both have a part in what comes: put together by `pull` where histories went apart, and by
//! `import` into an environment that is here already.

use std::collections::BTreeMap;

use comfydock_core::diff::State;
use comfydock_core::foreign;
use comfydock_core::manifest::{Document, Manifest};
use comfydock_core::merge::{self, Answers, Merge, Question, Settled, Subject};
use comfydock_core::workflow::same_content;

use super::Context;
use super::relock::{self, Options};
use crate::Error;
use crate::environment::Environment;
use crate::observe::Committed;
use crate::transaction::Transaction;
use crate::workspace::{Workspace, now};

/// What two states began from.
pub(super) struct Base {
    state: Committed,
    /// When they are put together, RFC 3339: one time, so that asking again gives the same.
    time: String,
}

/// Two states, and what they began from.
pub(super) struct Sides<'a> {
    pub(super) base: &'a Base,
    /// What is here.
    pub(super) ours: &'a Committed,
    /// What comes.
    pub(super) theirs: &'a Committed,
    /// Whose versions of packages stay where a lock has to be made anew.
    pub(super) keeps: Keeps,
}

/// Whose versions of packages stay.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeps {
    /// Those that come: they are published.
    Theirs,
    /// Those that are here, as long as ComfyUI is the one that is here.
    Ours,
}

/// What was put together, with a lock that belongs to it.
pub(super) struct Together {
    pub(super) target: Committed,
    /// What was decided although both sides had a part in it, in words.
    pub(super) said: Vec<String>,
    /// What was asked, and the answers.
    pub(super) settled: Vec<Settled>,
    /// What was locked lies in its stage.
    pub(super) transaction: Transaction,
}

impl Base {
    pub(super) fn of(state: Committed) -> Self {
        Self { state, time: now() }
    }
}

fn state(committed: &Committed) -> State<'_> {
    State { manifest: &committed.manifest_text, workflows: &committed.workflows, files: &committed.files }
}

fn lock_of(side: &Committed) -> Option<&Vec<u8>> {
    side.files.get(foreign::PYTHON_LOCK)
}

impl Sides<'_> {
    fn merged(&self, answers: &Answers) -> Result<Merge, Error> {
        merge::merge(state(&self.base.state), state(self.ours), state(self.theirs), answers, &self.base.time)
            .map_err(Error::of_manifest("a manifest cannot be taken"))
    }

    /// What nobody answered yet. `unasked` says of a word that nothing asks about how that is put: with the
    /// words that would have been right.
    pub(super) fn questions(
        &self,
        answers: &Answers,
        unasked: impl Fn(&str, &[String]) -> Error,
    ) -> Result<Vec<Question>, Error> {
        let found = self.merged(answers)?;
        let settled = found.settled.iter().map(|settled| &settled.question);
        let asked: Vec<String> = settled.chain(&found.questions).map(|question| question.subject.word()).collect();
        // A slip in a word would leave what was meant to a default.
        match answers.named.keys().find(|word| !asked.contains(*word)) {
            None => Ok(found.questions),
            Some(word) => Err(unasked(word, &asked)),
        }
    }

    /// Puts them together, in a transaction that has begun. `again` is what to do when their requirements do not
    /// fit together and somebody has given way.
    pub(super) fn put_together(
        &self,
        workspace: &Workspace,
        environment: &Environment,
        answers: &Answers,
        transaction: Transaction,
        again: &str,
        context: &Context<'_>,
    ) -> Result<Together, Error> {
        let Merge { mut document, mut workflows, mut files, mut relock, questions, settled, said, .. } =
            self.merged(answers)?;
        if let Some(question) = questions.first() {
            return Err(open(&question.subject));
        }
        let read = |document: &Document| -> Result<Manifest, Error> {
            document.manifest().map_err(Error::of_manifest("the merged manifest cannot be taken"))
        };
        let wanted = read(&document)?.environment.comfyui_commit;
        let home = self.keeps == Keeps::Ours && self.ours.manifest.environment.comfyui_commit == wanted;
        if let Some(lock) = lock_of(self.ours).filter(|_| relock && home) {
            files.insert(foreign::PYTHON_LOCK.to_owned(), lock.clone());
            let asked = Document::parse(&self.ours.manifest_text).map(|document| document.resolution_text());
            relock = !asked.is_ok_and(|asked| asked == document.resolution_text());
        }
        if relock {
            // A lock made for another version of ComfyUI does not say which torch this one wants.
            let mut sides = [self.theirs, self.ours].into_iter();
            let started = sides.find(|side| lock_of(side) == files.get(foreign::PYTHON_LOCK));
            let hold_torch = started.is_some_and(|side| side.manifest.environment.comfyui_commit == wanted);
            let project = transaction.stage().join("resolution");
            let how = Options { test: true, hold_torch };
            relock::lock(workspace, environment, &mut document, &mut files, &project, how, context)
                .map_err(|error| not_together(error, again))?;
        }
        let manifest = read(&document)?;
        if self.keeps == Keeps::Ours {
            self.keep_copies(&manifest, &mut workflows);
        }
        let manifest_text = document.text();
        files.insert(foreign::MANIFEST.to_owned(), manifest_text.clone().into_bytes());
        let target = Committed { commit: self.ours.commit.clone(), manifest_text, manifest, workflows, files };
        Ok(Together { target, said, settled, transaction })
    }
}

impl Sides<'_> {
    /// Of a workflow that both have alike the copy stays that is here: theirs may tell its models in other words.
    fn keep_copies(&self, merged: &Manifest, workflows: &mut BTreeMap<String, String>) {
        for (name, text) in workflows {
            let Some(own) = self.ours.workflows.get(name).filter(|own| same_content(own, text)) else { continue };
            if self.ours.manifest.workflows.get(name) == merged.workflows.get(name) {
                text.clone_from(own);
            }
        }
    }
}

/// What each side asks of packages fits, and both together do not.
fn not_together(error: Error, again: &str) -> Error {
    match relock::without_no_test(error) {
        Error::Refused { message, details, hint } => Error::Refused {
            message: format!("{message}; nothing was merged"),
            details,
            hint: hint.map(|hint| format!("{hint}; then {again}")),
        },
        other => other,
    }
}

fn open(subject: &Subject) -> Error {
    Error::refused(format!("nothing says which {subject} to take; nothing was changed"), "run the command again")
}

/// Refuses when manifest or lock have changes that no commit has: what is put together would have to guess what they
/// are to come to.
pub(super) fn refuse_uncommitted(
    environment: &Environment,
    head: &Committed,
    message: &str,
    hint: &str,
) -> Result<(), Error> {
    let mut changed = Vec::new();
    if environment.manifest()?.text() != head.manifest_text {
        changed.push(".cec/pyproject.toml".to_owned());
    }
    // A lock that is not there is not one that was changed.
    let lock = std::fs::read(environment.cec().join(foreign::PYTHON_LOCK)).ok();
    if lock.is_some() && lock.as_ref() != head.files.get(foreign::PYTHON_LOCK) {
        changed.push(".cec/uv.lock".to_owned());
    }
    if changed.is_empty() {
        return Ok(());
    }
    Err(Error::Refused { message: message.to_owned(), details: changed, hint: Some(hint.to_owned()) })
}
