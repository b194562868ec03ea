//! Workflows.

use super::*;

fn base() -> Side {
    let mut base = Side::new();
    base.save("hero", 1, 0).save("other", 2, 0);
    base
}

#[test]
fn a_workflow_is_taken_from_the_side_that_changed_it() {
    let base = base();
    for (ours, theirs, expected) in [
        (
            base.with(|side| {
                side.save("hero", 1, 1);
            }),
            base.with(|side| {
                side.save("other", 2, 2);
            }),
            vec![("hero", "1"), ("other", "2")],
        ),
        (
            base.with(|side| {
                side.delete("hero");
            }),
            base.with(|side| {
                side.save("other", 2, 2);
            }),
            vec![("other", "2")],
        ),
        (
            base.with(|side| {
                side.save("new", 3, 3);
            }),
            base.with(|side| {
                side.save("more", 4, 4);
            }),
            vec![("hero", "0"), ("more", "4"), ("new", "3"), ("other", "0")],
        ),
        (
            base.with(|side| {
                side.save("new", 3, 3).save("x", 1, 1);
            }),
            base.with(|side| {
                side.save("new", 3, 3);
            }),
            vec![("hero", "0"), ("new", "3"), ("other", "0"), ("x", "1")],
        ),
        (
            base.with(|side| {
                side.delete("hero").delete("other");
            }),
            base.with(|side| {
                side.delete("hero").file("f", "x");
            }),
            vec![],
        ),
    ] {
        let expected: Vec<(&str, String)> =
            expected.into_iter().map(|(name, version)| (name, version.to_owned())).collect();
        for found in [merged(&base, &ours, &theirs), merged(&base, &theirs, &ours)] {
            assert_eq!(found.asked(), Vec::<String>::new());
            assert_eq!(found.versions(), expected);
            let said = found.said_by();
            assert_eq!(
                said.workflows.keys().map(String::as_str).collect::<Vec<_>>(),
                found.workflows.keys().collect::<Vec<_>>()
            );
            let needed: std::collections::BTreeSet<&String> =
                said.workflows.values().flatten().filter_map(|model| model.hash.as_ref()).collect();
            assert_eq!(
                said.models.keys().collect::<std::collections::BTreeSet<_>>(),
                needed,
                "neither more models nor fewer"
            );
        }
    }
}

#[test]
fn what_both_changed_is_asked_with_what_each_did() {
    let base = base();
    let ours = base.with(|side| {
        side.save("hero", 1, 1);
    });
    let theirs = base.with(|side| {
        side.save("hero", 3, 2);
    });
    let found = merged(&base, &ours, &theirs);
    assert_eq!(found.asked(), ["hero"]);
    assert_eq!(found.questions[0].ours, ["~ N (2): widget 0 0 → 1"]);
    assert_eq!(
        found.questions[0].theirs,
        [
            "~ LoraLoaderModelOnly (1): lora_name \"1.safetensors\" → \"3.safetensors\"",
            "~ N (2): widget 0 0 → 2",
            "- model 1.safetensors (500000015000)",
            "+ model 3.safetensors (500000035000)"
        ]
    );
    assert!(found.questions[0].both);
    for (answer, expected, models) in [
        (Answer::Ours, vec![("hero", "1"), ("other", "0")], vec![1, 2]),
        (Answer::Theirs, vec![("hero", "2"), ("other", "0")], vec![2, 3]),
        (Answer::Both, vec![("hero", "2"), ("hero (mine)", "1"), ("other", "0")], vec![1, 2, 3]),
    ] {
        let named = BTreeMap::from([("hero".to_owned(), answer)]);
        let found = answered(&base, &ours, &theirs, &Answers { named, ..Answers::default() });
        assert_eq!(found.asked(), Vec::<String>::new());
        assert_eq!(
            found.versions(),
            expected.into_iter().map(|(name, version)| (name, version.to_owned())).collect::<Vec<_>>()
        );
        let said = found.said_by();
        assert_eq!(said.models.keys().cloned().collect::<Vec<_>>(), models.into_iter().map(hex).collect::<Vec<_>>());
        if answer == Answer::Both {
            assert_eq!(said.workflows["hero"][0].hash, Some(hex(3)));
            assert_eq!(said.workflows["hero (mine)"][0].hash, Some(hex(1)));
            assert_eq!(found.said, ["your workflow hero is kept as hero (mine)"]);
        }
    }
}

#[test]
fn a_change_against_a_removal_is_asked() {
    let base = base();
    let changed = base.with(|side| {
        side.save("hero", 1, 1);
    });
    let removed = base.with(|side| {
        side.delete("hero");
    });
    let found = merged(&base, &changed, &removed);
    assert_eq!(
        (found.asked(), found.questions[0].theirs.clone()),
        (vec!["hero".to_owned()], vec!["removed".to_owned()])
    );
    assert!(!found.questions[0].both);
    for (answer, here, there) in
        [(Answer::Ours, true, false), (Answer::Theirs, false, true), (Answer::Both, true, true)]
    {
        for (ours, theirs, stays) in [(&changed, &removed, here), (&removed, &changed, there)] {
            let found = answered(&base, ours, theirs, &all(answer, answer));
            assert_eq!(found.workflows.contains_key("hero"), stays, "{answer:?}");
            assert!(!found.workflows.contains_key("hero (mine)"));
        }
    }
}

