//! Model files that nothing refers to any more, and those that something does.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::blobs::{File, push};
use crate::support::{Hub, MANIFEST, Repository, StopAtEnd, text, wait_for};

const AT_ONCE: &str = "[blobs]\ngrace = \"0s\"\n";

fn stored(hub: &Hub, file: &File) -> bool {
    hub.data().join("blobs").join(&file.sha256[..2]).join(&file.sha256).exists()
}

/// A file that is due, so that gc looks at all histories.
fn due(hub: &Hub, ann: &str, gone: &File) {
    push(hub, "ann", "studio/gone", gone);
    assert_eq!(gone.upload(hub, ann, "studio/gone").status, 201);
    hub.run(&["environment", "delete", "studio/gone"]);
    hub.run(&["environment", "purge", "studio/gone", "--yes"]);
}

fn send(hub: &Hub, repository: &Repository, path: &str, reference: &str) {
    repository.git(&["push", "--quiet", &hub.url(&hub.token("ann", "push"), path), reference]);
}

#[test]
fn what_any_history_names_stays_and_what_none_names_goes_after_its_time() {
    let mut hub = Hub::start();
    hub.make_team();
    let (old, side, gone) = (File::new(10_000), File::new(10_001), File::new(10_002));
    let ann = hub.token("ann", "push");
    // Named by an earlier commit of main only.
    let look = push(&hub, "ann", "studio/look", &old);
    assert_eq!(old.upload(&hub, &ann, "studio/look").status, 201);
    look.write("pyproject.toml", MANIFEST);
    look.commit("without it");
    send(&hub, &look, "studio/look", "main");
    // Named by another branch only.
    look.git(&["checkout", "--quiet", "-b", "side"]);
    look.write("pyproject.toml", side.manifest(""));
    look.commit("another");
    send(&hub, &look, "studio/look", "side");
    assert_eq!(side.upload(&hub, &ann, "studio/look").status, 201);
    // Named by an environment that is deleted, and restored if need be.
    push(&hub, "ann", "studio/gone", &gone);
    assert_eq!(gone.upload(&hub, &ann, "studio/gone").status, 201);
    hub.run(&["environment", "delete", "studio/gone"]);
    hub.stop();
    std::fs::write(hub.data().join("hub.toml"), AT_ONCE).unwrap();
    let gc = |hub: &Hub| hub.run(&["gc"]);
    assert!(gc(&hub).contains("removed 0 model files"), "{}", gc(&hub));
    assert!([&old, &side, &gone].into_iter().all(|file| stored(&hub, file)));
    hub.run(&["environment", "purge", "studio/gone", "--yes"]);
    let said = hub.run(&["gc", "--dry-run"]);
    assert!(stored(&hub, &gone), "{said}");
    // With its time to wait, it waits.
    std::fs::write(hub.data().join("hub.toml"), "[blobs]\ngrace = \"14d\"\n").unwrap();
    let said = gc(&hub);
    assert!(said.contains("removed 0 model files") && said.contains("each stays for 14d"), "{said}");
    std::fs::write(hub.data().join("hub.toml"), AT_ONCE).unwrap();
    assert!(gc(&hub).contains(&gone.sha256) && !stored(&hub, &gone));
    // The branch goes; its file's time begins.
    hub.begin();
    send(&hub, &look, "studio/look", ":side");
    assert!(stored(&hub, &side));
    assert!(hub.run(&["gc"]).contains(&side.sha256));
    assert_eq!([&old, &side].map(|file| stored(&hub, file)), [true, false]);
    assert_eq!(old.read(&hub, "GET", &ann, &[]).body, old.bytes);
    assert!(hub.run(&["audit"]).contains("blob.remove"));
}

