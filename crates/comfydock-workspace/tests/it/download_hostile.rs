//! Getting a model's bytes from servers that stand still, limit, expire or dislike ranges.

use std::time::{Duration, Instant};

use comfydock_core::observation::Verdict;
use comfydock_core::source::Source;
use comfydock_workspace::models::download::Failure;
use comfydock_workspace::remote::guard::Consent;

use crate::download::{Errand, quick};
use crate::model_server::{Fault, ModelServer};

fn here() -> Consent {
    Consent::to(["127.0.0.1".to_owned()])
}

#[test]
fn a_connection_that_stands_still_is_made_anew() {
    let errand = Errand::new();
    errand.server.fail_once("x", Fault::HoldAfter(160_000));
    errand.arrives();
    let ranges = errand.ranges("x");
    assert_eq!((ranges.len(), ranges[0].as_str()), (2, "-"));
    let begun: u64 = ranges[1].strip_prefix("bytes=").unwrap().strip_suffix('-').unwrap().parse().unwrap();
    assert!((1..=163_840).contains(&begun), "what came before the silence is kept: {begun}");
}

#[test]
fn a_silence_is_told_as_one() {
    let mut errand = Errand::new();
    errand.only("x");
    errand.server.fail("x", Fault::HoldAfter(0));
    let reason = errand.go().unwrap_err().reason();
    assert!(reason.contains("nothing came for"), "{reason}");
}

#[test]
fn a_trickle_is_no_progress_and_leads_to_the_next_source() {
    let errand = Errand::new();
    errand.server.fail("x", Fault::Trickle(20));
    let outcome = errand.with(&here(), |engine| engine.pace.progress = 64 * 1024);
    assert!(outcome.arrived.is_ok());
    assert_eq!(errand.ranges("x").len(), 4, "as often as is enough");
    let [last] = &errand.ranges("y")[..] else { panic!("the next source is asked once") };
    assert_ne!(last, "-", "and goes on with what trickled in");
    let verdicts: Vec<Verdict> = outcome.observations.iter().map(|observation| observation.verdict).collect();
    assert_eq!(verdicts, [Verdict::Reachable, Verdict::Reachable], "no source gave all of it");
}

#[test]
fn a_slow_server_is_not_a_standing_one() {
    let errand = Errand::new();
    // About 800 kB a second, and the least is 100 kB: as slow as a test can wait for.
    errand.server.fail("x", Fault::Trickle(8 * 1024));
    errand.arrives();
    assert_eq!(errand.ranges("x"), ["-"]);
}

