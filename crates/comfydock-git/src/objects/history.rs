//! Which commits are new, and which come before which.

use std::collections::{BinaryHeap, HashMap, HashSet};

use super::{Error, Objects};

/// Commits that a walk through a history reads at most before it gives up.
pub const WALK_LIMIT: usize = 200_000;

/// Seconds that the clocks of those who commit may differ. Beyond that a known commit may be taken for new.
const CLOCK_SLACK: i64 = 24 * 60 * 60;

/// Why a commit was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    New,
    Known,
}

impl Objects {
    /// The commits that the tips reach and the known ones do not, the oldest first. Tips may be annotated
    /// tags; known ids that are no commits are passed over.
    ///
    /// Where clocks were wrong a known commit may be among them; a new one is never missing.
    ///
    /// # Errors
    /// When there are more than `limit`, or an object is missing or damaged.
    pub fn new_commits(&self, tips: &[String], known: &[String], limit: usize) -> Result<Vec<String>, Error> {
        let mut sides: HashMap<String, Side> = HashMap::new();
        let mut waiting = BinaryHeap::new();
        for id in known {
            let Ok(id) = self.peel_to_commit(id) else { continue };
            if sides.insert(id.clone(), Side::Known).is_none() {
                waiting.push((self.commit(&id)?.seconds, id));
            }
        }
        let mut open = 0;
        for id in tips {
            let id = self.peel_to_commit(id)?;
            if !sides.contains_key(&id) {
                sides.insert(id.clone(), Side::New);
                waiting.push((self.commit(&id)?.seconds, id));
                open += 1;
            }
        }
        let mut order = Vec::new();
        let mut taken = HashSet::new();
        let mut oldest = i64::MAX;
        // The newest first, until nothing but known commits is waiting, and these are older than all
        // that was taken for new.
        while let Some((seconds, id)) = waiting.pop() {
            if open == 0 && seconds < oldest.saturating_sub(CLOCK_SLACK) {
                break;
            }
            let side = sides[&id];
            if side == Side::New {
                open -= 1;
                oldest = oldest.min(seconds);
                order.push(id.clone());
                taken.insert(id.clone());
            }
            if order.len() > limit || sides.len() > WALK_LIMIT {
                return Err(Error::TooManyCommits { limit });
            }
            for parent in self.commit(&id)?.parents {
                match (sides.get(&parent), side) {
                    (None, _) => {
                        sides.insert(parent.clone(), side);
                        open += usize::from(side == Side::New);
                        waiting.push((self.commit(&parent)?.seconds, parent));
                    }
                    (Some(Side::New), Side::Known) => {
                        // It was waiting, or was taken for new because of a wrong clock; either way its own
                        // parents are known too.
                        sides.insert(parent.clone(), Side::Known);
                        if taken.contains(&parent) {
                            waiting.push((self.commit(&parent)?.seconds, parent));
                        } else {
                            open -= 1;
                        }
                    }
                    _ => {}
                }
            }
        }
        order.retain(|id| sides[id] == Side::New);
        order.reverse();
        Ok(order)
    }

    /// Whether the history of `new` contains `old`. Both are commits.
    ///
    /// # Errors
    /// When the history is longer than [`WALK_LIMIT`] and `old` was not met, or an object is missing.
    pub fn is_ancestor(&self, old: &str, new: &str) -> Result<bool, Error> {
        let mut seen = HashSet::from([new.to_owned()]);
        let mut waiting = BinaryHeap::from([(self.commit(new)?.seconds, new.to_owned())]);
        while let Some((_, id)) = waiting.pop() {
            if id == old {
                return Ok(true);
            }
            if seen.len() > WALK_LIMIT {
                return Err(Error::TooManyCommits { limit: WALK_LIMIT });
            }
            for parent in self.commit(&id)?.parents {
                if seen.insert(parent.clone()) {
                    waiting.push((self.commit(&parent)?.seconds, parent));
                }
            }
        }
        Ok(false)
    }
}
