//! Looking at everything, and making the catalog anew.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use crate::support::{Hub, MANIFEST, Repository, StopAtEnd, manifest_with_model, text};

/// A hub with two environments, `studio/look` and `ann/own`.
fn hub() -> Hub {
    let hub = Hub::with_team();
    let ann = hub.repository("ann");
    ann.write("pyproject.toml", manifest_with_model(MANIFEST, '1', 'a', 7, "https://example.org/one"));
    ann.commit("a model");
    let token = hub.token("ann", "push");
    for name in ["studio/look", "ann/own"] {
        ann.git(&["push", "--quiet", &hub.url(&token, name), "main"]);
    }
    hub
}

fn repository(hub: &Hub, name: &str) -> PathBuf {
    let sql = "SELECT id FROM environments WHERE name = ?";
    let id: String = hub.database().query_row(sql, [name], |row| row.get(0)).unwrap();
    hub.bare_repositories().into_iter().find(|path| path.ends_with(format!("{id}.git"))).unwrap()
}

fn examine(hub: &Hub, arguments: &[&str]) -> (bool, String) {
    let output = hub.command().arg("doctor").args(arguments).output().unwrap();
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
    (output.status.success(), text(&output.stdout))
}

/// Everything below a folder with its content, but for SQLite's own log and what a hub that serves
/// changes by itself.
fn everything(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let is_log = |path: &PathBuf| ["hub.db-shm", "hub.db-wal"].iter().any(|name| path.ends_with(name));
    paths.retain(|path| !is_log(path));
    paths
        .into_iter()
        .flat_map(
            |path| if path.is_dir() { everything(&path) } else { vec![(path.clone(), std::fs::read(path).unwrap())] },
        )
        .collect()
}