#[test]
fn what_is_worth_another_try_and_what_is_not() {
    let json = "Content-Type: application/json";
    for (head, body, tries, verdict, words) in [
        ("401 Unauthorized", "", 1, Some(Verdict::AuthRequired), "wants a login"),
        (
            "403 Forbidden",
            r#"{"error":"Early Access","message":"it costs"}"#,
            1,
            Some(Verdict::AuthRequired),
            "it costs",
        ),
        ("404 Not Found", "", 2, Some(Verdict::Gone), "404"),
        ("410 Gone", r#"{"error":"archived"}"#, 1, Some(Verdict::Gone), "archived"),
        ("451 No", r#"{"code":"REGION_BLOCKED"}"#, 1, Some(Verdict::RegionBlocked), "region"),
        ("400 Bad Request", "", 1, None, "refuses"),
        ("500 No", "", 4, None, "500"),
        ("503 No", "", 4, None, "503"),
        ("429 No", "", 4, None, "429"),
        ("429 No\nRetry-After: 3600", "", 1, None, "come back in 3600 s"),
        ("200 OK", r#"{"error":"gated"}"#, 1, None, "error message"),
    ] {
        let errand = Errand::new();
        errand.server.fail("x", Fault::Say(format!("{head}\n{json}"), body.into()));
        let outcome = errand.outcome();
        assert!(outcome.arrived.is_ok(), "{head}: the next source has it");
        assert_eq!(errand.ranges("x").len(), tries, "{head}");
        let (last, before) = outcome.observations.split_last().unwrap();
        assert_eq!(
            before.first().map(|first| first.verdict),
            verdict,
            "{head}: a server that only failed told nothing"
        );
        assert!(before.iter().all(|first| first.http_status == head[..3].parse().ok()), "{head}");
        assert_eq!((last.verdict, &last.sha256), (Verdict::BytesVerified, &errand.wanted.sha256));

        let mut errand = Errand::new();
        errand.only("x");
        errand.server.fail("x", Fault::Say(format!("{head}\n{json}"), body.into()));
        let reason = errand.go().unwrap_err().reason();
        assert!(reason.contains(words), "{head}: {reason}");
    }
}

#[test]
fn a_server_that_asks_for_time_gets_it() {
    for header in ["Retry-After: 1", "RateLimit: \"api\";r=0;t=0", "RateLimit: \"a\";r=5;t=0\nRetry-After: 1"] {
        let errand = Errand::new();
        errand.server.fail_once("x", Fault::Say(format!("429 Too Many Requests\n{header}"), Vec::new()));
        let began = Instant::now();
        errand.arrives();
        assert!(began.elapsed() >= Duration::from_secs(1), "{header}: it came back at once");
        assert_eq!((errand.ranges("x").len(), errand.ranges("y").len()), (2, 0));
    }
}

#[test]
fn an_expired_address_is_asked_for_anew_and_the_bytes_are_kept() {
    let errand = Errand::new();
    let storage = ModelServer::start();
    for (number, fault) in [Fault::CutAfter(200_000), Fault::CutAfter(0)].into_iter().enumerate() {
        let path = format!("s?Signature={number}");
        storage.put(&path, errand.bytes.clone());
        storage.fail_once(&path, fault);
        storage.fail(&path, Fault::Status(403));
        errand.server.fail_once("x", Fault::Redirect(storage.url(&path)));
    }
    // The second address breaks before its first byte and is expired when it is asked again.
    errand.server.fail_once("x", Fault::Redirect(storage.url("s?Signature=1")));
    storage.put("s?Signature=2", errand.bytes.clone());
    errand.server.fail("x", Fault::Redirect(storage.url("s?Signature=2")));
    errand.arrives();
    let range = |path: &str| storage.requests(path)[0].headers.get("range").cloned();
    assert_eq!(range("s?Signature=0"), None);
    assert_eq!(range("s?Signature=2").as_deref(), Some("bytes=200000-"));
    assert!(errand.ranges("y").is_empty());
}

#[test]
fn a_storage_that_never_lets_us_in_is_given_up() {
    let errand = Errand::new();
    let storage = ModelServer::start();
    storage.fail("s", Fault::Status(403));
    errand.server.fail("x", Fault::Redirect(storage.url("s")));
    errand.arrives();
    assert_eq!(storage.requests("s").len(), 3);
}

#[test]
fn a_server_that_dislikes_ranges_is_compared_with_what_is_there() {
    let mut errand = Errand::new();
    errand.only("x");
    errand.begun(&errand.bytes[..300_000]);
    errand.server.fail_once("x", Fault::Status(416));
    errand.arrives();
    assert_eq!(errand.ranges("x"), ["bytes=300000-", "-"]);
    assert_eq!(*errand.listener.bytes.lock().unwrap(), 100_000, "only what was not there is new");
}

#[test]
fn a_break_while_comparing_loses_nothing() {
    let mut errand = Errand::new();
    errand.only("x");
    errand.begun(&errand.bytes[..300_000]);
    errand.server.fail("x", Fault::Say("410 Gone".to_owned(), Vec::new()));
    let short = errand.bytes[..200_000].to_vec();
    let head = "200 OK\nContent-Type: application/octet-stream".to_owned();
    errand.server.fail_once("x", Fault::Say(head, short));
    assert!(errand.go().is_err());
    assert_eq!(std::fs::read(errand.part()).unwrap(), errand.bytes[..300_000]);
    errand.server.mend("x");
    errand.arrives();
}

#[test]
fn redirects_that_lead_astray() {
    let errand = Errand::new();
    let other = ModelServer::start();
    errand.server.fail("x", Fault::Redirect(other.url("a")));
    other.fail("a", Fault::Redirect(errand.server.url("x")));
    errand.arrives();
    assert_eq!((errand.ranges("x").len(), other.log().len()), (1, 1), "a circle of two is seen at once");

    let errand = Errand::new();
    for number in 0..9 {
        let path = if number == 0 { "x".to_owned() } else { format!("hop{number}") };
        errand.server.fail(&path, Fault::Redirect(format!("/hop{}", number + 1)));
    }
    errand.arrives();
    assert_eq!(errand.server.log().len(), 7, "x, five hops, and the next source");

    for (to, words) in [("ftp://x.example/y", "nowhere"), ("file:///etc/passwd", "nowhere"), ("//", "nowhere")] {
        let mut errand = Errand::new();
        errand.only("x");
        errand.server.fail("x", Fault::Redirect(to.to_owned()));
        let reason = errand.go().unwrap_err().reason();
        assert!(reason.contains(words), "{to}: {reason}");
    }
}

#[test]
fn pickles_want_consent_by_name_and_by_content() {
    let mut errand = Errand::new();
    errand.wanted.target = errand.wanted.target.with_file_name("x.ckpt");
    assert!(matches!(errand.go(), Err(Failure::Pickle)));
    assert!(errand.server.log().is_empty(), "nobody is asked for what is not taken");
    assert!(errand.go().unwrap_err().reason().contains("--allow-pickle"));
    assert!(errand.with(&here(), |engine| engine.pickle = true).arrived.is_ok());

    for start in [&b"PK\x03\x04"[..], b"\x80\x02}q\x00"] {
        let mut errand = Errand::new();
        let mut bytes = start.to_vec();
        bytes.resize(50_000, 7);
        errand.server.put("x", bytes.clone());
        errand.only("x");
        errand.wanted.size = Some(50_000);
        errand.wanted.sha256 = Some(comfydock_store::hash::of_bytes(&bytes).sha256);
        assert!(matches!(errand.go(), Err(Failure::Pickle)), "its name says nothing of it");
        assert!(errand.wanted.target.symlink_metadata().is_err());
        // What an earlier run was allowed to begin is looked at as well.
        errand.begun(&bytes[..20_000]);
        assert!(matches!(errand.go(), Err(Failure::Pickle)));
        assert!(errand.with(&here(), |engine| engine.pickle = true).arrived.is_ok());
    }
}

#[test]
fn offline_nobody_is_asked_and_a_share_is_read() {
    let errand = Errand::new();
    let outcome = errand.with(&here(), |engine| engine.offline = true);
    assert!(outcome.arrived.unwrap_err().reason().contains("--offline"));
    assert!(errand.server.log().is_empty());

    let folder = tempfile::tempdir().unwrap();
    let share = folder.path().join("loras");
    std::fs::create_dir(&share).unwrap();
    std::fs::write(share.join("x.safetensors"), &errand.bytes).unwrap();
    let mut errand = Errand::new();
    let endpoints = comfydock_workspace::remote::endpoint::Endpoints {
        shares: [("nas".to_owned(), folder.path().to_owned())].into(),
        ..Default::default()
    };
    let addresses = comfydock_workspace::remote::address::Addresses::new(endpoints, None);
    errand.wanted.sources = vec![Source::parse("share:nas/loras/x.safetensors").unwrap()];
    errand.begun(&errand.bytes[..123_456]);
    let consent = here();
    let engine = comfydock_workspace::models::download::Engine {
        consent: &consent,
        addresses: &addresses,
        kind: comfydock_workspace::models::download::Kind::Model,
        pace: quick(),
        pickle: false,
        alone: false,
        offline: true,
        reporter: &errand.listener,
    };
    assert!(engine.download(&errand.wanted).arrived.is_ok());
    assert!(std::fs::read(&errand.wanted.target).unwrap() == errand.bytes);

    // Another file there, of the same length: its bytes stay where they are.
    std::fs::remove_file(&errand.wanted.target).unwrap();
    std::fs::write(share.join("x.safetensors"), vec![1; errand.bytes.len()]).unwrap();
    let outcome = engine.download(&errand.wanted);
    assert!(outcome.arrived.unwrap_err().reason().contains("another file"));
    assert_eq!(outcome.observations[0].verdict, Verdict::Mismatch);
    assert!(errand.wanted.target.symlink_metadata().is_err());
}

#[test]
fn an_error_that_drips_is_not_read_to_its_end() {
    let mut errand = Errand::new();
    errand.only("x");
    let body = format!("{{\"message\":\"{}\"}}", "x".repeat(4000));
    errand.server.fail("x", Fault::Drip("403 Forbidden\nContent-Type: application/json".to_owned(), body.into()));
    let began = Instant::now();
    let reason = errand.go().unwrap_err().reason();
    assert!(reason.contains("HTTP status 403"), "{reason}");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}
