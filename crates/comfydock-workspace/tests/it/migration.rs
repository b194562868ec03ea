//! An index that an earlier version wrote.

use std::os::unix::fs::MetadataExt;

use comfydock_workspace::models::index::Index;
use rusqlite::{Connection, params};

use crate::support::{Place, sha256};

/// Every row of a table, as text.
fn rows(database: &Connection, columns: &str, table: &str) -> Vec<String> {
    let columns = columns.split(", ").map(|column| format!("quote({column})")).collect::<Vec<_>>().join("||'|'||");
    let mut statement = database.prepare(&format!("SELECT {columns} FROM {table} ORDER BY 1")).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

const KEPT: [(&str, &str); 4] = [
    ("id, quick_hash, file_size, sha256, blake3, first_seen, last_modified, metadata", "models"),
    ("model_id, base_directory, relative_path, filename, device, inode, size, mtime_ns, last_seen", "model_locations"),
    ("model_id, kind, locator, origin, added_at", "model_sources"),
    ("key, value", "schema_info"),
];

#[test]
fn an_index_of_the_first_version_keeps_every_row_and_nothing_is_read_again() {
    let mut place = Place::new();
    let file = place.put("models/checkpoints/a.safetensors", b"one");
    let meta = file.metadata().unwrap();
    let path = place.workspace.cache("models.db");
    for name in ["models.db", "models.db-wal", "models.db-shm"] {
        let _ = std::fs::remove_file(place.workspace.cache(name));
    }
    let old = Connection::open(&path).unwrap();
    old.execute_batch(include_str!("../../src/models/index/0001_index.sql")).unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    let time = "2026-01-01T00:00:00Z";
    old.execute(
        "INSERT INTO models VALUES (7, ?1, 3, ?2, ?3, ?4, ?4, '{\"note\":1}')",
        params!["ab".repeat(32), sha256(&file), "cd".repeat(32), time],
    )
    .unwrap();
    old.execute("INSERT INTO models VALUES (8, ?1, 9, NULL, NULL, ?2, ?2, '{}')", params!["ef".repeat(32), time])
        .unwrap();
    let base = place.root("models").to_string_lossy().into_owned();
    old.execute(
        "INSERT INTO model_locations VALUES (7, ?1, 'checkpoints/a.safetensors', 'a.safetensors', ?2, ?3, 3, ?4, ?5)",
        params![
            base,
            meta.dev().cast_signed(),
            meta.ino().cast_signed(),
            meta.mtime() * 1_000_000_000 + meta.mtime_nsec(),
            time
        ],
    )
    .unwrap();
    old.execute("INSERT INTO model_locations VALUES (8, '/away', 'loras/b.pt', 'b.pt', 1, 2, 9, 4, ?1)", [time])
        .unwrap();
    for (kind, locator) in [("url", "https://example.org/x"), ("ipfs", "ipfs:unknown")] {
        old.execute("INSERT INTO model_sources VALUES (7, ?1, ?2, 'user', ?3)", params![kind, locator, time]).unwrap();
    }
    let before: Vec<Vec<String>> = KEPT.iter().map(|(columns, table)| rows(&old, columns, table)).collect();
    drop(old);

    place.index = Index::open(&place.workspace).unwrap();
    let new = Connection::open(&path).unwrap();
    let after: Vec<Vec<String>> = KEPT.iter().map(|(columns, table)| rows(&new, columns, table)).collect();
    assert_eq!(after, before);
    assert_eq!(before.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 2, 1]);
    let scanned = place.scan();
    assert_eq!((scanned.files, scanned.measured, scanned.gone), (1, 0, 0), "what is known is not sampled again");
    assert_eq!(place.model().sha256.unwrap().as_str(), sha256(&file));
    let dated: Option<i64> =
        new.query_row("SELECT ctime_ns FROM model_locations WHERE model_id = 7", [], |row| row.get(0)).unwrap();
    assert_eq!(dated, Some(meta.ctime() * 1_000_000_000 + meta.ctime_nsec()));
}
