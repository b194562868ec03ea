//! What the hub does by itself: packing, tidying, once and without disturbing anybody.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use crate::support::{Hub, Repository, StopAtEnd, noise, text, wait_for};

fn packs(repository: &Path) -> usize {
    let entries = std::fs::read_dir(repository.join("objects/pack")).into_iter().flatten();
    entries.filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|kind| kind == "idx")).count()
}

fn count(hub: &Hub, sql: &str) -> i64 {
    hub.database().query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Pushes this many commits, each of which becomes a pack.
fn push(hub: &Hub, work: &Repository, url: &str, commits: u32) {
    for _ in 0..commits {
        work.write("notes/number.txt", format!("{:?}", SystemTime::now()));
        work.commit("more");
        work.git(&["push", "--quiet", url, "main"]);
    }
    assert!(!hub.bare_repositories().is_empty());
}

fn only_repository(hub: &Hub) -> PathBuf {
    let mut all = hub.bare_repositories();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[test]
fn repositories_are_packed_while_people_clone_and_push() {
    let mut hub = Hub::start_with("hub", "[maintenance]\nevery = \"10ms\"\npacks = 2\n");
    hub.make_team();
    let token = hub.token("ann", "push");
    let url = hub.url(&token, "studio/look");
    let ann = hub.repository("ann");
    ann.write("notes/noise.txt", noise(3_000_000));
    ann.commit("something to clone");
    push(&hub, &ann, &url, 1);
    let (stop, cloned) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let _end = StopAtEnd(&stop);
        for reader in 0..2 {
            let (hub, url, stop, cloned) = (&hub, &url, &stop, &cloned);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let number = cloned.fetch_add(1, Ordering::Relaxed);
                    let clone = hub.scratch(&format!("clone-{reader}-{number}"));
                    let output = std::process::Command::new("git")
                        .args(["clone", "--quiet", "--bare", url.as_str()])
                        .arg(&clone)
                        .env("GIT_CONFIG_GLOBAL", "/dev/null")
                        .output()
                        .unwrap();
                    assert!(output.status.success(), "a clone failed: {}", text(&output.stderr));
                    std::fs::remove_dir_all(clone).unwrap();
                }
            });
        }
        push(&hub, &ann, &url, 25);
        wait_for("clones beside the packing", || (cloned.load(Ordering::Relaxed) >= 6).then_some(()));
        stop.store(true, Ordering::Relaxed);
    });
    let repository = only_repository(&hub);
    wait_for("the last packing", || {
        (packs(&repository) <= 2 && count(&hub, "SELECT count(*) FROM jobs") == 1).then_some(())
    });
    let log = hub.stop();
    assert!(log.matches("repacked").count() >= 3, "{log}");
    assert!(!log.contains("\"ERROR\"") && !log.contains("\"WARN\""), "{log}");
    let fsck = std::process::Command::new("git")
        .args(["-c", "safe.directory=*", "-C", repository.to_str().unwrap(), "fsck", "--full", "--strict"])
        .output()
        .unwrap();
    assert!(fsck.status.success(), "{}", text(&fsck.stderr));
    hub.begin();
    let url = hub.url(&token, "studio/look");
    assert_eq!(ann.git(&["ls-remote", &url, "refs/heads/main"]).split('\t').next().unwrap(), ann.tip());
    let clone = hub.scratch("last");
    ann.git(&["clone", "--quiet", &url, clone.to_str().unwrap()]);
    assert_eq!(Repository::at(clone).git(&["rev-list", "--count", "HEAD"]), "28");
}

#[test]
fn while_another_process_has_the_lease_nothing_is_packed() {
    let hub = Hub::start_with("hub", "[maintenance]\nevery = \"10ms\"\npacks = 2\n");
    hub.make_team();
    wait_for("the first sweep", || (count(&hub, "SELECT count(*) FROM leases") == 0).then_some(()));
    let other = "INSERT INTO leases (name, holder, ends_at) VALUES ('upkeep', 'another', unixepoch() + 1000)";
    wait_for("the lease", || hub.database().execute(other, []).ok());
    let ann = hub.repository("ann");
    push(&hub, &ann, &hub.url(&hub.token("ann", "push"), "studio/look"), 8);
    let repository = only_repository(&hub);
    assert_eq!(packs(&repository), 8);
    assert_eq!(count(&hub, "SELECT count(*) FROM jobs WHERE kind = 'repack'"), 1);
    // The other process died: its lease ends by itself.
    hub.database().execute("UPDATE leases SET ends_at = unixepoch() WHERE holder = 'another'", []).unwrap();
    wait_for("the packing", || (packs(&repository) == 1).then_some(()));
    wait_for("the lease to be given back", || (count(&hub, "SELECT count(*) FROM leases") == 0).then_some(()));
}

