//! What other programs' files say of the models beside them.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, SystemTime};

use comfydock_core::plan::library::KnownModel;
use comfydock_core::sidecar::Trust;
use comfydock_store::hash::Stamp;
use comfydock_workspace::models::roots::{Root, Roots};
use comfydock_workspace::models::scan::scan;
use comfydock_workspace::ops::Context;
use comfydock_workspace::ops::models::import_comfygit;
use comfydock_workspace::remote::hub::Network;
use comfydock_workspace::reporter::Silent;

use crate::support::{Listener, Place, sha256};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// Trust, the first digits of the hash, the sources.
fn claims(model: &KnownModel) -> Vec<(Trust, String, Vec<String>)> {
    let shown = model.claims.iter().map(|claim| {
        let sources = claim.sources.iter().map(ToString::to_string).collect();
        (claim.trust, claim.sha256.as_ref().map(|hash| hash.short(4).to_owned()).unwrap_or_default(), sources)
    });
    shown.collect()
}

fn civitai_info(sha256: &str) -> String {
    format!(r#"{{"id":7,"files":[{{"id":8,"name":"x.safetensors","sizeKB":0.01,"hashes":{{"SHA256":"{sha256}"}}}}]}}"#)
}

fn set_time(path: &Path, seconds: u64) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

fn scan_with(place: &mut Place, roots: &Roots) -> Vec<String> {
    let listener = Listener::default();
    scan(&mut place.index, roots, &listener).unwrap();
    let warnings = listener.warnings.lock().unwrap();
    warnings.clone()
}

#[test]
fn claims_come_from_the_file_beside_and_go_with_it() {
    let mut place = Place::new();
    place.put("models/loras/sub/x.safetensors", b"ten bytes.");
    let info = place.put("models/loras/sub/x.civitai.info", civitai_info(&"ab".repeat(32)).as_bytes());
    place.put("models/loras/sub/y.civitai.info", b"of a file that is not here");
    assert_eq!(place.scan().files, 1, "a sidecar is no model");
    let hint = |sha256: &str| vec![(Trust::Hint, sha256.to_owned(), vec!["civitai:7/8".to_owned()])];
    let model = place.model();
    assert_eq!(claims(&model), hint("abab"));
    assert_eq!((model.sha256, model.sources.len()), (None, 0), "a claim is no measurement and no source of ours");
    assert_eq!(place.model().claims[0].origin, info.to_string_lossy());

    fs::write(&info, civitai_info(&"cd".repeat(32))).unwrap();
    set_time(&info, 1_000_000);
    assert_eq!(place.scan().measured, 0, "the model is not read again");
    assert_eq!(claims(&place.model()), hint("cdcd"), "a sidecar that changed is");
    fs::remove_file(&info).unwrap();
    place.scan();
    assert_eq!(claims(&place.model()), []);
}

#[test]
fn a_claim_that_a_measurement_contradicts_is_told_once_and_not_believed() {
    let mut place = Place::new();
    let file = place.put("models/loras/x.safetensors", b"ten bytes.");
    let info = place.put("models/loras/x.civitai.info", civitai_info(&"ab".repeat(32)).as_bytes());
    place.scan();
    place.measure("loras/x.safetensors");
    assert_eq!(claims(&place.model()), []);
    set_time(&info, 1_000_000);
    let roots = place.roots();
    assert_eq!(scan_with(&mut place, &roots), [""; 0], "it was told when it was measured");
    assert_eq!(claims(&place.model()), []);

    fs::write(&info, civitai_info(&"cd".repeat(32))).unwrap();
    let warnings = scan_with(&mut place, &roots);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("x.civitai.info"), "{warnings:?}");
    fs::write(&info, civitai_info(&sha256(&file))).unwrap();
    assert_eq!(scan_with(&mut place, &roots), [""; 0]);
    assert_eq!(claims(&place.model()).len(), 1, "one that agrees is kept");
}

