//! Tables by key.

use std::collections::BTreeSet;

use toml_edit::{Item, Table, TableLike};

use super::Three;
use super::question::Side;
use crate::diff::manifest::json;

/// What becomes of a value that both sides changed.
pub(super) enum Settled {
    /// The side's is taken; none, if it has none.
    Take(Side),
    /// This stands there.
    Put(Item),
    /// Nothing stands there.
    Remove,
}

/// What the keys of a document mean.
pub(super) trait Rules {
    /// Whether the value at this path is put together elsewhere.
    fn is_elsewhere(&self, path: &[String]) -> bool;
    /// Whether the table at this path is one value.
    fn is_whole(&self, path: &[String]) -> bool;
    /// Whether the keys of the table at this path are each for itself, so that none at all is an empty one.
    fn is_container(&self, path: &[String]) -> bool;
    /// What becomes of the value at this path, which both sides changed.
    fn settle(&mut self, path: &[String], three: Three<Option<&Item>>) -> Settled;
}

/// Brings into `ours` what `theirs` changed since `base`.
pub(super) fn merge(
    path: &mut Vec<String>,
    base: Option<&dyn TableLike>,
    ours: &mut dyn TableLike,
    theirs: &dyn TableLike,
    rules: &mut dyn Rules,
) {
    for key in keys(base, ours, theirs) {
        path.push(key.clone());
        if !rules.is_elsewhere(path) {
            merge_key(path, &key, base, ours, theirs, rules);
        }
        path.pop();
    }
}

/// The keys of ours in their order, then those that only others have.
fn keys(base: Option<&dyn TableLike>, ours: &dyn TableLike, theirs: &dyn TableLike) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let base = base.into_iter().flat_map(TableLike::iter);
    let all = ours.iter().chain(theirs.iter()).chain(base).filter(|(_, item)| !item.is_none());
    all.map(|(key, _)| key.to_owned()).filter(|key| seen.insert(key.clone())).collect()
}

fn merge_key(
    path: &mut Vec<String>,
    key: &str,
    base: Option<&dyn TableLike>,
    ours: &mut dyn TableLike,
    theirs: &dyn TableLike,
    rules: &mut dyn Rules,
) {
    let present = |table: &'_ dyn TableLike| table.get(key).filter(|item| !item.is_none()).map(json);
    let values = Three { base: base.and_then(present), ours: present(ours), theirs: present(theirs) };
    let base_item = base.and_then(|base| base.get(key)).filter(|item| !item.is_none());
    let their_item = theirs.get(key).filter(|item| !item.is_none());
    match values.side() {
        Some(Side::Ours) => return,
        Some(Side::Theirs) => return put(ours, key, their_item.map(fresh)),
        None => {}
    }
    if rules.is_container(path) && ours.get(key).is_none_or(Item::is_none) {
        let mut empty = Table::new();
        empty.set_implicit(true);
        ours.insert(key, Item::Table(empty));
    }
    let nothing = Table::new();
    let none = rules.is_container(path).then_some(&nothing as &dyn TableLike);
    let below = their_item.map_or(none, Item::as_table_like).filter(|_| !rules.is_whole(path));
    let base_below = base_item.and_then(Item::as_table_like);
    if let Some(below) = below
        && (base_item.is_none() || base_below.is_some())
        && let Some(own) = ours.get_mut(key).and_then(Item::as_table_like_mut)
    {
        return merge(path, base_below, own, below, rules);
    }
    let own = ours.get(key).filter(|item| !item.is_none());
    match rules.settle(path, Three { base: base_item, ours: own, theirs: their_item }) {
        Settled::Take(Side::Ours) => {}
        Settled::Take(Side::Theirs) => put(ours, key, their_item.map(fresh)),
        Settled::Put(item) => put(ours, key, Some(item)),
        Settled::Remove => put(ours, key, None),
    }
}

/// Puts a value, keeping the comments around the key if there was one.
pub(super) fn put(table: &mut dyn TableLike, key: &str, item: Option<Item>) {
    match (item, table.get_mut(key)) {
        (None, _) => {
            table.remove(key);
        }
        (Some(item), Some(place)) => *place = item,
        (Some(item), None) => {
            table.insert(key, item);
        }
    }
}

/// A copy for another document, where its tables stand behind those around them.
pub(super) fn fresh(item: &Item) -> Item {
    fn unplaced(table: &mut Table) {
        table.set_position(None);
        for (_, item) in table.iter_mut() {
            visit(item);
        }
    }
    fn visit(item: &mut Item) {
        match item {
            Item::Table(table) => unplaced(table),
            Item::ArrayOfTables(tables) => tables.iter_mut().for_each(unplaced),
            Item::Value(_) | Item::None => {}
        }
    }
    let mut item = item.clone();
    visit(&mut item);
    item
}
