//! Clients that vanish in the middle, and a hub that is killed in the middle.

use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::support::{Hub, MANIFEST, Random, Repository, Way, Wire, manifest_with_model, noise, text, wait_for};

/// How often each is done.
const RUNS: u32 = 50;
/// Within this a vanished client leaves nothing behind.
const SOON: Duration = Duration::from_secs(2);

/// A git client of its own process, through a wire.
fn start(client: &Repository, arguments: &[&str]) -> Child {
    client.command().args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// An environment of half a megabyte that grows with every push.
fn grow(client: &Repository, run: u32) {
    let bytes: Vec<u8> = noise(60_000).into_iter().map(|byte| byte ^ (run * 7 % 251) as u8).collect();
    client.write(&format!("notes/{run}.dat"), bytes);
    client.commit(&format!("run {run}"));
}

fn assert_nothing_left(hub: &Hub, what: &str) {
    let gone = Instant::now();
    hub.wait_until_quiet();
    assert!(gone.elapsed() < SOON, "{what}: gits stayed for {:?}", gone.elapsed());
    // The last push under way clears up once its git has ended.
    wait_for("nothing to be left", || hub.leftovers().is_empty().then_some(()));
}

#[test]
fn clients_that_vanish_anywhere_leave_nothing() {
    let hub = Hub::with_team();
    let token = hub.token("ann", "push");
    let ann = hub.repository("ann");
    grow(&ann, 0);
    ann.git(&["push", "--quiet", &hub.url(&token, "studio/portraits"), "main"]);
    let mut random = Random::new();
    // What whole runs sent and received at least, to know where to cut.
    let (mut pulled, mut pushed) = ([u64::MAX; 2], [u64::MAX; 2]);
    let (mut cut, mut whole) = (0, 0);
    for run in 0..RUNS + 2 {
        let is_push = run % 2 == 1;
        let (way, usual) = match random.below(2) {
            0 => (Way::ToHub, if is_push { pushed[0] } else { pulled[0] }),
            _ => (Way::ToClient, if is_push { pushed[1] } else { pulled[1] }),
        };
        // The first of each kind runs through.
        let after = if run < 2 { u64::MAX } else { random.below(usual / 5 * 4) };
        let wire = Wire::new(&hub.address, way, after, || true);
        let url = format!("http://x:{token}@{}/studio/portraits", wire.address);
        let target = hub.scratch(&format!("clone-{run}"));
        let mut client = if is_push {
            grow(&ann, run);
            start(&ann, &["push", "--quiet", &url, "main"])
        } else {
            start(&ann, &["clone", "--quiet", "--bare", &url, target.to_str().unwrap()])
        };
        let ended_well = client.wait().unwrap().success();
        assert_nothing_left(&hub, &format!("run {run}, {way:?} cut after {after}"));
        match ended_well {
            true => whole += 1,
            false => cut += 1,
        }
        let counts = [wire.count(Way::ToHub), wire.count(Way::ToClient)];
        if ended_well {
            let least = if is_push { &mut pushed } else { &mut pulled };
            *least = [0, 1].map(|way| least[way].min(counts[way]));
        }
    }
    println!("{cut} clients were cut off, {whole} came to their end");
    assert!(cut > RUNS * 4 / 5, "{cut}");
    hub.check_repositories();
    let url = hub.url(&token, "studio/portraits");
    ann.git(&["push", "--quiet", &url, "main"]);
    assert!(ann.git(&["ls-remote", &url, "refs/heads/main"]).starts_with(&ann.tip()));
}

/// What the hub says about one environment: where main is, and whether the catalog finds its model.
#[derive(Debug, PartialEq, Eq)]
struct State {
    main: String,
    model: bool,
    audited: bool,
}

fn state(hub: &Hub, token: &str, ann: &Repository, tip: &str, sha256: &str) -> State {
    let url = hub.url(token, "studio/portraits");
    let main = ann.git(&["ls-remote", &url, "refs/heads/main"]);
    let found = hub.get(token, &format!("/api/v1/models/sha256:{sha256}")).status == 200;
    let sql = "SELECT count(*) FROM audit WHERE action = 'push' AND detail LIKE '%' || ?";
    let audited: u64 = hub.database().query_row(sql, [tip], |row| row.get(0)).unwrap();
    State { main: main.split('\t').next().unwrap_or_default().to_owned(), model: found, audited: audited > 0 }
}

#[test]
fn a_push_is_there_when_its_client_was_told_so_and_wholly_absent_otherwise() {
    let mut hub = Hub::with_team();
    let token = hub.token("ann", "push");
    let ann = hub.repository("ann");
    grow(&ann, 0);
    ann.git(&["push", "--quiet", &hub.url(&token, "studio/portraits"), "main"]);
    let mut random = Random::new();
    let (mut there, mut absent, mut unheard) = (0, 0, 0);
    let mut usual = [0; 2];
    let mut took = Duration::ZERO;
    for run in 1..=RUNS + 1 {
        let old = hub_main(&hub, &token, &ann);
        grow(&ann, run);
        // One model a push, by which look-ups tell whether the push is in the catalog.
        let sha256 = format!("{:064x}", u64::from(run) << 8 | 0xa);
        let manifest = manifest_with_model(MANIFEST, 'b', 'c', 1000 + u64::from(run), "https://example.org/a");
        ann.write("pyproject.toml", manifest.replace(&"c".repeat(64), &sha256));
        let tip = ann.commit("a model");
        // By bytes for most; late in the push, where nothing goes over the wire, by time.
        let (way, after, wait) = match random.below(4) {
            _ if run == 1 => (Way::ToHub, u64::MAX, 0),
            0 => (Way::ToHub, random.below(usual[0]), 0),
            1 => (Way::ToClient, random.below(usual[1]), 0),
            _ => (Way::ToHub, usual[0] - usual[0] / 20, random.below(took.as_millis() as u64)),
        };
        let hub_process = Mutex::new(Some(hub.pid()));
        let wire = Wire::new(&hub.address, way, after, move || {
            if let Some(pid) = hub_process.lock().unwrap().take() {
                std::thread::spawn(move || {
                    std::thread::park_timeout(Duration::from_millis(wait));
                    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
                    let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
                });
            }
            false
        });
        let url = format!("http://x:{token}@{}/studio/portraits", wire.address);
        let started = Instant::now();
        let succeeded = start(&ann, &["push", "--quiet", &url, "main"]).wait().unwrap().success();
        if run == 1 {
            assert!(succeeded);
            usual = [wire.count(Way::ToHub), wire.count(Way::ToClient)];
            took = started.elapsed();
        }
        hub.kill();
        hub.begin();
        hub.wait_until_quiet();
        let found = state(&hub, &token, &ann, &tip, &sha256);
        let what = format!("run {run}, {way:?} after {after} and {wait} ms, client's success {succeeded}: {found:?}");
        let whole = State { main: tip.clone(), model: true, audited: true };
        let nothing = State { main: old, model: false, audited: false };
        match succeeded {
            true if found == whole => there += 1,
            true => panic!("{what}"),
            false if found == nothing => absent += 1,
            // Killed between the end of the transaction and the last byte to the client.
            false if found == whole => unheard += 1,
            false => panic!("{what}"),
        }
        assert_eq!(hub.leftovers(), Vec::<String>::new(), "{what}");
        ann.git(&["reset", "--quiet", "--hard", &hub_main(&hub, &token, &ann)]);
    }
    let sql = "SELECT count(*) FROM audit WHERE action = 'push.undone'";
    let undone: u64 = hub.database().query_row(sql, [], |row| row.get(0)).unwrap();
    println!(
        "{there} pushes were told and are there, {absent} were not and are absent ({undone} of these had been \
         accepted and were taken back), {unheard} landed unheard"
    );
    assert!(absent > RUNS / 4 && there > 1, "{there} {absent}");
    hub.check_repositories();
    let left: u64 = hub.database().query_row("SELECT count(*) FROM pushes_under_way", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
}

fn hub_main(hub: &Hub, token: &str, ann: &Repository) -> String {
    let listed = ann.git(&["ls-remote", &hub.url(token, "studio/portraits"), "refs/heads/main"]);
    let (tip, _) = listed.split_once('\t').unwrap_or_else(|| panic!("{}", text(listed.as_bytes())));
    tip.to_owned()
}
