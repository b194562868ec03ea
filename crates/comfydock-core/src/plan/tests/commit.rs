//! What a commit takes of the workflows themselves.

use super::super::commit::{Change, Error, message};
use super::*;
use crate::category::Criticality;
use crate::hint::Hint as _;
use crate::manifest::ModelStatus;
use crate::workflow::{self, Metadata, Workflow};

fn one(change: Change) -> BTreeMap<String, Change> {
    BTreeMap::from([("hero".to_owned(), change)])
}

fn studio() -> Studio {
    Studio::with(vec![known(1, "checkpoints/x.safetensors")], &[checkpoint(4, "x.safetensors")])
}

#[test]
fn a_new_workflow_is_tracked_with_its_models() {
    let mut studio = studio();
    let plan = studio.commit();
    assert_eq!(plan.changes, one(Change::New));
    assert!(plan.open.is_empty() && plan.warnings.is_empty() && plan.unmeasured.is_empty());

    let text = plan.workflows["hero"].clone().unwrap();
    assert_eq!(workflow::without_metadata(&text).unwrap(), studio.live["hero"], "nothing else may change");
    let metadata = Metadata::of(&Workflow::parse(text).unwrap()).unwrap().unwrap();
    assert_eq!(metadata.last_updated, NOW);
    let reference = &metadata.models["4"].refs[0];
    assert_eq!((reference.hash.as_deref(), reference.size), (Some(key(1).as_str()), Some(1001)));
    assert_eq!(reference.sha256, Some(sha256(1)));

    let manifest = studio.said();
    let entry = &manifest.workflows["hero"][0];
    assert_eq!((entry.filename.as_str(), entry.category.as_str()), ("x.safetensors", "checkpoints"));
    assert_eq!((entry.status, entry.criticality), (ModelStatus::Resolved, Criticality::Flexible));
    assert_eq!((entry.nodes[0].node_id.as_str(), entry.nodes[0].widget_index), ("4", 0));
    assert_eq!(manifest.models[&key(1)].relative_path.as_str(), "checkpoints/x.safetensors");
    studio.assert_quiet();
}

