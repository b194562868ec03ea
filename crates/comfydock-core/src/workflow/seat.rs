//! Where a string stands as the tables see it.

use std::collections::HashMap;
use std::rc::Rc;

use super::model_refs::PathStep;
use crate::json::Value;

/// Of widgets elsewhere that are kept by name so many are looked through.
const MOST_NAMED: usize = 256;

/// A widget as the tables know it: one that is promoted, grouped or fed belongs to a node elsewhere.
#[derive(Debug, Clone)]
pub(super) struct Seat<'workflow> {
    pub(super) node_type: &'workflow str,
    pub(super) path: Vec<PathStep>,
    /// The widgets among which the node's switches and counts stand.
    pub(super) widgets: Widgets<'workflow>,
    /// How many widgets of other nodes come before them.
    pub(super) offset: usize,
}

impl<'workflow> Seat<'workflow> {
    /// Another widget of the node.
    pub(super) fn widget(&self, step: &PathStep) -> Option<&'workflow Value> {
        match (step, &self.widgets) {
            (PathStep::Index(index), Widgets::List(list)) => list.get(self.offset.checked_add(*index)?),
            (PathStep::Key(name), Widgets::Named(named)) => named.get(name.as_str()).copied(),
            _ => None,
        }
    }
}

/// A node's widgets, ready to be asked.
#[derive(Debug, Clone)]
pub(super) enum Widgets<'workflow> {
    None,
    List(&'workflow [Value]),
    Named(Rc<HashMap<&'workflow str, &'workflow Value>>),
}

impl<'workflow> Widgets<'workflow> {
    /// Those of a node whose every string is asked about.
    pub(super) fn of(value: Option<&'workflow Value>) -> Self {
        if let Some(list) = value.and_then(Value::as_array) {
            return Self::List(list);
        }
        let Some(members) = value.and_then(Value::as_object) else { return Self::None };
        Self::Named(Rc::new(members.iter().map(|member| (member.key.as_str(), &member.value)).collect()))
    }

    /// Those of a node of which one widget is asked about, from any number of places.
    pub(super) fn elsewhere(value: Option<&'workflow Value>) -> Self {
        let is_long = value.and_then(Value::as_object).is_some_and(|members| members.len() > MOST_NAMED);
        if is_long { Self::None } else { Self::of(value) }
    }
}
