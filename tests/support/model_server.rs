//! A server of model files that is no kinder than the sites are.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

/// What goes wrong with a path.
#[derive(Clone, Debug)]
#[allow(dead_code, reason = "some tests use one half of it, some the other")]
pub(crate) enum Fault {
    /// The connection breaks after this many bytes.
    CutAfter(usize),
    /// After this many bytes nothing comes until [`ModelServer::release`].
    HoldAfter(usize),
    /// Another file, complete and with status 200.
    Serve(Vec<u8>),
    /// A page with status 200.
    Page(&'static str),
    /// Sent on to another address.
    Redirect(String),
    /// A status and nothing else.
    Status(u16),
    /// The whole file with status 200, whatever range was asked for.
    NoRange,
    /// A status line with headers, and a body of exactly these bytes.
    Say(String, Vec<u8>),
    /// As [`Fault::Say`], a byte at a time with pauses of a hundredth of a second.
    Drip(String, Vec<u8>),
    /// So many bytes at a time, with pauses of a hundredth of a second.
    Trickle(usize),
    /// Every byte turned round, with the version and the ranges of the file itself, so many at a time.
    Forged(usize),
    /// The file without a word of which version it is.
    Nameless,
    /// As [`Fault::Nameless`], and the connection breaks after so many bytes.
    NamelessCut(usize),
    /// The file in an answer whose end is the connection's; it breaks off after so many bytes.
    Endless(usize),
}

/// A request as it came, and what was sent.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) path: String,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) status: u16,
    /// Bytes of the body that went out.
    pub(crate) sent: usize,
}

#[derive(Default)]
struct Shelf {
    files: BTreeMap<String, Vec<u8>>,
    once: BTreeMap<String, VecDeque<Fault>>,
    always: BTreeMap<String, Fault>,
    log: Vec<Request>,
    released: bool,
}

/// The server; it ends with the process.
pub(crate) struct ModelServer {
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
    shelf: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    shelf: Mutex<Shelf>,
    changed: Condvar,
}

impl ModelServer {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shelf = Arc::new(Shared::default());
        let shared = shelf.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shelf = shared.clone();
                std::thread::spawn(move || answer(stream, &shelf));
            }
        });
        Self { address, shelf }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// Puts a file on the shelf.
    pub(crate) fn put(&self, path: &str, bytes: Vec<u8>) {
        self.shelf.shelf.lock().unwrap().files.insert(format!("/{path}"), bytes);
    }

    /// Lets the next request for a path go wrong.
    pub(crate) fn fail_once(&self, path: &str, fault: Fault) {
        self.shelf.shelf.lock().unwrap().once.entry(format!("/{path}")).or_default().push_back(fault);
    }

    /// Lets every request for a path go wrong.
    pub(crate) fn fail(&self, path: &str, fault: Fault) {
        self.shelf.shelf.lock().unwrap().always.insert(format!("/{path}"), fault);
    }

    /// Lets a path be well again.
    pub(crate) fn mend(&self, path: &str) {
        self.shelf.shelf.lock().unwrap().always.remove(&format!("/{path}"));
    }

    /// Lets what is held go on.
    pub(crate) fn release(&self) {
        self.shelf.shelf.lock().unwrap().released = true;
        self.shelf.changed.notify_all();
    }

    /// The requests for a path, in order.
    pub(crate) fn requests(&self, path: &str) -> Vec<Request> {
        let path = format!("/{path}");
        self.shelf.shelf.lock().unwrap().log.iter().filter(|request| request.path == path).cloned().collect()
    }

    /// All requests.
    pub(crate) fn log(&self) -> Vec<Request> {
        self.shelf.shelf.lock().unwrap().log.clone()
    }
}