#[test]
fn what_changed_is_told_from_what_did_not() {
    let mut studio = studio();
    studio.commit();
    let sampler = r#"{"id":9,"type":"KSampler","widgets_values":[1]}"#.to_owned();
    studio.save("hero", &[checkpoint(4, "x.safetensors"), sampler]);
    assert_eq!(studio.commit().changes, one(Change::Changed));

    // Another order of keys, other white space and metadata of its own are no change.
    let saved = studio.live["hero"].clone();
    for same in [
        saved.replace(',', " ,\n"),
        saved.replace(r#""extra":{}"#, r#""extra":{"_comfydock_metadata":{"version":"0.1.0"}}"#),
        saved.replace(r#""id":9,"type":"KSampler""#, r#""type":"KSampler","id":9"#),
    ] {
        assert_ne!(same, saved);
        studio.live.insert("hero".to_owned(), same);
        studio.assert_quiet();
    }
}

#[test]
fn a_removed_workflow_takes_its_entries_with_it() {
    let mut studio = studio();
    studio.save("other", &[checkpoint(1, "x.safetensors")]);
    studio.commit();
    studio.live.remove("hero");
    let plan = studio.commit();
    assert_eq!(plan.changes, one(Change::Removed));
    assert_eq!(plan.workflows["hero"], None);
    let manifest = studio.said();
    assert!(!manifest.workflows.contains_key("hero") && manifest.models.contains_key(&key(1)));
    studio.assert_quiet();

    studio.live.clear();
    studio.commit();
    assert!(studio.said().models.is_empty(), "a model nobody refers to is dropped");
    studio.assert_quiet();
}

#[test]
fn a_workflow_only_the_manifest_knows_is_removed_too() {
    let mut studio = studio();
    studio.manifest.set_workflow("ghost", &[]);
    let plan = studio.commit();
    assert_eq!(plan.changes["ghost"], Change::Removed);
    assert!(!studio.said().workflows.contains_key("ghost"));
}

#[test]
fn a_workflow_without_models_is_listed_all_the_same() {
    let mut studio = Studio::with(Vec::new(), &[]);
    assert_eq!(studio.commit().changes, one(Change::New));
    assert_eq!(studio.said().workflows["hero"], []);
    studio.assert_quiet();
}

#[test]
fn what_the_user_wrote_in_the_manifest_stays() {
    let mut studio = studio();
    let text = studio.manifest.text().replace("[tool.comfydock]", "# ours\n[tool.mine]\nx = 1\n\n[tool.comfydock]");
    studio.manifest = Document::parse(&text).unwrap();
    studio.commit();
    assert!(studio.manifest.text().contains("# ours\n[tool.mine]\nx = 1"), "{}", studio.manifest.text());
}

#[test]
fn names_that_are_one_on_other_systems_stop() {
    for (one, other) in [("Hero", "hero"), ("a/Ü", "a/ü"), ("caf\u{e9}", "cafe\u{301}")] {
        let mut studio = Studio::new(Vec::new());
        studio.save(one, &[]);
        studio.save(other, &[]);
        let error = studio.try_plan().unwrap_err();
        assert!(matches!(error, Error::Collision(..)), "{one} {other}: {error}");
        assert_eq!(error.hint().as_deref(), Some("rename one of them"));
    }
    let mut studio = Studio::new(Vec::new());
    studio.save("a/hero", &[]);
    studio.save("hero", &[]);
    assert!(studio.try_plan().is_ok(), "folders tell names apart");
}

#[test]
fn every_unreadable_workflow_is_named() {
    let mut studio = studio();
    studio.live.insert("cut".to_owned(), "{\"nodes\": [".to_owned());
    studio.live.insert("api".to_owned(), r#"{"3":{"class_type":"KSampler"}}"#.to_owned());
    let error = studio.try_plan().unwrap_err();
    assert_eq!(error.to_string(), "2 workflows cannot be read");
    let Error::Unreadable(named) = error else { panic!("{error}") };
    assert_eq!(named.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["api", "cut"]);
}

#[test]
fn a_damaged_tracked_copy_is_written_anew() {
    let mut studio = studio();
    studio.commit();
    studio.tracked.insert("hero".to_owned(), "{".to_owned());
    assert!(studio.commit().workflows["hero"].is_some());
    studio.assert_quiet();
}

#[test]
fn the_message_says_what_changed() {
    let changes = |list: &[(&str, Change)]| {
        list.iter().map(|(name, change)| ((*name).to_owned(), *change)).collect::<BTreeMap<_, _>>()
    };
    for (list, others, expected) in [
        (vec![], vec![], "Update the environment"),
        (vec![("a", Change::New)], vec![], "Add a"),
        (vec![("a", Change::Changed), ("b", Change::Removed)], vec![], "Change a; Remove b"),
        (vec![("a", Change::Models)], vec!["Add node pack X".to_owned()], "Add node pack X; Update models of a"),
        (["a", "b", "c"].map(|name| (name, Change::New)).into(), vec![], "Add a, b, c"),
        (["a", "b", "c", "d"].map(|name| (name, Change::New)).into(), vec![], "Add a and 3 workflows more"),
    ] {
        assert_eq!(message(&changes(&list), &others), expected);
    }
}

#[test]
fn a_name_that_no_tree_may_hold_stops_the_commit() {
    for name in ["what: now", "a/con", "q?", "tab\there", "back\\slash"] {
        let mut studio = Studio::new(Vec::new());
        studio.save(name, &[]);
        let Err(error) = studio.try_plan() else { panic!("{name:?} was planned") };
        assert!(error.to_string().contains(&name.escape_debug().to_string()) || error.hint().is_some(), "{error}");
    }
}

#[test]
fn an_extra_that_is_no_object_stops_the_commit() {
    for extra in ["[1]", "1", "\"x\""] {
        let mut studio = studio();
        studio.live.insert("hero".to_owned(), format!(r#"{{"nodes":[],"extra":{extra}}}"#));
        let Err(error) = studio.try_plan() else { panic!("{extra} was planned") };
        assert!(matches!(&error, Error::Unreadable(named) if named[0].0 == "hero"), "{error}");
    }
}
