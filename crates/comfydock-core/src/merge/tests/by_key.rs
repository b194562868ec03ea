//! The manifest, where nothing is asked.

use super::*;

fn base() -> Side {
    let mut base = Side::new();
    base.save("hero", 1, 0);
    base.manifest.set_node(&node("pack", 1));
    base.manifest.set_group("node-pack", &["six".to_owned(), "idna>=3".to_owned()]);
    base
}

fn quiet(base: &Side, ours: &Side, theirs: &Side) -> Manifest {
    let found = merged(base, ours, theirs);
    assert_eq!(found.asked(), Vec::<String>::new());
    found.said_by()
}

/// What the manifest's text says at these keys.
fn at(found: &Merge, path: &[&str]) -> serde_json::Value {
    let toml: toml_edit::DocumentMut = found.document.text().parse().unwrap();
    let item = path.iter().try_fold(toml.as_item(), |item, key| item.as_table_like()?.get(key));
    item.map_or(serde_json::Value::Null, crate::diff::manifest::json)
}

#[test]
fn two_people_each_add_everything() {
    let base = base();
    let ours = base.with(|side| {
        side.save("mine", 2, 0);
        side.manifest.set_node(&node("ours", 2));
        side.manifest.set_group("node-ours", &["rich".to_owned()]);
    });
    let theirs = base.with(|side| {
        side.save("yours", 3, 0);
        side.manifest.set_node(&node("theirs", 3));
        side.manifest.set_group("node-theirs", &["attrs".to_owned()]);
        let mut facts = side.said().environment;
        facts.comfyui_version = "v0.3.65".to_owned();
        facts.comfyui_commit = commit(65);
        side.manifest.set_environment(&facts);
        side.manifest.set_exclude_newer("2025-11-15T00:00:00Z");
        side.manifest.set_dependencies(&["torch".to_owned(), "numpy>=2".to_owned(), "av".to_owned()]);
    });
    for (ours, theirs) in [(&ours, &theirs), (&theirs, &ours)] {
        let found = merged(&base, ours, theirs);
        assert_eq!(found.asked(), Vec::<String>::new());
        let said = found.said_by();
        assert_eq!(said.nodes.keys().collect::<Vec<_>>(), ["ours", "pack", "theirs"]);
        assert_eq!(said.workflows.keys().collect::<Vec<_>>(), ["hero", "mine", "yours"]);
        assert_eq!(said.environment.comfyui_version, "v0.3.65");
        assert_eq!(said.environment.comfyui_commit, commit(65));
        assert_eq!(at(&found, &["tool", "uv", "exclude-newer"]), "2025-11-15T00:00:00Z");
        assert_eq!(at(&found, &["project", "dependencies"]), serde_json::json!(["torch", "numpy>=2", "av"]));
        assert_eq!(at(&found, &["dependency-groups"]).as_object().unwrap().len(), 3);
        // What comes from the other side stands with its kind, one table a block.
        let text = found.document.text();
        let nodes: Vec<&str> = text.lines().skip_while(|line| !line.starts_with("[tool.comfydock.nodes.")).collect();
        let heads = nodes.iter().filter(|line| line.starts_with('[')).take(3);
        assert!(heads.into_iter().all(|head| head.starts_with("[tool.comfydock.nodes.")), "{text}");
    }
}

#[test]
fn one_group_is_put_together_by_package() {
    let base = base();
    let lines = |lines: &[&str]| {
        base.with(|side| {
            side.manifest.set_group("node-pack", &lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>())
        })
    };
    for (ours, theirs, expected) in [
        (vec!["six", "idna>=3", "rich"], vec!["six", "idna>=3", "attrs"], vec!["attrs", "idna>=3", "rich", "six"]),
        (vec!["six", "idna>=4"], vec!["six==1", "idna>=3"], vec!["idna>=4", "six==1"]),
        (vec!["six"], vec!["idna>=3", "rich"], vec!["rich"]),
        (vec!["six", "IDNA>=4"], vec!["six", "IDNA>=4", "x"], vec!["IDNA>=4", "six", "x"]),
        (vec!["idna>=3", "six; a"], vec!["six", "idna>=3", "z"], vec!["idna>=3", "six; a", "z"]),
    ] {
        for (one, other) in [(&ours, &theirs), (&theirs, &ours)] {
            let found = merged(&base, &lines(one), &lines(other));
            assert_eq!(found.asked(), Vec::<String>::new());
            let mut group: Vec<String> =
                serde_json::from_value(at(&found, &["dependency-groups", "node-pack"])).unwrap();
            group.sort();
            assert_eq!(group, expected, "{one:?} {other:?}");
        }
    }
}

#[test]
fn sets_dates_and_indexes() {
    let base = base();
    let platform = |name: &str| {
        base.with(|side| {
            let mut facts = side.said().environment;
            facts.platforms.push(name.to_owned());
            side.manifest.set_environment(&facts);
        })
    };
    assert_eq!(quiet(&base, &platform("a-x"), &platform("b-x")).environment.platforms, ["linux-x86_64", "a-x", "b-x"]);

    let dated = |time: &str| base.with(|side| side.manifest.set_exclude_newer(time));
    for (ours, theirs) in
        [("2025-11-01T00:00:00Z", "2025-12-01T00:00:00Z"), ("2025-12-01T00:00:00Z", "2025-11-01T00:00:00Z")]
    {
        let found = merged(&base, &dated(ours), &dated(theirs));
        assert_eq!(at(&found, &["tool", "uv", "exclude-newer"]), "2025-12-01T00:00:00Z");
        assert_eq!(found.said.len(), 1, "{:?}", found.said);
    }

    let index = |name: &str| {
        base.with(|side| {
            side.edit(
                "[tool.comfydock]",
                &format!(
                    "[[tool.uv.index]]\nname = \"{name}\"\nurl = \"https://{name}.example.org\"\n[tool.comfydock]"
                ),
            );
        })
    };
    let origins: Vec<String> = quiet(&base, &index("a"), &index("b")).package_origins.into_iter().collect();
    assert_eq!(origins, ["https://a.example.org", "https://b.example.org"]);
}