#[test]
fn a_push_that_begins_to_name_a_file_is_waited_for() {
    let hub = Hub::start_with("hub", AT_ONCE);
    hub.make_team();
    let file = File::new(10_000);
    push(&hub, "ann", "studio/look", &file);
    assert_eq!(file.upload(&hub, &hub.token("ann", "push"), "studio/look").status, 201);
    // As if main had been rewritten: no history names the file.
    let database = hub.database();
    database.busy_timeout(Duration::from_secs(10)).unwrap();
    let forget = "DELETE FROM environment_history_models";
    assert_eq!(database.execute(forget, []).unwrap(), 1);
    // A push is between its hook's yes and its end.
    let way = std::fs::File::options().write(true).open(hub.data().join("pushes.lock")).unwrap();
    way.lock_shared().unwrap();
    let mut gc = hub.command();
    let gc = gc.arg("gc").stdout(std::process::Stdio::piped()).spawn().unwrap();
    wait_for("gc to wait for the push", || {
        let gate = std::fs::File::options().write(true).open(hub.data().join("pushes.gate")).unwrap();
        gate.try_lock().is_err().then_some(())
    });
    // Its end names the file.
    let insert = "INSERT INTO environment_history_models SELECT ?, id FROM environments";
    database.execute(insert, [&file.sha256]).unwrap();
    way.unlock().unwrap();
    let output = gc.wait_with_output().unwrap();
    assert!(text(&output.stdout).contains("removed 0 model files"), "{}", text(&output.stdout));
    assert!(stored(&hub, &file));
    // Without such a push it goes.
    database.execute(forget, []).unwrap();
    assert!(hub.run(&["gc"]).contains(&file.sha256) && !stored(&hub, &file));
}

#[test]
fn rows_and_files_agree_however_often_files_go_and_come_back() {
    let hub = Hub::start_with("hub", AT_ONCE);
    hub.make_team();
    let file = File::new(100_000);
    let ann = hub.token("ann", "push");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _end = StopAtEnd(&stop);
        let collector = scope.spawn(|| {
            let mut removed = 0;
            while !stop.load(Ordering::Relaxed) {
                let output = hub.try_run(&["gc"]);
                removed += usize::from(text(&output.stdout).contains(&file.sha256));
            }
            removed
        });
        let other = hub.repository("other");
        other.git(&["push", "--quiet", &hub.url(&ann, "studio/turns"), "main"]);
        for round in 0..12 {
            other.write("pyproject.toml", file.manifest(""));
            other.commit(&format!("named {round}"));
            other.git(&["push", "--quiet", &hub.url(&ann, "studio/turns"), "HEAD:refs/heads/side"]);
            let answer = file.upload(&hub, &ann, "studio/turns");
            assert_eq!(answer.status, 201, "{}", answer.text());
            assert!(file.read(&hub, "GET", &ann, &[]).body == file.bytes, "named, sent and gone in round {round}");
            other.git(&["push", "--quiet", &hub.url(&ann, "studio/turns"), ":refs/heads/side"]);
        }
        stop.store(true, Ordering::Relaxed);
        assert!(collector.join().unwrap() > 0, "nothing was ever removed");
    });
    hub.run(&["gc"]);
    let count: i64 = hub.database().query_row("SELECT count(*) FROM blobs", [], |row| row.get(0)).unwrap();
    assert_eq!((count, stored(&hub, &file)), (0, false));
}

#[test]
fn what_was_given_up_goes_after_a_day() {
    let hub = Hub::with_team();
    let (file, stray) = (File::new(10_000), File::new(10_001));
    push(&hub, "ann", "studio/look", &file);
    let ann = hub.token("ann", "push");
    assert_eq!(file.put(&hub, &ann, "studio/look", 0, &file.bytes[..5_000]).status, 202);
    let uploads = hub.data().join("blobs/uploads");
    let part = std::fs::read_dir(&uploads).unwrap().next().unwrap().unwrap().path();
    // What a crash left between name and row.
    let shelf = hub.data().join("blobs").join(&stray.sha256[..2]);
    std::fs::create_dir_all(&shelf).unwrap();
    std::fs::write(shelf.join(&stray.sha256), &stray.bytes).unwrap();
    hub.run(&["gc"]);
    assert!(part.exists() && stored(&hub, &stray));
    let old = std::time::SystemTime::now() - Duration::from_secs(2 * 24 * 3600);
    for path in [&part, &shelf.join(&stray.sha256)] {
        std::fs::File::options().write(true).open(path).unwrap().set_modified(old).unwrap();
    }
    hub.database().execute("UPDATE blob_uploads SET touched_at = 1", []).unwrap();
    assert!(hub.run(&["gc"]).contains("removed 2 files that were never finished"));
    assert!(!part.exists() && !stored(&hub, &stray));
    let asked = file.ask(&hub, &ann, "studio/look");
    assert_eq!((asked.status, asked.header("upload-offset")), (202, "0"));
}

