//! Lists whose order says nothing.

use std::collections::{BTreeMap, BTreeSet};

use toml_edit::{Array, ArrayOfTables, Item, Table, Value};

use super::Three;
use super::question::Side;
use super::table::{Settled, fresh};
use crate::diff::manifest::json;
use crate::python_lock;

/// The items of a list, each as JSON.
fn items(list: Option<&Item>) -> Vec<(String, Value)> {
    let values = list.and_then(Item::as_array).into_iter().flatten();
    values.map(|value| (json(&Item::Value(value.clone())).to_string(), value.clone())).collect()
}

/// A set: what either side added is there, what either removed is not.
pub(super) fn set(three: Three<Option<&Item>>) -> Settled {
    let lists = three.map(items);
    let has = |list: &[(String, Value)], text: &str| list.iter().any(|(other, _)| other == text);
    let gone = |text: &str| has(&lists.base, text) && !has(&lists.theirs, text);
    let added = lists.theirs.iter().filter(|(text, _)| !has(&lists.base, text) && !has(&lists.ours, text));
    rebuilt(three, |text| !gone(text), added.map(|(_, value)| value.clone()).collect())
}

/// Our list without some of its items and with others behind them.
fn rebuilt(three: Three<Option<&Item>>, stays: impl Fn(&str) -> bool, added: Vec<Value>) -> Settled {
    let mut array = three.ours.and_then(Item::as_array).cloned().unwrap_or_default();
    array.retain(|value| stays(&json(&Item::Value(value.clone())).to_string()));
    for value in added {
        push(&mut array, value);
    }
    if array.is_empty() { Settled::Remove } else { Settled::Put(toml_edit::value(array)) }
}

/// Adds an item as the others stand: on a line of its own where they do.
fn push(array: &mut Array, mut value: Value) {
    let own_line =
        array.iter().filter_map(|value| value.decor().prefix()?.as_str()).find(|prefix| prefix.contains('\n'));
    let prefix = own_line.and_then(|prefix| prefix.rsplit_once('\n')).map(|(_, indent)| format!("\n{indent}"));
    match prefix {
        Some(prefix) => {
            value.decor_mut().set_prefix(prefix);
            value.decor_mut().set_suffix("");
            array.push_formatted(value);
            array.set_trailing("\n");
            array.set_trailing_comma(true);
        }
        None => {
            value.decor_mut().clear();
            array.push(value);
        }
    }
}

/// Requirements by package. `ask` is asked about a package that both sides want otherwise.
pub(super) fn requirements(
    three: Three<Option<&Item>>,
    mut ask: impl FnMut(&str, Vec<String>, Vec<String>) -> Side,
) -> Settled {
    let by_package = |list: Option<&Item>| -> BTreeMap<String, BTreeSet<String>> {
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (text, value) in items(list) {
            found.entry(package(&value, &text)).or_default().insert(text);
        }
        found
    };
    let sides = three.map(by_package);
    let packages: BTreeSet<&String> = sides.ours.keys().chain(sides.theirs.keys()).collect();
    let mut from_theirs = BTreeSet::new();
    for name in packages {
        let lines = Three { base: sides.base.get(name), ours: sides.ours.get(name), theirs: sides.theirs.get(name) };
        let shown = |lines: Option<&BTreeSet<String>>| {
            let plain = lines.into_iter().flatten().map(|line| line.trim_matches('"').to_owned());
            let plain: Vec<String> = plain.collect();
            if plain.is_empty() { vec!["removed".to_owned()] } else { plain }
        };
        if lines.side().unwrap_or_else(|| ask(name, shown(lines.ours), shown(lines.theirs))) == Side::Theirs {
            from_theirs.insert(name.clone());
        }
    }
    let theirs = items(three.theirs);
    let mut of_package: BTreeMap<String, String> = BTreeMap::new();
    for (text, value) in items(three.ours).iter().chain(&theirs) {
        of_package.insert(text.clone(), package(value, text));
    }
    let wanted = |text: &str| theirs.iter().any(|(other, _)| other == text);
    let own: BTreeSet<String> = items(three.ours).into_iter().map(|(text, _)| text).collect();
    let added = theirs.iter().filter(|(text, _)| from_theirs.contains(&of_package[text]) && !own.contains(text));
    let added = added.map(|(_, value)| value.clone()).collect();
    rebuilt(three, |text| !from_theirs.contains(&of_package[text]) || wanted(text), added)
}

fn package(value: &Value, text: &str) -> String {
    value.as_str().and_then(python_lock::package_name).unwrap_or_else(|| text.to_owned())
}

/// Tables of a list by their name or URL.
pub(super) fn tables(
    three: Three<Option<&Item>>,
    mut ask: impl FnMut(&str, Vec<String>, Vec<String>) -> Side,
) -> Settled {
    let by_name = |list: Option<&Item>| -> Vec<(String, Table)> {
        let tables: Vec<Table> = match list {
            Some(Item::ArrayOfTables(tables)) => tables.iter().cloned().collect(),
            Some(Item::Value(Value::Array(values))) => {
                values.iter().filter_map(|value| Some(value.as_inline_table()?.clone().into_table())).collect()
            }
            _ => Vec::new(),
        };
        let name =
            |table: &Table| ["name", "url"].into_iter().find_map(|key| table.get(key)?.as_str().map(str::to_owned));
        tables.into_iter().map(|table| (name(&table).unwrap_or_else(|| table.to_string()), table)).collect()
    };
    let sides = three.map(by_name);
    let find = |list: &[(String, Table)], name: &str| {
        list.iter().find(|(other, _)| other == name).map(|(_, table)| table.clone())
    };
    let mut merged = ArrayOfTables::new();
    let mut seen = BTreeSet::new();
    for (name, _) in sides.ours.iter().chain(&sides.theirs).filter(|(name, _)| seen.insert(name.clone())) {
        let three = Three { base: &sides.base, ours: &sides.ours, theirs: &sides.theirs }.map(|list| find(list, name));
        let values = Three { base: &three.base, ours: &three.ours, theirs: &three.theirs }
            .map(|table| table.as_ref().map(|table| json(&Item::Table(table.clone()))));
        let shown = |value: &Option<serde_json::Value>| {
            vec![value.as_ref().map_or_else(|| "removed".to_owned(), ToString::to_string)]
        };
        let side = values.side().unwrap_or_else(|| ask(name, shown(&values.ours), shown(&values.theirs)));
        if let Some(table) = three.of(side)
            && let Item::Table(table) = fresh(&Item::Table(table))
        {
            merged.push(table);
        }
    }
    if merged.is_empty() { Settled::Remove } else { Settled::Put(Item::ArrayOfTables(merged)) }
}
