//! Getting a model's bytes: what arrives whole, at once or in pieces.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use comfydock_core::source::Source;
use comfydock_store::claim::Terms;
use comfydock_store::hash::Hasher;
use comfydock_workspace::models::download::{Arrived, Engine, Failure, Outcome, Pace, Wanted, part_path};
use comfydock_workspace::remote::address::Addresses;
use comfydock_workspace::remote::endpoint::Endpoints;
use comfydock_workspace::remote::guard::Consent;

use crate::model_server::{Fault, ModelServer};
use crate::support::{Listener, wait_for};

/// As patient as a test can be: pauses are short, and a server that says nothing is soon given up.
pub(crate) fn quick() -> Pace {
    let [one, ten] = [1, 10].map(Duration::from_millis);
    Pace {
        stall: Duration::from_millis(300),
        slowest: 100_000,
        progress: 1,
        tries: 4,
        shortest: one,
        longest: ten,
        claim: Terms { beat: Duration::from_millis(20), stale: Duration::from_millis(200), poll: one },
        ..Pace::default()
    }
}

/// A folder, a server, and a file that is wanted.
pub(crate) struct Errand {
    _folder: tempfile::TempDir,
    pub(crate) server: ModelServer,
    pub(crate) bytes: Vec<u8>,
    pub(crate) wanted: Wanted,
    pub(crate) listener: Listener,
}

