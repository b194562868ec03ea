//! What the model index remembers.

use comfydock_core::hint::Hint as _;
use comfydock_core::plan::library::KnownModel;
use comfydock_core::source::Source;
use comfydock_workspace::Error;
use comfydock_workspace::models::index::Index;
use comfydock_workspace::models::roots::{Root, Roots};
use rusqlite::Connection;

use crate::support::{Place, sha256};

const URL: &str = "https://example.org/x.safetensors";

fn url() -> Source {
    Source::parse(URL).unwrap()
}

fn places(model: &KnownModel) -> Vec<(usize, &str)> {
    model.places.iter().map(|place| (place.root, place.relative_path.as_str())).collect()
}

#[test]
fn the_database_is_made_once_and_a_newer_one_is_left_alone() {
    let mut place = Place::new();
    place.put("models/checkpoints/x.safetensors", b"x");
    place.scan();
    let path = place.workspace.cache("models.db");
    let again = Index::open(&place.workspace).unwrap();
    assert_eq!(again.models(&place.roots()).unwrap(), place.models());

    let database = Connection::open(&path).unwrap();
    let format: String =
        database.query_row("SELECT value FROM schema_info WHERE key = 'format'", [], |row| row.get(0)).unwrap();
    assert_eq!(format, "comfydock model index");
    let mode: String = database.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
    database.pragma_update(None, "user_version", 99).unwrap();
    let Err(error) = Index::open(&place.workspace) else { panic!("a newer index was taken") };
    assert!(matches!(error, Error::Database(_)), "{error}");
    assert!(error.to_string().contains("version 99"), "{error}");
    assert!(error.hint().unwrap().contains("update comfydock"), "{:?}", error.hint());
    let rows: i64 = database.query_row("SELECT count(*) FROM models", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 1);
}

