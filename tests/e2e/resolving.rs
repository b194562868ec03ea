//! Names in workflows that mean nothing, or several things: asked once, settled for good.

use serde_json::Value;

use crate::support::comfyui::ComfyUi;
use crate::support::hugging_face::HuggingFace;
use crate::support::{Machine, Studio, report, safetensors, sha256, templates, write};

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
        .says("several different files could be meant")
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
        .says("brought checkpoints/some file.safetensors");
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
        .says("written other.safetensors instead of dreamlike.safetensors in second");
    machine.ok(&["commit", "--yes"]);
    for name in ["hero", "second"] {
        assert_eq!(loaded(&machine, name), Some(sha256(&model(6))), "{name}");
    }
    let manifest = std::fs::read_to_string(machine.environment("studio").join(".cec/pyproject.toml")).unwrap();
    assert!(manifest.contains("[tool.comfydock.substitutions."), "{manifest}");
}

#[test]
fn what_the_author_names_is_pinned_checked_downloaded_and_known_to_others() {
    let hugging_face = HuggingFace::start(sha256);
    let studio = Studio::new();
    let Studio { mut a, mut b, hub, .. } = studio;
    for machine in [&mut a, &mut b] {
        machine.allow("127.0.0.1");
        machine.set("HF_ENDPOINT", hugging_face.site.url(""));
    }
    let mine = model(7);
    let commit = hugging_face.commit("studio/models", &[("sd/dreamlike.safetensors", &mine)]);
    let template = templates::old("default");
    let named = &template.models()[0];
    let page = "https://huggingface.co/studio/models/resolve/main/sd/dreamlike.safetensors?download=true";
    let with_hash = |hash: &str| {
        let told = format!("{page}\",\n          \"hash\": \"{hash}\", \"hash_type\": \"SHA256");
        template.text.replace(&named.url, &told).replace(&named.name, "dreamlike.safetensors")
    };
    write(&a.workflow("studio", "hero"), with_hash(&sha256(b"what the author had")));

    let resolve = ["workflow", "resolve", "hero"];
    a.run(&resolve).code(1).says("were not asked").says("--allow-lookup");
    assert_eq!(hugging_face.site.log().len(), 0);
    // The author wrote down the hash of another file than the one that is there now.
    a.run(&[&resolve[..], &["--allow-lookup"]].concat())
        .code(1)
        .says("is another file")
        .never_says("download dreamlike");
    let text = with_hash(&sha256(&mine));
    write(&a.workflow("studio", "hero"), &text);
    let pinned = format!("hf:studio/models@{commit}/sd/dreamlike.safetensors");
    a.run(&[&resolve[..], &["--allow-lookup"]].concat()).code(1).says(&pinned);
    a.ok(&[&resolve[..], &["--allow-lookup", "--download", "dreamlike.safetensors"]].concat())
        .says("brought checkpoints/dreamlike.safetensors")
        .says("settled 1 name");
    assert_eq!(std::fs::read_to_string(a.workflow("studio", "hero")).unwrap(), text, "its name leads there already");
    a.ok(&["commit", "-m", "Hero", "--yes"]);
    assert_eq!(loaded(&a, "hero"), Some(sha256(&mine)));
    a.ok(&["push"]);

    b.ok(&["clone", crate::support::STUDIO, "--models-dir", b.models().to_str().unwrap(), "--yes"])
        .line(&["downloaded", "dreamlike.safetensors"]);
    assert_eq!(loaded(&b, "hero"), Some(sha256(&mine)));
    let manifest = std::fs::read_to_string(b.environment("studio").join(".cec/pyproject.toml")).unwrap();
    assert!(manifest.contains(&pinned), "{manifest}");
    drop(hub);
}

/// The workflow with the author's SHA-256 of its model.
fn with_hash(text: &str, hash: &str) -> String {
    let marker = "\"name\": \"dreamlike.safetensors\",";
    assert!(text.contains(marker));
    text.replace(marker, &format!("{marker} \"hash\": \"{hash}\", \"hash_type\": \"SHA256\","))
}

#[test]
fn a_name_that_only_people_understand_is_written_so_that_comfyui_finds_the_model() {
    let machine = machine(&["file_name", "case", "category", "exact"]);
    let spell = |name: &str, value: &str| {
        let path = machine.workflow("studio", name);
        let text = std::fs::read_to_string(&path).unwrap().replace("dreamlike.safetensors", value);
        write(&path, text);
    };
    machine.put_model("checkpoints/style/dreamlike.safetensors", &model(1));
    spell("case", "STYLE/dreamlike.safetensors");
    spell("category", "checkpoints/style/dreamlike.safetensors");
    spell("exact", "style/dreamlike.safetensors");

    machine
        .ok(&["workflow", "list"])
        .line(&["file_name", "has under other names dreamlike.safetensors"])
        .line(&["exact", "ready"]);
    machine.ok(&["status"]).says("it has that model as `style/dreamlike.safetensors`");
    machine.ok(&["commit", "--yes"]).says("committed v2").says("`comfydock workflow resolve case` mends it");
    assert_eq!(loaded(&machine, "file_name"), None, "ComfyUI compares letter by letter");
    for name in ["file_name", "case", "category"] {
        machine.ok(&["workflow", "resolve", name]).says("written style/dreamlike.safetensors instead of");
        assert_eq!(loaded(&machine, name), Some(sha256(&model(1))), "{name}");
    }
    machine.ok(&["workflow", "resolve", "exact"]).says("every model of exact is clear");
    machine.ok(&["commit", "--yes"]).says("nothing to commit");
    machine.ok(&["status"]).says("nothing to commit");
}

