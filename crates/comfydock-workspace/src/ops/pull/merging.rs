//! Histories that went apart, put together (decision 78).

use comfydock_core::digest::CommitId;
use comfydock_core::foreign;
use comfydock_core::merge::{Answers, Question, Settled};
use comfydock_core::plan::commit::plural;
use comfydock_git::repository::{NewFile, Repository};

use super::uncommitted;
use crate::Error;
use crate::environment::Environment;
use crate::observe::{self, Committed};
use crate::ops::together::{Base, Keeps, Sides, Together};
use crate::ops::{Context, author, seconds_now};
use crate::transaction::Transaction;
use crate::workspace::Workspace;

/// Summaries of one's own commits in the first line of a merge's message.
const SUMMARIES: usize = 3;

/// Two histories that each have what the other lacks.
pub(super) struct Diverged {
    /// The last state they have in common.
    base: Base,
    /// Commits here that the remote lacks.
    pub(super) ahead: usize,
    remote: String,
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
        Ok(Self { base: Base::of(base), ahead, remote: remote.to_owned() })
    }

    fn sides<'a>(&'a self, head: &'a Committed, tip: &'a Committed) -> Sides<'a> {
        Sides { base: &self.base, ours: head, theirs: tip, keeps: Keeps::Theirs }
    }

    pub(super) fn questions(
        &self,
        head: &Committed,
        tip: &Committed,
        answers: &Answers,
    ) -> Result<Vec<Question>, Error> {
        self.sides(head, tip).questions(answers, |word, asked| {
            let hint = if asked.is_empty() {
                "the two histories can be merged without an answer".to_owned()
            } else {
                format!("these were: {}", asked.join(", "))
            };
            Error::refused(format!("`{word}` was not changed on both sides; nothing was changed"), hint)
        })
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
        // It may have been edited while somebody thought about the answers.
        uncommitted::refuse_packages(environment, head)?;
        let transaction = Transaction::begin(&environment.home())?;
        let again = "commit and pull again";
        let Together { target, said, settled, transaction } =
            self.sides(head, tip).put_together(workspace, environment, answers, transaction, again, context)?;
        let Self { ahead, remote, .. } = self;
        Ok((target, Merging { said, settled, transaction, remote, ahead, tip: tip.commit.clone() }))
    }
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
