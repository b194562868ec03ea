//! Histories that went apart, put together (decision 78).

use comfydock_core::diff::State;
use comfydock_core::digest::CommitId;
use comfydock_core::foreign;
use comfydock_core::manifest::Manifest;
use comfydock_core::merge::{self, Answers, Merge, Question, Settled};
use comfydock_core::plan::commit::plural;
use comfydock_git::repository::{NewFile, Repository};

use super::uncommitted;
use crate::Error;
use crate::environment::Environment;
use crate::observe::{self, Committed};
use crate::ops::relock::{self, Options};
use crate::ops::{Context, author, seconds_now};
use crate::transaction::Transaction;
use crate::workspace::{Workspace, now};

/// Summaries of one's own commits in the first line of a merge's message.
const SUMMARIES: usize = 3;

/// Two histories that each have what the other lacks.
pub(super) struct Diverged {
    /// The last state they have in common.
    base: Committed,
    /// Commits here that the remote lacks.
    pub(super) ahead: usize,
    remote: String,
    /// When they are merged, RFC 3339: one time, so that asking again gives the same.
    time: String,
}

/// What a merge came to, and what its commit needs besides the files.
pub(super) struct Merging {
    pub(super) said: Vec<String>,
    pub(super) settled: Vec<Settled>,
    /// What was locked lies in its stage.
    pub(super) transaction: Transaction,
    remote: String,
    ahead: usize,
    tip: CommitId,
}

fn state(committed: &Committed) -> State<'_> {
    State { manifest: &committed.manifest_text, workflows: &committed.workflows, files: &committed.files }
}

impl Diverged {
    pub(super) fn of(
        environment: &Environment,
        remote: &str,
        head: &Committed,
        tip: &Committed,
        ahead: usize,
    ) -> Result<Self, Error> {
        let repository = environment.repository()?;
        let Some(base) = repository.merge_base(&head.commit, &tip.commit)? else {
            return Err(Error::refused(
                format!("the history here and that of {remote} have nothing in common, so they cannot be merged"),
                "nothing was changed; `comfydock clone ADDRESS NAME` brings the other one here under another name",
            ));
        };
        uncommitted::refuse_packages(environment, head)?;
        let place = format!("commit {} of environment `{}`", base.short(12), environment.name());
        let base = observe::committed(&repository.objects()?, &base, &place)?;
        Ok(Self { base, ahead, remote: remote.to_owned(), time: now() })
    }

    fn merged(&self, head: &Committed, tip: &Committed, answers: &Answers) -> Result<Merge, Error> {
        merge::merge(state(&self.base), state(head), state(tip), answers, &self.time)
            .map_err(Error::of_manifest("a manifest cannot be taken"))
    }

    pub(super) fn questions(
        &self,
        head: &Committed,
        tip: &Committed,
        answers: &Answers,
    ) -> Result<Vec<Question>, Error> {
        let found = self.merged(head, tip, answers)?;
        let settled = found.settled.iter().map(|settled| &settled.question);
        let asked: Vec<String> = settled.chain(&found.questions).map(|question| question.subject.word()).collect();
        // A slip in a word would leave what was meant to a default.
        match answers.named.keys().find(|word| !asked.contains(*word)) {
            None => Ok(found.questions),
            Some(word) if asked.is_empty() => Err(Error::refused(
                format!("`{word}` was not changed on both sides; nothing was changed"),
                "the two histories can be merged without an answer",
            )),
            Some(word) => Err(Error::refused(
                format!("`{word}` was not changed on both sides; nothing was changed"),
                format!("these were: {}", asked.join(", ")),
            )),
        }
    }

