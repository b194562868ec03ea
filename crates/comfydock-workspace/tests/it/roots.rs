//! Where ComfyUI looks for models, and in which order.

use std::fs;
use std::path::{Path, PathBuf};

use comfydock_core::name::EnvironmentName;
use comfydock_workspace::environment::Environment;
use comfydock_workspace::models::roots::{Root, Roots};
use comfydock_workspace::models::scan::scan;
use comfydock_workspace::reporter::Silent;

use crate::support::{Listener, Place};

/// An environment with ComfyUI's folders.
fn environment(place: &Place) -> Environment {
    let root = place.root("workspace/environments/e");
    for folder in ["models", "output/loras", "output/clip"] {
        fs::create_dir_all(root.join("ComfyUI").join(folder)).unwrap();
    }
    Environment::at(EnvironmentName::parse("e").unwrap(), root)
}

fn shown(roots: &Roots, below: &Path) -> Vec<(String, String)> {
    let path = |root: &Root| root.path().strip_prefix(below).unwrap_or(root.path()).to_string_lossy().into_owned();
    roots.iter().map(|root| (path(root), root.category().unwrap_or_default().to_owned())).collect()
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(path, category)| ((*path).to_owned(), (*category).to_owned())).collect()
}

#[test]
fn the_order_is_comfyuis() {
    let mut place = Place::new();
    let environment = environment(&place);
    for folder in ["webui/SD", "webui/Lora", "first", "extra/vae", "nowhere-else"] {
        fs::create_dir_all(place.root(folder)).unwrap();
    }
    let own = place.root("workspace/environments/e/ComfyUI");
    let top = place.root("");
    fs::write(
        own.join("extra_model_paths.yaml"),
        format!(
            "a111:\n  base_path: {0}webui\n  checkpoints: |\n    SD\n    gone\n  loras: ../webui/./Lora\n  custom_nodes: SD\nfast:\n  is_default: true\n  checkpoints: {0}first\n",
            top.display()
        ),
    )
    .unwrap();
    let extra = place.put("extra/paths.yaml", b"group:\n  vae: vae\n  clip: nothing\n");
    place.workspace.settings.extra_model_paths.push(extra);
    place.workspace.settings.extra_model_paths.push(PathBuf::from("/nowhere/at/all.yaml"));
    let roots = Roots::of(&place.workspace, Some(&environment)).unwrap();
    let own = "workspace/environments/e/ComfyUI";
    assert_eq!(
        shown(&roots, &top),
        pairs(&[
            ("first", "checkpoints"),
            (&format!("{own}/models"), ""),
            ("webui/SD", "checkpoints"),
            ("webui/Lora", "loras"),
            ("models", ""),
            ("more", ""),
            ("extra/vae", "vae"),
            (&format!("{own}/output/clip"), "text_encoders"),
            (&format!("{own}/output/loras"), "loras"),
        ])
    );
}

#[test]
fn files_of_one_category_have_places_like_all_others() {
    let mut place = Place::new();
    let environment = environment(&place);
    let top = place.root("");
    place.put("webui/SD/a/x.ckpt", b"1");
    place.put("webui/SD/notes.txt", b"no model");
    place.put("webui/odd/notes.txt", b"a category of its own takes every file");
    place.put("webui/odd/.hidden", b"but none that is hidden");
    place.put("workspace/environments/e/ComfyUI/models/checkpoints/a/x.ckpt", b"2");
    fs::write(
        environment.comfyui().join("extra_model_paths.yaml"),
        format!("g:\n  base_path: {}/webui\n  checkpoints: SD\n  my_nodes_things: odd\n", top.display()),
    )
    .unwrap();
    let roots = Roots::of(&place.workspace, Some(&environment)).unwrap();
    scan(&mut place.index, &roots, &Silent).unwrap();
    let mut found: Vec<(String, Vec<u8>)> = Vec::new();
    for model in place.index.models(&roots).unwrap() {
        for at in &model.places {
            found.push((format!("{}:{}", at.root, at.relative_path), fs::read(roots.path(at)).unwrap()));
        }
    }
    found.sort();
    let names: Vec<_> = found.iter().map(|(name, bytes)| (name.as_str(), bytes.len())).collect();
    assert_eq!(
        names,
        [("0:checkpoints/a/x.ckpt", 1), ("1:checkpoints/a/x.ckpt", 1), ("2:my_nodes_things/notes.txt", 38)],
        "{found:?}"
    );
}

