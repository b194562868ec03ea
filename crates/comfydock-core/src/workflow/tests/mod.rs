//! Real workflows from tests/fixtures; the invented hard cases stand beside the parts they test.

use super::*;

mod embedding;
mod hard_cases;
mod many;
mod odd;
mod references;
mod spelling;

pub(super) const FIXTURES: [(&str, &str); 5] = [
    ("3d_hunyuan3d", include_str!("../../../../../tests/fixtures/workflows/3d_hunyuan3d-v2.1.json")),
    ("flux1_krea_dev", include_str!("../../../../../tests/fixtures/workflows/flux1_krea_dev.json")),
    ("flux_schnell", include_str!("../../../../../tests/fixtures/workflows/flux_schnell.json")),
    (
        "qwen_image_lora",
        include_str!("../../../../../tests/fixtures/workflows/image_qwen_image_2512_with_2steps_lora.json"),
    ),
    ("qwen_image_edit", include_str!("../../../../../tests/fixtures/workflows/image_qwen_image_edit_2509.json")),
];

pub(super) fn fixture(name: &str) -> Workflow {
    let (_, text) = FIXTURES.into_iter().find(|(known, _)| *known == name).unwrap();
    Workflow::parse(text.to_owned()).unwrap()
}

/// A workflow of one graph from its nodes' JSON.
pub(super) fn of_nodes(nodes: &str) -> Workflow {
    Workflow::parse(format!("{{\"nodes\":[{nodes}],\"extra\":{{}}}}")).unwrap()
}

#[test]
fn what_is_not_a_workflow_says_what_it_is() {
    for (text, part) in [
        (r#"{"favorites":["workflows/a.json"]}"#, "bookmarked"),
        (r#"{"3":{"class_type":"KSampler","inputs":{}}}"#, "API format"),
        (r#"{"prompt":{"3":{"class_type":"KSampler"}},"client_id":"x"}"#, "API format"),
        ("[1]", "a list"),
        ("3", "a single value"),
        (r#"{"nodes":{}}"#, "not a list"),
        ("{}", "no list of nodes"),
    ] {
        let error = Workflow::parse(text.to_owned()).unwrap_err();
        assert!(matches!(error, Error::NotAWorkflow { .. }), "{text}");
        assert!(error.to_string().contains(part), "{text}: {error}");
    }
    let error = Workflow::parse("{\"nodes\": [".to_owned()).unwrap_err();
    assert!(matches!(&error, Error::Json(cause) if cause.truncated), "{error}");
}

#[test]
fn a_version_is_a_number_or_a_short_word() {
    for (version, expected) in [
        ("0.4", "0.4"),
        ("1", "1"),
        ("\"1.2.0-rc+1\"", "1.2.0-rc+1"),
        ("\"0.4\\nmodels 0\"", "unknown"),
        ("\"\"", "unknown"),
        ("null", "unknown"),
        ("{\"a\":[1]}", "unknown"),
        ("1111111111111111111111111111111111111111", "unknown"),
    ] {
        let workflow = Workflow::parse(format!(r#"{{"nodes":[],"version":{version}}}"#)).unwrap();
        assert_eq!(workflow.version(), expected, "{version}");
    }
    assert_eq!(Workflow::parse(r#"{"nodes":[]}"#.to_owned()).unwrap().version(), "0.4");
}

#[test]
fn nodes_of_real_subgraphs_have_the_definition_in_their_path() {
    let workflow = fixture("flux1_krea_dev");
    let all = nodes(&workflow);
    let inner = all.iter().find(|node| node.node_type == "DualCLIPLoader").unwrap();
    assert_eq!(inner.path, "1135e349-dce8-45e8-8905-aaa86675429b:63");
    assert_eq!(inner.definition, Some("1135e349-dce8-45e8-8905-aaa86675429b"));
    assert!(inner.active);
    let instances: Vec<_> = all.iter().filter(|node| node.is_instance).collect();
    assert_eq!(instances.len(), 1);
    assert_eq!(instances[0].definition, None);
}

#[test]
fn ids_stay_as_written_and_bad_nodes_are_passed_over() {
    let workflow =
        of_nodes(r#"{"id":18446744073709552000,"type":"A"},{"id":"x y","type":"B"},{"type":"C"},{"id":4},5"#);
    let found: Vec<_> = nodes(&workflow).into_iter().map(|node| node.path).collect();
    assert_eq!(found, ["18446744073709552000", "x y", "#2"]);
}

#[test]
fn a_subgraph_runs_only_through_active_instances() {
    let graph = |outer_mode: u8, inner_mode: u8| {
        let text = format!(
            r#"{{"nodes":[{{"id":1,"type":"outer","mode":{outer_mode}}}],
            "definitions":{{"subgraphs":[
              {{"id":"outer","nodes":[{{"id":1,"type":"inner","mode":{inner_mode}}},{{"id":2,"type":"N"}}]}},
              {{"id":"inner","nodes":[{{"id":1,"type":"N"}}]}},
              {{"id":"unused","nodes":[{{"id":1,"type":"N"}},{{"id":2,"type":"unused"}}]}}
            ]}}}}"#
        );
        let workflow = Workflow::parse(text).unwrap();
        let active = nodes(&workflow).into_iter().filter(|node| node.active).map(|node| node.path);
        active.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(graph(0, 0), "1 outer:1 outer:2 inner:1");
    assert_eq!(graph(0, 4), "1 outer:2");
    assert_eq!(graph(2, 0), "");
}
