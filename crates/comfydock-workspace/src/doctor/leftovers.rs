//! What lies about and could go.

use super::Finding;
use crate::environment::Environment;
use crate::ops::gc;
use crate::workspace::Workspace;

/// Less than this is not worth a word, in bytes.
const MUCH: u64 = 1 << 30;

pub(super) fn examine(workspace: &Workspace, environment: &Environment) -> Option<Finding> {
    let items = gc::of_environment(workspace, environment);
    let bytes: u64 = items.iter().map(|item| item.bytes).sum();
    (bytes >= MUCH).then(|| {
        let text = format!("trash and packages that are not in force take {} MiB", bytes >> 20);
        let hint = "`comfydock gc --older-than 0` shows them, with --prune they go for good";
        Finding::new("leftovers", super::Severity::Note, text, hint)
            .with(super::some(items.into_iter().map(|item| item.about)))
    })
}
