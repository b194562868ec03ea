//! Names in workflows that mean nothing, or several things: asked once, settled for good.

use serde_json::Value;

use crate::support::comfyui::ComfyUi;
use crate::support::{Machine, report, safetensors, sha256, templates, write};

/// A machine with one workflow whose loader names `dreamlike.safetensors`.
fn machine(workflows: &[&str]) -> Machine {
    let (comfyui, machine) = (ComfyUi::new(), Machine::new());
    machine.create(&comfyui);
    let template = templates::old("default");
    let text = template.text.replace(&template.models()[0].name, "dreamlike.safetensors");
    for name in workflows {
        write(&machine.workflow("studio", name), &text);
    }
    machine
}

fn model(seed: u64) -> Vec<u8> {
    safetensors::model(seed, 300_000)
}

fn loaded(machine: &Machine, workflow: &str) -> Option<String> {
    report::start(machine, "studio").workflows()[workflow][0].sha256.clone()
}

#[test]
fn two_models_of_one_name_are_a_question_and_the_answer_is_what_comfyui_loads() {
    let machine = machine(&["hero"]);
    machine.put_model("checkpoints/a/dreamlike.safetensors", &model(1));
    machine.put_model("checkpoints/b/dreamlike.safetensors", &model(2));
    machine
        .run(&["commit", "--yes"])
        .code(1)
        .says("several different files have this name")
        .says("comfydock workflow resolve hero");
    let said = machine.run(&["--json", "workflow", "resolve", "hero"]).code(1);
    let document: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(document["schema"], "comfydock.workflow.resolve/1");
    let choices = document["open"][0]["choices"].as_array().unwrap();
    assert_eq!(
        choices.iter().map(|choice| choice["name"].as_str().unwrap()).collect::<Vec<_>>(),
        ["a/dreamlike.safetensors", "b/dreamlike.safetensors"]
    );

    machine
        .run(&["workflow", "resolve", "hero", "--use", "dreamlike.safetensors=dreamlike.safetensors"])
        .code(1)
        .says("means several models");
    machine
        .ok(&["workflow", "resolve", "hero", "--use", "dreamlike.safetensors=b/dreamlike.safetensors"])
        .says("settled 1 name");
    machine.ok(&["workflow", "resolve", "hero"]).says("every model of hero is clear");
    machine.ok(&["commit", "--yes"]).says("committed v2");
    assert_eq!(loaded(&machine, "hero"), Some(sha256(&model(2))));
}

#[test]
fn a_file_outside_the_models_folders_is_linked_in_and_a_similar_name_is_suggested() {
    let machine = machine(&["hero"]);
    machine.put_model("checkpoints/dreamlike_v2.safetensors", &model(3));
    let outside = machine.root().join("downloads/some file.safetensors");
    write(&outside, model(4));
    machine
        .run(&["workflow", "resolve", "hero"])
        .code(1)
        .line(&["open", "dreamlike.safetensors"])
        .says("dreamlike_v2.safetensors");
    let nowhere = machine.root().join("gone.safetensors");
    let answer = |path: &std::path::Path| format!("dreamlike.safetensors={}", path.display());
    machine.run(&["workflow", "resolve", "hero", "--locate", &answer(&nowhere)]).code(1).says("is not there");
    machine
        .ok(&["workflow", "resolve", "hero", "--locate", &answer(&outside)])
        .says("linked checkpoints/some file.safetensors");
    assert_eq!(std::fs::read(&outside).unwrap(), model(4), "the user's file stays where it is");
    machine.ok(&["commit", "--yes"]);
    assert_eq!(loaded(&machine, "hero"), Some(sha256(&model(4))));
}

#[test]
fn what_is_skipped_or_optional_stops_no_commit_and_is_not_asked_again() {
    let machine = machine(&["hero", "second"]);
    let before = std::fs::read(machine.workflow("studio", "hero")).unwrap();
    machine.run(&["commit", "--yes"]).code(1).says("2 models in workflows cannot be found here");
    machine.ok(&["workflow", "resolve", "hero", "--skip", "dreamlike.safetensors"]).says("settled");
    machine.ok(&["workflow", "importance", "second", "dreamlike.safetensors", "optional"]);
    machine.ok(&["commit", "--yes"]).says("committed v2");
    assert_eq!(
        std::fs::read(machine.workflow("studio", "hero")).unwrap(),
        before,
        "a skip writes nothing into the workflow"
    );
    machine.ok(&["commit", "--yes"]).says("nothing to commit");
    machine.ok(&["workflow", "resolve", "hero"]).says("every model of hero is clear");
    // Another name is another question.
    let text = String::from_utf8(before).unwrap().replace("dreamlike.safetensors", "nightmare.safetensors");
    write(&machine.workflow("studio", "hero"), text);
    machine.run(&["workflow", "resolve", "hero"]).code(1).says("nightmare.safetensors");
    machine
        .run(&["workflow", "importance", "hero", "nothing.safetensors", "optional"])
        .code(1)
        .says("it names: nightmare.safetensors");
}

#[test]
fn a_substitution_holds_in_every_workflow() {
    let machine = machine(&["hero", "second"]);
    machine.put_model("checkpoints/dreamlike.safetensors", &model(5));
    machine.put_model("checkpoints/other.safetensors", &model(6));
    machine.ok(&["commit", "--yes"]);
    std::fs::remove_file(machine.models().join("checkpoints/dreamlike.safetensors")).unwrap();
    machine.run(&["workflow", "resolve", "hero"]).code(1).says("dreamlike.safetensors");
    machine
        .ok(&["workflow", "resolve", "hero", "--substitute", "dreamlike.safetensors=other.safetensors"])
        .says("names its models anew");
    machine.ok(&["commit", "--yes"]);
    for name in ["hero", "second"] {
        assert_eq!(loaded(&machine, name), Some(sha256(&model(6))), "{name}");
    }
    let manifest = std::fs::read_to_string(machine.environment("studio").join(".cec/pyproject.toml")).unwrap();
    assert!(manifest.contains("[tool.comfydock.substitutions."), "{manifest}");
}
