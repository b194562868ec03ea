//! What a push tells.

use super::super::push::{Findings, Named, plan_push};
use super::*;
use crate::manifest::{Node, NodeSource};
use crate::name::NodeName;

fn node(name: &str, source: NodeSource, repository: bool, commit: bool) -> Node {
    Node {
        repository: repository.then(|| "https://example.org/pack".to_owned()),
        commit: commit.then(|| commit_id(1)),
        ..Node::new(NodeName::parse(name).unwrap(), source)
    }
}

#[test]
fn a_complete_environment_has_nothing_to_tell() {
    let mut manifest = manifest();
    manifest.models.insert(key(1), model(1, "checkpoints/x.safetensors"));
    manifest.nodes.insert("pack".to_owned(), node("pack", NodeSource::Git, true, true));
    assert_eq!(plan_push(&manifest), Findings::default());
}

#[test]
fn everything_a_receiver_would_miss_is_named() {
    let mut studio = Studio::with(
        vec![unmeasured(1, "checkpoints/x.safetensors")],
        &[checkpoint(4, "x.safetensors"), checkpoint(5, "gone.safetensors")],
    );
    studio.save("other", &[checkpoint(1, "x.safetensors")]);
    studio.commit();
    let mut manifest = studio.said();
    for (name, source, repository, commit) in [
        ("dev", NodeSource::Development, true, false),
        ("snapshot", NodeSource::Development, false, true),
        ("local", NodeSource::Git, false, true),
        ("unborn", NodeSource::Git, true, false),
        ("fine", NodeSource::Git, true, true),
    ] {
        manifest.nodes.insert(name.to_owned(), node(name, source, repository, commit));
    }
    let named = Named {
        key: key(1),
        filename: "x.safetensors".to_owned(),
        workflows: vec!["hero".to_owned(), "other".to_owned()],
    };
    assert_eq!(
        plan_push(&manifest),
        Findings {
            unmeasured: vec![named.clone()],
            without_source: vec![named],
            unresolved: vec![("hero".to_owned(), "gone.safetensors".to_owned())],
            unpublished: ["dev", "local", "unborn"].map(str::to_owned).into(),
        }
    );
}
