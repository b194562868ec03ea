//! What lies behind a commit: versions, common ancestors, and commits by the start of their name.

use std::collections::HashSet;

use comfydock_core::digest::CommitId;
use gix::ObjectId;
use gix::hash::Prefix;

use super::{Author, Error, Repository, Version};

/// Fewer digits name no commit.
pub const SHORTEST_PREFIX: usize = 4;

impl Repository {
    /// The first-parent line, newest first. At most `limit` are returned; all are counted.
    ///
    /// # Errors
    /// When a commit is missing or damaged.
    pub fn versions(&self, from: &CommitId, limit: usize) -> Result<Vec<Version>, Error> {
        let objects = self.objects()?;
        let mut line = Vec::new();
        let mut next = Some(from.clone());
        while let Some(id) = next {
            let commit = objects.commit(id.as_str())?;
            next = commit
                .parents
                .first()
                .map(|parent| CommitId::parse(parent))
                .transpose()
                .map_err(|error| self.fault(error))?;
            line.push((id, commit));
        }
        let count = line.len();
        Ok(line
            .into_iter()
            .take(limit)
            .enumerate()
            .map(|(index, (commit, found))| Version {
                number: count - index,
                commit,
                message: found.message,
                author: Author { name: found.author_name, email: found.author_email },
                seconds: found.seconds,
            })
            .collect())
    }

    /// How two commits stand to each other: commits only in the first, commits only in the second.
    ///
    /// # Errors
    /// When a commit is missing or damaged.
    pub fn ahead_behind(&self, ours: &CommitId, theirs: &CommitId) -> Result<(usize, usize), Error> {
        let objects = self.objects()?;
        let reach = |start: &CommitId| -> Result<std::collections::HashSet<String>, Error> {
            let mut seen = std::collections::HashSet::new();
            let mut queue = vec![start.as_str().to_owned()];
            while let Some(id) = queue.pop() {
                if seen.insert(id.clone()) {
                    queue.extend(objects.commit(&id)?.parents);
                }
            }
            Ok(seen)
        };
        let (left, right) = (reach(ours)?, reach(theirs)?);
        Ok((left.difference(&right).count(), right.difference(&left).count()))
    }

    /// The best common ancestor of two commits; none where their histories have nothing in common.
    /// Where there are several as good (each side has merged the other), it is one of them.
    ///
    /// # Errors
    /// When a commit is missing or damaged.
    pub fn merge_base(&self, one: &CommitId, other: &CommitId) -> Result<Option<CommitId>, Error> {
        let base = self.gix.merge_base(self.id(one)?, self.id(other)?).map_err(|error| self.fault(error))?;
        base.map(|id| CommitId::parse(&id.to_string())).transpose().map_err(|error| self.fault(error))
    }

    /// Every commit of this repository whose name starts with these hexadecimal digits, in order;
    /// also those that no branch reaches. Fewer than [`SHORTEST_PREFIX`] digits find nothing.
    ///
    /// # Errors
    /// When the objects cannot be read.
    pub fn find_commits(&self, digits: &str) -> Result<Vec<CommitId>, Error> {
        if digits.len() < SHORTEST_PREFIX {
            return Ok(Vec::new());
        }
        let Ok(prefix) = Prefix::from_hex(&digits.to_ascii_lowercase()) else { return Ok(Vec::new()) };
        let mut objects: HashSet<ObjectId> = HashSet::new();
        self.gix.objects.lookup_prefix(prefix, Some(&mut objects)).map_err(|error| self.fault(error))?;
        let mut commits = Vec::new();
        for id in objects {
            let header = self.gix.find_header(id).map_err(|error| self.fault(error))?;
            if header.kind() == gix::objs::Kind::Commit {
                commits.push(CommitId::parse(&id.to_string()).map_err(|error| self.fault(error))?);
            }
        }
        commits.sort();
        Ok(commits)
    }
}
