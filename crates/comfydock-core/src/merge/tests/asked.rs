//! The manifest and files, where something is asked.

use super::*;

fn base() -> Side {
    let mut base = Side::new();
    base.save("hero", 1, 0);
    base.manifest.set_node(&node("pack", 1));
    base.manifest.set_group("node-pack", &["six".to_owned()]);
    base.edit("[tool.uv]", "[tool.uv]\nprerelease = \"allow\"");
    base
}

/// Asked about this one thing, each answer gives what the function sees.
fn asks(
    base: &Side,
    ours: &Side,
    theirs: &Side,
    word: &str,
    words: [&str; 2],
    see: &dyn Fn(&Merge) -> String,
    expected: [&str; 2],
) {
    let found = merged(base, ours, theirs);
    assert_eq!(found.asked(), [word]);
    assert_eq!([&found.questions[0].ours, &found.questions[0].theirs].map(|words| words.join(", ")), words, "{word}");
    for (answer, expected) in [(Answer::Ours, expected[0]), (Answer::Theirs, expected[1])] {
        let named = BTreeMap::from([(word.to_owned(), answer)]);
        let found = answered(base, ours, theirs, &Answers { named, ..Answers::default() });
        assert_eq!(found.asked(), Vec::<String>::new(), "{word}");
        assert_eq!((found.settled[0].question.subject.word().as_str(), found.settled[0].answer), (word, answer));
        assert_eq!(see(&found), expected, "{word} {answer:?}");
    }
    // Only a workflow can be kept twice.
    let both = Answers { workflows: Some(Answer::Both), others: Some(Answer::Both), named: BTreeMap::new() };
    assert_eq!(answered(base, ours, theirs, &both).asked(), [word]);
}

fn line(found: &Merge, start: &str) -> String {
    let text = found.document.text();
    text.lines().filter(|line| line.starts_with(start)).collect::<Vec<_>>().join("; ")
}

#[test]
fn comfyui_and_what_goes_with_it() {
    let base = base();
    let moved = |number: u32, numpy: &str, time: &str| {
        base.with(|side| {
            let mut facts = side.said().environment;
            facts.comfyui_version = format!("v{number}");
            facts.comfyui_commit = commit(number);
            side.manifest.set_environment(&facts);
            side.manifest.set_dependencies(&["torch".to_owned(), numpy.to_owned()]);
            side.manifest.set_exclude_newer(time);
        })
    };
    let (ours, theirs) =
        (moved(65, "numpy>=2", "2025-12-01T00:00:00Z"), moved(66, "numpy>=1.25", "2025-11-01T00:00:00Z"));
    let see = |found: &Merge| {
        let said = found.said_by();
        let text = found.document.text();
        format!(
            "{} {} {} {}",
            said.environment.comfyui_version,
            said.environment.comfyui_commit.short(8),
            text.contains("numpy>=2"),
            line(found, "exclude-newer")
        )
    };
    asks(
        &base,
        &ours,
        &theirs,
        "fact:comfyui",
        ["v65 (000000410000)", "v66 (000000420000)"],
        &see,
        [
            "v65 00000041 true exclude-newer = \"2025-12-01T00:00:00Z\"",
            "v66 00000042 false exclude-newer = \"2025-11-01T00:00:00Z\"",
        ],
    );
}

#[test]
fn python_and_its_file() {
    let base = base();
    let moved = |version: &str| {
        base.with(|side| {
            let mut facts = side.said().environment;
            facts.python_version = version.to_owned();
            side.manifest.set_environment(&facts);
            side.edit("requires-python = \"==3.11.*\"", &format!("requires-python = \"=={version}.*\""))
                .file(".python-version", version);
        })
    };
    let see = |found: &Merge| {
        format!(
            "{} {} {}",
            found.said_by().environment.python_version,
            line(found, "requires-python"),
            String::from_utf8_lossy(&found.files[".python-version"])
        )
    };
    asks(
        &base,
        &moved("3.12"),
        &moved("3.13"),
        "fact:python",
        ["3.12", "3.13"],
        &see,
        ["3.12 requires-python = \"==3.12.*\" 3.12", "3.13 requires-python = \"==3.13.*\" 3.13"],
    );
}

