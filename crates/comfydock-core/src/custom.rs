//! Which widgets of custom nodes name models.
//!
//! The table is `custom_loaders.toml`, one line a node; how to add one is in docs/development.md.
//! Positions of widgets change between versions of a pack, so a row alone proves little: a name of
//! a file must have a model's ending besides.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::category;
use crate::workflow::PathStep;

/// What a place of a custom node holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Holds {
    /// A model file's name.
    #[default]
    File,
    /// A file's name without its ending.
    Stem,
    /// The name of a folder with a model in several files; where it ends like a file, it is one.
    Folder,
    /// Something the node downloads by itself.
    Remote,
    /// A text in which `embedding:` is read.
    Prompt,
    /// A text in which the node itself reads `<lora:…>`, and `embedding:` is read.
    Text,
    /// No model, whatever it looks like.
    None,
}

/// A line of the table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The way from the widgets to the string; `"*"` stands for any one step. Empty: everywhere.
    at: Vec<Step>,
    /// The input's name, where widgets are kept by name; one `*` stands for any text.
    input: Option<String>,
    /// The category its names are looked up in.
    category: Option<String>,
    /// What stands there.
    #[serde(default)]
    holds: Holds,
    /// The first step of `at` again this many widgets further on, and so forth.
    every: Option<usize>,
    /// The widget that says how many of the repeated ones are in use.
    count: Option<usize>,
    /// The same by the input's name.
    count_input: Option<String>,
    /// How many widgets before each repeated one its switch stands (`"Off"`, `false`).
    switch: Option<usize>,
    /// The same by name; its `*` stands for what that of `input` stands for.
    switch_input: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Step {
    Index(usize),
    Key(String),
}

/// A place that a rule speaks of.
#[derive(Debug, Clone)]
pub struct Hit {
    /// What the place holds.
    pub holds: Holds,
    /// The category, canonical.
    pub category: Option<&'static str>,
    /// The node pack.
    pub pack: &'static str,
    /// Of repeated widgets: which of them, from 0, and the widget with their number.
    pub counted: Option<(usize, PathStep)>,
    /// The widget that switches it.
    pub switch: Option<PathStep>,
}

type Packs = BTreeMap<String, BTreeMap<String, Vec<Rule>>>;

struct Table {
    exact: BTreeMap<&'static str, Vec<(&'static str, &'static Rule)>>,
    prefixes: Vec<(&'static str, &'static str, &'static [Rule])>,
}

static PACKS: LazyLock<Packs> = LazyLock::new(|| {
    toml_edit::de::from_str(include_str!("custom_loaders.toml"))
        .expect("the table is part of the program and a test reads it")
});

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table { exact: BTreeMap::new(), prefixes: Vec::new() };
    for (pack, nodes) in &*PACKS {
        for (node, rules) in nodes {
            match node.strip_suffix('*') {
                Some(prefix) => table.prefixes.push((prefix, pack, rules)),
                None => table.exact.entry(node).or_default().extend(rules.iter().map(|rule| (pack.as_str(), rule))),
            }
        }
    }
    table
});

/// The rules for a node, with their packs. A node's own line comes before a line for all nodes whose
/// names begin alike.
fn rules(node_type: &str) -> impl Iterator<Item = (&'static str, &'static Rule)> {
    let exact = TABLE.exact.get(node_type).into_iter().flatten().copied();
    let prefixes = TABLE.prefixes.iter().filter(move |(prefix, ..)| node_type.starts_with(prefix));
    exact.chain(prefixes.flat_map(|(_, pack, rules)| rules.iter().map(|rule| (*pack, rule))))
}

/// What the table says of a place of a node, if anything.
pub fn find(node_type: &str, path: &[PathStep]) -> Option<Hit> {
    // In API format a list stands in an object of this one member, so that it is no link.
    let path: Vec<PathStep> =
        path.iter().filter(|step| !matches!(step, PathStep::Key(key) if key == "__value__")).cloned().collect();
    rules(node_type).find_map(|(pack, rule)| rule.hit(pack, &path))
}

/// The position of the widget with this name, where the table gives both.
pub fn widget_index(node_type: &str, input: &str) -> Option<usize> {
    rules(node_type).find_map(|(_, rule)| rule.index_of(input))
}

impl Rule {
    fn hit(&'static self, pack: &'static str, path: &[PathStep]) -> Option<Hit> {
        let (first, rest) = path.split_first()?;
        let mut counted = None;
        let mut switch = None;
        if !self.at.is_empty() {
            let (wanted, wanted_rest) = self.at.split_first()?;
            match (first, wanted) {
                (PathStep::Index(index), Step::Index(from)) => {
                    let ordinal = self.ordinal(*index, *from)?;
                    counted = self.count.map(|count| (ordinal, PathStep::Index(count)));
                    switch = self.switch.and_then(|before| index.checked_sub(before)).map(PathStep::Index);
                }
                (PathStep::Index(_), Step::Key(any)) if any == "*" => {}
                (PathStep::Key(key), wanted) => match self.input.as_deref().and_then(|input| glob(input, key)) {
                    Some(star) => {
                        let ordinal = star.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
                        counted = ordinal.zip(self.count_input.clone().map(PathStep::Key));
                        switch = self.switch_input.as_ref().map(|name| PathStep::Key(name.replace('*', star)));
                    }
                    None if matches!(wanted, Step::Key(wanted) if wanted == "*" || wanted == key) => {}
                    None => return None,
                },
                _ => return None,
            }
            let same = wanted_rest.len() == rest.len()
                && wanted_rest.iter().zip(rest).all(|(wanted, step)| match (wanted, step) {
                    (Step::Key(any), _) if any == "*" => true,
                    (Step::Key(wanted), PathStep::Key(key)) => wanted == key,
                    (Step::Index(wanted), PathStep::Index(index)) => wanted == index,
                    _ => false,
                });
            if !same {
                return None;
            }
        }
        let category = self.category.as_deref().map(category::canonical);
        Some(Hit { holds: self.holds, category, pack, counted, switch })
    }