impl Errand {
    /// Wants what the server has at `x`, and then at `y`.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = ModelServer::start();
        let bytes: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        server.put("x", bytes.clone());
        server.put("y", bytes.clone());
        let mut hasher = Hasher::default();
        hasher.update(&bytes);
        let wanted = Wanted {
            label: "x.safetensors".to_owned(),
            sha256: Some(hasher.finish().sha256),
            quick: None,
            size: Some(bytes.len() as u64),
            sources: ["x", "y"].map(|path| Source::parse(&server.url(path)).unwrap()).into(),
            target: folder.path().join("models/checkpoints/x.safetensors"),
        };
        Self { _folder: folder, server, bytes, wanted, listener: Listener::default() }
    }

    /// Everything in the target's folder that is not the file, by ending.
    pub(crate) fn leftovers(&self) -> Vec<String> {
        let name = self.wanted.target.file_name().unwrap();
        let folder = fs::read_dir(self.wanted.target.parent().unwrap()).into_iter().flatten().flatten();
        let names = folder.map(|entry| entry.file_name()).filter(|other| other != name);
        names.map(|name| name.to_string_lossy().rsplit_once('.').unwrap().1.to_owned()).collect()
    }

    pub(crate) fn only(&mut self, path: &str) {
        self.wanted.sources = vec![Source::parse(&self.server.url(path)).unwrap()];
    }

    pub(crate) fn part(&self) -> PathBuf {
        part_path(&self.wanted.target, self.wanted.sha256.as_ref().unwrap())
    }

    /// Leaves a part as an earlier run would have.
    pub(crate) fn begun(&self, bytes: &[u8]) {
        fs::create_dir_all(self.wanted.target.parent().unwrap()).unwrap();
        fs::write(self.part(), bytes).unwrap();
    }

    pub(crate) fn go(&self) -> Result<Arrived, Failure> {
        self.outcome().arrived
    }

    pub(crate) fn outcome(&self) -> Outcome {
        self.with(&Consent::to(["127.0.0.1".to_owned()]), |_| {})
    }

    /// Goes with another consent, or an engine that is set otherwise.
    pub(crate) fn with(&self, consent: &Consent, set: impl FnOnce(&mut Engine<'_>)) -> Outcome {
        self.run(consent, &Addresses::default(), set)
    }

    fn run(&self, consent: &Consent, addresses: &Addresses, set: impl FnOnce(&mut Engine<'_>)) -> Outcome {
        let mut engine = Engine {
            consent,
            addresses,
            kind: comfydock_workspace::models::download::Kind::Model,
            pace: quick(),
            pickle: false,
            alone: true,
            offline: false,
            reporter: &self.listener,
        };
        set(&mut engine);
        engine.download(&self.wanted)
    }

    /// Goes to sites that are at these addresses.
    pub(crate) fn at(&self, endpoints: Endpoints) -> Outcome {
        self.run(&Consent::to(["127.0.0.1".to_owned()]), &Addresses::new(endpoints, None), |_| {})
    }

    /// Goes as far as a byte near the middle, where the server waits; then `meanwhile` happens.
    pub(crate) fn held(&self, meanwhile: impl FnOnce()) -> Outcome {
        self.server.fail_once("x", Fault::HoldAfter(32_768));
        std::thread::scope(|scope| {
            let consent = Consent::to(["127.0.0.1".to_owned()]);
            let go = scope.spawn(move || self.with(&consent, |engine| engine.pace.stall = Duration::from_secs(30)));
            wait_for("the download", || {
                self.server.requests("x").first().is_some_and(|request| request.sent >= 32_768)
            });
            meanwhile();
            self.server.release();
            go.join().unwrap()
        })
    }

    /// That the file is there, whole, and nothing beside it.
    pub(crate) fn arrives(&self) {
        let digests = self.go().unwrap_or_else(|failure| panic!("{}", failure.reason())).digests;
        assert_eq!((Some(digests.sha256), Some(digests.size)), (self.wanted.sha256.clone(), self.wanted.size));
        assert!(fs::read(&self.wanted.target).unwrap() == self.bytes, "other bytes");
        assert_eq!(fs::read_dir(self.wanted.target.parent().unwrap()).unwrap().count(), 1, "the part is gone");
    }

    /// The `Range` of every request for a path, `-` for none.
    pub(crate) fn ranges(&self, path: &str) -> Vec<String> {
        let range = |headers: &std::collections::BTreeMap<String, String>| headers.get("range").cloned();
        self.server.requests(path).iter().map(|request| range(&request.headers).unwrap_or("-".to_owned())).collect()
    }
}

#[test]
fn a_file_arrives_with_its_name() {
    let errand = Errand::new();
    errand.arrives();
    let requests = errand.server.log();
    assert_eq!(requests.len(), 1, "the second source is not asked");
    let headers = &requests[0].headers;
    assert_eq!(headers["accept-encoding"], "identity");
    assert!(
        !headers.contains_key("authorization") && !headers.contains_key("cookie") && !headers.contains_key("referer")
    );
    assert_eq!(Some(*errand.listener.bytes.lock().unwrap()), errand.wanted.size);
}

#[test]
fn a_broken_connection_is_gone_on_with_not_begun_again() {
    let errand = Errand::new();
    errand.server.fail_once("x", Fault::CutAfter(150_000));
    errand.server.fail_once("x", Fault::CutAfter(50_000));
    errand.arrives();
    assert_eq!(errand.ranges("x"), ["-", "bytes=150000-", "bytes=200000-"]);
    let sent: usize = errand.server.requests("x").iter().map(|request| request.sent).sum();
    assert_eq!(sent, errand.bytes.len(), "no byte twice");
}

#[test]
fn an_earlier_runs_part_is_gone_on_with_from_any_source() {
    let mut errand = Errand::new();
    errand.begun(&errand.bytes[..300_000]);
    errand.wanted.sources.remove(0);
    errand.arrives();
    assert_eq!(errand.ranges("y"), ["bytes=300000-"]);

    let errand = Errand::new();
    errand.begun(&errand.bytes);
    errand.arrives();
    assert!(errand.server.log().is_empty(), "a complete part needs nobody");
}

#[test]
fn a_part_with_bytes_of_something_else_is_begun_again() {
    for length in [100, 400_000, 400_001, 999_999] {
        let errand = Errand::new();
        errand.begun(&vec![7; length]);
        errand.arrives();
        assert_eq!(errand.ranges("x").last().map(String::as_str), Some("-"), "{length}");
        assert!(errand.ranges("y").is_empty(), "the source is not at fault");
    }
}

#[test]
fn a_server_without_ranges_is_read_from_the_start() {
    let errand = Errand::new();
    errand.begun(&errand.bytes[..300_000]);
    errand.server.fail("x", Fault::NoRange);
    errand.arrives();
    assert_eq!(errand.ranges("x"), ["bytes=300000-"], "its 200 is taken as it is");
}

#[test]
fn a_redirect_is_followed_with_the_range() {
    let errand = Errand::new();
    errand.begun(&errand.bytes[..300_000]);
    errand.server.fail("x", Fault::Redirect("/y".to_owned()));
    errand.arrives();
    assert_eq!(errand.ranges("y"), ["bytes=300000-"]);
}

#[test]
fn an_overloaded_server_is_asked_again() {
    let errand = Errand::new();
    errand.server.fail_once("x", Fault::Status(503));
    errand.arrives();
    assert_eq!((errand.ranges("x").len(), errand.ranges("y").len()), (2, 0));
}

#[test]
fn what_is_there_already_is_not_fetched_and_never_replaced() {
    let errand = Errand::new();
    errand.begun(b"");
    fs::remove_file(errand.part()).unwrap();
    fs::write(&errand.wanted.target, &errand.bytes).unwrap();
    errand.arrives();
    fs::write(&errand.wanted.target, "mine").unwrap();
    let failure = errand.go().unwrap_err();
    assert!(matches!(&failure, Failure::Taken(path) if *path == errand.wanted.target), "{}", failure.reason());
    assert_eq!(fs::read(&errand.wanted.target).unwrap(), b"mine");
    assert!(errand.server.log().is_empty());
}

#[test]
fn a_link_that_leads_nowhere_is_left_as_it_is() {
    let errand = Errand::new();
    errand.begun(b"");
    let target = &errand.wanted.target;
    std::os::unix::fs::symlink("unmounted/x", target).unwrap();
    let reason = errand.go().unwrap_err().reason();
    assert!(reason.contains("mount the drive it leads to, or remove the link"), "{reason}");
    assert_eq!(fs::read_link(target).unwrap(), std::path::Path::new("unmounted/x"));
    assert!(errand.server.log().is_empty());
    // Its drive is back, with the very file.
    fs::create_dir(target.with_file_name("unmounted")).unwrap();
    fs::write(target.with_file_name("unmounted").join("x"), &errand.bytes).unwrap();
    assert!(errand.go().is_ok());
}
