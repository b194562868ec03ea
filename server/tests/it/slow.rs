//! Clients that take or send next to nothing.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::support::{Hub, PATIENCE, Repository, noise, read_answer, send, send_raw, text, wait_for};

const UPLOAD: &str = "application/x-git-upload-pack-request";
const RECEIVE: &str = "application/x-git-receive-pack-request";
struct Stage {
    hub: Hub,
    ann: Repository,
    token: String,
    url: String,
}

/// A hub with few permits, where a client may take `idle` seconds for 64 KiB, and 24 MB that no
/// pack makes smaller.
fn stage(permits: usize, idle: u64) -> Stage {
    let configuration = format!(
        "[connections]\nidle = \"{idle}s\"\n[fetch]\nat_once = {permits}\nat_once_per_user = {permits}\n\
         [push]\nat_once = 1\n",
    );
    let hub = Hub::start_with("hub", &configuration);
    hub.make_team();
    let (token, ann) = (hub.token("ann", "push"), hub.repository("ann"));
    ann.write("notes/noise.dat", noise(12_000_000));
    ann.write("notes/more.dat", noise(12_000_000).into_iter().rev().collect::<Vec<u8>>());
    ann.commit("large");
    let url = hub.url(&token, "studio/large");
    ann.git(&["push", "--quiet", &url, "main"]);
    hub.wait_until_quiet();
    Stage { hub, ann, token, url }
}

struct SlowReaders(Arc<AtomicBool>);

impl Drop for SlowReaders {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Stage {
    fn fetch(&self) -> TcpStream {
        let authorization = format!("Bearer {}", self.token);
        let headers = [("Authorization", authorization.as_str()), ("Content-Type", UPLOAD)];
        let body = format!("0032want {}\n00000009done\n", self.ann.tip());
        send_raw(&self.hub.address, "POST", "/studio/large/git-upload-pack", &headers, body.as_bytes(), body.len())
    }

    /// Readers that take 1 KB a second until they are dropped.
    fn slow_readers(&self, count: usize) -> SlowReaders {
        let readers = SlowReaders(Arc::default());
        for _ in 0..count {
            let (mut stream, stop) = (self.fetch(), readers.0.clone());
            std::thread::spawn(move || {
                let mut block = [0; 1024];
                while !stop.load(Ordering::Relaxed) && stream.read_exact(&mut block).is_ok() {
                    std::thread::park_timeout(Duration::from_secs(1));
                }
            });
        }
        wait_for("all readers to hold a git", || (self.hub.git_groups().len() == count).then_some(()));
        readers
    }

    fn clone_once(&self, name: &str) -> Duration {
        let target = self.hub.scratch(name);
        let started = Instant::now();
        self.ann.git(&["clone", "--quiet", "--bare", &self.url, target.to_str().unwrap()]);
        let took = started.elapsed();
        std::fs::remove_dir_all(target).unwrap();
        took
    }

