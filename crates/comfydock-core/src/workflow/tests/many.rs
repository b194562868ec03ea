//! Files as somebody would write them who wants a reader to run out of time or memory. What is found may grow with the
//! file and not with its square; a reader that looks at everything with everything does not come to the assertions.

use std::fmt::Write as _;

use crate::workflow::{ModelRef, Workflow, model_refs, node_types, rewrite, without_metadata};

const MANY: usize = 10_000;

/// What `one` makes of each number, with commas between.
fn many(one: impl Fn(usize) -> String) -> String {
    (0..MANY).map(one).collect::<Vec<_>>().join(",")
}

fn read(text: String) -> Vec<ModelRef> {
    let workflow = Workflow::parse_any(text).unwrap();
    let references = model_refs(&workflow);
    // Everything that is kept of them, in places and in sources.
    let kept = |found: &ModelRef| 1 + found.mirrors.len() + found.aliases.len() + found.embedded.len();
    let all: usize = references.iter().map(kept).sum();
    assert!(all <= 8 * MANY, "{all} of {} references", references.len());
    let changes: Vec<_> = references.iter().map(|found| (found, "b.pt".to_owned())).collect();
    Workflow::parse_any(rewrite(&workflow, &changes)).unwrap();
    assert!(node_types(&workflow).len() <= 2 * MANY + 1);
    references
}