#[test]
fn a_sound_hub_has_nothing_to_complain_about_and_is_left_alone() {
    let mut hub = hub();
    let (is_sound, said) = examine(&hub, &["--full"]);
    assert!(is_sound, "{said}");
    for wanted in ["ok       git 2.", "ok       the database", "ok       2 repositories", "MiB free", "the clock"] {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
    assert!(said.lines().all(|line| line.starts_with("ok ")), "{said}");
    hub.stop();
    let before = everything(hub.data());
    assert!(examine(&hub, &[]).0, "a hub that does not serve is no problem");
    assert!(before == everything(hub.data()), "the doctor changed something");
}

#[test]
fn each_thing_that_can_break_is_named_with_what_to_do() {
    let mut hub = hub();
    hub.stop();
    let look = repository(&hub, "look");
    let own = repository(&hub, "own");
    let check = |what: &str, wanted: &[&str], breaks: &dyn Fn(), mends: &dyn Fn()| {
        breaks();
        let (is_sound, said) = examine(&hub, &["--full"]);
        assert!(!is_sound, "{what}: {said}");
        let problems: Vec<_> = said.lines().filter(|line| line.starts_with("problem  ")).collect();
        for word in wanted {
            assert!(problems.iter().any(|line| line.contains(word)), "{what}: no `{word}` in {said}");
        }
        assert!(problems.iter().all(|line| line.contains("; ")), "no remedy: {said}");
        mends();
        let (is_sound, said) = examine(&hub, &["--full"]);
        assert!(is_sound, "{what} was mended: {said}");
    };
    let mode = |mode| std::fs::set_permissions(hub.data(), std::fs::Permissions::from_mode(mode)).unwrap();
    check("mode", &["mode 755", "chmod 700"], &|| mode(0o755), &|| mode(0o700));

    let hook = hub.data().join("hooks/pre-receive");
    let program = std::fs::read_link(&hook).unwrap();
    let link = |target: &Path| {
        std::fs::remove_file(&hook).unwrap();
        std::os::unix::fs::symlink(target, &hook).unwrap();
    };
    check("hook", &["leads to no program"], &|| link(Path::new("/nonexistent")), &|| link(&program));

    let move_to = |from: &Path, to: &Path| std::fs::rename(from, to).unwrap();
    let away = hub.scratch("away.git");
    check("missing", &["studio/look", "is missing"], &|| move_to(&look, &away), &|| move_to(&away, &look));

    let stray = own.with_file_name("stray.git");
    check("stray", &["belongs to no environment"], &|| std::fs::create_dir(&stray).unwrap(), &|| {
        std::fs::remove_dir(&stray).unwrap();
    });

    let pack = std::fs::read_dir(look.join("objects/pack")).unwrap().map(|entry| entry.unwrap().path());
    let pack = pack.into_iter().find(|path| path.extension().is_some_and(|kind| kind == "pack")).unwrap();
    let good = std::fs::read(&pack).unwrap();
    let mut bad = good.clone();
    bad[good.len() / 2] ^= 1;
    let put = |bytes: &[u8]| {
        std::fs::remove_file(&pack).unwrap();
        std::fs::write(&pack, bytes).unwrap();
    };
    check("pack", &["studio/look", "restore a backup"], &|| put(&bad), &|| put(&good));

    let database = hub.database();
    let run = |sql: &str| assert!(database.execute(sql, []).unwrap() > 0, "{sql}");
    check(
        "tip",
        &["ann/own", "in the catalog nowhere", "`comfydock-hub reindex ann/own`"],
        &|| run("UPDATE environments SET tip = NULL WHERE name = 'own'"),
        &|| drop(hub.run(&["reindex", "ann/own"])),
    );
    check(
        "job",
        &["repack x failed 3 times: no room", "tried again at"],
        &|| run("INSERT INTO jobs VALUES ('repack', 'x', 9999999999, 3, 'no room')"),
        &|| run("DELETE FROM jobs WHERE subject = 'x'"),
    );
    check(
        "clock",
        &["was recorded at", "set the machine's clock"],
        &|| run("INSERT INTO audit (at, actor, action, subject, detail) VALUES (9999999999, '', 'x', '', '')"),
        &|| run("DELETE FROM audit WHERE action = 'x'"),
    );
    check(
        "rows",
        &["refers to nothing"],
        &|| {
            database.pragma_update(None, "foreign_keys", false).unwrap();
            run("INSERT INTO environment_workflows VALUES ('nobody', 'x')");
        },
        &|| run("DELETE FROM environment_workflows WHERE environment_id = 'nobody'"),
    );

    let leftover = own.join("packed-refs.lock");
    let long_ago = SystemTime::now() - std::time::Duration::from_secs(3 * 24 * 3600);
    check(
        "leftover",
        &["files of dead processes", "packed-refs.lock"],
        &|| std::fs::File::create(&leftover).unwrap().set_modified(long_ago).unwrap(),
        &|| std::fs::remove_file(&leftover).unwrap(),
    );
    let configuration = hub.data().join("hub.toml");
    check("configuration", &["check-config"], &|| std::fs::write(&configuration, "[push").unwrap(), &|| {
        std::fs::write(&configuration, "").unwrap();
    });
    let (is_sound, _) = examine(&hub, &[]);
    assert!(is_sound);
    let output = hub.command().env("PATH", "/nonexistent").arg("doctor").output().unwrap();
    assert!(text(&output.stdout).contains("problem  the program `git` was not found on PATH; install git 2.31"));
}

#[test]
fn the_catalog_is_made_anew_while_people_push() {
    let hub = hub();
    let token = hub.token("ann", "push");
    let found = |sha256: &str| {
        hub.get(&token, &format!("/api/v1/models/sha256:{}", sha256.repeat(64))).json()["model"]["said_by"].clone()
    };
    let before = found("a");
    hub.database().execute_batch("DELETE FROM environment_models").unwrap();
    assert!(found("a").is_null());
    let said = hub.run(&["reindex"]);
    assert_eq!(said.lines().filter(|line| line.starts_with("indexed ")).count(), 2, "{said}");
    assert_eq!(found("a"), before);

    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _end = StopAtEnd(&stop);
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                hub.run(&["reindex", "studio/look"]);
            }
        });
        let work = Repository::at(hub.scratch("ann"));
        let url = hub.url(&token, "studio/look");
        for number in 0..12 {
            work.write(
                "pyproject.toml",
                manifest_with_model(MANIFEST, '1', 'c', 8, &format!("https://example.org/{number}")),
            );
            let tip = work.commit("more");
            work.git(&["push", "--quiet", &url, "main"]);
            // Acknowledged means indexed, whoever else indexes.
            let listed = hub.get(&token, "/api/v1/environments").json();
            let all = listed["environments"].as_array().unwrap();
            assert!(all.iter().any(|environment| environment["tip"] == tip), "{listed}");
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(!found("c").is_null());

    let look = repository(&hub, "look");
    std::fs::remove_dir_all(look.join("objects")).unwrap();
    let output = hub.try_run(&["reindex"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("problem: studio/look: ") && text(&output.stdout).contains("indexed ann/own")
    );
    assert!(!found("c").is_null(), "what cannot be read anew stays");
    assert!(text(&hub.try_run(&["reindex", "studio/none"]).stderr).contains("studio/none does not exist"));
}