#[test]
fn lora_manager_is_believed_for_the_file_it_hashed() {
    let mut place = Place::new();
    let file = place.put("models/loras/x.safetensors", b"ten bytes.");
    set_time(&file, 1_700_000_000);
    let text = format!(r#"{{"file_name":"x","size":10,"modified":1700000000.0,"sha256":"{}"}}"#, "ab".repeat(32));
    place.put("models/loras/x.metadata.json", text.as_bytes());
    place.scan();
    assert_eq!(claims(&place.model()), [(Trust::Claimed, "abab".to_owned(), vec![])]);
    set_time(&file, 1_700_000_001);
    place.scan();
    assert_eq!(claims(&place.model())[0].0, Trust::Hint, "it may have changed since");
}

#[test]
fn the_web_uis_cache_is_found_above_its_folders() {
    let mut place = Place::new();
    let file = place.put("webui/models/Stable-diffusion/sd/a.ckpt", b"a");
    let lora = place.put("webui/models/Lora/b.safetensors", b"b");
    set_time(&file, 5);
    set_time(&lora, 6);
    let text = format!(
        r#"{{"hashes":{{"checkpoint/sd/a.ckpt":{{"mtime":5.0,"sha256":"{0}"}},"lora/b":{{"mtime":7.0,"sha256":"{0}"}}}}}}"#,
        "ab".repeat(32)
    );
    let cache = place.put("webui/cache.json", text.as_bytes());
    let models = place.root("webui/models");
    let roots: Roots = [("Stable-diffusion", "checkpoints"), ("Lora", "loras")]
        .into_iter()
        .map(|(folder, category)| Root::of_category(models.join(folder), category))
        .collect();
    scan_with(&mut place, &roots);
    let found: Vec<_> = place.index.models(&roots).unwrap().iter().map(claims).collect();
    assert_eq!(found, [vec![(Trust::Claimed, "abab".to_owned(), vec![])], vec![]], "the other file has changed");
    fs::write(&cache, text.replace("7.0", "6.0")).unwrap();
    scan_with(&mut place, &roots);
    assert!(place.index.models(&roots).unwrap().iter().all(|model| claims(model).len() == 1));
    fs::remove_file(&cache).unwrap();
    scan_with(&mut place, &roots);
    assert!(place.index.models(&roots).unwrap().iter().all(|model| claims(model).is_empty()), "they go with it");
}

#[test]
fn hugging_faces_cache_is_a_place_to_link_from_and_names_its_source() {
    let mut place = Place::new();
    let repository = "hub/models--org--name";
    let blob = place.put(&format!("{repository}/blobs/{}", "ab".repeat(32)), b"weights");
    place.put(&format!("{repository}/blobs/{COMMIT}"), b"{}");
    let snapshot = place.root(&format!("{repository}/snapshots/{COMMIT}/unet"));
    fs::create_dir_all(&snapshot).unwrap();
    symlink(&blob, snapshot.join("x.safetensors")).unwrap();
    symlink(&blob, snapshot.join("config.json")).unwrap();
    place.put("hub/datasets--org--name/snapshots/x/y.bin", b"no model");
    let hub = Root::huggingface(place.root("hub"));
    let roots: Roots = [Root::folder(place.root("models")), hub].into_iter().collect();
    scan_with(&mut place, &roots);
    let models = place.index.models(&roots).unwrap();
    assert_eq!(models.len(), 1, "{models:?}");
    let expected = format!("hf:org/name@{COMMIT}/unet/x.safetensors");
    assert_eq!(claims(&models[0]), [(Trust::Claimed, "abab".to_owned(), vec![expected])]);
    assert_eq!((models[0].places.len(), models[0].elsewhere.len()), (0, 1), "ComfyUI does not see it");
    assert!(roots.path(&models[0].elsewhere[0]).is_file());
    let library = comfydock_core::plan::library::Library::new(models, None);
    assert!(library.files.iter().all(|file| !file.seen), "no name leads to it: {:?}", library.files);

    // The user linked it: one model, both places, and the claim goes along.
    fs::create_dir_all(place.root("models/loras")).unwrap();
    symlink(&blob, place.root("models/loras/mine.safetensors")).unwrap();
    scan_with(&mut place, &roots);
    let models = place.index.models(&roots).unwrap();
    assert_eq!(models.len(), 1);
    assert_eq!((models[0].places.len(), models[0].elsewhere.len(), models[0].claims.len()), (1, 1, 1));
}

#[test]
fn notes_of_a_download_into_a_folder_are_read() {
    let mut place = Place::new();
    let file = place.put("models/checkpoints/flux/sub/x.safetensors", b"x");
    set_time(&file, 1_700_000_000);
    let note = "models/checkpoints/flux/.cache/huggingface/download/sub/x.safetensors.metadata";
    place.put(note, format!("{COMMIT}\n{}\n1700000000.5\n", "ab".repeat(32)).as_bytes());
    place.put("models/checkpoints/flux/.cache/huggingface/download/gone.safetensors.metadata", b"x\n");
    assert_eq!(place.scan().files, 1);
    assert_eq!(claims(&place.model()), [(Trust::Claimed, "abab".to_owned(), vec![])]);
}

#[test]
fn nothing_is_ever_written_beside_the_models() {
    let mut place = Place::new();
    place.put("models/loras/x.safetensors", b"ten bytes.");
    place.put("models/loras/x.civitai.info", civitai_info(&"ab".repeat(32)).as_bytes());
    let names = |place: &Place| {
        let entries = fs::read_dir(place.root("models/loras")).unwrap();
        let mut found: Vec<_> = entries
            .map(|entry| {
                let path = entry.unwrap().path();
                (path.clone(), fs::read(&path).unwrap(), Stamp::of(&path.metadata().unwrap()))
            })
            .collect();
        found.sort_by(|one, other| one.0.cmp(&other.0));
        found
    };
    let before = names(&place);
    place.scan();
    assert_eq!(place.model().claims.len(), 1);
    place.measure("loras/x.safetensors");
    assert_eq!(names(&place), before);
}

#[test]
fn a_comfygit_workspace_brings_its_hashes_and_sources() {
    let mut place = Place::new();
    let file = place.put("models/loras/x.safetensors", b"ten bytes.");
    place.put("models/loras/y.safetensors", b"eleven byte");
    set_time(&file, 1_700_000_000);
    let database = place.put("cg/comfygit_cache/models.db", b"");
    let connection = rusqlite::Connection::open(&database).unwrap();
    // The tables of its schema 10, as field notes have them.
    connection
        .execute_batch(
            "CREATE TABLE models(hash TEXT PRIMARY KEY, file_size INTEGER, blake3_hash TEXT, sha256_hash TEXT, first_seen INTEGER, metadata TEXT);
             CREATE TABLE model_locations(id INTEGER PRIMARY KEY, model_hash TEXT, base_directory TEXT, relative_path TEXT, filename TEXT, mtime REAL, last_seen INTEGER);
             CREATE TABLE model_sources(id INTEGER PRIMARY KEY, model_hash TEXT, source_type TEXT, source_url TEXT, metadata TEXT, added_time INTEGER);
             INSERT INTO model_sources VALUES (1, 'q', 'custom', 'https://example.org/x.safetensors', '{}', 1);",
        )
        .unwrap();
    connection.execute("INSERT INTO models VALUES ('q', 10, NULL, ?1, 1, '{}')", ["ab".repeat(32)]).unwrap();
    let base = place.root("models").to_string_lossy().into_owned();
    connection
        .execute(
            "INSERT INTO model_locations VALUES (1, 'q', ?1, 'loras/x.safetensors', 'x.safetensors', 1700000000.0, 1),
               (2, 'q', ?1, 'loras/y.safetensors', 'y.safetensors', 1.0, 1), (3, 'q', '/away', 'z.pt', 'z.pt', 1.0, 1)",
            [base],
        )
        .unwrap();
    let manifest = "[tool.comfygit.models.\"0123456789abcdef\"]\nfilename = \"y.safetensors\"\nsize = 11\nsources = [\"https://example.org/y\"]\n";
    place.put("cg/environments/e/.cec/pyproject.toml", manifest.as_bytes());
    let context = Context { reporter: &Silent, network: Network { offline: true, ..Network::default() } };
    assert_eq!(import_comfygit(&place.workspace, &place.root("cg"), &context).unwrap(), 2);
    let mut found: Vec<_> = place.models().iter().map(claims).collect();
    found.sort();
    let hint = (Trust::Hint, String::new(), vec!["https://example.org/y".to_owned()]);
    let claimed = (Trust::Claimed, "abab".to_owned(), vec!["https://example.org/x.safetensors".to_owned()]);
    assert_eq!(found, [vec![hint], vec![claimed]], "the file of another size is not the one it measured");
    place.scan();
    assert_eq!(place.models().iter().filter(|model| model.claims.len() == 1).count(), 2, "they stay");
    assert!(import_comfygit(&place.workspace, &place.root("models"), &context).is_err());
}

#[test]
fn claims_come_back_when_a_model_was_forgotten_or_its_file_replaced() {
    let mut place = Place::new();
    let file = place.put("models/loras/x.safetensors", b"ten bytes.");
    place.put("models/loras/x.civitai.info", civitai_info(&"ab".repeat(32)).as_bytes());
    place.scan();
    let first = place.model();
    place.index.forget(&[first.id], &[]).unwrap();
    place.scan();
    let second = place.model();
    assert_ne!(second.id, first.id, "the number of a row is never used again");
    assert_eq!(claims(&second).len(), 1);
    fs::remove_file(&file).unwrap();
    place.scan();
    place.put("models/loras/x.safetensors", b"other ten.");
    place.scan();
    assert_eq!(claims(&place.model()).len(), 1);
}