    /// The merged state, with a lock that belongs to it.
    pub(super) fn merge(
        self,
        workspace: &Workspace,
        environment: &Environment,
        head: &Committed,
        tip: &Committed,
        answers: &Answers,
        context: &Context<'_>,
    ) -> Result<(Committed, Merging), Error> {
        let Merge { mut document, workflows, mut files, relock, questions, settled, said, .. } =
            self.merged(head, tip, answers)?;
        if let Some(question) = questions.first() {
            return Err(Error::refused(
                format!("nothing says which {} to take; nothing was changed", question.subject),
                "run the command again",
            ));
        }
        let read = |document: &comfydock_core::manifest::Document| -> Result<Manifest, Error> {
            document.manifest().map_err(Error::of_manifest("the merged manifest cannot be taken"))
        };
        // It may have been edited while somebody thought about the answers.
        uncommitted::refuse_packages(environment, head)?;
        let transaction = Transaction::begin(&environment.home())?;
        if relock {
            // A lock made for another version of ComfyUI does not say which torch this one wants.
            let started = [tip, head].into_iter().find(|side| lock_of(side) == files.get(foreign::PYTHON_LOCK));
            let wanted = read(&document)?.environment.comfyui_commit;
            let hold_torch = started.is_some_and(|side| side.manifest.environment.comfyui_commit == wanted);
            let project = transaction.stage().join("resolution");
            let how = Options { test: true, hold_torch };
            relock::lock(workspace, environment, &mut document, &mut files, &project, how, context)
                .map_err(not_together)?;
        }
        let manifest = read(&document)?;
        let manifest_text = document.text();
        files.insert(foreign::MANIFEST.to_owned(), manifest_text.clone().into_bytes());
        let target = Committed { commit: head.commit.clone(), manifest_text, manifest, workflows, files };
        let Self { ahead, remote, .. } = self;
        Ok((target, Merging { said, settled, transaction, remote, ahead, tip: tip.commit.clone() }))
    }
}

/// What each side asks of packages fits, and both together do not.
fn not_together(error: Error) -> Error {
    match relock::without_no_test(error) {
        Error::Refused { message, details, hint } => Error::Refused {
            message: format!("{message}; nothing was merged"),
            details,
            hint: hint.map(|hint| format!("{hint}; then commit and pull again")),
        },
        other => other,
    }
}

fn lock_of(side: &Committed) -> Option<&Vec<u8>> {
    side.files.get(foreign::PYTHON_LOCK)
}

/// The commit of a merge, before it is written.
pub(super) struct MergeCommit {
    remote: String,
    ahead: usize,
    tip: CommitId,
    said: Vec<String>,
}

impl Merging {
    /// The transaction it was prepared in, and the commit that is to come of it.
    pub(super) fn parted(self) -> (Transaction, MergeCommit) {
        let Self { said, transaction, remote, ahead, tip, .. } = self;
        (transaction, MergeCommit { remote, ahead, tip, said })
    }
}

impl MergeCommit {
    /// What the branch moves with.
    pub(super) fn reason(&self) -> String {
        format!("pull: merge {}", self.remote)
    }

    /// Writes the commit; no ref moves. The remote's tip comes first, so that published versions keep
    /// their numbers (decision 27).
    pub(super) fn write(
        &self,
        environment: &Environment,
        head: &CommitId,
        target: &Committed,
        context: &Context<'_>,
    ) -> Result<CommitId, Error> {
        let repository = environment.repository()?;
        let workflows =
            target.workflows.iter().map(|(name, text)| (foreign::workflow_path(name), text.clone().into_bytes()));
        let files: Vec<NewFile> = target
            .files
            .iter()
            .map(|(path, bytes)| (path.clone(), bytes.clone()))
            .chain(workflows)
            .map(|(path, bytes)| NewFile { path, bytes })
            .collect();
        let message = self.message(&repository, head)?;
        let commit = repository.write_commit(&files, [&self.tip, head], &message, &author(context), seconds_now())?;
        // Held to the same rules as what comes from outside: others will read it so.
        observe::committed(&repository.objects()?, &commit, "the merged state")?;
        Ok(commit)
    }

    /// The versions that lose their place in the line are told by what they said.
    fn message(&self, repository: &Repository, head: &CommitId) -> Result<String, Error> {
        let mut own = Vec::new();
        for version in repository.versions(head, self.ahead)? {
            if repository.ahead_behind(&version.commit, &self.tip)?.0 == 0 {
                break;
            }
            own.push(version.message.lines().next().unwrap_or_default().to_owned());
        }
        own.reverse();
        let more = own.len().saturating_sub(SUMMARIES);
        own.truncate(SUMMARIES);
        let mut message = format!("Merge {}: {}", self.remote, own.join("; "));
        if more > 0 {
            message.push_str(&format!("; and {} more", plural(more, "commit")));
        }
        if !self.said.is_empty() {
            message.push_str(&format!("\n\n{}\n", self.said.join("\n")));
        }
        Ok(message)
    }
}
