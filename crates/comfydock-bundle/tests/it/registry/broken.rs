//! Connections that break, servers that are busy, and a registry that is killed.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use comfydock_bundle::registry::credentials::Credentials;
use comfydock_bundle::registry::{Error, Options, Registry};
use comfydock_core::hint::Hint as _;

use super::docker::{Access, Docker};
use super::proxy::{Deed, Head, Proxy};
use super::{described, hasty, name, noise, open, push, source};

const SIZE: usize = 6_000_000;

/// The first so many requests that fit meet with the deed, all others pass.
fn first(times: usize, fits: fn(&Head) -> bool, deed: fn() -> Deed) -> impl Fn(&Head) -> Deed + Send + Sync {
    let left = AtomicUsize::new(times);
    let take = move || left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
    move |head| if fits(head) && take() { deed() } else { Deed::Pass }
}

fn is_upload(head: &Head) -> bool {
    head.is("PUT", "/blobs/uploads/")
}

fn is_blob(head: &Head) -> bool {
    head.is("GET", "/blobs/sha256:")
}

#[test]
fn an_upload_that_breaks_off_is_taken_up_again_where_the_registry_kept_it() {
    let Some(docker) = Docker::start(&Access::Everybody) else { return };
    let proxy = Proxy::start(&docker.host(), first(1, is_upload, || Deed::KeepUpload(2_500_000)));
    let registry = open(&proxy.host());
    let bytes = noise(11, SIZE);
    let sent = registry.push_blob(&name("a"), &described("x", &bytes), &source(&bytes)).unwrap();
    let pieces: Vec<_> = proxy.seen().into_iter().filter(|head| head.method == "PATCH").collect();
    assert_eq!(pieces[0].header("content-range"), Some("2500000-5999999"), "it goes on where it ended");
    // What was under way when the connection broke went twice, and no more than that.
    assert!(sent < (SIZE + 4_000_000) as u64, "{sent}");
    assert_eq!(proxy.count("POST", "/blobs/uploads/"), 1);
    assert!(open(&docker.host()).has_blob(&name("a"), &super::digest(&bytes)).unwrap());
}

#[test]
fn an_upload_that_the_registry_gave_up_begins_again() {
    let Some(docker) = Docker::start(&Access::Everybody) else { return };
    // docker-registry 2.8 cannot go on in the middle of a request.
    let proxy = Proxy::start(&docker.host(), first(2, is_upload, || Deed::CutUpload(3_000_000)));
    let registry = open(&proxy.host());
    let bytes = noise(12, SIZE);
    registry.push_blob(&name("a"), &described("x", &bytes), &source(&bytes)).unwrap();
    assert!(open(&docker.host()).has_blob(&name("a"), &super::digest(&bytes)).unwrap());
    assert!(proxy.count("POST", "/blobs/uploads/") >= 2);
}

#[test]
fn a_piece_that_breaks_off_does_not_lose_those_before_it() {
    let Some(docker) = Docker::start(&Access::Everybody) else { return };
    let fits = |head: &Head| head.header("content-range").is_some_and(|range| range.starts_with("4000000-"));
    let proxy = Proxy::start(&docker.host(), first(1, fits, || Deed::KeepUpload(700_000)));
    let options = Options { piece: Some(2_000_000), ..hasty() };
    let registry = Registry::open(&proxy.host(), Credentials::nobody(), options).unwrap();
    let bytes = noise(13, SIZE);
    registry.push_blob(&name("a"), &described("x", &bytes), &source(&bytes)).unwrap();
    let seen = proxy.seen();
    let ranges: Vec<_> = seen.iter().filter_map(|head| head.header("content-range")).collect();
    assert_eq!(ranges, ["0-1999999", "2000000-3999999", "4000000-5999999", "4700000-5999999"]);
}

#[test]
fn an_upload_whose_answer_is_lost_is_not_sent_twice() {
    let Some(docker) = Docker::start(&Access::Everybody) else { return };
    let proxy = Proxy::start(&docker.host(), first(1, is_upload, || Deed::LoseAnswer));
    let bytes = noise(14, SIZE);
    let sent = open(&proxy.host()).push_blob(&name("a"), &described("x", &bytes), &source(&bytes)).unwrap();
    assert_eq!(sent, SIZE as u64);
}

#[test]
fn a_blob_too_large_for_one_request_goes_in_pieces_and_a_registry_without_pieces_gets_it_whole() {
    let Some(docker) = Docker::start(&Access::Everybody) else { return };
    let too_large = |head: &Head| {
        let length = head.header("content-length").and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        if length > 2_000_000 { Deed::Answer(413, vec![], vec![]) } else { Deed::Pass }
    };
    let proxy = Proxy::start(&docker.host(), too_large);
    let bytes = noise(15, SIZE);
    open(&proxy.host()).push_blob(&name("a"), &described("x", &bytes), &source(&bytes)).unwrap();
    assert!(open(&docker.host()).has_blob(&name("a"), &super::digest(&bytes)).unwrap());

    for status in [405, 416] {
        let proxy = Proxy::start(&docker.host(), move |head| {
            if head.method == "PATCH" { Deed::Answer(status, vec![], vec![]) } else { Deed::Pass }
        });
        let options = Options { piece: Some(1_000_000), ..hasty() };
        let registry = Registry::open(&proxy.host(), Credentials::nobody(), options).unwrap();
        let bytes = noise(16 + u64::from(status), 3_000_000);
        registry.push_blob(&name("a"), &described("x", &bytes), &source(&bytes)).unwrap();
        assert!(open(&docker.host()).has_blob(&name("a"), &super::digest(&bytes)).unwrap(), "{status}");
    }
}