    fn fastest_clone(&self, name: &str) -> Duration {
        (0..5).map(|number| self.clone_once(&format!("{name}-{number}"))).min().unwrap()
    }
}

#[test]
fn slow_readers_on_all_permits_but_one_do_not_slow_another_clone() {
    let stage = stage(4, 60);
    // Other tests run at the same time: a slow round proves nothing, five in a row do.
    let mut rounds = (0..5).map(|_| {
        let alone = stage.fastest_clone("alone");
        let readers = stage.slow_readers(3);
        let beside = stage.fastest_clone("beside");
        drop(readers);
        stage.hub.wait_until_quiet();
        println!("alone {alone:?}, beside three slow readers {beside:?}");
        alone.as_secs_f64() / beside.as_secs_f64()
    });
    assert!(rounds.any(|speed| speed >= 0.8));
}

#[test]
fn behind_slow_readers_on_all_permits_the_next_is_told_soon_and_the_slow_ones_end() {
    let stage = stage(3, 6);
    let files = stage.hub.open_files();
    let started = Instant::now();
    let _readers = stage.slow_readers(3);
    let asked = Instant::now();
    let refused = read_answer(&mut stage.fetch());
    let took = asked.elapsed();
    println!("503 after {took:?}");
    assert_eq!((refused.status, refused.header("retry-after")), (503, "5"), "{}", refused.text());
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert!(refused.text().contains("the hub is busy"), "{}", refused.text());
    let said =
        stage.ann.try_git(&["clone", "--quiet", "--bare", &stage.url, stage.hub.scratch("no").to_str().unwrap()]);
    assert!(text(&said.stderr).contains("503"), "{}", text(&said.stderr));
    wait_for("the slow readers' gits to end", || stage.hub.git_groups().is_empty().then_some(()));
    println!("their gits ended after {:?}", started.elapsed());
    stage.clone_once("after");
    wait_for("the slow readers' connections to be closed", || (stage.hub.open_files() <= files).then_some(()));
}

#[test]
fn a_body_that_trickles_gives_its_place_to_others() {
    let stage = stage(2, 3);
    let authorization = format!("Bearer {}", stage.token);
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", RECEIVE)];
    let line = format!("{} {} refs/heads/idea\0 report-status", "0".repeat(40), "1".repeat(40));
    // A pack with one blob of 16 bytes, and then the blob's bytes, one by one.
    let start = format!("{:04x}{line}0000PACK\0\0\0\x02\0\0\0\x01\x30\x78\x01", line.len() + 4);
    let mut stream =
        send_raw(&stage.hub.address, "POST", "/studio/large/git-receive-pack", &headers, start.as_bytes(), 1_000_000);
    wait_for("git to start", || stage.hub.git_groups().pop());
    // The only permit for pushes is taken: the next one is told so.
    let path = "/studio/large/info/refs?service=git-receive-pack";
    assert_eq!(stage.hub.get(&stage.token, path).status, 503);
    // A byte now and then is no progress.
    let mut writer = stream.try_clone().unwrap();
    std::thread::spawn(move || {
        // An empty stored deflate block each time: the blob never comes to its end.
        for byte in [0, 0, 0, 0xff, 0xff].into_iter().cycle() {
            if writer.write_all(&[byte]).is_err() {
                return;
            }
            std::thread::park_timeout(Duration::from_millis(200));
        }
    });
    let answer = read_answer(&mut stream);
    assert_eq!(answer.status, 408, "{}", answer.text());
    stage.hub.wait_until_quiet();
    assert_eq!(stage.hub.get(&stage.token, path).status, 200);
    assert_eq!(stage.hub.leftovers(), Vec::<String>::new());
}

#[test]
fn heads_and_bodies_that_never_end_are_ended() {
    let hub = Hub::start_with("hub", "[connections]\nhead = \"1s\"\nidle = \"1s\"\n[push]\ntotal = \"2s\"\n");
    hub.make_team();
    let token = hub.token("ann", "push");
    // A head without an end, and a connection that says nothing at all.
    for start in ["GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ", ""] {
        let mut stream = TcpStream::connect(&hub.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(start.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert!(answer.is_empty() || text(&answer).starts_with("HTTP/1.1 408"), "{}", text(&answer));
    }
    // A chunked body that goes on and on: each piece is progress, so the total ends it.
    let mut stream = TcpStream::connect(&hub.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!(
        "POST /studio/endless/git-receive-pack HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: {RECEIVE}\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut writer = stream.try_clone().unwrap();
    std::thread::spawn(move || {
        let line = format!("{} {} refs/heads/main\0 report-status", "0".repeat(40), "1".repeat(40));
        let start = format!("{:04x}{line}0000PACK\0\0\0\x02\0\0\0\x01", line.len() + 4);
        let mut sent = write!(writer, "{:x}\r\n{start}\r\n", start.len());
        // A blob of 4 GiB by its own word (type 3, 32 bits of size), then stored deflate blocks for ever.
        let mut block = vec![0, 0xff, 0xff, 0, 0];
        block.resize(5 + 0xffff, b'x');
        let blob = [b"\xb0\x80\x80\x80\x80\x08\x78\x01".as_slice(), &block].concat();
        let mut piece = blob;
        while sent.is_ok() {
            sent = write!(writer, "{:x}\r\n", piece.len());
            sent = sent.and_then(|()| writer.write_all(&piece)).and_then(|()| writer.write_all(b"\r\n"));
            piece.clone_from(&block);
        }
    });
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    hub.wait_until_quiet();
    assert!(!text(&answer).contains("unpack ok"), "{}", text(&answer));
    assert_eq!(hub.leftovers(), Vec::<String>::new());
    assert_eq!(send(&hub.address, "GET", "/healthz", &[], b"").status, 200);
}

#[test]
fn bodies_that_nobody_had_to_sign_in_for_must_arrive_too() {
    let hub = Hub::start_with("hub", "[connections]\nidle = \"1s\"\n");
    for (path, kind) in [("/api/v1/models/lookup", "application/json"), ("/login", "application/x-www-form-urlencoded")]
    {
        let mut stream = send_raw(&hub.address, "POST", path, &[("Content-Type", kind)], b"{", 1000);
        let mut writer = stream.try_clone().unwrap();
        std::thread::spawn(move || {
            // Longer than the test waits for an answer.
            for _ in 0..300 {
                if writer.write_all(b" ").is_err() {
                    return;
                }
                std::thread::park_timeout(Duration::from_millis(200));
            }
        });
        let answer = read_answer(&mut stream);
        assert!((400..500).contains(&answer.status), "{path}: {}", answer.status);
    }
}

#[test]
fn under_http2_a_stream_that_is_not_read_ends_too() {
    let stage = stage(2, 3);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let tcp = tokio::net::TcpStream::connect(&stage.hub.address).await.unwrap();
        let (client, connection) = h2::client::handshake(tcp).await.unwrap();
        // The connection stays alive and answers pings; only the stream's window is never opened again.
        let alive = tokio::spawn(connection);
        let mut client = client.ready().await.unwrap();
        let request = hyper::Request::post(format!("http://{}/studio/large/git-upload-pack", stage.hub.address))
            .header("authorization", format!("Bearer {}", stage.token))
            .header("content-type", UPLOAD)
            .body(())
            .unwrap();
        let (answer, mut body) = client.send_request(request, false).unwrap();
        let want = format!("0032want {}\n00000009done\n", stage.ann.tip());
        body.send_data(want.into(), true).unwrap();
        let answer = answer.await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(stage.hub.git_groups().len(), 1);
        // This thread waits; the connection is kept alive by the other.
        wait_for("git to end though its client takes nothing", || stage.hub.git_groups().is_empty().then_some(()));
        assert!(!alive.is_finished(), "the connection itself was not the matter");
    });
    stage.clone_once("after");
}
