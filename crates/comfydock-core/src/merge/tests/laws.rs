//! What any merge keeps.

use proptest::prelude::*;

use super::*;
use crate::workflow::same_content;

/// Something a person does to an environment.
#[derive(Debug, Clone)]
enum Edit {
    Save(u8, u8, u8),
    Delete(u8),
    Pack(u8, u8),
    NoPack(u8),
    Require(u8, u8, u8),
    Source(u8, u8),
    ComfyUi(u8),
    Platform(u8),
    Index(u8, u8),
    Own(u8, u8),
    File(u8, u8),
    Lock(u8),
}

fn edit() -> impl Strategy<Value = Edit> {
    let small = 0..4u8;
    prop_oneof![
        4 => (small.clone(), small.clone(), small.clone()).prop_map(|(name, model, version)| Edit::Save(name, model, version)),
        1 => small.clone().prop_map(Edit::Delete),
        2 => (small.clone(), small.clone()).prop_map(|(name, commit)| Edit::Pack(name, commit)),
        1 => small.clone().prop_map(Edit::NoPack),
        2 => (small.clone(), small.clone(), small.clone()).prop_map(|(group, package, version)| Edit::Require(group, package, version)),
        2 => (small.clone(), small.clone()).prop_map(|(model, source)| Edit::Source(model, source)),
        1 => small.clone().prop_map(Edit::ComfyUi),
        1 => small.clone().prop_map(Edit::Platform),
        1 => (small.clone(), small.clone()).prop_map(|(name, url)| Edit::Index(name, url)),
        1 => (small.clone(), small.clone()).prop_map(|(key, value)| Edit::Own(key, value)),
        1 => (small.clone(), small.clone()).prop_map(|(path, text)| Edit::File(path, text)),
        1 => small.prop_map(Edit::Lock),
    ]
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    prop::collection::vec(edit(), 0..8)
}

impl Side {
    /// Names begin with `pool`, so that two pools touch nothing in common.
    fn done(&self, pool: &str, edits: &[Edit]) -> Self {
        let mut side = self.clone();
        for edit in edits {
            side.apply(pool, edit);
        }
        side
    }

    fn apply(&mut self, pool: &str, edit: &Edit) {
        let number = |model: u8| u32::from(model) + u32::from(pool.bytes().next().unwrap_or_default()) * 16;
        match edit {
            Edit::Save(name, model, version) => {
                self.save(&format!("{pool}/{name}"), number(*model), u32::from(*version));
            }
            Edit::Delete(name) => {
                self.delete(&format!("{pool}/{name}"));
            }
            Edit::Pack(name, at) => {
                let node = node(&format!("{pool}{name}"), u32::from(*at));
                self.manifest.set_node(&node);
                self.manifest.set_group(node.group.as_deref().unwrap(), &[format!("p{name}=={at}")]);
            }
            Edit::NoPack(name) => {
                let text = self.manifest.text();
                let mut toml: toml_edit::DocumentMut = text.parse().unwrap();
                if let Some(nodes) =
                    toml["tool"]["comfydock"].get_mut("nodes").and_then(toml_edit::Item::as_table_like_mut)
                {
                    nodes.remove(&format!("{pool}{name}"));
                }
                self.manifest = Document::parse(&toml.to_string()).unwrap();
                self.manifest.set_group(&format!("node-{pool}{name}"), &[]);
            }
            Edit::Require(group, package, version) => {
                let group = format!("{pool}-group-{group}");
                let text: toml_edit::DocumentMut = self.manifest.text().parse().unwrap();
                let lines = text.get("dependency-groups").and_then(|groups| groups.get(&group)?.as_array());
                let name = format!("{pool}{package}");
                let mut lines: Vec<String> = lines
                    .into_iter()
                    .flatten()
                    .filter_map(|line| line.as_str())
                    .filter(|line| line.split("==").next() != Some(name.as_str()))
                    .map(str::to_owned)
                    .collect();
                lines.push(format!("{name}=={version}"));
                self.manifest.set_group(&group, &lines);
            }
            Edit::Source(at, source) => {
                // Of models that are there, whoever brought them.
                let known = self.said().models;
                if let Some((key, model)) = known.iter().nth(usize::from(*at)) {
                    let mut model = model.clone();
                    let text = format!("https://example.org/{pool}{source}");
                    let source = crate::source::Source::parse(&text).unwrap();
                    if !model.sources.contains(&source) {
                        model.sources.push(source);
                    }
                    self.manifest.set_model(key, &model);
                }
            }
            Edit::ComfyUi(at) => {
                let mut facts = self.said().environment;
                facts.comfyui_version = format!("v{pool}{at}");
                facts.comfyui_commit = commit(u32::from(*at) + 100);
                self.manifest.set_environment(&facts);
            }
            Edit::Platform(at) => {
                let mut facts = self.said().environment;
                let platform = format!("linux-{pool}{at}");
                if !facts.platforms.contains(&platform) {
                    facts.platforms.push(platform);
                }
                self.manifest.set_environment(&facts);
            }
            Edit::Index(name, url) => {
                let mut text = self.manifest.text();
                if !text.contains(&format!("name = \"{pool}{name}\"\nurl")) {
                    text.push_str(&format!(
                        "\n[[tool.uv.index]]\nname = \"{pool}{name}\"\nurl = \"https://{url}.example.org\"\n"
                    ));
                }
                self.manifest = Document::parse(&text).unwrap();
            }
            Edit::Own(key, value) => {
                let mut toml: toml_edit::DocumentMut = self.manifest.text().parse().unwrap();
                toml["tool"]["mine"][pool][&format!("k{key}")] = toml_edit::value(i64::from(*value));
                self.manifest = Document::parse(&toml.to_string()).unwrap();
            }
            Edit::File(path, text) => {
                self.file(&format!("{pool}{path}"), &text.to_string());
            }
            Edit::Lock(text) => {
                self.file("uv.lock", &format!("{pool}{text}"));
            }
        }
    }
}