#[test]
fn a_registry_that_is_killed_in_the_middle_of_a_push_and_started_again() {
    let Some(docker) = Docker::start(&Access::Everybody) else { return };
    let host = docker.host();
    let docker = Arc::new(Mutex::new(docker));
    // Killed as the third piece begins: what was acknowledged is there afterwards.
    let (kill, killed) = (docker.clone(), AtomicUsize::new(0));
    let proxy = Proxy::start(&host, move |head| {
        let third = head.header("content-range").is_some_and(|range| range.starts_with("4000000-"));
        if third && killed.fetch_add(1, Ordering::SeqCst) == 0 {
            kill.lock().unwrap().kill_and_start();
            return Deed::CutUpload(0);
        }
        Deed::Pass
    });
    let options = Options { piece: Some(2_000_000), ..hasty() };
    let registry = Registry::open(&proxy.host(), Credentials::nobody(), options).unwrap();
    let bytes = noise(21, SIZE);
    registry.push_blob(&name("a"), &described("x", &bytes), &source(&bytes)).unwrap();
    let seen = proxy.seen();
    let ranges: Vec<_> = seen.iter().filter_map(|head| head.header("content-range")).collect();
    assert_eq!(ranges, ["0-1999999", "2000000-3999999", "4000000-5999999", "4000000-5999999"]);
    assert!(open(&host).has_blob(&name("a"), &super::digest(&bytes)).unwrap());

    // Killed in the middle of the one request, by whatever its source gives away after a while.
    let bytes = noise(22, SIZE);
    let whole = source(&bytes);
    let once = AtomicUsize::new(0);
    let killing = |at| {
        let kill = docker.clone();
        let first = once.fetch_add(1, Ordering::SeqCst) == 0;
        Ok::<_, std::io::Error>(Box::new(Killing { inner: whole(at)?, left: first.then_some(3_000_000), kill })
            as Box<dyn std::io::Read + Send>)
    };
    let sent = open(&host).push_blob(&name("a"), &described("x", &bytes), &killing).unwrap();
    assert!(sent > SIZE as u64, "the registry was killed before everything had come");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("layer");
    open(&host).pull_blob(&name("a"), &described("x", &bytes), &file).unwrap();
    assert!(fs::read(file).unwrap() == bytes);
}

/// Kills the registry once so many bytes were read.
struct Killing {
    inner: Box<dyn std::io::Read + Send>,
    left: Option<usize>,
    kill: Arc<Mutex<Docker>>,
}

impl std::io::Read for Killing {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.left == Some(0) {
            self.left = None;
            self.kill.lock().unwrap().kill_and_start();
        }
        let most = self.left.unwrap_or(usize::MAX).min(buffer.len());
        let count = self.inner.read(&mut buffer[..most])?;
        self.left = self.left.map(|left| left - count);
        Ok(count)
    }
}

#[test]
fn a_download_goes_on_where_it_broke_off() {
    let Some(docker) = Docker::start(&Access::Everybody) else { return };
    let bytes = noise(31, SIZE);
    let blob = push(&open(&docker.host()), &name("a"), &bytes);
    let proxy = Proxy::start(&docker.host(), first(3, is_blob, || Deed::CutDownload(1_000_000)));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("layer");
    open(&proxy.host()).pull_blob(&name("a"), &blob, &file).unwrap();
    assert!(fs::read(&file).unwrap() == bytes);
    let seen = proxy.seen();
    let ranges: Vec<_> = seen.iter().map(|head| head.header("range")).collect();
    assert_eq!(ranges, [None, Some("bytes=1000000-"), Some("bytes=2000000-"), Some("bytes=3000000-")]);
}

