//! What stands between us and a registry, and what goes wrong there.

use std::collections::HashMap;
use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// The head of a request.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: HashMap<String, String>,
}

impl Head {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(crate) fn is(&self, method: &str, part: &str) -> bool {
        self.method == method && self.path.contains(part)
    }

    fn length(&self) -> u64 {
        self.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0)
    }
}

/// What becomes of a request.
pub(crate) enum Deed {
    /// It goes on to the registry.
    Pass,
    /// It gets this status with these headers, and this body.
    Answer(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// Only so many bytes of its body go on, then both connections break.
    CutUpload(u64),
    /// Only so many bytes of its body go on, as a piece of their own that the registry keeps, then the connection breaks.
    KeepUpload(u64),
    /// Only so many bytes of the answer come back.
    CutDownload(u64),
    /// It goes on, and its answer is lost.
    LoseAnswer,
    /// It goes on without this header.
    Without(&'static str),
    /// So many bytes of its body go on, then something else happens, then the rest goes on if it still can.
    UploadAround(u64, Event),
    /// So many bytes of the answer come back, then something else happens, then the connection breaks.
    DownloadUntil(u64, Event),
}

/// What happens meanwhile.
type Event = Box<dyn FnOnce() + Send>;

type Rule = dyn Fn(&Head) -> Deed + Send + Sync;

pub(crate) struct Proxy {
    port: u16,
    seen: Arc<Mutex<Vec<Head>>>,
    stopped: Arc<Mutex<bool>>,
}

struct Way {
    backend: String,
    rule: Box<Rule>,
    seen: Arc<Mutex<Vec<Head>>>,
    /// Where an upload whose bytes were kept goes on.
    moved: Mutex<HashMap<String, String>>,
}

impl Proxy {
    pub(crate) fn start(backend: &str, rule: impl Fn(&Head) -> Deed + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (seen, stopped) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(false)));
        let way = Arc::new(Way {
            backend: backend.to_owned(),
            rule: Box::new(rule),
            seen: seen.clone(),
            moved: Mutex::default(),
        });
        let ends = stopped.clone();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if *ends.lock().unwrap() {
                    return;
                }
                let way = way.clone();
                std::thread::spawn(move || way.serve(client?));
            }
        });
        Self { port, seen, stopped }
    }

    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// What was asked so far.
    pub(crate) fn seen(&self) -> Vec<Head> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn count(&self, method: &str, part: &str) -> usize {
        self.seen().iter().filter(|head| head.is(method, part)).count()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        *self.stopped.lock().unwrap() = true;
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn read_head(reader: &mut BufReader<TcpStream>) -> io::Result<Head> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line.trim().is_empty() {
            break;
        }
        lines.push(line.trim_end().to_owned());
    }
    let mut words = lines[0].split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let pairs = lines[1..].iter().filter_map(|line| line.split_once(':'));
    let headers = pairs.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    Ok(Head { method, path, headers })
}

/// Passes on the head of an answer, and so many bytes of what follows.
fn answer_until(backend: TcpStream, mut client: &TcpStream, count: u64) -> io::Result<()> {
    let mut answer = BufReader::new(backend);
    loop {
        let mut line = String::new();
        answer.read_line(&mut line)?;
        client.write_all(line.as_bytes())?;
        if line.trim().is_empty() {
            break;
        }
    }
    io::copy(&mut answer.take(count), &mut client).map(|_| ())
}

impl Way {
    fn serve(&self, client: TcpStream) -> io::Result<()> {
        let mut reader = BufReader::new(client.try_clone()?);
        let mut head = read_head(&mut reader)?;
        // A form is looked at like a header.
        if head.header("content-type") == Some("application/x-www-form-urlencoded") {
            let mut form = String::new();
            (&mut reader).take(head.length()).read_to_string(&mut form)?;
            head.headers.insert("content-length".to_owned(), "0".to_owned());
            head.headers.insert("form".to_owned(), form);
        }
        let deed = (self.rule)(&head);
        self.seen.lock().unwrap().push(head.clone());
        if let Some(path) = self.moved.lock().unwrap().get(&head.path) {
            head.path.clone_from(path);
        }
        let outcome = self.act(&mut head, deed, reader, &client);
        let _ = client.shutdown(Shutdown::Both);
        outcome
    }