#[test]
fn an_environment_that_lost_its_references_keeps_its_files() {
    let mut hub = Hub::start_with("hub", AT_ONCE);
    hub.make_team();
    let (file, gone) = (File::new(10_000), File::new(10_001));
    let ann = hub.token("ann", "push");
    push(&hub, "ann", "studio/look", &file);
    assert_eq!(file.upload(&hub, &ann, "studio/look").status, 201);
    // As after a power cut.
    let main = hub.bare_repositories()[0].join("refs/heads/main");
    let tip = std::fs::read(&main).unwrap();
    std::fs::write(&main, "").unwrap();
    let backup = hub.scratch("backup");
    assert!(!hub.try_run(&["backup", backup.to_str().unwrap()]).status.success() && backup.exists());
    hub.stop();
    let data = hub.scratch("restored");
    // What was damaged before is restored as it was, and said.
    assert!(!hub.command_on(&data).arg("restore").arg(&backup).output().unwrap().status.success());
    std::fs::write(data.join("hub.toml"), AT_ONCE).unwrap();
    std::fs::remove_file(&main).unwrap();
    hub.begin();
    due(&hub, &ann, &gone);
    for _ in 0..3 {
        hub.try_run(&["gc"]);
    }
    assert!(stored(&hub, &file));
    let names = |data: &std::path::Path| -> i64 {
        let database = rusqlite::Connection::open(data.join("hub.db")).unwrap();
        database.query_row("SELECT count(*) FROM environment_history_models", [], |row| row.get(0)).unwrap()
    };
    assert_eq!(names(hub.data()), 1);
    // The same on the hub that was restored.
    let mut serving = hub.command_on(&data);
    let mut serving = serving
        .args(["serve", "--listen", "127.0.0.1:0"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(serving.stdout.take().unwrap()), &mut String::new())
        .unwrap();
    serving.kill().unwrap();
    serving.wait().unwrap();
    assert_eq!(names(&data), 1);
    // With its references it is as before.
    hub.stop();
    std::fs::write(&main, tip).unwrap();
    hub.begin();
    assert_eq!(file.read(&hub, "GET", &ann, &[]).body, file.bytes);
}

#[test]
fn a_repository_that_cannot_be_read_keeps_its_own_files_only() {
    let hub = Hub::start_with("hub", AT_ONCE);
    hub.make_team();
    let (file, gone) = (File::new(10_000), File::new(10_001));
    let ann = hub.token("ann", "push");
    push(&hub, "ann", "studio/look", &file);
    assert_eq!(file.upload(&hub, &ann, "studio/look").status, 201);
    let main = hub.bare_repositories()[0].join("refs/heads/main");
    let tip = std::fs::read(&main).unwrap();
    due(&hub, &ann, &gone);
    // Even if what was read of it before is lost too.
    for table in ["environment_history_models", "environment_history"] {
        hub.database().execute(&format!("DELETE FROM {table}"), []).unwrap();
    }
    std::fs::write(&main, "nothing").unwrap();
    let stray = hub.data().join("blobs/uploads/stray");
    std::fs::write(&stray, "x").unwrap();
    let old = std::time::SystemTime::now() - Duration::from_secs(2 * 24 * 3600);
    std::fs::File::options().write(true).open(&stray).unwrap().set_modified(old).unwrap();
    let output = hub.try_run(&["gc"]);
    let (said, complaint) = (text(&output.stdout), text(&output.stderr));
    assert!(!output.status.success() && complaint.contains("studio/look"), "{said}{complaint}");
    assert!(said.contains(&gone.sha256) && !said.contains(&file.sha256), "{said}");
    assert_eq!([&file, &gone].map(|file| stored(&hub, file)), [true, false]);
    assert!(!stray.exists());
    // Once it can be read again all is as ever.
    std::fs::write(&main, tip).unwrap();
    hub.run(&["reindex"]);
    hub.run(&["gc"]);
    assert!(stored(&hub, &file));
}
