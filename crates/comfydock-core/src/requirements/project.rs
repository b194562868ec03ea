//! `[project].dependencies` of a pack's `pyproject.toml`.

use std::collections::{BTreeMap, BTreeSet};

use toml_edit::DocumentMut;

use super::line::check;
use super::pep508::Requirement;
use super::{FILE, PROJECT, Refused, Requirements, text};

/// Reads the dependencies. A file that is no TOML asks for nothing, which is noted.
pub(super) fn read(bytes: &[u8]) -> Requirements {
    let mut found = Requirements::default();
    let content = text::decode(bytes);
    let document: DocumentMut = match content.parse() {
        Ok(document) => document,
        Err(error) => {
            let error: toml_edit::TomlError = error;
            found
                .notes
                .push(format!("{PROJECT} cannot be read, so its dependencies are not taken: {}", error.message()));
            return found;
        }
    };
    let project = document.get("project").and_then(|project| project.as_table_like());
    let dependencies = project.and_then(|project| project.get("dependencies")).and_then(|item| item.as_array());
    for value in dependencies.into_iter().flatten() {
        let Some(line) = value.as_str().map(str::trim).filter(|line| !line.is_empty()) else { continue };
        match check(line) {
            Ok(line) => found.lines.push(line),
            Err(reason) => {
                let number = content.lines().position(|text| text.contains(line)).map_or(1, |index| index + 1);
                found.refused.push(Refused { file: PROJECT.to_owned(), line: number, text: line.to_owned(), reason });
            }
        }
    }
    found
}

/// Adds what only the project names to what the requirements file says, and notes where they differ.
pub(super) fn join(found: &mut Requirements, project: Requirements) {
    let by_package = |lines: &[String]| {
        let mut packages: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for requirement in lines.iter().filter_map(|line| Requirement::parse(line).ok()) {
            packages.entry(requirement.package()).or_default().insert(requirement.to_string());
        }
        packages
    };
    let (listed, named) = (by_package(&found.lines), by_package(&project.lines));
    for line in project.lines {
        if Requirement::parse(&line).is_ok_and(|requirement| !listed.contains_key(&requirement.package())) {
            found.lines.push(line);
        }
    }
    let list = |packages: Vec<String>| packages.join(", ");
    let only_named: Vec<String> = named.keys().filter(|name| !listed.contains_key(*name)).cloned().collect();
    let otherwise: Vec<String> = named
        .iter()
        .filter(|(name, wishes)| listed.get(*name).is_some_and(|listed| listed != *wishes))
        .map(|(name, wishes)| {
            let words = |wishes: &BTreeSet<String>| wishes.iter().cloned().collect::<Vec<_>>().join(" and ");
            format!("`{}` instead of `{}`", words(&listed[name]), words(wishes))
        })
        .collect();
    if !only_named.is_empty() {
        found
            .notes
            .push(format!("{PROJECT} names packages that {FILE} does not, which are added: {}", list(only_named)));
    }
    if !otherwise.is_empty() {
        found.notes.push(format!("where {FILE} and {PROJECT} differ, {FILE} counts: {}", list(otherwise)));
    }
    found.refused.extend(project.refused);
    found.notes.extend(project.notes);
}