#[test]
fn a_file_is_not_taken_for_another_of_its_name_when_the_workflow_says_which_one() {
    let machine = machine(&["hero"]);
    let text = with_hash(&std::fs::read_to_string(machine.workflow("studio", "hero")).unwrap(), &sha256(&model(1)));
    write(&machine.workflow("studio", "hero"), &text);
    // Not measured: what the name says is looked into before it is believed.
    machine.put_model("checkpoints/dreamlike.safetensors", &model(2));
    machine.run(&["commit", "--yes"]).code(1).says("not the one its author used");
    machine.run(&["workflow", "resolve", "hero"]).code(1).says("another file than its author's");
    // What the user says is remembered, although the name does not change.
    write(&machine.workflow("studio", "second"), &text);
    machine.ok(&["workflow", "resolve", "second", "--use", "dreamlike.safetensors=dreamlike.safetensors"]);
    machine.ok(&["workflow", "resolve", "second"]).says("every model of second is clear");

    // The right one turns up under another name: it is what is meant.
    machine.put_model("checkpoints/the/author's.safetensors", &model(1));
    machine.ok(&["models", "index", "--full"]);
    let said = machine.run(&["--json", "workflow", "resolve", "hero"]).code(1);
    let document: Value = serde_json::from_str(&said.stdout).unwrap();
    let choices = document["open"][0]["choices"].as_array().unwrap();
    assert_eq!(choices[0]["why"], "same_content", "{choices:?}");
    assert_eq!(choices[1]["why"], "other_file");
    machine.ok(&["workflow", "resolve", "hero", "--use", "dreamlike.safetensors=author's.safetensors"]);
    machine.ok(&["commit", "--yes"]).says("is not the file its author used");
    assert_eq!(loaded(&machine, "hero"), Some(sha256(&model(1))));
    assert_eq!(loaded(&machine, "second"), Some(sha256(&model(2))));
}

#[test]
fn what_lies_in_hugging_faces_cache_is_found_by_its_hash_and_linked_in() {
    let mut machine = machine(&["hero"]);
    let cache = machine.root().join("hf");
    machine.set("HF_HUB_CACHE", cache.to_str().unwrap());
    let (blob, commit) = (cache.join("models--org--repo/blobs").join(sha256(&model(1))), "a".repeat(40));
    write(&blob, model(1));
    let snapshot = cache.join(format!("models--org--repo/snapshots/{commit}/sd/original name.safetensors"));
    std::fs::create_dir_all(snapshot.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(&blob, &snapshot).unwrap();
    let path = machine.workflow("studio", "hero");
    write(&path, with_hash(&std::fs::read_to_string(&path).unwrap(), &sha256(&model(1))));

    machine.ok(&["status"]).says("it does not look where that model lies");
    machine.ok(&["workflow", "resolve", "hero"]).says("brought checkpoints/dreamlike.safetensors");
    machine.ok(&["commit", "--yes"]);
    assert_eq!(loaded(&machine, "hero"), Some(sha256(&model(1))));
    // By hand too: the file that the cache's name leads to has no ending of its own.
    write(
        &machine.workflow("studio", "second"),
        std::fs::read_to_string(&path)
            .unwrap()
            .replace("dreamlike", "unheard_of")
            .replace(&sha256(&model(1)), &sha256(b"else")),
    );
    let answer = format!("unheard_of.safetensors={}", snapshot.display());
    machine.ok(&["workflow", "resolve", "second", "--locate", &answer]);
    assert_eq!(loaded(&machine, "second"), Some(sha256(&model(1))));
}

#[test]
fn nothing_is_written_when_any_answer_cannot_be_taken_and_a_skip_can_be_taken_back() {
    let machine = machine(&["hero"]);
    let path = machine.workflow("studio", "hero");
    machine.put_model("checkpoints/one.safetensors", &model(1));
    machine.put_model("checkpoints/two.safetensors", &model(2));
    let read = |path: &std::path::Path| std::fs::read(path).unwrap();
    let manifest = machine.environment("studio").join(".cec/pyproject.toml");
    let before = (read(&path), read(&manifest));
    machine
        .run(&[
            "workflow",
            "resolve",
            "hero",
            "--substitute",
            "one.safetensors=two.safetensors",
            "--use",
            "dreamlike.safetensors=nothing",
        ])
        .code(1);
    assert_eq!((read(&path), read(&manifest)), before);
    machine.ok(&["workflow", "resolve", "hero", "--skip", "*"]);
    machine.ok(&["workflow", "list"]).line(&["hero", "skipped dreamlike.safetensors"]);
    machine.ok(&["workflow", "resolve", "hero", "--use", "dreamlike.safetensors=one.safetensors"]).says("written");
    machine.ok(&["workflow", "list"]).line(&["hero", "ready"]);
}

#[test]
fn a_file_whose_name_is_taken_gets_another_one_when_it_is_located() {
    let machine = machine(&["hero"]);
    machine.put_model("checkpoints/some file.safetensors", &model(3));
    let outside = machine.root().join("downloads/some file.safetensors");
    write(&outside, model(4));
    let answer = format!("dreamlike.safetensors={}", outside.display());
    machine
        .ok(&["workflow", "resolve", "hero", "--locate", &answer])
        .says(&format!("brought checkpoints/some file-{}.safetensors", &sha256(&model(4))[..8]));
    assert_eq!(loaded(&machine, "hero"), Some(sha256(&model(4))));
}