#[test]
fn a_new_name_and_a_new_content_belong_together() {
    let base = base();
    let renamed = base.with(|side| {
        let text = side.workflows["hero"].clone();
        side.delete("hero").save("portraits/hero", 1, 0);
        side.workflows.insert("portraits/hero".to_owned(), text);
    });
    let changed = base.with(|side| {
        side.save("hero", 3, 7);
    });
    for found in [merged(&base, &renamed, &changed), merged(&base, &changed, &renamed)] {
        assert_eq!(found.asked(), Vec::<String>::new());
        assert_eq!(found.versions(), [("other", "0".to_owned()), ("portraits/hero", "7".to_owned())]);
        assert_eq!(found.said_by().workflows["portraits/hero"][0].hash, Some(hex(3)));
    }
}

#[test]
fn names_that_are_one_on_some_systems_are_kept_apart() {
    let base = base();
    let ours = base.with(|side| {
        side.save("New", 3, 3);
    });
    let theirs = base.with(|side| {
        side.save("new", 4, 4);
    });
    let found = merged(&base, &ours, &theirs);
    assert_eq!(
        found.versions(),
        [("New (mine)", "3".to_owned()), ("hero", "0".to_owned()), ("new", "4".to_owned()), ("other", "0".to_owned())]
    );
    assert_eq!(found.said_by().workflows["New (mine)"][0].hash, Some(hex(3)));
    let same = base.with(|side| {
        side.save("New", 4, 4);
    });
    assert_eq!(merged(&base, &same, &theirs).workflows.keys().collect::<Vec<_>>(), ["hero", "new", "other"]);
    // A name that is taken is not given.
    let (ours, theirs) = (
        ours.with(|side| {
            side.save("hero (mine)", 1, 9).save("hero", 1, 1);
        }),
        theirs.with(|side| {
            side.save("hero", 1, 2);
        }),
    );
    let found = answered(&base, &ours, &theirs, &all(Answer::Both, Answer::Ours));
    assert!(
        found.workflows.contains_key("hero (mine)") && found.workflows.contains_key("hero (mine 2)"),
        "{:?}",
        found.versions()
    );
}

#[test]
fn what_each_side_says_of_models_is_put_together() {
    let base = base();
    let tie = |side: &mut Side, change: &dyn Fn(&mut WorkflowModel)| {
        let mut models = side.said().workflows["hero"].clone();
        change(&mut models[0]);
        side.manifest.set_workflow("hero", &models);
    };
    // Here somebody chose, there somebody changed another node.
    let ours = base.with(|side| {
        tie(side, &|model| {
            model.criticality = crate::category::Criticality::Optional;
            model.chosen = true;
        })
    });
    let theirs = base.with(|side| {
        side.save("hero", 1, 5);
    });
    for found in [merged(&base, &ours, &theirs), merged(&base, &theirs, &ours)] {
        assert_eq!(found.asked(), Vec::<String>::new());
        let model = &found.said_by().workflows["hero"][0];
        assert_eq!((model.criticality, model.chosen), (crate::category::Criticality::Optional, true));
        assert_eq!(found.versions()[0], ("hero", "5".to_owned()));
    }
    // Both chose, and not alike.
    let theirs = base.with(|side| {
        tie(side, &|model| {
            model.criticality = crate::category::Criticality::Required;
            model.chosen = true;
        })
    });
    let found = merged(&base, &ours, &theirs);
    assert_eq!(found.asked(), ["model:hero/1.safetensors"]);
    let found = answered(&base, &ours, &theirs, &all(Answer::Ours, Answer::Theirs));
    assert_eq!(found.said_by().workflows["hero"][0].criticality, crate::category::Criticality::Required);
    // The same name means another file here.
    let ours = base.with(|side| {
        side.manifest.set_model(
            &hex(9),
            &Model {
                filename: "1.safetensors".to_owned(),
                relative_path: ModelPath::parse("loras/x/1.safetensors").unwrap(),
                ..model(9, 9)
            },
        );
        tie(side, &|model| model.hash = Some(hex(9)));
    });
    let theirs = base.with(|side| {
        side.save("hero", 1, 5);
    });
    let found = merged(&base, &ours, &theirs);
    assert_eq!(found.said_by().workflows["hero"][0].hash, Some(hex(9)));
    assert!(found.said_by().models.contains_key(&hex(9)) && !found.said_by().models.contains_key(&hex(1)));
}

#[test]
fn metadata_is_made_anew_from_the_merged_manifest() {
    let base = base();
    let ours = base.with(|side| {
        side.save("hero", 1, 1);
    });
    let theirs = base.with(|side| {
        side.save("new", 3, 3);
        let mut known = model(1, 1);
        known.blake3 = Some(crate::digest::Blake3::parse(&hex(77)).unwrap());
        side.manifest.set_model(&hex(1), &known);
    });
    let found = merged(&base, &ours, &theirs);
    for (name, text) in &found.workflows {
        let workflow = crate::workflow::Workflow::parse(text.clone()).unwrap();
        let metadata = crate::workflow::Metadata::of(&workflow).unwrap().unwrap();
        let reference = &metadata.models["1"].refs[0];
        assert_eq!(reference.hash, found.said_by().workflows[name][0].hash);
        assert_eq!(reference.blake3.is_some(), name == "hero", "{name}");
        assert_eq!(metadata.last_updated, NOW);
    }
    // What says the same already stays to the byte.
    let noted = Side { workflows: found.workflows, manifest: found.document, files: base.files };
    let found = answered(
        &noted,
        &noted.with(|side| {
            side.file("a", "1");
        }),
        &noted.with(|side| {
            side.file("b", "2");
        }),
        &Answers::default(),
    );
    assert_eq!(found.workflows, noted.workflows);
}
