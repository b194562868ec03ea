//! Files that are alike in all samples are told apart before anything is decided.

use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;

use comfydock_core::manifest::Manifest;
use comfydock_core::name::EnvironmentName;
use comfydock_core::plan::library::Library;
use comfydock_workspace::environment::Environment;
use comfydock_workspace::observe;
use comfydock_workspace::reporter::{Reporter, Silent};

use crate::support::{Listener, Place};

const MIB: u64 = 1024 * 1024;

const MANIFEST: &str = r#"
[project]
name = "comfydock-environment"
version = "0.0.0"
requires-python = "==3.11.*"
dependencies = []

[tool.comfydock]
schema_version = 1

[tool.comfydock.environment]
comfyui_version = "v0.3.64"
comfyui_commit = "0123456789abcdef0123456789abcdef01234567"
comfyui_url = "https://example.org/ComfyUI"
python_version = "3.11"
platforms = ["linux-x86_64"]
"#;

/// A sparse file of this size with one byte where no sample looks.
fn sparse(place: &Place, path: &str, size: u64, byte: u8) {
    let path = place.put(path, b"");
    let mut file = File::create(&path).unwrap();
    file.set_len(size).unwrap();
    file.seek(SeekFrom::Start(size / 4)).unwrap();
    file.write_all(&[byte]).unwrap();
}

fn library(place: &Place, workflow: &str) -> Library {
    library_heard(place, workflow, &Silent)
}

fn library_heard(place: &Place, workflow: &str, reporter: &dyn Reporter) -> Library {
    let root = place.root("workspace/environments/e");
    let workflows = root.join("ComfyUI/user/default/workflows");
    fs::create_dir_all(&workflows).unwrap();
    fs::write(workflows.join("w.json"), workflow).unwrap();
    let environment = Environment::at(EnvironmentName::parse("e").unwrap(), root);
    let manifest = Manifest::parse(MANIFEST).unwrap();
    observe::library(&place.workspace, Some(&environment), Some(&manifest), None, reporter).unwrap()
}

fn keys(library: &Library) -> Vec<usize> {
    let mut lengths: Vec<usize> = library.iter().map(|(key, _)| key.len()).collect();
    lengths.sort_unstable();
    lengths
}

#[test]
fn two_large_files_that_differ_outside_the_samples_are_two_models_once_a_workflow_names_one() {
    let place = Place::new();
    sparse(&place, "models/checkpoints/one.safetensors", 2048 * MIB, 1);
    sparse(&place, "models/checkpoints/other.safetensors", 2048 * MIB, 2);
    let unnamed = library(&place, r#"{"nodes":[]}"#);
    assert!(unnamed.iter().all(|(_, model)| model.sha256.is_none()), "nobody asks which is which");
    assert_eq!(keys(&unnamed), [64, 64]);
    let named =
        library(&place, r#"{"nodes":[{"id":1,"type":"CheckpointLoaderSimple","widgets_values":["One.safetensors"]}]}"#);
    assert!(named.iter().all(|(_, model)| model.sha256.is_some()));
    assert_eq!(keys(&named), [64, 64 + 9], "two keys");
}

#[test]
fn copies_are_found_to_be_one_model() {
    let place = Place::new();
    sparse(&place, "models/checkpoints/one.safetensors", 20 * MIB, 1);
    sparse(&place, "more/checkpoints/one.safetensors", 20 * MIB, 1);
    sparse(&place, "models/loras/alone.safetensors", 20 * MIB, 9);
    let library =
        library(&place, r#"{"nodes":[{"id":1,"type":"X","widgets_values":["one.safetensors","alone.safetensors"]}]}"#);
    let mut models: Vec<(usize, bool)> =
        library.iter().map(|(_, model)| (model.places.len(), model.sha256.is_some())).collect();
    models.sort_unstable();
    assert_eq!(models, [(1, true), (2, true)], "the one alike in samples is measured with them");
}

#[test]
fn two_files_that_share_their_beginning_are_two_models() {
    let mut place = Place::new();
    let mut bytes = vec![7; 20 << 20];
    place.put("models/checkpoints/one.safetensors", &bytes);
    bytes[6 << 20..].fill(8);
    place.put("models/checkpoints/other.safetensors", &bytes);
    place.scan();
    let models = place.models();
    assert_eq!(models.len(), 2);
    assert_ne!(models[0].quick, models[1].quick);
}

#[test]
fn bytes_changed_outside_the_samples_with_their_time_put_back_are_found_when_somebody_refers_to_them() {
    let mut place = Place::new();
    let names = ["one", "other", "linked"];
    for (name, byte) in names.iter().zip(1..) {
        sparse(&place, &format!("models/checkpoints/{name}.safetensors"), 20 * MIB, byte);
    }
    place.scan();
    for name in names {
        place.measure(&format!("checkpoints/{name}.safetensors"));
    }
    let hashes = |place: &Place| {
        let mut found: Vec<(String, String)> = place
            .models()
            .into_iter()
            .map(|model| (model.places[0].relative_path.clone(), model.sha256.map(String::from).unwrap_or_default()))
            .collect();
        found.sort();
        found
    };
    let before = hashes(&place);
    // The clock of the file system has to have moved on.
    let clock = || {
        let probe = place.root("clock");
        fs::write(&probe, "").unwrap();
        probe.metadata().unwrap().ctime_nsec() + probe.metadata().unwrap().ctime() * 1_000_000_000
    };
    let written = clock();
    while clock() == written {}
    for name in ["one", "other"] {
        let path = place.root(&format!("models/checkpoints/{name}.safetensors"));
        let modified = path.metadata().unwrap().modified().unwrap();
        let mut file = File::options().write(true).open(&path).unwrap();
        file.seek(SeekFrom::Start(5 * MIB + MIB / 2)).unwrap();
        file.write_all(&[9]).unwrap();
        file.set_modified(modified).unwrap();
    }
    let linked = place.root("models/checkpoints/linked.safetensors");
    fs::hard_link(&linked, place.root("more/name")).unwrap();
    place.scan();
    assert_eq!(hashes(&place), before, "the samples are what they were");
    let listener = Listener::default();
    library_heard(
        &place,
        r#"{"nodes":[{"id":1,"type":"X","widgets_values":["one.safetensors","linked.safetensors"]}]}"#,
        &listener,
    );
    let after = hashes(&place);
    assert_eq!(*listener.bytes.lock().unwrap(), 20 * MIB, "a link is no reason to read a file");
    let changed: Vec<&str> =
        before.iter().zip(&after).filter(|(one, other)| one != other).map(|(one, _)| one.0.as_str()).collect();
    assert_eq!(changed, ["checkpoints/one.safetensors"], "nobody refers to the other");
    library(&place, r#"{"nodes":[{"id":1,"type":"X","widgets_values":["other.safetensors"]}]}"#);
    assert_eq!(
        hashes(&place)[2].1,
        crate::support::sha256(&place.root("models/checkpoints/other.safetensors")),
        "it waits until somebody does"
    );
    let listener = Listener::default();
    library_heard(&place, r#"{"nodes":[{"id":1,"type":"X","widgets_values":["one.safetensors"]}]}"#, &listener);
    assert_eq!(*listener.bytes.lock().unwrap(), 0, "once measured it is not doubted any more");
}
