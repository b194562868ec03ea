//! What must hold for any two workflows.

use proptest::prelude::*;

use super::between;
use crate::diff::workflow::compare;
use crate::workflow::same_content;

/// Values that are no valid part of any workflow, under the keys that are read.
fn odd() -> impl Strategy<Value = serde_json::Value> {
    let word = prop::sample::select(vec!["a", "b", "KSampler", "Note", "g", "1", "", "workflow/g", "-10", "é"]);
    let leaf = prop_oneof![Just(serde_json::Value::Null), (0..4u8).prop_map(Into::into), word.prop_map(Into::into)];
    let key = prop::sample::select(vec![
        "id",
        "type",
        "nodes",
        "definitions",
        "subgraphs",
        "widgets_values",
        "properties",
        "name",
        "proxyWidgets",
        "inputs",
        "outputs",
        "links",
        "link",
        "widget",
        "mode",
        "title",
        "extra",
        "groupNodes",
        "class_type",
        "_meta",
        "pos",
        "origin_id",
        "target_id",
        "origin_slot",
        "target_slot",
        "unknown",
    ]);
    leaf.prop_recursive(6, 80, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::from),
            prop::collection::btree_map(key.clone().prop_map(str::to_owned), inner, 0..8)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

fn editor(nodes: &[serde_json::Value], definitions: &[serde_json::Value], links: &serde_json::Value) -> String {
    serde_json::json!({
        "nodes": nodes, "links": links, "definitions": {"subgraphs": definitions},
        "extra": {"groupNodes": {"g": {"nodes": nodes, "links": links}}},
    })
    .to_string()
}

fn api(nodes: &[serde_json::Value]) -> String {
    let mut map: serde_json::Map<_, _> =
        nodes.iter().enumerate().map(|(id, node)| (id.to_string(), node.clone())).collect();
    map.insert("x".to_owned(), serde_json::json!({"class_type": "X", "inputs": {}}));
    serde_json::Value::from(map).to_string()
}

proptest! {
    #[test]
    fn a_difference_is_empty_for_the_same_content_alone(
        one in prop::collection::vec(odd(), 0..5), other in prop::collection::vec(odd(), 0..5),
        definitions in prop::collection::vec(odd(), 0..3), links in odd(), same in any::<bool>(),
    ) {
        let other = if same { one.clone() } else { other };
        for (before, after) in [
            (editor(&one, &definitions, &links), editor(&other, &definitions, &links)),
            (editor(&one, &definitions, &links), editor(&one, &other, &links)),
            (editor(&one, &definitions, &links), editor(&one, &definitions, &other.clone().into())),
            (api(&one), api(&other)),
            (api(&one), editor(&one, &definitions, &links)),
        ] {
            for (one, other) in [(&before, &after), (&after, &before), (&before, &before)] {
                let found = compare(one, other);
                prop_assert_eq!(found.is_empty(), same_content(one, other), "{} / {}", one, other);
                // Words can be found for all of it.
                prop_assert_eq!(found.lines(true).is_empty() && !found.layout.is_empty(), false);
            }
        }
    }

    #[test]
    fn anything_may_be_held_against_anything(one in odd(), other in odd()) {
        for text in ["", "{", "[1]", "\u{feff}{}"] {
            between(text, &one.to_string());
        }
        between(&one.to_string(), &other.to_string());
    }

    /// Another value of a widget is never taken for layout, in whatever company it stands.
    #[test]
    fn a_widget_that_changed_is_told(
        nodes in prop::collection::vec(odd(), 0..4), class in "[A-Za-z]{1,9}", values in prop::collection::vec(0..3u8, 1..9),
        at in any::<prop::sample::Index>(), moved in any::<bool>(),
    ) {
        let at = at.index(values.len());
        let text = |values: &[u8], x: u8| {
            let node = serde_json::json!({"id": 77, "type": class, "pos": [x, 0], "widgets_values": values});
            editor(&[nodes.clone(), vec![node]].concat(), &[], &serde_json::Value::Null)
        };
        let mut other = values.clone();
        other[at] += 5;
        let found = compare(&text(&values, 0), &text(&other, u8::from(moved)));
        let told: Vec<_> = found.nodes.iter().filter(|node| node.graph.is_none() && node.node.id == "77").collect();
        prop_assert_eq!(told.len(), 1);
        prop_assert_eq!(told[0].widgets.len(), 1);
        prop_assert_eq!(told[0].widgets[0].index, Some(at));
        prop_assert_eq!(told[0].widgets[0].after.as_ref().unwrap().as_str(), other[at].to_string());
    }
}

/// Many nodes and links, as a hostile file has them, in time that a person waits.
#[test]
fn many_nodes_are_no_matter() {
    let text = |offset: usize| {
        let nodes: Vec<String> = (0..20_000)
            .map(|id| {
                format!(r#"{{"id":{},"type":"N","inputs":[{{"name":"in"}}],"widgets_values":[{offset}]}}"#, id % 10_000)
            })
            .collect();
        let links: Vec<String> = (0..20_000).map(|id| format!("[{id},{},0,{},0,\"X\"]", id + offset, id)).collect();
        format!(r#"{{"nodes":[{}],"links":[{}]}}"#, nodes.join(","), links.join(","))
    };
    let found = compare(&text(0), &text(1));
    assert_eq!((found.nodes.len(), found.links.len()), (20_000, 20_000));
}
