//! ComfyUI's workflows as they lie on disk.

use std::fs;
use std::path::Path;

use comfydock_core::name::EnvironmentName;
use comfydock_workspace::environment::Environment;
use comfydock_workspace::observe::live_workflows;

fn environment(root: &Path) -> Environment {
    let environment = Environment::at(EnvironmentName::parse("studio").unwrap(), root.to_owned());
    fs::create_dir_all(environment.workflows()).unwrap();
    environment
}

fn save(environment: &Environment, path: &str, text: &str) {
    let path = environment.workflows().join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn workflows_are_named_by_their_path_composed_and_without_their_ending() {
    let folder = tempfile::tempdir().unwrap();
    let environment = environment(folder.path());
    for path in
        ["a.json", "sub/a.json", "sub/.hidden/b.json", ".index.json", "notes.txt", "cafe\u{301} 1.json", "x.y.json"]
    {
        save(&environment, path, path);
    }
    fs::create_dir(environment.workflows().join("folder.json")).unwrap();
    let found = live_workflows(&environment).unwrap();
    let listed: Vec<_> = found.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let expected =
        [("a", "a.json"), ("caf\u{e9} 1", "cafe\u{301} 1.json"), ("sub/a", "sub/a.json"), ("x.y", "x.y.json")];
    assert_eq!(listed, expected);
}

#[test]
fn a_file_that_is_no_text_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let environment = environment(folder.path());
    fs::write(environment.workflows().join("bad.json"), [0xff, 0xfe]).unwrap();
    assert!(live_workflows(&environment).unwrap_err().to_string().contains("bad.json"));
}

#[test]
fn an_environment_that_was_never_started_has_none() {
    let folder = tempfile::tempdir().unwrap();
    let environment = Environment::at(EnvironmentName::parse("studio").unwrap(), folder.path().to_owned());
    assert!(live_workflows(&environment).unwrap().is_empty());
}

#[test]
fn a_link_in_a_circle_ends() {
    let folder = tempfile::tempdir().unwrap();
    let environment = environment(folder.path());
    save(&environment, "sub/a.json", "a");
    std::os::unix::fs::symlink(environment.workflows(), environment.workflows().join("sub/circle")).unwrap();
    assert!(live_workflows(&environment).unwrap().contains_key("sub/a"));
}

#[test]
fn two_spellings_of_one_name_are_never_taken_for_one() {
    let folder = tempfile::tempdir().unwrap();
    let environment = environment(folder.path());
    save(&environment, "cafe\u{301}.json", "one");
    save(&environment, "caf\u{e9}.json", "other");
    let found = live_workflows(&environment);
    assert!(found.is_err() || found.unwrap().len() == 2, "one of them is lost without a word");
}