    /// The position of the widget with this name.
    fn index_of(&self, name: &str) -> Option<usize> {
        let star = glob(self.input.as_deref()?, name)?;
        let Step::Index(first) = self.at.first()? else { return None };
        match (star.parse::<usize>().ok().and_then(|number| number.checked_sub(1)), self.every) {
            (Some(ordinal), Some(every)) => ordinal.checked_mul(every)?.checked_add(*first),
            // A star that stands for no number tells nothing of the position.
            (_, every) => (star.is_empty() && every.is_none()).then_some(*first),
        }
    }

    /// Which of the repeated widgets stands at this index.
    fn ordinal(&self, index: usize, from: usize) -> Option<usize> {
        match (index.checked_sub(from)?, self.every) {
            (0, _) => Some(0),
            (distance, Some(every)) if every > 0 && distance % every == 0 => Some(distance / every),
            _ => None,
        }
    }
}

/// What the `*` of a pattern stands for in a name that fits it; nothing if it has none.
fn glob<'name>(pattern: &str, name: &'name str) -> Option<&'name str> {
    match pattern.split_once('*') {
        None => (pattern == name).then_some(""),
        Some((before, after)) => name.strip_prefix(before)?.strip_suffix(after),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_says_something_that_can_be_used() {
        let mut seen = std::collections::BTreeSet::new();
        let mut rows = 0;
        for (pack, nodes) in &*PACKS {
            for (node, rules) in nodes {
                assert!(seen.insert(node), "{node} stands under two packs, the second is {pack}");
                assert!(!rules.is_empty(), "{pack}: {node}");
                rows += rules.len();
                for rule in rules {
                    let needs_category = matches!(rule.holds, Holds::File | Holds::Stem | Holds::Folder);
                    assert_eq!(rule.category.is_some(), needs_category, "{node}: a category is for files and folders");
                    assert!(
                        !rule.at.is_empty() || rule.holds == Holds::None,
                        "{node}: only `none` may hold everywhere"
                    );
                    let repeats = rule.every.is_some();
                    assert!(rule.count.is_none() && rule.switch.is_none() || repeats, "{node}");
                    assert_eq!(rule.count.is_some(), rule.count_input.is_some(), "{node}: by position and by name");
                    assert_eq!(rule.switch.is_some(), rule.switch_input.is_some(), "{node}: by position and by name");
                    let input = rule.input.as_deref().unwrap_or_default();
                    assert!(input.matches('*').count() <= 1, "{node}: one `*` in `{input}`");
                    if let Some(category) = &rule.category {
                        assert_eq!(category, category::canonical(category), "{node}: the present name of the category");
                    }
                }
            }
        }
        assert!(rows >= 60, "{rows} rows");
    }

    #[test]
    fn places() {
        let index = |index| vec![PathStep::Index(index)];
        let category = |node: &str, path: &[PathStep]| find(node, path).and_then(|hit| hit.category);
        assert_eq!(category("CR LoRA Stack", &index(1)), Some("loras"));
        assert_eq!(category("CR LoRA Stack", &index(5)), Some("loras"));
        assert_eq!(category("CR LoRA Stack", &index(4)), None);
        assert_eq!(find("CR LoRA Stack", &index(5)).unwrap().switch, Some(PathStep::Index(4)));
        let second = [PathStep::Key("lora_name_2".into())];
        assert_eq!(find("CR LoRA Stack", &second).unwrap().switch, Some(PathStep::Key("switch_2".into())));
        let count = PathStep::Key("lora_count".into());
        assert_eq!(find("LoRA Stacker", &second).unwrap().counted, Some((1, count)));
        let power = [PathStep::Index(7), PathStep::Key("lora".into())];
        assert_eq!(category("Power Lora Loader (rgthree)", &power), Some("loras"));
        let by_name = [PathStep::Key("lora_3".into()), PathStep::Key("lora".into())];
        assert_eq!(category("Power Lora Loader (rgthree)", &by_name), Some("loras"));
        assert_eq!(find("ShowText|pysssss", &index(3)).unwrap().holds, Holds::None);
        assert_eq!(find("LoRA Stacker", &index(6)).unwrap().counted, Some((1, PathStep::Index(1))));
        assert!(find("KSampler", &index(0)).is_none());
        for (node, input, position) in [
            ("Efficient Loader", "lora_name", Some(3)),
            ("LoRA Stacker", "lora_name_1", Some(2)),
            ("LoRA Stacker", "lora_name_3", Some(10)),
            ("LoRA Stacker", "lora_name_0", None),
            ("LoRA Stacker", "lora_name_99999999999999999999", None),
            ("LoRA Stacker", "lora_name_", None),
            ("UnetLoaderGGUF", "unet_name", Some(0)),
            ("Power Lora Loader (rgthree)", "lora_1", None),
            ("KSampler", "seed", None),
        ] {
            assert_eq!(widget_index(node, input), position, "{node} {input}");
        }
        assert_eq!((glob("lora_*_name", "lora_12_name"), glob("ab*ba", "aba")), (Some("12"), None));
    }
}