#[test]
fn twins_of_one_quick_hash_stay_two_rows_and_two_models() {
    let mut place = Place::new();
    let one = place.put_twin("models/checkpoints/one.safetensors", 1);
    let other = place.put_twin("models/checkpoints/other.safetensors", 2);
    place.scan();
    let models = place.models();
    assert_eq!(models.len(), 2, "a candidate is no proof");
    assert_eq!(models[0].quick, models[1].quick);
    place.measure("checkpoints/one.safetensors");
    place.measure("checkpoints/other.safetensors");
    let mut found: Vec<String> = place.models().iter().map(|model| model.sha256.clone().unwrap().into()).collect();
    let mut expected = vec![sha256(&one), sha256(&other)];
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn equal_files_become_one_model_when_they_are_measured_and_keep_every_source() {
    let mut place = Place::new();
    place.put("models/checkpoints/a.safetensors", b"same");
    place.put("models/loras/b.safetensors", b"same");
    place.scan();
    let ids: Vec<i64> = place.models().iter().map(|model| model.id).collect();
    assert_eq!(ids.len(), 2);
    assert!(place.index.add_source(ids[0], &url(), "user").unwrap());
    assert!(place.index.add_source(ids[1], &Source::parse("civitai:1/2").unwrap(), "workflow").unwrap());
    assert!(!place.index.add_source(ids[1], &Source::parse("civitai:1/2").unwrap(), "user").unwrap());

    place.measure("checkpoints/a.safetensors");
    assert_eq!(place.models().len(), 2, "the other is still only a candidate");
    place.measure("loras/b.safetensors");
    let model = place.model();
    assert_eq!(places(&model), [(0, "checkpoints/a.safetensors"), (0, "loras/b.safetensors")]);
    let mut sources: Vec<String> = model.sources.iter().map(ToString::to_string).collect();
    sources.sort();
    assert_eq!(sources, ["civitai:1/2", URL]);
    place.measure("loras/b.safetensors");
    assert_eq!(place.model(), model, "once more changes nothing");
}

#[test]
fn names_of_one_file_are_one_model_at_once() {
    let mut place = Place::new();
    let file = place.put("models/checkpoints/a.safetensors", b"x");
    let to = place.root("more/loras");
    std::fs::create_dir_all(&to).unwrap();
    std::fs::hard_link(&file, to.join("b.safetensors")).unwrap();
    std::os::unix::fs::symlink(&file, to.join("c.safetensors")).unwrap();
    place.scan();
    let model = place.model();
    let expected = [(0, "checkpoints/a.safetensors"), (1, "loras/b.safetensors"), (1, "loras/c.safetensors")];
    assert_eq!(places(&model), expected);
    place.measure("checkpoints/a.safetensors");
    assert_eq!(places(&place.model()), expected, "all names follow their file");
}

#[test]
fn what_was_measured_and_where_it_is_from_outlives_the_file() {
    let mut place = Place::new();
    let file = place.put("models/checkpoints/a.safetensors", b"x");
    place.scan();
    place.measure("checkpoints/a.safetensors");
    let before = place.model();
    place.index.add_source(before.id, &url(), "user").unwrap();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(place.scan().gone, 1);
    assert_eq!(place.models(), [], "it is not here");

    place.put("models/checkpoints/back.safetensors", b"x");
    place.scan();
    place.measure("checkpoints/back.safetensors");
    let after = place.model();
    assert_eq!((after.id, &after.sha256), (before.id, &before.sha256));
    assert_eq!(after.sources, [url()]);
}

#[test]
fn a_file_that_was_overwritten_is_another_model() {
    let mut place = Place::new();
    let file = place.put("models/checkpoints/a.safetensors", b"old");
    place.scan();
    place.measure("checkpoints/a.safetensors");
    let old = place.model();
    place.index.add_source(old.id, &url(), "user").unwrap();
    std::fs::write(&file, b"newer").unwrap();
    place.scan();
    let new = place.model();
    assert_ne!(new.quick, old.quick);
    assert_eq!((new.sha256.clone(), new.sources.len()), (None, 0), "the old file's hash and source are not its own");
    place.measure("checkpoints/a.safetensors");
    assert_eq!(place.model().sha256.unwrap().as_str(), sha256(&file));
}

#[test]
fn places_come_in_the_order_of_the_folders_asked_for() {
    let mut place = Place::new();
    place.put("models/checkpoints/a.safetensors", b"1");
    place.put("more/checkpoints/a.safetensors", b"2");
    place.scan();
    let root_of = |place: &Place, names: &[&str]| {
        let roots: Roots = names.iter().map(|name| Root::folder(place.root(name))).collect();
        place.index.models(&roots).unwrap().iter().map(|model| model.places[0].root).collect::<Vec<_>>()
    };
    assert_eq!(root_of(&place, &["models", "more"]), [0, 1]);
    assert_eq!(root_of(&place, &["more", "models"]), [1, 0]);
    assert_eq!(root_of(&place, &["models"]), [0], "a folder not asked for does not count");
}

#[test]
fn a_source_in_a_form_nobody_knows_yet_is_kept_and_not_offered() {
    let mut place = Place::new();
    place.put("models/checkpoints/a.safetensors", b"x");
    place.scan();
    let id = place.model().id;
    let database = Connection::open(place.workspace.cache("models.db")).unwrap();
    database
        .execute("INSERT INTO model_sources VALUES (?1, 'ipfs', 'ipfs:abc', 'user', '2025-01-01T00:00:00Z')", [id])
        .unwrap();
    assert_eq!(place.model().sources, []);
    place.measure("checkpoints/a.safetensors");
    let kept: i64 = database.query_row("SELECT count(*) FROM model_sources", [], |row| row.get(0)).unwrap();
    assert_eq!(kept, 1);
}

#[test]
fn a_damaged_index_says_how_to_get_another() {
    let mut place = Place::new();
    for number in 0..200 {
        place.put(&format!("models/loras/{number}.safetensors"), number.to_string().as_bytes());
    }
    place.scan();
    let path = place.workspace.cache("models.db");
    let database = Connection::open(&path).unwrap();
    database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(database);
    let mut torn = std::fs::read(&path).unwrap();
    let hint = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let error = match Index::open(&place.workspace) {
            Ok(index) => index.models(&place.roots()).map(drop).unwrap_err(),
            Err(error) => error,
        };
        error.hint().unwrap_or_default()
    };
    torn[8192..].fill(0xff);
    for bytes in [&b"no database at all, however long it is: it does not begin as one does and so on"[..], &torn] {
        let hint = hint(bytes);
        assert!(hint.contains("damaged") && hint.contains("models index"), "{hint}");
    }
}
