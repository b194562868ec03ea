//! The rungs, and the questions each begins with.

use std::collections::{BTreeSet, VecDeque};

use super::{Ladder, Question, SINGLE_LIMIT};
use crate::digest::Sha256;
use crate::site::civitai::{BATCH_LIMIT, IDS_LIMIT};

/// Where the ladder stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rung {
    /// Nobody was asked.
    Start,
    /// The hub.
    Catalog,
    /// CivitAI: which hashes it knows.
    Ids,
    /// CivitAI: the versions of those.
    Versions,
    /// CivitAI: those that the batch left out, and by BLAKE3 those it does not know.
    Singles,
    /// CivitAI: versions that somebody names.
    Named,
    /// Hugging Face: files that somebody names.
    Files,
}

impl Rung {
    /// The next one up.
    pub(super) fn next(self) -> Option<Self> {
        match self {
            Self::Start => Some(Self::Catalog),
            Self::Catalog => Some(Self::Ids),
            Self::Ids => Some(Self::Versions),
            Self::Versions => Some(Self::Singles),
            Self::Singles => Some(Self::Named),
            Self::Named => Some(Self::Files),
            Self::Files => None,
        }
    }
}

fn parts(hashes: &BTreeSet<Sha256>, limit: usize, question: impl Fn(Vec<Sha256>) -> Question) -> VecDeque<Question> {
    let all: Vec<Sha256> = hashes.iter().cloned().collect();
    all.chunks(limit).map(|part| question(part.to_vec())).collect()
}

/// What this rung asks.
pub(super) fn questions(ladder: &mut Ladder) -> VecDeque<Question> {
    let open: BTreeSet<Sha256> = ladder.open_hashes().cloned().collect();
    let questions = match ladder.rung {
        Rung::Start => VecDeque::new(),
        Rung::Catalog if !ladder.may.hub => VecDeque::new(),
        Rung::Catalog => parts(&open, usize::MAX, Question::Catalog),
        Rung::Ids => parts(&open, IDS_LIMIT, Question::Ids),
        Rung::Versions => {
            let known = open.into_iter().filter(|sha256| !ladder.probed || ladder.hits.contains_key(sha256)).collect();
            parts(&known, BATCH_LIMIT, Question::Versions)
        }
        Rung::Singles => singles(ladder, &open),
        Rung::Named => named(ladder),
        Rung::Files => files(ladder),
    };
    let outside = !matches!(ladder.rung, Rung::Start | Rung::Catalog);
    if outside && !ladder.may.outside {
        ladder.unasked |= !questions.is_empty();
        return VecDeque::new();
    }
    questions
}

fn singles(ladder: &Ladder, open: &BTreeSet<Sha256>) -> VecDeque<Question> {
    let left_out = open.iter().filter(|sha256| ladder.hits.contains_key(sha256)).cloned().map(Question::BySha256);
    let unknown = (0..ladder.wanted.len()).filter(|position| ladder.open(*position)).filter_map(|position| {
        let wanted = &ladder.wanted[position];
        let known = wanted.sha256.as_ref().is_none_or(|sha256| ladder.hits.contains_key(sha256));
        wanted.blake3.clone().filter(|_| !known)
    });
    let unknown: BTreeSet<_> = unknown.collect();
    left_out.chain(unknown.into_iter().take(SINGLE_LIMIT).map(Question::ByBlake3)).collect()
}

fn named(ladder: &Ladder) -> VecDeque<Question> {
    let open = (0..ladder.wanted.len()).filter(|position| ladder.open(*position));
    let versions: BTreeSet<u64> = open
        .flat_map(|position| &ladder.wanted[position].said)
        .filter_map(|said| said.source.civitai())
        .map(|place| place.version)
        .collect();
    versions.into_iter().map(Question::Version).collect()
}

fn files(ladder: &mut Ladder) -> VecDeque<Question> {
    let open = (0..ladder.wanted.len()).filter(|position| ladder.open(*position));
    let files: BTreeSet<_> =
        open.flat_map(|position| &ladder.wanted[position].said).filter_map(|said| said.source.hugging_face()).collect();
    ladder.seen.extend(files.iter().cloned());
    files.into_iter().map(Question::File).collect()
}
