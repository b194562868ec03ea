//! What may be pushed: the rules that the hub's quarantine and `comfydock push` both apply (decision 49).
//!
//! [`crate::foreign`] says what no tree from outside may contain. Here is what a tree could contain
//! and should not: models, secrets, a lock of something else; and what may not happen to references.

mod model_file;
mod references;
mod rule;
mod sources;

pub use references::is_protected;
pub use rule::Rule;
pub use sources::judge_sources;

use crate::foreign::{self, FILE_LIMIT, MANIFEST, PYTHON_LOCK};
use crate::violation::Violation;
use crate::{python_lock, secret};

/// The push option that lets a rule's findings through: `comfydock.allow=RULE`.
pub const ALLOW_OPTION: &str = "comfydock.allow";
/// Commits that one push may bring.
pub const COMMIT_LIMIT: usize = 10_000;
/// Bytes of new files that one push may bring, unpacked.
pub const CONTENT_LIMIT: u64 = 2 * 1024 * 1024 * 1024;
/// Entries of new folders that one push may bring.
pub const ENTRY_LIMIT: usize = 5_000_000;

/// Findings after which no more are looked for; a push with more is refused as a whole.
pub const FINDING_LIMIT: usize = 1_000;

/// Judges the size of a file that a push brings, before its content is read.
pub fn judge_size(path: &str, size: u64) -> Option<Violation> {
    (size > FILE_LIMIT).then(|| foreign::too_large(path, size))
}

/// Judges the content of a file that a push brings, in whatever commit.
pub fn judge_file(path: &str, bytes: &[u8]) -> Vec<Violation> {
    let mut violations = Vec::new();
    if let Some(kind) = model_file::find(path, bytes) {
        let message = format!("is a model ({kind})");
        let hint = "models stay out of the history: put it into ComfyUI's models folder and say where others get it \
                    (`comfydock models source add`)";
        violations.push(Violation::new(path, message, Some(hint)).under(Rule::ModelFile));
    } else {
        violations.extend(secret::find(path, bytes).into_iter().map(|found| found.violation(path)));
    }
    violations
}

/// Judges whether lock and manifest of one commit belong together. A manifest that cannot be read is
/// [`foreign::judge_manifest`]'s to refuse.
pub fn judge_lock(manifest: &str, lock: &[u8]) -> Option<Violation> {
    let refuse = |message: String| {
        let hint = "commit with `comfydock commit`, or run `uv lock` in .cec and commit what it writes";
        Violation::new(PYTHON_LOCK, message, Some(hint)).under(Rule::LockMismatch)
    };
    let Ok(lock) = std::str::from_utf8(lock) else { return Some(refuse("is not UTF-8".to_owned())) };
    match python_lock::disagreements(manifest, lock) {
        Ok(found) if found.is_empty() => None,
        Ok(found) => {
            let found: Vec<String> = found.iter().map(ToString::to_string).collect();
            Some(refuse(format!("does not belong to this {MANIFEST}: {}", found.join("; "))))
        }
        Err(problem) => Some(refuse(problem)),
    }
}
