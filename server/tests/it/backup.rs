//! Backups: of one moment while pushes go on, whole or refused.

use std::collections::BTreeMap;
use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::types::ValueRef;

use crate::support::{Hub, MANIFEST, Repository, StopAtEnd, manifest_with_model, text, wait_for};

const ENVIRONMENTS: [&str; 3] = ["studio/one", "studio/two", "studio/three"];

/// Pushes one commit after another, each with another model, and notes what was acknowledged.
fn keep_pushing(hub: &Hub, token: &str, name: &str, noted: &Mutex<Vec<(String, String)>>, stop: &AtomicBool) {
    let work = hub.repository(&name.replace('/', "-"));
    let url = hub.url(token, name);
    for number in 0_u64.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        work.write("pyproject.toml", manifest_with_model(MANIFEST, 'a', 'b', number + 1, "https://example.org/m"));
        let tip = work.commit(&format!("number {number}"));
        let branch = format!("main:refs/heads/idea-{}", number % 3);
        work.git(&["push", "--quiet", "--force", &url, "main", &branch]);
        noted.lock().unwrap().push((name.to_owned(), tip));
    }
}

/// Every row of a database, by table.
fn rows(path: &Path) -> BTreeMap<String, Vec<String>> {
    let connection = rusqlite::Connection::open(path).unwrap();
    let mut statement = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
    let tables: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let rows_of = |table: &String| {
        let mut statement = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let count = statement.column_count();
        let row = |row: &rusqlite::Row<'_>| {
            let cell = |index| match row.get_ref(index).unwrap() {
                ValueRef::Text(bytes) => text(bytes),
                other => format!("{other:?}"),
            };
            Ok((0..count).map(cell).collect::<Vec<_>>().join("|"))
        };
        statement.query_map([], row).unwrap().map(Result::unwrap).collect()
    };
    tables.iter().map(|table| (table.clone(), rows_of(table))).collect()
}

/// What a backup says the references of each environment were, and where the database had main.
fn recorded(backup: &Path) -> BTreeMap<String, (String, String)> {
    let connection = rusqlite::Connection::open(backup.join("hub.db")).unwrap();
    let sql = "SELECT environments.id, accounts.name || '/' || environments.name, tip FROM environments
        JOIN accounts ON accounts.id = owner_id";
    let mut statement = connection.prepare(sql).unwrap();
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let all = statement.query_map([], row).unwrap().map(Result::unwrap);
    all.map(|(id, name, tip): (String, String, String)| {
        let path = backup.join(format!("repos/{}/{id}.git/packed-refs", &id[..2]));
        (name, (tip, std::fs::read_to_string(path).unwrap()))
    })
    .collect()
}