#[test]
fn sources_are_united_and_facts_of_models_are_filled() {
    let base = base();
    let with = |source: u32, sha256: bool| {
        base.with(|side| {
            let mut known = side.said().models[&hex(1)].clone();
            known.sources.push(crate::source::Source::parse(&format!("https://example.org/{source}")).unwrap());
            known.blake3 = sha256.then(|| crate::digest::Blake3::parse(&hex(5)).unwrap());
            side.manifest.set_model(&hex(1), &known);
        })
    };
    for (ours, theirs) in [(with(20, true), with(30, false)), (with(30, false), with(20, true))] {
        let model = quiet(&base, &ours, &theirs).models[&hex(1)].clone();
        let mut sources: Vec<String> = model.sources.iter().map(ToString::to_string).collect();
        sources.sort();
        assert_eq!(sources, ["https://example.org/1", "https://example.org/20", "https://example.org/30"]);
        assert!(model.blake3.is_some());
    }
    // One that a side removed is gone.
    let none = base.with(|side| {
        side.edit("sources = [\"https://example.org/1\"]", "sources = []");
    });
    let sources: Vec<String> =
        quiet(&base, &none, &with(20, false)).models[&hex(1)].sources.iter().map(ToString::to_string).collect();
    assert_eq!(sources, ["https://example.org/20"]);
}

#[test]
fn two_files_under_one_quick_hash_stay_two() {
    let base = Side::new();
    let with = |sha256: u32| {
        base.with(|side| {
            side.save(&format!("w{sha256}"), 7, sha256);
            let mut known = model(7, sha256);
            known.sha256 = Some(Sha256::parse(&hex(sha256)).unwrap());
            side.manifest.set_model(&hex(7), &known);
        })
    };
    let found = merged(&base, &with(1), &with(2));
    assert_eq!(found.asked(), Vec::<String>::new());
    let said = found.said_by();
    let suffixed = format!("{}-{}", hex(7), &hex(1)[..8]);
    assert_eq!(said.models.keys().collect::<Vec<_>>(), [&hex(7), &suffixed]);
    assert_eq!(said.models[&hex(7)].sha256.as_ref().unwrap().as_str(), hex(2), "what is published keeps its key");
    assert_eq!(said.workflows["w1"][0].hash.as_ref(), Some(&suffixed));
    assert_eq!(said.workflows["w2"][0].hash, Some(hex(7)));
    // The side that replaced the file is the one that moves.
    let old = with(1);
    let replaced = old.with(|side| {
        side.edit(&format!("sha256 = \"{}\"", hex(1)), &format!("sha256 = \"{}\"", hex(3))).file("f", "x");
    });
    let found = merged(
        &old,
        &old.with(|side| {
            side.save("more", 8, 8);
        }),
        &replaced,
    );
    let suffixed = format!("{}-{}", hex(7), &hex(3)[..8]);
    assert_eq!(found.said_by().workflows["w1"][0].hash.as_ref(), Some(&suffixed), "{}", found.document.text());
}

#[test]
fn what_nobody_knows_is_kept_and_comments_are_ours() {
    let base = base().with(|side| {
        side.edit("[project]", "# the studio's\n[project]");
    });
    let ours = base.with(|side| {
        side.edit("[project]", "[tool.mine]\nx = 1 # why\n[tool.both]\ny = 1\n[project]");
    });
    let theirs = base.with(|side| {
        side.edit("[project]", "# not ours\n[tool.theirs]\nz = [1, 2]\n[tool.both]\ny = 2\nw = 3\n[project]");
    });
    let found = merged(&base, &ours, &theirs);
    assert_eq!(found.asked(), Vec::<String>::new());
    assert_eq!(found.said, ["tool.both.y was changed on both sides and stays as it is here"]);
    let text = found.document.text();
    for kept in ["# the studio's", "x = 1 # why", "z = [1, 2]", "y = 1", "w = 3"] {
        assert!(text.contains(kept), "{kept}: {text}");
    }
    assert!(!text.contains("# not ours") || text.contains("[tool.theirs]"));
}

#[test]
fn inline_tables_and_blocks_are_the_same() {
    let base = base();
    let inline = base.with(|side| {
        let text = side.manifest.text();
        let start = text.find("[tool.comfydock.nodes.pack]").unwrap();
        let end = start + text[start..].find("\n\n").map_or(text.len() - start, |end| end);
        let block = &text[start..end];
        let fields: Vec<&str> = block.lines().skip(1).filter(|line| !line.is_empty()).collect();
        let text = text.replace(block, &format!("[tool.comfydock.nodes]\npack = {{ {} }}\n", fields.join(", ")));
        side.manifest = Document::parse(&text).unwrap();
    });
    let theirs = base.with(|side| side.manifest.set_node(&node("more", 4)));
    for (ours, theirs) in [(&inline, &theirs), (&theirs, &inline)] {
        assert_eq!(quiet(&base, ours, theirs).nodes.keys().collect::<Vec<_>>(), ["more", "pack"]);
    }
}
