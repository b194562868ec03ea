//! What a source is worth, from what members found (decision 69).

use std::collections::{BTreeMap, BTreeSet};

use comfydock_core::observation::Verdict;

use crate::clock::Seconds;

/// What one member found, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) user: i64,
    /// Whether this member's word is enough for all.
    pub(super) is_owner: bool,
    pub(super) verdict: Verdict,
    pub(super) at: Seconds,
}

/// What a source is worth to somebody.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Worth {
    pub(super) state: Option<Verdict>,
    /// When somebody last had all bytes from it.
    pub(super) verified_at: Option<Seconds>,
}

/// How many members must find another file at a source before the others believe it.
const ENOUGH: usize = 2;

/// Weighs it. Whoever found another file there is believed by himself at once.
pub(super) fn weigh(found: &[Found], asker: Option<i64>) -> Worth {
    let verified_at = found.iter().filter(|it| it.verdict == Verdict::BytesVerified).map(|it| it.at).max();
    let mut verified_by: BTreeMap<i64, Seconds> = BTreeMap::new();
    for it in found.iter().filter(|it| it.verdict == Verdict::BytesVerified) {
        let latest = verified_by.entry(it.user).or_insert(it.at);
        *latest = it.at.max(*latest);
    }
    let wrong = found.iter().filter(|it| it.verdict == Verdict::Mismatch);
    let standing: Vec<&Found> = wrong.filter(|it| verified_by.get(&it.user).is_none_or(|own| it.at > *own)).collect();
    let own = standing.iter().any(|it| Some(it.user) == asker);
    let newer: Vec<&&Found> =
        standing.iter().filter(|it| verified_at.is_none_or(|verified| it.at > verified)).collect();
    let users: BTreeSet<i64> = newer.iter().map(|it| it.user).collect();
    let state = if own || users.len() >= ENOUGH || newer.iter().any(|it| it.is_owner) {
        Some(Verdict::Mismatch)
    } else {
        let others = found.iter().filter(|it| it.verdict != Verdict::Mismatch);
        others.max_by_key(|it| it.at).map(|it| it.verdict)
    };
    Worth { state, verified_at }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_member_warns_himself_and_two_or_an_owner_warn_all() {
        use Verdict::{BytesVerified as Good, Gone, Mismatch as Wrong, Reachable};
        let it = |user, verdict, at| Found { user, is_owner: user == 9, verdict, at };
        for (found, of_one, of_all, verified_at) in [
            (vec![], None, None, None),
            (vec![it(1, Wrong, 5)], Some(Wrong), None, None),
            (vec![it(1, Wrong, 5), it(1, Wrong, 6)], Some(Wrong), None, None),
            (vec![it(1, Wrong, 5), it(2, Wrong, 6)], Some(Wrong), Some(Wrong), None),
            (vec![it(9, Wrong, 5)], Some(Wrong), Some(Wrong), None),
            // Whoever has had it since knows better.
            (vec![it(1, Wrong, 5), it(2, Wrong, 6), it(3, Good, 7)], Some(Wrong), Some(Good), Some(7)),
            (vec![it(1, Wrong, 5), it(1, Good, 7)], Some(Good), Some(Good), Some(7)),
            (vec![it(3, Good, 4), it(1, Wrong, 5), it(2, Wrong, 6)], Some(Wrong), Some(Wrong), Some(4)),
            (vec![it(3, Good, 4), it(2, Wrong, 5)], Some(Good), Some(Good), Some(4)),
            (vec![it(3, Good, 4), it(2, Gone, 5), it(2, Reachable, 3)], Some(Gone), Some(Gone), Some(4)),
        ] {
            let reporter = found.first().map_or(1, |it: &Found| if it.user == 9 { 9 } else { 1 });
            assert_eq!(weigh(&found, Some(reporter)), Worth { state: of_one, verified_at }, "{found:?}");
            for asker in [None, Some(7)] {
                assert_eq!(weigh(&found, asker), Worth { state: of_all, verified_at }, "{found:?}");
            }
        }
    }
}
