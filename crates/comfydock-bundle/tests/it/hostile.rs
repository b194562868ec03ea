//! Archives that mean harm are refused, and nothing of them is anywhere else afterwards.

use comfydock_bundle::unpack::{Allowance, Error, unpack};

use crate::hostile_archives::{Raw, archive, corpus};

fn base() -> Vec<(&'static str, Vec<u8>)> {
    vec![("pyproject.toml", b"x".to_vec()), ("workflows/hero.json", vec![b'1'; 700])]
}

fn told(error: &Error) -> String {
    match error {
        Error::Refused(violations) => violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
        other => other.to_string(),
    }
}

#[test]
fn each_is_refused_for_its_reason_and_reaches_no_further() {
    let corpus = corpus(&base());
    assert!(corpus.len() >= 60, "{}", corpus.len());
    let mut wrong = Vec::new();
    for hostile in corpus {
        let folder = tempfile::tempdir().unwrap();
        let stage = folder.path().join("a/b/stage");
        let said = match unpack(&hostile.bytes[..], &stage, &mut Allowance::default()) {
            Err(error) => told(&error),
            Ok(_) => "it was taken".to_owned(),
        };
        if !said.contains(hostile.says) {
            wrong.push(format!("{}: {said}", hostile.name));
        }
        let outside: Vec<_> = std::fs::read_dir(folder.path().join("a/b")).unwrap().flatten().collect();
        assert_eq!(outside.len(), 1, "{}: only the stage is there", hostile.name);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "{}", hostile.name);
        let links = walk(&stage).into_iter().filter(|path| path.symlink_metadata().unwrap().is_symlink()).count();
        assert_eq!(links, 0, "{}", hostile.name);
    }
    assert!(!std::path::Path::new("/tmp/comfydock-was-here").exists());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().unwrap().is_dir() {
            found.extend(walk(&entry.path()));
        }
        found.push(entry.path());
    }
    found
}

#[test]
fn layers_share_what_a_bundle_may_take() {
    let folder = tempfile::tempdir().unwrap();
    let layer = |name: &str| archive(&(0..30_000).map(|at| Raw::file(format!("{name}/{at}"), "")).collect::<Vec<_>>());
    let mut allowance = Allowance::default();
    unpack(&layer("a")[..], &folder.path().join("a"), &mut allowance).unwrap();
    assert!(unpack(&layer("b")[..], &folder.path().join("b"), &mut allowance).is_err());
}
