//! What Hugging Face's own programs leave: the cache of whole repositories, and notes in folders
//! that were downloaded with `--local-dir`.

use super::{About, Claim, Trust, claim};
use crate::digest::{CommitId, Sha256};
use crate::source::Source;

/// The claim of a file in the cache: `models--ORG--NAME/snapshots/COMMIT/PATH`, a link to a blob
/// that is named by its SHA-256. Small files are kept by git's hash and say nothing.
pub fn cached(path: &str, blob: &str) -> Option<Claim> {
    let (repository, rest) = path.strip_prefix("models--")?.split_once("/snapshots/")?;
    let (commit, file) = rest.split_once('/')?;
    let commit = CommitId::parse(commit).ok()?;
    let sha256 = Sha256::parse(blob).ok()?;
    // A name may itself contain two hyphens; an organisation's may not.
    let repository = repository.replacen("--", "/", 1);
    let source = Source::parse(&format!("hf:{repository}@{commit}/{file}")).ok();
    let claim = claim(Trust::Claimed, Some(sha256), None, source.into_iter().collect())?;
    Some(Claim { format: "huggingface cache".to_owned(), ..claim })
}

/// The claim of a note in `.cache/huggingface/download`: commit, hash and the time it was written, a
/// line each. It is believed of a file that was written just before the note; the repository's name is not in it.
pub fn downloaded(text: &str, about: &About<'_>) -> Option<Claim> {
    let mut lines = text.lines();
    CommitId::parse(lines.next()?.trim()).ok()?;
    let sha256 = Sha256::parse(lines.next()?.trim().trim_matches('"')).ok()?;
    let written: f64 = lines.next()?.trim().parse().ok()?;
    #[expect(clippy::cast_precision_loss, reason = "compared to within a second")]
    let changed = about.mtime_ns as f64 / 1e9;
    // The file is moved into place just before the note is written. One that is much older was put
    // there by somebody else, with a date from elsewhere.
    let trust = if (written - 60.0..=written + 1.0).contains(&changed) { Trust::Claimed } else { Trust::Hint };
    let claim = claim(trust, Some(sha256), None, Vec::new())?;
    Some(Claim { format: "huggingface download".to_owned(), ..claim })
}