#[test]
fn what_dead_processes_left_is_removed_and_what_is_in_use_stays() {
    let hub = Hub::start_with("hub", "[maintenance]\nevery = \"10ms\"\n");
    hub.make_team();
    let ann = hub.repository("ann");
    push(&hub, &ann, &hub.url(&hub.token("ann", "push"), "studio/look"), 1);
    let repository = only_repository(&hub);
    let make = |name: &str, age: Duration| {
        let path = repository.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "receive-pack 17 on here").unwrap();
        let top = if name.contains("incoming") { path.parent().unwrap() } else { &path };
        std::fs::File::open(top).unwrap().set_modified(SystemTime::now() - age).unwrap();
        path
    };
    let (days, hours) = (Duration::from_secs(3 * 24 * 3600), Duration::from_secs(3 * 3600));
    let old = ["objects/incoming-old/x", "objects/pack/tmp_pack_old", "packed-refs.lock", "objects/pack/pack-1.keep"]
        .map(|name| make(name, days));
    let young = ["objects/incoming-young/x", "objects/pack/tmp_pack_young", "HEAD.lock"].map(|name| make(name, hours));
    let database = hub.database();
    let session = "INSERT INTO sessions (hash, token_id, csrf, expires_at) SELECT ?, min(id), '', ? FROM tokens";
    database.execute(session, (b"over", 1000)).unwrap();
    database.execute(session, (b"good", 9_999_999_999_i64)).unwrap();
    database.execute("UPDATE jobs SET due_at = 0", []).unwrap();
    wait_for("the sweep", || (count(&hub, "SELECT due_at FROM jobs WHERE kind = 'sweep'") > 0).then_some(()));
    let there = |paths: &[PathBuf]| paths.iter().filter(|path| path.exists()).cloned().collect::<Vec<_>>();
    assert_eq!(there(&old), Vec::<PathBuf>::new());
    assert_eq!(there(&young), young);
    assert_eq!(count(&hub, "SELECT count(*) FROM sessions"), 1);
}

/// A folder whose `git` does this when it shall pack, and is the real one otherwise.
fn git_that_packs_by(hub: &Hub, command: &str) -> String {
    let folder = hub.scratch("bin");
    std::fs::create_dir_all(&folder).unwrap();
    let script = format!(
        "#!/bin/sh\nfor word; do [ \"$word\" = repack ] && {{ {command}; }}; done\n\
         PATH=${{PATH#*:}} exec git \"$@\"\n"
    );
    std::fs::write(folder.join("git"), script).unwrap();
    std::fs::set_permissions(folder.join("git"), std::fs::Permissions::from_mode(0o755)).unwrap();
    format!("{}:{}", folder.display(), std::env::var("PATH").unwrap())
}

#[test]
fn a_hub_that_stops_ends_the_packing_and_does_it_next_time() {
    let mut hub = Hub::start_with("hub", "[maintenance]\nevery = \"10ms\"\npacks = 1\n");
    hub.make_team();
    hub.stop();
    let mark = hub.scratch("packing");
    let path = git_that_packs_by(&hub, &format!("echo $$ > {}; sleep 1000 & wait", mark.display()));
    hub.begin_with_path(&path);
    let token = hub.token("ann", "push");
    let ann = hub.repository("ann");
    push(&hub, &ann, &hub.url(&token, "studio/look"), 3);
    let group = wait_for("the packing", || {
        std::fs::read_to_string(&mark).ok().and_then(|text| text.trim().parse::<i32>().ok())
    });
    hub.stop();
    let group = rustix::process::Pid::from_raw(group).unwrap();
    wait_for("the group to end", || rustix::process::test_kill_process_group(group).is_err().then_some(()));
    assert_eq!(count(&hub, "SELECT count(*) FROM jobs WHERE kind = 'repack' AND attempts = 0"), 1);
    assert_eq!(count(&hub, "SELECT count(*) FROM leases"), 0);
    hub.begin();
    let repository = only_repository(&hub);
    wait_for("the packing", || (packs(&repository) == 1).then_some(()));
}

#[test]
fn a_packing_that_fails_is_tried_again_later_and_disturbs_nobody() {
    let mut hub = Hub::start_with("hub", "[maintenance]\nevery = \"10ms\"\npacks = 1\n");
    hub.make_team();
    hub.stop();
    let path = git_that_packs_by(&hub, "echo no room for it >&2; exit 9");
    hub.begin_with_path(&path);
    let token = hub.token("ann", "push");
    let ann = hub.repository("ann");
    push(&hub, &ann, &hub.url(&token, "studio/look"), 3);
    wait_for("the failure", || (count(&hub, "SELECT count(*) FROM jobs WHERE attempts = 1") == 1).then_some(()));
    let (error, later): (String, bool) = hub
        .database()
        .query_row("SELECT last_error, due_at > unixepoch() + 30 FROM jobs WHERE kind = 'repack'", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    assert!(error.contains("no room for it") && later, "{error}");
    push(&hub, &ann, &hub.url(&token, "studio/look"), 1);
    assert!(hub.stop().contains("maintenance failed"));
}

#[test]
fn the_packing_of_a_hub_that_was_killed_ends_with_the_next_start() {
    let mut hub = Hub::start_with("hub", "[maintenance]\nevery = \"10ms\"\npacks = 1\n");
    hub.make_team();
    hub.stop();
    let mark = hub.scratch("packing");
    let path = git_that_packs_by(&hub, &format!("echo $$ > {}; sleep 1000 & wait", mark.display()));
    hub.begin_with_path(&path);
    let ann = hub.repository("ann");
    push(&hub, &ann, &hub.url(&hub.token("ann", "push"), "studio/look"), 3);
    let group = wait_for("the packing", || {
        std::fs::read_to_string(&mark).ok().and_then(|text| text.trim().parse::<i32>().ok())
    });
    let group = rustix::process::Pid::from_raw(group).unwrap();
    hub.kill();
    assert!(rustix::process::test_kill_process_group(group).is_ok(), "it was to outlive the hub");
    hub.begin();
    wait_for("the group to end", || rustix::process::test_kill_process_group(group).is_err().then_some(()));
}
