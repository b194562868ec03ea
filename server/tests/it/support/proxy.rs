//! A wire between a client and the hub that breaks where a test wants it to.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    ToHub,
    ToClient,
}

/// Counts what passes, and does something once when a number of bytes went one way.
pub(crate) struct Wire {
    /// `127.0.0.1:PORT`, for the client.
    pub(crate) address: String,
    counts: Arc<[AtomicU64; 2]>,
}

impl Wire {
    /// A wire to `hub`. When `after` bytes went `way` it calls `happen`, which may say that the wire
    /// breaks: for good, because git asks again on a new connection where an old one was lost.
    pub(crate) fn new(hub: &str, way: Way, after: u64, happen: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let counts = Arc::<[AtomicU64; 2]>::default();
        let (hub, counted, happen) = (hub.to_owned(), counts.clone(), Arc::new(happen));
        let is_broken = Arc::<AtomicBool>::default();
        // Ends with the test's process: nobody connects to its port any more.
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if is_broken.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(server) = TcpStream::connect(&hub) else { continue };
                for (direction, mut from, mut to) in [
                    (Way::ToHub, client.try_clone().unwrap(), server.try_clone().unwrap()),
                    (Way::ToClient, server, client),
                ] {
                    let (counts, happen, is_broken) = (counted.clone(), happen.clone(), is_broken.clone());
                    std::thread::spawn(move || {
                        let count = &counts[direction as usize];
                        let mut block = [0; 16 * 1024];
                        loop {
                            let read = match from.read(&mut block) {
                                Ok(0) => break,
                                Ok(read) => read,
                                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                                Err(_) => break,
                            };
                            let before = count.fetch_add(read as u64, Ordering::SeqCst);
                            let reached = direction == way && before <= after && before + read as u64 > after;
                            let part = if reached { (after - before) as usize } else { read };
                            if to.write_all(&block[..part]).is_err() {
                                break;
                            }
                            if reached {
                                if happen() {
                                    is_broken.store(true, Ordering::SeqCst);
                                    break;
                                }
                                if to.write_all(&block[part..read]).is_err() {
                                    break;
                                }
                            }
                        }
                        let _ = to.shutdown(Shutdown::Both);
                        let _ = from.shutdown(Shutdown::Both);
                    });
                }
            }
        });
        Self { address, counts }
    }

    /// Bytes that went this way up to now.
    pub(crate) fn count(&self, way: Way) -> u64 {
        self.counts[way as usize].load(Ordering::SeqCst)
    }
}
