//! ComfyUI-Manager's map from packs to node types, `extension-node-map.json`.
//!
//! `{ "<url>": [ ["TypeA", …], {"title_aux": …, "nodename_pattern"?: …, "preemptions"?: […]} ] }`. It is
//! a list that many people write: one entry that cannot be read costs only itself.

use std::collections::HashMap;

use regex::{Regex, RegexBuilder};
use serde_json::Value;

use super::{Claim, Evidence, Pack};

/// The largest compiled pattern, in bytes: patterns come from outside.
const LARGEST_PATTERN: usize = 1 << 20;

/// A map that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is not ComfyUI-Manager's extension-node-map.json: {0}")]
pub struct Error(String);

/// The map, read.
#[derive(Debug, Clone, Default)]
pub struct ManagerMap {
    packs: Vec<Listed>,
    types: HashMap<String, Vec<usize>>,
    preemptions: HashMap<String, Vec<usize>>,
    /// What could not be taken, a line each.
    pub skipped: Vec<String>,
}

#[derive(Debug, Clone)]
struct Listed {
    url: String,
    title: String,
    pattern: Option<Regex>,
}

impl ManagerMap {
    /// Reads the map.
    ///
    /// # Errors
    /// When it is not an object of lists.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let root: Value = serde_json::from_str(text).map_err(|error| Error(error.to_string()))?;
        let Value::Object(entries) = root else { return Err(Error("it is no object".to_owned())) };
        let mut map = Self::default();
        for (url, entry) in &entries {
            let names = |value: Option<&Value>| -> Vec<String> {
                let list = value.and_then(Value::as_array);
                list.into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect()
            };
            let (types, about) = (entry.get(0), entry.get(1).unwrap_or(&Value::Null));
            if types.and_then(Value::as_array).is_none() {
                map.skipped.push(format!("{url}: no list of types"));
                continue;
            }
            let text = |key: &str| about.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
            let title = text("title_aux").or_else(|| text("title")).unwrap_or(url).to_owned();
            let pattern = text("nodename_pattern").and_then(|pattern| {
                // An engine that never looks back: no pattern takes longer than its text.
                let compiled = RegexBuilder::new(pattern).size_limit(LARGEST_PATTERN).build();
                if compiled.is_err() {
                    map.skipped.push(format!("{url}: the pattern `{}` cannot be used", pattern.escape_debug()));
                }
                compiled.ok()
            });
            let position = map.packs.len();
            for name in names(types) {
                map.types.entry(name).or_default().push(position);
            }
            for name in names(about.get("preemptions")) {
                map.preemptions.entry(name).or_default().push(position);
            }
            map.packs.push(Listed { url: url.clone(), title, pattern });
        }
        if map.packs.is_empty() {
            return Err(Error("no entry of it lists node types".to_owned()));
        }
        Ok(map)
    }

    /// Every pack that is said to have the type: those that preempt it, else those that list it, else
    /// those whose pattern it fits.
    pub fn claims(&self, node_type: &str) -> Vec<Claim> {
        let claim = |position: &usize, evidence: &dyn Fn(&Listed) -> Evidence| {
            let listed = &self.packs[*position];
            Claim { pack: Pack::of_url(&listed.url), version: None, evidence: evidence(listed) }
        };
        if let Some(found) = self.preemptions.get(node_type) {
            return found.iter().map(|at| claim(at, &|listed| Evidence::Preempts(listed.title.clone()))).collect();
        }
        if let Some(found) = self.types.get(node_type) {
            return found.iter().map(|at| claim(at, &|listed| Evidence::Listed(listed.title.clone()))).collect();
        }
        let fits = self.packs.iter().filter_map(|listed| {
            let pattern = listed.pattern.as_ref().filter(|pattern| pattern.is_match(node_type))?;
            let evidence = Evidence::Fits(listed.title.clone(), pattern.as_str().to_owned());
            Some(Claim { pack: Pack::of_url(&listed.url), version: None, evidence })
        });
        fits.collect()
    }
}