fn fsck(repository: &Path) {
    let output = std::process::Command::new("git")
        .args(["-c", "safe.directory=*", "-C"])
        .arg(repository)
        .args(["fsck", "--full", "--strict"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn what_comes_back_is_what_was_there_at_the_moment_of_the_backup() {
    // Repositories are packed between the backups, as often as can be.
    let mut hub = Hub::start_with("hub", "[maintenance]\nevery = \"5ms\"\npacks = 2\n");
    hub.make_team();
    let token = hub.token("ann", "push");
    let noted = Mutex::new(Vec::new());
    let stop = AtomicBool::new(false);
    let count = || noted.lock().unwrap().len();
    let last = hub.scratch("last");
    let before = std::thread::scope(|scope| {
        let _end = StopAtEnd(&stop);
        for name in ENVIRONMENTS {
            let (hub, token, noted, stop) = (&hub, &token, &noted, &stop);
            scope.spawn(move || keep_pushing(hub, token, name, noted, stop));
        }
        // Each backup has pushes before, during and after it.
        let pushes = |more: usize| {
            let enough = count() + more;
            wait_for("more pushes", || (count() >= enough).then_some(()));
        };
        pushes(9);
        for number in 0..8 {
            let backup = hub.scratch(&format!("backup-{number}"));
            hub.run(&["backup", backup.to_str().unwrap()]);
            assert_eq!(rows(&backup.join("hub.db"))["pushes_under_way"].len(), 0, "a push was half done");
            for (name, (tip, references)) in recorded(&backup) {
                let main = format!("{tip} refs/heads/main");
                assert!(references.contains(&main), "{name}: the database has {tip}, git has {references}");
            }
            pushes(1);
        }
        let before = noted.lock().unwrap().clone();
        hub.run(&["backup", last.to_str().unwrap()]);
        pushes(6);
        stop.store(true, Ordering::Relaxed);
        before
    });
    let at_backup = rows(&last.join("hub.db"));
    let references = recorded(&last);

    hub.kill();
    assert!(rows(&hub.data().join("hub.db"))["audit"].len() > at_backup["audit"].len(), "nothing came after it");
    std::fs::remove_dir_all(hub.data()).unwrap();
    let said = hub.run(&["restore", last.to_str().unwrap()]);
    assert!(said.starts_with("restored 3 environments"), "{said}");
    assert_eq!(rows(&hub.data().join("hub.db")), at_backup);
    hub.begin();

    assert_eq!(references.len(), 3);
    for (name, (tip, recorded)) in &references {
        let work = Repository::at(hub.scratch(&name.replace('/', "-")));
        let url = hub.url(&token, name);
        let listed = work.git(&["ls-remote", "--refs", &url]).replace('\t', " ");
        assert_eq!(listed, recorded.trim_end(), "{name}");
        assert!(listed.contains(&format!("{tip} refs/heads/main")), "the database has {tip}, git has {listed}");
        let last_push = at_backup["audit"].iter().rfind(|row| row.contains(&format!("|push|{name}|"))).unwrap();
        assert!(last_push.contains(tip), "the record ends with another push: {last_push}");
        for (_, acknowledged) in before.iter().filter(|(environment, _)| environment == name) {
            work.git(&["merge-base", "--is-ancestor", acknowledged, tip]);
        }
        work.git(&["clone", "--quiet", &url, hub.scratch(&format!("clone-{}", &name[7..])).to_str().unwrap()]);
        work.git(&["push", "--quiet", &url, "main"]);
    }
    hub.bare_repositories().iter().for_each(|repository| fsck(repository));
    let model = hub.get(&token, &format!("/api/v1/models/sha256:{}", "b".repeat(64)));
    assert_eq!(model.status, 200, "{}", model.text());
    assert_eq!(
        hub.get(&hub.token("rea", "read"), "/api/v1/environments").json()["environments"].as_array().unwrap().len(),
        3
    );
}

/// A hub with one environment, and its backup.
fn backed_up() -> (Hub, PathBuf) {
    let hub = Hub::with_team();
    let ann = hub.repository("ann");
    ann.git(&["tag", "-a", "v1", "-m", "one"]);
    ann.git(&["push", "--quiet", &hub.url(&hub.token("ann", "push"), "studio/look"), "main", "v1"]);
    let backup = hub.scratch("backup");
    hub.run(&["backup", backup.to_str().unwrap()]);
    (hub, backup)
}

/// Restores into a new folder and expects a refusal that leaves nothing; returns what was said.
fn refused(hub: &Hub, backup: &Path) -> String {
    let target = hub.scratch("restored");
    let output = hub.command_on(&target).arg("restore").arg(backup).output().unwrap();
    assert!(!output.status.success(), "a damaged backup was restored");
    assert!(!target.exists(), "something is left of a restore that was refused");
    text(&output.stderr)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn a_backup_that_is_not_whole_is_refused_by_name() {
    let (hub, backup) = backed_up();
    for file in files(&backup) {
        let bytes = std::fs::read(&file).unwrap();
        let name = file.strip_prefix(&backup).unwrap().to_string_lossy().into_owned();
        std::fs::remove_file(&file).unwrap();
        let said = refused(&hub, &backup);
        assert!(said.contains(&name), "{name} is missing: {said}");
        if bytes.is_empty() {
            std::fs::write(&file, b"x").unwrap();
        } else {
            let mut changed = bytes.clone();
            changed[bytes.len() / 2] ^= 1;
            std::fs::write(&file, changed).unwrap();
            // A changed byte of backup.json may be one that nobody reads.
            if name == "backup.json" {
                std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
            }
        }
        let said = refused(&hub, &backup);
        assert!(said.contains(&name), "{name} is changed: {said}");
        std::fs::write(&file, bytes).unwrap();
    }
    let mut newer: serde_json::Value =
        serde_json::from_slice(&std::fs::read(backup.join("backup.json")).unwrap()).unwrap();
    let good = newer.to_string();
    newer["schema"] = 99.into();
    std::fs::write(backup.join("backup.json"), newer.to_string()).unwrap();
    assert!(refused(&hub, &backup).contains("newer"));
    std::fs::write(backup.join("backup.json"), good).unwrap();
    let target = hub.scratch("restored");
    assert!(hub.command_on(&target).arg("restore").arg(&backup).status().unwrap().success());
}

#[test]
fn nothing_that_exists_is_overwritten() {
    let (hub, backup) = backed_up();
    let folder = backup.to_str().unwrap();
    let said = |output: std::process::Output| {
        assert!(!output.status.success());
        text(&output.stderr)
    };
    let before = rows(&hub.data().join("hub.db"));
    assert!(said(hub.try_run(&["restore", folder])).contains("has a hub's database already"));
    assert_eq!(rows(&hub.data().join("hub.db")), before);
    assert!(said(hub.try_run(&["backup", folder])).contains("exists already"));
    let inside = hub.data().join("backup");
    assert!(said(hub.try_run(&["backup", inside.to_str().unwrap()])).contains("the hub's own folder"));
    assert!(!inside.exists());
    let nowhere = hub.scratch("nowhere");
    let output = hub.command_on(&nowhere).args(["backup"]).arg(hub.scratch("b")).output().unwrap();
    assert!(said(output).contains("there is no hub in"));
    assert!(!nowhere.exists());

    // A folder that was prepared keeps its own configuration.
    let target = hub.scratch("prepared");
    std::fs::create_dir(&target).unwrap();
    std::fs::write(target.join("hub.toml"), "[push]\nat_once = 3\n").unwrap();
    let output = hub.command_on(&target).arg("restore").arg(&backup).output().unwrap();
    assert!(output.status.success() && text(&output.stdout).contains("was there already and stays"));
    assert_eq!(std::fs::read_to_string(target.join("hub.toml")).unwrap(), "[push]\nat_once = 3\n");
}

#[test]
fn a_damaged_repository_is_said_and_does_not_keep_others_from_being_saved() {
    let hub = Hub::with_team();
    let token = hub.token("ann", "push");
    let ann = hub.repository("ann");
    for name in ["studio/sound", "studio/broken"] {
        ann.git(&["push", "--quiet", &hub.url(&token, name), "main"]);
    }
    let id: String =
        hub.database().query_row("SELECT id FROM environments WHERE name = 'broken'", [], |row| row.get(0)).unwrap();
    let broken = hub.bare_repositories().into_iter().find(|path| path.ends_with(format!("{id}.git"))).unwrap();
    for file in files(&broken.join("objects")) {
        std::fs::remove_file(file).unwrap();
    }
    let backup = hub.scratch("backup");
    let output = hub.try_run(&["backup", backup.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("problem: studio/broken was not sound"), "{}", text(&output.stderr));
    let target = hub.scratch("restored");
    let output = hub.command_on(&target).arg("restore").arg(&backup).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("restored 2 environments"));
    assert!(text(&output.stderr).contains("problem: studio/broken"));
}

#[test]
fn browsers_sign_in_again_after_a_restore() {
    let hub = Hub::with_team();
    let sql =
        "INSERT INTO sessions (hash, token_id, csrf, expires_at) SELECT x'00', min(id), '', 9999999999 FROM tokens";
    hub.database().execute(sql, []).unwrap();
    let backup = hub.scratch("backup");
    hub.run(&["backup", backup.to_str().unwrap()]);
    assert_eq!(rows(&hub.data().join("hub.db"))["sessions"].len(), 1);
    assert_eq!(rows(&backup.join("hub.db"))["sessions"].len(), 0);
    assert!(!rows(&backup.join("hub.db"))["tokens"].is_empty());
}

#[test]
fn a_backup_that_is_cut_off_is_none_and_the_next_one_is() {
    let hub = Hub::with_team();
    let under_way = std::fs::File::create(hub.data().join("pushes.lock")).unwrap();
    under_way.lock_shared().unwrap();
    let target = hub.scratch("cut");
    let mut child = hub.command().arg("backup").arg(&target).stderr(Stdio::null()).spawn().unwrap();
    let is_partial = |path: &PathBuf| path.to_string_lossy().contains("cut.partial-");
    let partial = wait_for("the backup to wait for the push", || {
        let mut all = std::fs::read_dir(hub.scratch("")).unwrap().map(|entry| entry.unwrap().path());
        all.find(is_partial).filter(|_| leases(&hub) == 2)
    });
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!target.exists());
    assert!(refused(&hub, &partial).contains("it has no backup.json"));
    drop(under_way);
    // What a dead process held ends after a minute.
    hub.database().execute("UPDATE leases SET ends_at = unixepoch()", []).unwrap();
    hub.run(&["backup", target.to_str().unwrap()]);
    assert_eq!(leases(&hub), 0);
}

fn leases(hub: &Hub) -> i64 {
    hub.database().query_row("SELECT count(*) FROM leases", [], |row| row.get(0)).unwrap()
}

#[test]
fn a_backup_waits_for_maintenance_to_end() {
    let hub = Hub::with_team();
    wait_for("the first sweep", || (leases(&hub) == 0).then_some(()));
    let other = "INSERT INTO leases (name, holder, ends_at) VALUES ('upkeep', 'another', unixepoch() + 1000)";
    hub.database().execute(other, []).unwrap();
    let target = hub.scratch("backup");
    let mut child = hub.command().arg("backup").arg(&target).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    std::io::BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "waiting: maintenance is under way\n");
    assert!(!target.exists() && child.try_wait().unwrap().is_none());
    hub.database().execute("DELETE FROM leases WHERE holder = 'another'", []).unwrap();
    wait_for("the backup", || child.try_wait().unwrap());
    assert!(target.join("backup.json").exists());
}

#[test]
fn a_database_of_another_version_is_not_touched() {
    let mut hub = Hub::with_team();
    hub.stop();
    hub.database().pragma_update(None, "user_version", 1).unwrap();
    for command in [["backup", hub.scratch("backup").to_str().unwrap()].as_slice(), &["reindex"]] {
        let output = hub.try_run(command);
        assert!(!output.status.success());
        assert!(text(&output.stderr).contains("the database has version 1"), "{}", text(&output.stderr));
    }
    let version: i64 = hub.database().query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(version, 1);
    assert!(!hub.scratch("backup").exists());
}
