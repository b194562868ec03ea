//! Many clients at once.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::support::{Hub, PATIENCE, Repository, text, wait_for};

/// An environment with a history: some hundred objects.
fn portraits(hub: &Hub) -> Repository {
    let ann = hub.repository("ann");
    for version in 0..60 {
        for workflow in 0..4 {
            let name = format!("workflows/shot-{}.json", (version + workflow) % 20);
            let nodes =
                (0..40).map(|id| format!(r#"{{"id":{id},"type":"KSampler","pos":[{},{version}]}}"#, id * workflow));
            ann.write(&name, format!(r#"{{"nodes":[{}],"links":[]}}"#, nodes.collect::<Vec<_>>().join(",")));
        }
        ann.commit(&format!("version {version}"));
    }
    ann
}

/// Clones `count` times at once and tells how long each took.
fn clone_at_once(hub: &Hub, ann: &Repository, url: &str, count: usize) -> Vec<Duration> {
    std::thread::scope(|scope| {
        let clone = |number: usize| {
            let target = hub.scratch(&format!("clone-{count}-{number}"));
            let started = Instant::now();
            let cloned = ann.try_git(&["clone", "--quiet", "--bare", url, target.to_str().unwrap()]);
            let took = started.elapsed();
            assert!(cloned.status.success(), "{}", text(&cloned.stderr));
            let checked = ann.try_git(&["-C", target.to_str().unwrap(), "fsck", "--full", "--strict"]);
            assert!(checked.status.success(), "{}", text(&checked.stderr));
            took
        };
        let threads: Vec<_> = (0..count).map(|number| scope.spawn(move || clone(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn clones_in_any_number_are_served_evenly_while_pushes_run() {
    let hub = Hub::with_team();
    let token = hub.token("ann", "push");
    let url = hub.url(&token, "studio/portraits");
    let ann = portraits(&hub);
    ann.git(&["push", "--quiet", &url, "main"]);
    let (stop, pushes) = (AtomicBool::new(false), std::sync::atomic::AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for writer in 0..2 {
            let (hub, stop, pushes) = (&hub, &stop, &pushes);
            let url = hub.url(&token, &format!("studio/busy-{writer}"));
            scope.spawn(move || {
                let busy = hub.repository(&format!("busy-{writer}"));
                while !stop.load(Ordering::Relaxed) {
                    busy.commit("more");
                    busy.git(&["push", "--quiet", &url, "main"]);
                    pushes.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for count in [16, 64] {
            let before = pushes.load(Ordering::Relaxed);
            let mut times = clone_at_once(&hub, &ann, &url, count);
            times.sort();
            let (median, slowest) = (times[count / 2], times[count - 1]);
            println!("{count} clones: median {median:?}, slowest {slowest:?}");
            assert!(slowest <= median * 3, "{count} clones: median {median:?}, slowest {slowest:?}");
            let during = wait_for("pushes to go on", || {
                Some(pushes.load(Ordering::Relaxed) - before).filter(|count| *count > 0)
            });
            println!("{during} pushes meanwhile");
        }
        stop.store(true, Ordering::Relaxed);
    });
    let memory = hub.peak_memory();
    println!("the hub itself had {memory} kB at most");
    assert!(memory < 100_000, "{memory} kB");
    hub.wait_until_quiet();
    hub.check_repositories();
}

/// Opens `count` connections, then asks on all of them, then reads all answers; the statuses.
fn ask_at_once(hub: &Hub, token: &str, count: usize) -> Vec<String> {
    let request = format!(
        "GET /studio/portraits/info/refs?service=git-upload-pack HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Authorization: Bearer {token}\r\n\r\n"
    );
    let mut streams: Vec<_> = (0..count).map(|_| TcpStream::connect(&hub.address).unwrap()).collect();
    for stream in &mut streams {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
    }
    let read = |mut stream: TcpStream| {
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = text(&answer);
        let status = answer.get(9..12).unwrap_or_else(|| panic!("lost without a word: {answer:?}")).to_owned();
        assert_eq!(status == "503", answer.to_ascii_lowercase().contains("\r\nretry-after: "), "{answer}");
        status
    };
    streams.into_iter().map(read).collect()
}

#[test]
fn of_a_thousand_connections_none_is_lost_without_a_word_and_nothing_leaks() {
    raise_own_limit();
    // How many are served rather than told to come back depends on how busy the machine is.
    for (configuration, least) in [("", 500), ("[connections]\nat_once = 200", 100)] {
        let hub = Hub::start_with("hub", configuration);
        hub.make_team();
        let token = hub.token("ann", "push");
        hub.repository("ann").git(&["push", "--quiet", &hub.url(&token, "studio/portraits"), "main"]);
        hub.wait_until_quiet();
        wait_for("connections to close", || (hub.open_files() < 64).then_some(()));
        let before = hub.open_files();
        for _ in 0..2 {
            let answers = ask_at_once(&hub, &token, 1000);
            let served = answers.iter().filter(|status| *status == "200").count();
            let refused = answers.iter().filter(|status| *status == "503").count();
            println!("{served} served, {refused} told to come back");
            assert_eq!(served + refused, 1000);
            assert!(served >= least, "{served}");
        }
        hub.wait_until_quiet();
        wait_for("files to be closed", || (hub.open_files() <= before + 4).then_some(()));
        let memory = hub.peak_memory();
        assert!(memory < 100_000, "{memory} kB");
    }
}

/// A thousand connections need as many files on this side.
fn raise_own_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, rustix::process::Rlimit { current: limit.maximum, ..limit }).unwrap();
}