#[test]
fn a_pack_and_its_requirements() {
    let base = base();
    let at = |number: u32, line: &str| {
        base.with(|side| {
            side.manifest.set_node(&node("pack", number));
            side.manifest.set_group("node-pack", &[line.to_owned()]);
        })
    };
    let see = |found: &Merge| {
        let said = found.said_by();
        format!(
            "{} {}",
            said.nodes.get("pack").map_or("gone", |node| node.commit.as_ref().unwrap().short(8)),
            line(found, "node-pack")
        )
    };
    // Whose pack it is, his are the requirements too, even if he left them alone.
    let words = ["commit 0000000200000002000000020000000200000002", "commit 0000000300000003000000030000000300000003"];
    asks(
        &base,
        &at(2, "six"),
        &at(3, "six>=2"),
        "pack:pack",
        words,
        &see,
        ["00000002 node-pack = [\"six\"]", "00000003 node-pack = [\"six>=2\"]"],
    );
    let gone = base.with(|side| {
        side.edit("[tool.comfydock.nodes.pack]", "[tool.gone]");
        side.manifest.set_group("node-pack", &[]);
    });
    asks(
        &base,
        &gone,
        &at(3, "six>=2"),
        "pack:pack",
        ["removed", words[1]],
        &see,
        ["gone ", "00000003 node-pack = [\"six>=2\"]"],
    );
}

#[test]
fn requirements_indexes_settings_and_files() {
    let base = base();
    let group = |line: &str| base.with(|side| side.manifest.set_group("extra", &["x".to_owned(), line.to_owned()]));
    let see = |found: &Merge| {
        found.document.text().lines().filter(|line| line.contains("\"y")).map(str::trim).collect::<String>()
    };
    asks(&base, &group("y==1"), &group("y==2"), "package:extra/y", ["y==1", "y==2"], &see, ["\"y==1\",", "\"y==2\","]);

    let own = |line: &str| base.with(|side| side.manifest.set_dependencies(&["torch".to_owned(), line.to_owned()]));
    let see = |found: &Merge| {
        found.document.text().lines().filter(|line| line.contains("numpy")).map(str::trim).collect::<String>()
    };
    asks(
        &base,
        &own("numpy==1"),
        &own("numpy==2"),
        "package:numpy",
        ["numpy==1", "numpy==2"],
        &see,
        ["\"numpy==1\",", "\"numpy==2\","],
    );

    let index = |url: &str| {
        base.with(|side| {
            side.edit(
                "[tool.comfydock]",
                &format!("[[tool.uv.index]]\nname = \"studio\"\nurl = \"https://{url}.example.org\"\n[tool.comfydock]"),
            );
        })
    };
    let words = [
        "{\"name\":\"studio\",\"url\":\"https://a.example.org\"}",
        "{\"name\":\"studio\",\"url\":\"https://b.example.org\"}",
    ];
    asks(
        &base,
        &index("a"),
        &index("b"),
        "index:studio",
        words,
        &|found| line(found, "url"),
        ["url = \"https://a.example.org\"", "url = \"https://b.example.org\""],
    );

    let setting = |word: &str| {
        base.with(|side| {
            side.edit("\"allow\"", &format!("\"{word}\""));
        })
    };
    asks(
        &base,
        &setting("disallow"),
        &setting("explicit"),
        "setting:tool.uv.prerelease",
        ["\"disallow\"", "\"explicit\""],
        &|found| line(found, "prerelease"),
        ["prerelease = \"disallow\"", "prerelease = \"explicit\""],
    );

    let dated = |time: &str| base.with(|side| side.manifest.set_exclude_newer(time));
    asks(
        &base,
        &dated("2 weeks"),
        &dated("2025-11-01T00:00:00Z"),
        "setting:tool.uv.exclude-newer",
        ["\"2 weeks\"", "\"2025-11-01T00:00:00Z\""],
        &|found| line(found, "exclude-newer"),
        ["exclude-newer = \"2 weeks\"", "exclude-newer = \"2025-11-01T00:00:00Z\""],
    );

    let ignoring = |text: &str| {
        base.with(|side| {
            side.file(".comfydock_ignore", text);
        })
    };
    let see = |found: &Merge| String::from_utf8_lossy(&found.files[".comfydock_ignore"]).into_owned();
    asks(&base, &ignoring("a"), &ignoring("b"), "file:.comfydock_ignore", ["changed", "changed"], &see, ["a", "b"]);
}

#[test]
fn substitutions() {
    let base = base();
    let with = |number: u32| {
        base.with(|side| {
            side.save("more", number, 0);
            let substitution = crate::manifest::Substitution {
                filename: "gone.pt".to_owned(),
                category: "loras".to_owned(),
                sha256: None,
                with: hex(number),
            };
            side.manifest.set_substitution(&hex(99), &substitution);
            side.delete("more");
        })
    };
    let see = |found: &Merge| {
        let said = found.said_by();
        let with = &said.substitutions[&hex(99)].with;
        assert!(said.models.contains_key(with), "what stands in is there");
        with[..8].to_owned()
    };
    let word = format!("substitution:{}", hex(99));
    let found = merged(&base, &with(5), &with(6));
    assert_eq!(found.asked(), [word]);
    for (answer, expected) in [(Answer::Ours, "00000005"), (Answer::Theirs, "00000006")] {
        assert_eq!(see(&answered(&base, &with(5), &with(6), &all(answer, answer))), expected);
    }
}
