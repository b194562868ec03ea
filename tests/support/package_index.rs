//! A package index: one that says when files came (PEP 691 and 700), or one that does not (PEP 503), as
//! the indexes of torch's builds.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use sha2::{Digest as _, Sha256};

use super::wheels::Wheel;

/// When every file of a dated index came.
const DATE: &str = "2025-10-01T00:00:00Z";

/// How it answers.
#[derive(Clone, Copy, Default, PartialEq)]
pub(crate) enum Mood {
    /// As it should.
    #[default]
    Well,
    /// Connections break before an answer.
    Down,
    /// Connections stay open, and no answer comes.
    Silent,
}

#[derive(Default)]
struct Shelf {
    dated: bool,
    /// File names and bytes, by package.
    packages: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
    log: Vec<String>,
    mood: Mood,
}

/// The index; it ends with the process.
pub(crate) struct PackageIndex {
    address: String,
    shelf: Arc<Mutex<Shelf>>,
}

impl PackageIndex {
    /// One that says when files came.
    pub(crate) fn dated(wheels: Vec<Wheel>) -> Self {
        Self::start(true, wheels)
    }

    /// One that does not.
    pub(crate) fn undated(wheels: Vec<Wheel>) -> Self {
        Self::start(false, wheels)
    }

    fn start(dated: bool, wheels: Vec<Wheel>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shelf = Arc::new(Mutex::new(Shelf { dated, ..Shelf::default() }));
        let index = Self { address, shelf: shelf.clone() };
        wheels.into_iter().for_each(|wheel| index.put(&wheel));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shelf = shelf.clone();
                std::thread::spawn(move || answer(stream, &shelf));
            }
        });
        index
    }

    pub(crate) fn put(&self, wheel: &Wheel) {
        self.put_file(wheel.name(), &wheel.file_name(), wheel.bytes());
    }

    /// Any file of a package.
    pub(crate) fn put_file(&self, package: &str, name: &str, bytes: Vec<u8>) {
        self.shelf.lock().unwrap().packages.entry(package.to_owned()).or_default().insert(name.to_owned(), bytes);
    }

    /// How it answers from now on.
    pub(crate) fn set(&self, mood: Mood) {
        self.shelf.lock().unwrap().mood = mood;
    }

    /// The paths that were asked for.
    pub(crate) fn log(&self) -> Vec<String> {
        self.shelf.lock().unwrap().log.clone()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/simple", self.address)
    }
}

/// One connection, whose requests have no bodies.
fn answer(mut stream: TcpStream, shelf: &Mutex<Shelf>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let mut words = line.split(' ');
        let (method, path) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
        let mut header = String::new();
        while reader.read_line(&mut header).unwrap_or(0) > 2 {
            header.clear();
        }
        let (mood, (status, kind, body)) = {
            let mut shelf = shelf.lock().unwrap();
            shelf.log.push(path.clone());
            (shelf.mood, page(&shelf, &path))
        };
        match mood {
            Mood::Well => {}
            Mood::Down => return,
            // Until the other end goes.
            Mood::Silent => drop(reader.read_line(&mut String::new())),
        }
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nCache-Control: no-cache\r\n\r\n",
            body.len()
        );
        let body = if method == "HEAD" { &[][..] } else { &body };
        if stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).is_err() {
            return;
        }
    }
}

fn page(shelf: &Shelf, path: &str) -> (&'static str, &'static str, Vec<u8>) {
    let missing = ("404 Not Found", "text/plain", Vec::new());
    if let Some(name) = path.strip_prefix("/files/") {
        let name = name.replace("%2B", "+");
        let file = shelf.packages.values().find_map(|files| files.get(&name));
        return file.map_or(missing, |bytes| ("200 OK", "application/octet-stream", bytes.clone()));
    }
    let Some(package) = path.strip_prefix("/simple/").map(|rest| rest.trim_end_matches('/')) else { return missing };
    let Some(files) = shelf.packages.get(package) else { return missing };
    let links = files.iter().map(|(name, bytes)| (name, format!("/files/{}", name.replace('+', "%2B")), bytes));
    if shelf.dated {
        let files: Vec<_> = links
            .map(|(name, url, bytes)| {
                serde_json::json!({
                    "filename": name, "url": url, "hashes": { "sha256": sha256(bytes) }, "upload-time": DATE, "size": bytes.len(),
                })
            })
            .collect();
        let page =
            serde_json::json!({ "meta": { "api-version": "1.1" }, "name": package, "files": files, "versions": [] });
        return ("200 OK", "application/vnd.pypi.simple.v1+json", page.to_string().into_bytes());
    }
    let links: String = links
        .map(|(name, url, bytes)| format!("<a href=\"{url}#sha256={}\">{name}</a><br/>\n", sha256(bytes)))
        .collect();
    ("200 OK", "text/html", format!("<!DOCTYPE html>\n<html><body>\n{links}</body></html>\n").into_bytes())
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