#[test]
fn a_folder_named_twice_is_looked_through_once() {
    let mut place = Place::new();
    let environment = environment(&place);
    place.put("models/checkpoints/x.ckpt", b"1");
    place.put("models/loras/y.safetensors", b"2");
    let yaml = environment.comfyui().join("extra_model_paths.yaml");
    let text = format!("g:\n  checkpoints: {}\n", place.root("models/checkpoints").display());
    fs::write(&yaml, text).unwrap();
    let roots = Roots::of(&place.workspace, Some(&environment)).unwrap();
    assert_eq!(scan(&mut place.index, &roots, &Silent).unwrap().files, 2);
    let places = |place: &Place, roots: &Roots| {
        let models = place.index.models(roots).unwrap();
        models.iter().flat_map(|model| model.places.clone()).map(|at| at.relative_path).collect::<Vec<_>>()
    };
    assert_eq!(places(&place, &roots).len(), 2);
    // Named after the models folder, it is that one's.
    fs::remove_file(&yaml).unwrap();
    place.put("extra.yaml", format!("g:\n  checkpoints: {}\n", place.root("models/checkpoints").display()).as_bytes());
    place.workspace.settings.extra_model_paths.push(place.root("extra.yaml"));
    let roots = Roots::of(&place.workspace, Some(&environment)).unwrap();
    assert!(roots.iter().all(|root| root.category().is_none_or(|category| category != "checkpoints")));
    let scan = scan(&mut place.index, &roots, &Silent).unwrap();
    assert_eq!((scan.files, places(&place, &roots).len()), (2, 2));
}

#[test]
fn a_damaged_configuration_is_named_with_its_line() {
    let place = Place::new();
    let environment = environment(&place);
    let path = environment.comfyui().join("extra_model_paths.yaml");
    fs::write(&path, "g:\n  checkpoints: x\n  loras: [a, b]\n").unwrap();
    let error = Roots::of(&place.workspace, Some(&environment)).unwrap_err().to_string();
    assert!(error.contains("extra_model_paths.yaml") && error.contains("line 3"), "{error}");
}

#[test]
fn a_folder_that_is_named_twice_is_told_of_and_nothing_stops() {
    let mut place = Place::new();
    let environment = environment(&place);
    place.put("webui/last/x.ckpt", b"1");
    let text =
        format!("g:\n  base_path: {}\n  checkpoints: first\n  checkpoints: webui/last\n", place.root("").display());
    fs::write(environment.comfyui().join("extra_model_paths.yaml"), text).unwrap();
    let roots = Roots::of(&place.workspace, Some(&environment)).unwrap();
    let listener = Listener::default();
    assert_eq!(scan(&mut place.index, &roots, &listener).unwrap().files, 1);
    let warnings = listener.warnings.lock().unwrap();
    assert!(
        warnings.iter().any(|warning| warning.contains("line 4") && warning.contains("the last is taken")),
        "{warnings:?}"
    );
}

#[test]
fn a_models_folder_that_cannot_be_right_is_refused_with_the_reason() {
    let mut place = Place::new();
    for folder in ["models/sub", "other/loras", "loras", "vae/vae"] {
        fs::create_dir_all(place.root(folder)).unwrap();
    }
    place.put("a.txt", b"");
    std::os::unix::fs::symlink(place.root("models"), place.root("link")).unwrap();
    for (given, reason) in [
        ("models/sub", "listed twice"),
        ("link", "listed twice"),
        ("", "listed twice"),
        ("other/loras", "one category"),
        ("loras", "one category"),
        ("a.txt", "is a file"),
        ("none", "does not exist"),
    ] {
        let error = place.workspace.add_models_folders(&[place.root(given)]).unwrap_err().to_string();
        assert!(error.contains(reason), "{given}: {error}");
    }
    for given in ["models", "other", "vae"] {
        place.workspace.add_models_folders(&[place.root(given)]).unwrap();
    }
    assert_eq!(place.workspace.settings.model_directories.len(), 4);
}
