//! A proxy before the hub that sends clients away as a busy hub does.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a hub without a free place answers, but for the time.
pub(crate) const BUSY: &str = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n\
    Content-Type: text/plain; charset=utf-8\r\n\r\nerror: the hub is busy\nhint: try again in 1 second\n";
/// What nginx answers while the hub behind it is being restarted.
pub(crate) const AWAY: &str = "HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\n\
    Content-Type: text/html\r\n\r\n<html><h1>502 Bad Gateway</h1></html>\n";

/// The proxy; it ends with the process.
pub(crate) struct Front {
    pub(crate) url: String,
    refusals: Arc<AtomicUsize>,
}

impl Front {
    /// A front of the hub at this address; each of the next connections hears `answer`.
    pub(crate) fn of(hub: &str, answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let refusals = Arc::new(AtomicUsize::new(0));
        let (hub, left) = (hub.to_owned(), refusals.clone());
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let refused = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
                let hub = hub.clone();
                std::thread::spawn(move || if refused { refuse(client, answer) } else { join(client, &hub) });
            }
        });
        Self { url, refusals }
    }

    /// Sends the next so many away.
    pub(crate) fn refuse(&self, next: usize) {
        self.refusals.store(next, Ordering::SeqCst);
    }

    /// How many are still to be sent away.
    pub(crate) fn left(&self) -> usize {
        self.refusals.load(Ordering::SeqCst)
    }
}

fn refuse(mut client: TcpStream, answer: &str) {
    let (mut head, mut block) = (Vec::new(), [0; 4096]);
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match client.read(&mut block) {
            Ok(count @ 1..) => head.extend_from_slice(&block[..count]),
            _ => return,
        }
    }
    let _ = client.write_all(answer.as_bytes());
}

fn join(client: TcpStream, hub: &str) {
    let Ok(server) = TcpStream::connect(hub) else { return };
    let ways = [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)];
    for (mut from, mut to) in ways {
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
    }
}