#[test]
fn a_download_goes_on_in_another_run_and_does_not_trust_what_it_finds() {
    let Some(docker) = Docker::start(&Access::Everybody) else { return };
    let bytes = noise(32, SIZE);
    let blob = push(&open(&docker.host()), &name("a"), &bytes);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("layer");
    let proxy = Proxy::start(&docker.host(), |head| {
        let begun = head.header("range").is_some();
        if is_blob(head) { if begun { Deed::CutDownload(0) } else { Deed::CutDownload(2_000_000) } } else { Deed::Pass }
    });
    let error = open(&proxy.host()).pull_blob(&name("a"), &blob, &file).unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. } | Error::Broken { .. }), "{error}");
    assert!(error.hint().unwrap().contains("goes on where it ended"));
    let part = folder.path().join(".layer.part");
    assert!(!file.exists() && fs::read(&part).unwrap() == bytes[..2_000_000]);

    let proxy = Proxy::start(&docker.host(), |_| Deed::Pass);
    open(&proxy.host()).pull_blob(&name("a"), &blob, &file).unwrap();
    assert!(fs::read(&file).unwrap() == bytes && !part.exists());
    assert_eq!(proxy.seen()[0].header("range"), Some("bytes=2000000-"));

    // Whatever lies there: other bytes, all of them and wrong, too many.
    for (left, asked) in [
        (noise(33, 1_000_000), vec![Some("bytes=1000000-"), None]),
        (noise(33, SIZE), vec![None]),
        (noise(33, SIZE + 1), vec![None]),
        (bytes.clone(), vec![]),
    ] {
        fs::remove_file(&file).unwrap();
        fs::write(&part, &left).unwrap();
        let proxy = Proxy::start(&docker.host(), |_| Deed::Pass);
        open(&proxy.host()).pull_blob(&name("a"), &blob, &file).unwrap();
        assert!(fs::read(&file).unwrap() == bytes && !part.exists());
        let seen = proxy.seen();
        assert_eq!(seen.iter().map(|head| head.header("range")).collect::<Vec<_>>(), asked, "{} left", left.len());
    }
}

#[test]
fn a_server_without_ranges_is_read_from_the_start() {
    let Some(docker) = Docker::start(&Access::Everybody) else { return };
    let bytes = noise(34, SIZE);
    let blob = push(&open(&docker.host()), &name("a"), &bytes);
    let cut = AtomicUsize::new(0);
    let proxy =
        Proxy::start(&docker.host(), move |head| match cut.fetch_add(usize::from(is_blob(head)), Ordering::SeqCst) {
            0 => Deed::CutDownload(1_000_000),
            1 => Deed::Without("range"),
            _ => Deed::Pass,
        });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("layer");
    open(&proxy.host()).pull_blob(&name("a"), &blob, &file).unwrap();
    assert!(fs::read(&file).unwrap() == bytes);
    assert_eq!(proxy.count("GET", "/blobs/"), 2);
}

#[test]
fn a_busy_registry_is_asked_again_when_it_wants() {
    let Some(docker) = Docker::start(&Access::Everybody) else { return };
    let blob = push(&open(&docker.host()), &name("a"), &noise(41, 1000));
    let times = Arc::new(Mutex::new(Vec::new()));
    let (noted, count) = (times.clone(), AtomicUsize::new(0));
    let proxy = Proxy::start(&docker.host(), move |head| {
        noted.lock().unwrap().push(Instant::now());
        match count.fetch_add(1, Ordering::SeqCst) {
            0 => Deed::Answer(429, vec![("Retry-After", "6".to_owned())], vec![]),
            1 => Deed::Answer(503, vec![], vec![]),
            2 => Deed::Answer(503, vec![("Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT".to_owned())], vec![]),
            3 if head.method == "HEAD" => Deed::CutDownload(0),
            _ => Deed::Pass,
        }
    });
    let registry = Registry::open(&proxy.host(), Credentials::nobody(), hasty()).unwrap();
    assert!(registry.has_blob(&name("a"), &blob.digest).unwrap());
    let times = times.lock().unwrap();
    // A second lasts 50 ms here: six were asked for, then it is our own pauses of two and four.
    for (number, least) in [(1, 300), (2, 100), (3, 200)] {
        let pause = times[number] - times[number - 1];
        assert!(pause >= Duration::from_millis(least), "{number}: {pause:?}");
    }
}

#[test]
fn nobody_waits_an_hour() {
    let hour = || Deed::Answer(429, vec![("Retry-After", "3600".to_owned())], vec![]);
    let proxy = Proxy::start("127.0.0.1:1", move |_| hour());
    let error = open(&proxy.host()).has_blob(&name("a"), &super::digest(b"x")).unwrap_err();
    assert!(matches!(error, Error::Busy { status: 429, seconds: Some(3600), .. }), "{error}");
    assert_eq!(error.hint().unwrap(), "try again in 3600 seconds");
    assert_eq!(proxy.seen().len(), 1);

    let proxy = Proxy::start("127.0.0.1:1", |_| Deed::Answer(503, vec![], vec![]));
    let error = open(&proxy.host()).has_blob(&name("a"), &super::digest(b"x")).unwrap_err();
    assert!(matches!(error, Error::Busy { status: 503, .. }), "{error}");
    assert_eq!(proxy.seen().len(), 5);
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let options = Options { stall: Duration::from_millis(50), second: Duration::from_millis(1), ..Options::default() };
    let registry = Registry::open(&host, Credentials::nobody(), options).unwrap();
    let error = registry.has_blob(&name("a"), &super::digest(b"x")).unwrap_err();
    assert!(matches!(error, Error::Stalled { .. }), "{error}");
}