/// A manifest as values: comments and order left out, lists sorted.
fn meaning(document: &Document) -> serde_json::Value {
    fn sorted(value: serde_json::Value) -> serde_json::Value {
        match value {
            serde_json::Value::Array(items) => {
                let mut items: Vec<_> = items.into_iter().map(sorted).collect();
                items.sort_by_key(ToString::to_string);
                items.into()
            }
            serde_json::Value::Object(members) => members
                .into_iter()
                .map(|(key, value)| (key, sorted(value)))
                .filter(|(_, value)| !value.as_object().is_some_and(serde_json::Map::is_empty))
                .collect(),
            other => other,
        }
    }
    let toml: toml_edit::DocumentMut = document.text().parse().unwrap();
    sorted(crate::diff::manifest::json(toml.as_item()))
}

fn assert_same(found: &Merge, expected: &Side) -> Result<(), TestCaseError> {
    prop_assert_eq!(found.asked(), Vec::<String>::new());
    prop_assert_eq!(meaning(&found.document), meaning(&expected.manifest));
    prop_assert_eq!(&found.files, &expected.files);
    prop_assert_eq!(found.workflows.keys().collect::<Vec<_>>(), expected.workflows.keys().collect::<Vec<_>>());
    for (name, text) in &found.workflows {
        prop_assert!(same_content(text, &expected.workflows[name]), "{}", name);
    }
    Ok(())
}