fn of_node(node_type: &str, widgets: &str, more: &str) -> Vec<ModelRef> {
    read(format!(r#"{{"nodes":[{{"id":1,"type":"{node_type}","widgets_values":[{widgets}]{more}}}]}}"#))
}

#[test]
fn entries_against_widgets() {
    let widgets = many(|at| format!(r#""m{at}.pt""#));
    for folder in ["", "x/"] {
        let entries = many(|at| format!(r#"{{"name":"{folder}m{at}.pt","url":"u{at}"}}"#));
        let found = of_node("X", &widgets, &format!(r#","properties":{{"models":[{entries}]}}"#));
        assert!(found.iter().all(|found| found.embedded.len() == 1));
        let found =
            read(format!(r#"{{"nodes":[{{"id":1,"type":"X","widgets_values":[{widgets}]}}],"models":[{entries}]}}"#));
        assert!(found.iter().all(|found| found.embedded.len() == 1));
    }
    // One name, and names of which each is the end of many.
    let same = many(|_| r#""a.pt""#.to_owned());
    of_node(
        "X",
        &same,
        &format!(r#","properties":{{"models":[{}]}}"#, many(|at| format!(r#"{{"name":"a.pt","url":"u{at}"}}"#))),
    );
    let ends = many(|at| format!(r#"{{"name":"{at}/a.pt","url":"u{at}"}}"#));
    of_node("X", &many(|at| format!(r#""x{at}/a.pt""#)), &format!(r#","properties":{{"models":[{ends}]}}"#));
    of_node("X", &same, &format!(r#","properties":{{"models":[{ends}]}}"#));
}

#[test]
fn copies_of_one_name() {
    let same = many(|_| r#""a.pt""#.to_owned());
    let named = |how_many: usize| {
        let members: Vec<_> = (0..how_many).map(|at| format!(r#""k{at}":"a.pt""#)).collect();
        format!(r#","widgets_values_named":{{{}}}"#, members.join(","))
    };
    assert!(of_node("X", &same, &named(MANY)).iter().all(|found| found.mirrors.len() == 1));
    of_node("X", &same, &named(MANY - 1));
    let loaders = many(|at| format!(r#"{{"id":{at},"type":"X","widgets_values":["a.pt"]}}"#));
    let primitives = many(|at| format!(r#"{{"id":"p{at}","type":"PrimitiveNode","widgets_values":["a.pt"]}}"#));
    read(format!(r#"{{"nodes":[{loaders},{primitives}]}}"#));
    let fed = many(|at| {
        format!(
            r#"{{"id":{at},"type":"VAELoader","inputs":[{{"widget":{{"name":"vae_name"}},"link":{at}}}],"widgets_values":["a.pt"]}}"#
        )
    });
    let links = many(|at| format!(r#"[{at},"p",0,{at},0]"#));
    let primitive = format!(r#"{{"id":"p","type":"PrimitiveNode","widgets_values":[{same}]}}"#);
    read(format!(r#"{{"nodes":[{fed},{primitive}],"links":[{links}]}}"#));
}

#[test]
fn links_around_corners() {
    let corners = many(|at| format!(r#"{{"id":"r{at}","type":"Reroute","inputs":[{{"link":{at}}}]}}"#));
    let loaders = many(|at| {
        format!(
            r#"{{"id":{at},"type":"VAELoader","inputs":[{{"widget":{{"name":"vae_name"}},"link":"w{at}"}}],"widgets_values":["a.pt"]}}"#
        )
    });
    let links = many(|at| format!(r#"[{at},"r{}",0],["w{at}","r{at}",0]"#, at + 1));
    read(format!(r#"{{"nodes":[{corners},{loaders}],"links":[{links}]}}"#));
}

#[test]
fn groups() {
    let instances = many(|at| {
        format!(
            r#"{{"id":{at},"type":"workflow/g","inputs":[{{"widget":{{"name":"n"}},"link":1}}],"widgets_values":["a.pt"]}}"#
        )
    });
    for inner in ["[]", r#"["o.pt"]"#] {
        let nodes = many(|at| format!(r#"{{"type":"T{at}","widgets_values":{inner}}}"#));
        read(format!(
            r#"{{"nodes":[{instances},{{"id":"s","type":"S"}}],"links":[[1,"s",0]],"extra":{{"groupNodes":{{"g":{{"nodes":[{nodes}]}}}}}}}}"#
        ));
        let widgets = many(|_| r#""a.pt""#.to_owned());
        read(format!(
            r#"{{"nodes":[{{"id":1,"type":"workflow/g","widgets_values":[{widgets}]}}],"extra":{{"groupNodes":{{"g":{{"nodes":[{nodes}]}}}}}}}}"#
        ));
    }
}

#[test]
fn instances_and_what_they_stand_for() {
    let same = many(|_| r#""a.pt""#.to_owned());
    let inner = many(|at| {
        format!(r#"{{"id":{at},"type":"X","inputs":[{{"widget":{{"name":"x"}}}}],"widgets_values":["a.pt"]}}"#)
    });
    let proxies = many(|at| format!(r#"["{}","x"]"#, MANY - 1 - at));
    let to_inputs = many(|at| format!(r#"["-1","i{at}"]"#));
    let inputs = many(|at| format!(r#"{{"name":"i{at}","linkIds":[{at}]}}"#));
    let links = many(|at| format!(r#"{{"id":{at},"target_id":{at},"target_slot":0}}"#));
    let one = |properties: &str| {
        format!(
            r#"{{"nodes":[{{"id":1,"type":"d","properties":{{{properties}}},"widgets_values":[{same}]}}],"definitions":{{"subgraphs":[
            {{"id":"d","inputs":[{inputs}],"links":[{links}],"nodes":[{inner}]}}]}}}}"#
        )
    };
    for properties in ["", &format!(r#""proxyWidgets":[{proxies}]"#), &format!(r#""proxyWidgets":[{to_inputs}]"#)] {
        assert!(read(one(properties)).iter().all(|found| found.mirrors.len() == 1));
    }
    read(one("").replace(r#""inputs":[{"name":"i0""#, r#""inputs":[{"name":"j","linkIds":[]},{"name":"i0""#));
    // Many instances of a definition with many inputs, with values and without, and many proxies to one widget.
    let instances = many(|at| format!(r#"{{"id":{at},"type":"d","widgets_values":["a.pt"]}}"#));
    read(format!(
        r#"{{"nodes":[{instances}],"definitions":{{"subgraphs":[{{"id":"d","inputs":[{inputs}],"links":[{links}],"nodes":[{inner}]}}]}}}}"#
    ));
    let all_links: Vec<_> = (0..MANY).map(|at| at.to_string()).collect();
    let everywhere = format!(r#"{{"name":"i","linkIds":[{}]}}"#, all_links.join(","));
    let to_one = many(|_| r#"["-1","i"]"#.to_owned());
    read(format!(
        r#"{{"nodes":[{{"id":1,"type":"d","properties":{{"proxyWidgets":[{to_one}]}},"widgets_values":[{}]}}],"definitions":{{"subgraphs":[
        {{"id":"d","inputs":[{everywhere}],"links":[{links}],"nodes":[{inner}]}}]}}}}"#,
        many(|at| format!(r#""b{at}.pt""#))
    ));
}

#[test]
fn subgraphs_in_subgraphs() {
    for value in ["a.pt", "#.pt"] {
        let chain = many(|at| {
            format!(
                r#"{{"id":"d{at}","nodes":[{{"id":1,"type":"d{}","widgets_values":["x"]}},
                {{"id":2,"type":"X","widgets_values":["{}"]}}]}}"#,
                at + 1,
                value.replace('#', &at.to_string())
            )
        });
        let found = read(format!(r#"{{"nodes":[{{"id":1,"type":"d0"}}],"definitions":{{"subgraphs":[{chain}]}}}}"#));
        assert_eq!(found.len(), MANY);
    }
    // All in one that stands in all.
    let hub = many(|at| format!(r#"{{"id":{at},"type":"d{at}"}}"#));
    let spokes = many(|at| format!(r#"{{"id":"d{at}","nodes":[{{"id":1,"type":"hub","widgets_values":["a.pt"]}}]}}"#));
    read(format!(
        r#"{{"nodes":[{{"id":1,"type":"hub"}}],"definitions":{{"subgraphs":[{{"id":"hub","nodes":[{hub}]}},{spokes}]}}}}"#
    ));
}

#[test]
fn names_in_one_text() {
    let mut text = String::new();
    for at in 0..MANY {
        write!(text, "\\n(embedding:a{at}) ").unwrap();
    }
    let named = format!(r#","widgets_values_named":{{"text":"{text}"}}"#);
    let found = of_node("CLIPTextEncode", &format!("\"{text}\""), &named);
    assert_eq!((found.len(), found[MANY - 1].mirrors.len()), (MANY, 1));
    // One name, as often.
    let text = "embedding:a ".repeat(MANY);
    assert_eq!(of_node("CLIPTextEncode", &format!("\"{text}\""), "")[0].mirrors.len(), MANY - 1);
}

#[test]
fn switches_by_name() {
    let inputs = many(|at| format!(r#""lora_name_{at}":"a.pt""#));
    read(format!(r#"{{"1":{{"class_type":"LoRA Stacker","inputs":{{"lora_count":5,{inputs}}}}}}}"#));
    read(format!(r#"{{"nodes":[{{"id":1,"type":"LoRA Stacker","widgets_values":{{"lora_count":5,{inputs}}}}}]}}"#));
}

#[test]
fn long_names_are_not_kept_as_often_as_they_have_widgets() {
    let long = "x".repeat(MANY);
    let same = many(|_| r#""a.pt""#.to_owned());
    let below = |path: &str| of_node("X", &format!(r#"{{"{path}":[{same}]}}"#), "").len();
    assert_eq!((below("short"), below(&long)), (MANY, 0));
    assert_eq!(of_node(&long, &same, "").len(), 0);
    assert_eq!(read(format!(r#"{{"nodes":[{{"id":"{long}","type":"X","widgets_values":[{same}]}}]}}"#)).len(), 0);
    assert_eq!(read(format!(r#"{{"{long}":{{"class_type":"X","inputs":{{"a":[{same}]}}}}}}"#)).len(), 0);
    let entry = |url: &str| format!(r#","properties":{{"models":[{{"name":"a.pt","url":"{url}"}}]}}"#);
    assert!(
        of_node("X", &same, &entry(&long))
            .iter()
            .all(|found| found.embedded.iter().all(|source| source.url.is_empty()))
    );
    let deep = format!("{}{same}{}", "[".repeat(200), "]".repeat(200));
    assert_eq!(of_node("X", &deep, "").len(), 0);
}

#[test]
fn metadata_many_times() {
    let ours = many(|at| format!(r#""_comfydock_metadata":{at}"#));
    for (before, after) in [("", ""), (r#""a":1,"#, ""), ("", r#","b":2"#), (r#""a":1,"#, r#","b":2"#)] {
        let expected =
            format!("{{\"extra\":{{{}}}}}", format!("{before}{after}").replace("1,,", "1,").trim_matches(','));
        assert_eq!(without_metadata(&format!(r#"{{"extra":{{{before}{ours}{after}}}}}"#)).unwrap(), expected);
    }
}
