//! What a pack asks for: its requirements file and its pyproject.toml.

use super::*;

fn pack(requirements: Option<&str>, project: Option<&str>) -> Requirements {
    of_pack(&|path| match path {
        FILE => requirements.map(|text| text.as_bytes().to_vec()),
        PROJECT => project.map(|text| text.as_bytes().to_vec()),
        _ => None,
    })
}

const PROJECT_TEXT: &str =
    "[project]\nname = \"x\"\ndependencies = [\n  \"Six>=1\",\n  \"numpy\",\n  \"x @ file:///y\",\n]\n";

#[test]
fn without_a_requirements_file_the_project_counts() {
    let found = pack(None, Some(PROJECT_TEXT));
    assert_eq!(found.lines, ["Six>=1", "numpy"]);
    assert_eq!(refused(&found), [(PROJECT, 6, "x @ file:///y")]);
    assert!(found.notes.is_empty());
    assert_eq!(pack(None, None), Requirements::default());
    assert_eq!(pack(None, Some("[project]\nname = \"x\"\n")), Requirements::default());
}

#[test]
fn where_both_exist_nothing_is_lost_and_the_difference_is_said() {
    let found = pack(Some("six==1.16\nnumpy\n"), Some(PROJECT_TEXT));
    assert_eq!(found.lines, ["six==1.16", "numpy"]);
    assert_eq!(
        found.notes,
        ["where requirements.txt and pyproject.toml differ, requirements.txt counts: `six==1.16` instead of `Six>=1`"]
    );
    let found = pack(Some("dill\n"), Some(PROJECT_TEXT));
    assert_eq!(found.lines, ["dill", "Six>=1", "numpy"]);
    assert_eq!(
        found.notes,
        ["pyproject.toml names packages that requirements.txt does not, which are added: numpy, six"]
    );
    let same = pack(Some("numpy\nSix>=1\n"), Some("[project]\ndependencies = [\"Six>=1\", \"numpy\"]"));
    assert!(same.notes.is_empty(), "{:?}", same.notes);
}

#[test]
fn a_project_that_cannot_be_read_is_said() {
    let found = pack(Some("six\n"), Some("[["));
    assert_eq!(found.lines, ["six"]);
    assert!(found.notes[0].contains("cannot be read"), "{:?}", found.notes);
}