proptest! {
    // A merge of whole states takes milliseconds.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn who_did_nothing_changes_nothing(before in edits(), after in edits()) {
        let base = Side::new().done("c", &before);
        let x = base.done("c", &after);
        for (ours, theirs) in [(&x, &base), (&base, &x), (&x, &x)] {
            let found = merged(&base, ours, theirs);
            assert_same(&found, &x)?;
            prop_assert_eq!(found.document.text(), x.manifest.text());
            prop_assert_eq!(&found.workflows, &x.workflows);
            prop_assert!(!found.relock && found.said.is_empty());
        }
    }

    /// The same where a side did something that has nothing to do with it, so that all is put together.
    #[test]
    fn who_did_something_else_changes_nothing_more(before in edits(), after in edits()) {
        let base = Side::new().done("c", &before);
        let x = base.done("c", &after);
        let noted = |side: &Side| side.with(|side| { side.file("notes", "x"); });
        let expected = noted(&x);
        for (ours, theirs) in [(&x, &noted(&base)), (&noted(&base), &x), (&noted(&x), &x), (&x, &noted(&x))] {
            let found = merged(&base, ours, theirs);
            assert_same(&found, &expected)?;
            prop_assert!(!found.relock, "the lock is x's and so are the requirements");
        }
    }

    /// Two people who touch nothing in common are asked nothing, and it is the same whoever merges.
    #[test]
    fn what_has_nothing_in_common_is_put_together(before in edits(), mine in edits(), yours in edits()) {
        let base = Side::new().done("a", &before).done("b", &before);
        let ours = base.done("a", &mine);
        // There is one ComfyUI and one lock: those of one of them.
        let yours: Vec<Edit> = yours.into_iter().filter(|edit| !matches!(edit, Edit::ComfyUi(_) | Edit::Lock(_))).collect();
        let theirs = base.done("b", &yours);
        let found = merged(&base, &ours, &theirs);
        prop_assert_eq!(found.asked(), Vec::<String>::new());
        let other = merged(&base, &theirs, &ours);
        prop_assert_eq!(meaning(&found.document), meaning(&other.document));
        prop_assert!(found.workflows.keys().eq(other.workflows.keys()));
        prop_assert!(found.workflows.iter().all(|(name, text)| same_content(text, &other.workflows[name])));
        prop_assert_eq!(&found.files, &other.files);
        prop_assert_eq!(found.relock, other.relock);
        // One after the other does the same, but for whose models nobody needs any more.
        let after = ours.done("b", &yours);
        let (found, after) = (found.said_by(), after.said());
        prop_assert_eq!(&found.nodes, &after.nodes);
        prop_assert_eq!(&found.environment.comfyui_version, &after.environment.comfyui_version);
        prop_assert_eq!(&found.workflows, &after.workflows);
    }

    /// Whatever both did to the same things: nothing that either added is lost if both may stay.
    #[test]
    fn nothing_that_was_added_is_lost(before in edits(), mine in edits(), yours in edits(), others in any::<bool>()) {
        let base = Side::new().done("c", &before);
        let (ours, theirs) = (base.done("c", &mine), base.done("c", &yours));
        let answers = all(Answer::Both, if others { Answer::Ours } else { Answer::Theirs });
        let found = answered(&base, &ours, &theirs, &answers);
        prop_assert_eq!(found.asked(), Vec::<String>::new());
        let said = found.said_by();
        let before_manifest = base.said();
        let before = &before_manifest;
        for side in [&ours, &theirs] {
            let manifest = side.said();
            for (name, text) in side.workflows.iter().filter(|(name, _)| !base.workflows.contains_key(*name)) {
                let kept = found.workflows.iter().filter(|(other, _)| other.starts_with(name.as_str()));
// Under a new name of an old content stands what the other side made of that.
                let renamed = base.workflows.values().any(|before| same_content(before, text));
                prop_assert!(kept.into_iter().any(|(_, other)| renamed || same_content(text, other)), "{}", name);
            }
            let added = manifest.nodes.keys().filter(|key| !before.nodes.contains_key(*key));
            prop_assert!(added.into_iter().all(|key| said.nodes.contains_key(key)));
            let needed = manifest.workflows.iter().filter(|(name, _)| !before.workflows.contains_key(*name));
            for key in needed.flat_map(|(_, models)| models).filter_map(|model| model.hash.as_ref()) {
                prop_assert!(said.models.contains_key(key), "{}", key);
                let known = before_manifest.models.get(key).map_or(&[][..], |model| &model.sources);
                let sources = manifest.models[key].sources.iter().filter(|source| !known.contains(source));
                prop_assert!(sources.into_iter().all(|source| said.models[key].sources.contains(source)));
            }
            let platforms = manifest.environment.platforms.iter().filter(|platform| !before.environment.platforms.contains(platform));
            prop_assert!(platforms.into_iter().all(|platform| said.environment.platforms.contains(platform)));
            let asked = |document: &Document| -> std::collections::BTreeSet<String> {
                let toml: toml_edit::DocumentMut = document.text().parse().unwrap();
                let groups = toml.get("dependency-groups").map(crate::diff::manifest::json).unwrap_or_default();
                let groups = groups.as_object().cloned().unwrap_or_default();
                let of_group = |(group, lines): (String, serde_json::Value)| {
                    let lines = lines.as_array().cloned().unwrap_or_default();
                    lines.into_iter().map(move |line| format!("{group}/{}", line.as_str().unwrap().split("==").next().unwrap()))
                };
                groups.into_iter().filter(|(group, _)| group.starts_with("c-group")).flat_map(of_group).collect()
            };
            let (before, after) = (asked(&base.manifest), asked(&found.document));
            prop_assert!(asked(&side.manifest).difference(&before).all(|package| after.contains(package)));
            prop_assert!(side.files.keys().filter(|path| !base.files.contains_key(*path)).all(|path| found.files.contains_key(path)));
        }
        // Every workflow has its table, and nothing else has one.
        prop_assert_eq!(said.workflows.keys().collect::<Vec<_>>(), found.workflows.keys().collect::<Vec<_>>());
    }

    /// What is answered is asked no more, and what is asked has an answer that settles it.
    #[test]
    fn every_question_can_be_answered_by_its_word(before in edits(), mine in edits(), yours in edits(), theirs_wins in any::<bool>()) {
        let base = Side::new().done("c", &before);
        let (ours, theirs) = (base.done("c", &mine), base.done("c", &yours));
        let found = merged(&base, &ours, &theirs);
        let answer = if theirs_wins { Answer::Theirs } else { Answer::Ours };
        let named = found.asked().into_iter().map(|word| (word, answer)).collect();
        let found = answered(&base, &ours, &theirs, &Answers { named, ..Answers::default() });
        prop_assert_eq!(found.asked(), Vec::<String>::new());
        let at_once = answered(&base, &ours, &theirs, &all(answer, answer));
        prop_assert_eq!(found.document.text(), at_once.document.text());
        prop_assert_eq!(found.workflows, at_once.workflows);
    }
}