fn answer(mut stream: TcpStream, shared: &Shared) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let shelf = &shared.shelf;
    let range = headers.get("range").cloned();
    let version = headers.get("if-range").cloned();
    let (number, file, fault) = {
        let mut shelf = shelf.lock().unwrap();
        let once = shelf.once.get_mut(&path).and_then(VecDeque::pop_front);
        let fault = once.or_else(|| shelf.always.get(&path).cloned());
        shelf.log.push(Request { path: path.clone(), headers, status: 0, sent: 0 });
        (shelf.log.len() - 1, shelf.files.get(&path).cloned(), fault)
    };
    let hold = if let Some(Fault::HoldAfter(bytes)) = fault { bytes } else { usize::MAX };
    let trickle = match fault {
        Some(Fault::Trickle(bytes) | Fault::Forged(bytes)) => Some(bytes),
        Some(Fault::Drip(..)) => Some(1),
        _ => None,
    };
    let endless = matches!(fault, Some(Fault::Endless(_)));
    let is_forged = matches!(fault, Some(Fault::Forged(_)));
    let (head, mut body, limit) = reply(file, fault, range.as_deref(), version.as_deref());
    let limit = limit.min(body.len());
    if is_forged {
        body.iter_mut().for_each(|byte| *byte = !*byte);
    }
    {
        let mut shelf = shelf.lock().unwrap();
        shelf.log[number].status = head[9..12].parse().ok()?;
    }
    let length = if endless { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    let closing = format!("{head}{length}Connection: close\r\n\r\n");
    stream.write_all(closing.as_bytes()).ok()?;
    for block in body[..limit].chunks(trickle.unwrap_or(16 * 1024)) {
        let waiting = |sent: usize| move |shelf: &mut Shelf| sent >= hold && !shelf.released;
        let sent = shelf.lock().unwrap().log[number].sent;
        drop(shared.changed.wait_while(shelf.lock().unwrap(), waiting(sent)).unwrap());
        stream.write_all(block).ok()?;
        shelf.lock().unwrap().log[number].sent += block.len();
        if trickle.is_some() {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
    stream.flush().ok()
}

/// What tells two versions of a file apart.
fn etag(file: &[u8]) -> String {
    let sum = file.iter().fold(5381_u64, |sum, byte| sum.wrapping_mul(33) ^ u64::from(*byte));
    format!("\"{:x}-{sum:x}\"", file.len())
}

/// The head without its end, the body, and how much of the body goes out.
fn reply(
    file: Option<Vec<u8>>,
    fault: Option<Fault>,
    range: Option<&str>,
    version: Option<&str>,
) -> (String, Vec<u8>, usize) {
    let mut binary = "Content-Type: application/octet-stream\r\nAccept-Ranges: bytes\r\n".to_owned();
    let mut limit = usize::MAX;
    let mut ranged = true;
    let mut named = true;
    match fault {
        Some(Fault::Serve(other)) => return (format!("HTTP/1.1 200 OK\r\n{binary}"), other, limit),
        Some(Fault::Page(page)) => {
            return ("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n".to_owned(), page.into(), limit);
        }
        Some(Fault::Status(status)) => return (format!("HTTP/1.1 {status} No\r\n"), Vec::new(), limit),
        Some(Fault::Redirect(to)) => return (format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\n"), Vec::new(), limit),
        Some(Fault::Say(head, body) | Fault::Drip(head, body)) => {
            return (format!("HTTP/1.1 {}\r\n", head.replace('\n', "\r\n")), body, limit);
        }
        Some(Fault::CutAfter(bytes) | Fault::Endless(bytes)) => limit = bytes,
        Some(Fault::NoRange) => ranged = false,
        Some(Fault::Nameless) => named = false,
        Some(Fault::NamelessCut(bytes)) => (named, limit) = (false, bytes),
        Some(Fault::HoldAfter(_) | Fault::Trickle(_) | Fault::Forged(_)) | None => {}
    }
    let Some(file) = file else { return ("HTTP/1.1 404 Not Found\r\n".to_owned(), Vec::new(), limit) };
    let etag = etag(&file);
    if named {
        binary.push_str(&format!("ETag: {etag}\r\n"));
    }
    let current = version.is_none_or(|version| named && version == etag);
    let span = range.filter(|_| ranged && current).and_then(|range| {
        let (start, last) = range.strip_prefix("bytes=")?.split_once('-')?;
        let last = last.parse::<usize>().map_or(file.len(), |last| (last + 1).min(file.len()));
        Some((start.parse::<usize>().ok()?, last))
    });
    match span {
        Some((start, end)) if start < end => {
            let span = format!("Content-Range: bytes {start}-{}/{}\r\n", end - 1, file.len());
            (format!("HTTP/1.1 206 Partial Content\r\n{binary}{span}"), file[start..end].to_vec(), limit)
        }
        Some(_) => {
            let span = format!("Content-Range: bytes */{}\r\n", file.len());
            (format!("HTTP/1.1 416 Range Not Satisfiable\r\n{span}"), Vec::new(), limit)
        }
        None => (format!("HTTP/1.1 200 OK\r\n{binary}"), file, limit),
    }
}
