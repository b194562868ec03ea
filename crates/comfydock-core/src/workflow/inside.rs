//! Which subgraphs stand in which.

use std::collections::{HashMap, HashSet, VecDeque};

use super::nodes::Node;

/// So many subgraphs below an instance are searched for a string; real files have a few.
const NEAR: usize = 64;

/// The subgraphs that have instances, each with those instanced in it.
pub(super) struct Inside<'workflow> {
    /// Those with instances, in the order of the file.
    used: Vec<&'workflow str>,
    below: HashMap<&'workflow str, Vec<&'workflow str>>,
}

impl<'workflow> Inside<'workflow> {
    pub(super) fn of(all: &[Node<'workflow>]) -> Self {
        let mut inside = Self { used: Vec::new(), below: HashMap::new() };
        let mut seen = HashSet::new();
        let mut known = HashSet::new();
        for node in all.iter().filter(|node| node.is_instance) {
            if seen.insert(node.node_type) {
                inside.used.push(node.node_type);
            }
            if let Some(outer) = node.definition
                && known.insert((outer, node.node_type))
            {
                inside.below.entry(outer).or_default().push(node.node_type);
            }
        }
        inside
    }

    fn below(&self, id: &str) -> &[&'workflow str] {
        self.below.get(id).map_or(&[], Vec::as_slice)
    }

    /// Every subgraph after those in it; in a ring somewhere.
    pub(super) fn innermost_first(&self) -> Vec<&'workflow str> {
        let mut found = Vec::new();
        let mut entered = HashSet::new();
        for &id in &self.used {
            let mut way = vec![(id, false)];
            while let Some((id, done)) = way.pop() {
                if done {
                    found.push(id);
                } else if entered.insert(id) {
                    way.push((id, true));
                    way.extend(self.below(id).iter().map(|&below| (below, false)));
                }
            }
        }
        found
    }

    /// The subgraph and those in it, the nearest first.
    pub(super) fn near(&self, id: &'workflow str) -> Vec<&'workflow str> {
        let mut found = Vec::new();
        let mut seen = HashSet::from([id]);
        let mut waiting = VecDeque::from([id]);
        while let Some(id) = waiting.pop_front() {
            found.push(id);
            let room = NEAR.saturating_sub(found.len() + waiting.len());
            waiting.extend(self.below(id).iter().copied().filter(|&below| seen.insert(below)).take(room));
        }
        found
    }
}