    fn act(&self, head: &mut Head, deed: Deed, body: BufReader<TcpStream>, mut client: &TcpStream) -> io::Result<()> {
        let length = head.length();
        match deed {
            Deed::Answer(status, headers, bytes) => {
                io::copy(&mut body.take(length), &mut io::sink())?;
                let mut text = format!("HTTP/1.1 {status} Said\r\nConnection: close\r\n");
                if !headers.iter().any(|(name, _)| *name == "Transfer-Encoding") {
                    text += &format!("Content-Length: {}\r\n", bytes.len());
                }
                for (name, value) in headers {
                    text += &format!("{name}: {value}\r\n");
                }
                client.write_all(format!("{text}\r\n").as_bytes())?;
                if head.method != "HEAD" {
                    client.write_all(&bytes)?;
                }
                Ok(())
            }
            Deed::CutUpload(count) => {
                let mut backend = self.send(head)?;
                io::copy(&mut body.take(count.min(length)), &mut backend)?;
                backend.shutdown(Shutdown::Both)
            }
            Deed::UploadAround(count, event) => {
                let (mut backend, mut body) = (self.send(head)?, body);
                io::copy(&mut (&mut body).take(count), &mut backend)?;
                event();
                io::copy(&mut body.take(length - count), &mut backend)?;
                io::copy(&mut backend, &mut client).map(|_| ())
            }
            Deed::DownloadUntil(count, event) => {
                answer_until(self.send(head)?, client, count)?;
                event();
                Ok(())
            }
            Deed::KeepUpload(count) => {
                let path = head.path.clone();
                let begins = head.header("content-range").and_then(|range| range.split('-').next()?.parse().ok());
                let begins: u64 = begins.unwrap_or(0);
                // The end of an upload is no piece, so its digest goes.
                if let Some(at) = head.path.find("digest=") {
                    head.path.truncate(at - 1);
                }
                head.method = "PATCH".to_owned();
                head.headers.insert("content-length".to_owned(), count.to_string());
                head.headers.insert("content-range".to_owned(), format!("{begins}-{}", begins + count - 1));
                let mut backend = self.send(head)?;
                io::copy(&mut body.take(count), &mut backend)?;
                let answer = read_head(&mut BufReader::new(backend))?;
                let location = answer.header("location").unwrap_or_default();
                let below = location.find("/v2/").map_or(location, |at| &location[at..]).to_owned();
                let without = path.find("digest=").map_or(path.as_str(), |at| &path[..at - 1]);
                self.moved.lock().unwrap().insert(without.to_owned(), below);
                Ok(())
            }
            Deed::Pass | Deed::Without(_) | Deed::CutDownload(_) | Deed::LoseAnswer => {
                if let Deed::Without(name) = deed {
                    head.headers.remove(name);
                }
                let mut backend = self.send(head)?;
                io::copy(&mut body.take(length), &mut backend)?;
                match deed {
                    Deed::LoseAnswer => read_head(&mut BufReader::new(backend)).map(|_| ()),
                    Deed::CutDownload(count) => answer_until(backend, client, count),
                    _ => io::copy(&mut backend, &mut client).map(|_| ()),
                }
            }
        }
    }

    fn send(&self, head: &Head) -> io::Result<TcpStream> {
        let mut backend = TcpStream::connect(&self.backend)?;
        let mut text = format!("{} {} HTTP/1.1\r\nConnection: close\r\n", head.method, head.path);
        for (name, value) in head.headers.iter().filter(|(name, _)| *name != "connection") {
            text += &format!("{name}: {value}\r\n");
        }
        backend.write_all(format!("{text}\r\n").as_bytes())?;
        Ok(backend)
    }
}
