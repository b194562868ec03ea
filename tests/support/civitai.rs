//! CivitAI, as far as the field notes tell what it answers (model-sources.md, 1.2 to 1.5), and no
//! kinder.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::site::{Asked, Reply, Site};
use super::storage::Storage;

/// The key of an account that may have everything.
pub(crate) const KEY: &str = "civitai-key-of-the-tests";

/// A file of a version.
#[derive(Clone)]
pub(crate) struct CivitaiFile {
    pub(crate) id: u64,
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) bytes: Vec<u8>,
    pub(crate) scanned: Scanned,
}

/// How far the site knows a file's hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scanned {
    Fully,
    /// So, and it found something.
    Dangerous,
    /// The scan has not come to it.
    No,
    /// Of the full hashes only BLAKE3 is there.
    OnlyBlake3,
}

/// What stands in the way of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bar {
    Login,
    Disabled,
    EarlyAccess,
    Archived,
    /// The batch answers `null` for it.
    Null,
}

#[derive(Default)]
struct Catalog {
    versions: BTreeMap<u64, (Vec<CivitaiFile>, Option<Bar>)>,
    /// What everything is answered with, so many times.
    mood: Option<(Reply, usize)>,
}

/// The site and its storage; they end with the process.
pub(crate) struct Civitai {
    pub(crate) site: Site,
    pub(crate) storage: Storage,
    catalog: Arc<Mutex<Catalog>>,
}

/// The hashes of a file, as `(SHA-256, BLAKE3)` in hex.
pub(crate) type Hashes = fn(&[u8]) -> (String, String);

impl Civitai {
    pub(crate) fn start(hashes: Hashes) -> Self {
        let catalog = Arc::new(Mutex::new(Catalog::default()));
        let storage = Storage::start();
        let (kept, bytes) = (catalog.clone(), storage.clone());
        let site = Site::start(move |asked| {
            let mut catalog = kept.lock().unwrap();
            if let Some((reply, left)) = catalog.mood.as_mut().filter(|(_, left)| *left > 0) {
                *left -= 1;
                return reply.clone();
            }
            reply(&catalog, asked, hashes, &bytes)
        });
        Self { site, storage, catalog }
    }

    /// Publishes a version. Its first file is the one the site calls primary.
    pub(crate) fn publish(&self, version: u64, files: &[CivitaiFile]) {
        for file in files {
            self.storage.put(&file.id.to_string(), &file.bytes);
        }
        self.catalog.lock().unwrap().versions.insert(version, (files.to_vec(), None));
    }

    pub(crate) fn bar(&self, version: u64, bar: Bar) {
        self.catalog.lock().unwrap().versions.get_mut(&version).unwrap().1 = Some(bar);
    }

    /// Answers the next requests with this, whatever they are.
    pub(crate) fn mood(&self, reply: Reply, times: usize) {
        self.catalog.lock().unwrap().mood = Some((reply, times));
    }
}

pub(crate) fn file(id: u64, name: &'static str, bytes: &[u8]) -> CivitaiFile {
    CivitaiFile { id, name, kind: "Model", bytes: bytes.to_owned(), scanned: Scanned::Fully }
}

fn not_found() -> Reply {
    Reply::json(404, &json!({ "error": "Model not found" }))
}

fn reply(catalog: &Catalog, asked: &Asked, hashes: Hashes, storage: &Storage) -> Reply {
    let agent = asked.header("user-agent").unwrap_or_default();
    if agent.is_empty() || agent.to_lowercase().starts_with("python") {
        return Reply::new(403).body("text/html", "<!DOCTYPE html><title>Just a moment...</title>Cloudflare");
    }
    if let Some(version) = asked.path().strip_prefix("/api/download/models/") {
        return download(catalog, asked, version, storage);
    }
    let Some(path) = asked.path().strip_prefix("/api/v1/model-versions/") else {
        return Reply::new(404).body("text/html", "<!DOCTYPE html>not found");
    };
    let found = |wanted: &str| {
        let has = |files: &[CivitaiFile]| {
            files.iter().any(|file| {
                let (sha256, blake3) = hashes(&file.bytes);
                let (sha256, blake3) = (sha256.to_uppercase(), blake3.to_uppercase());
                match file.scanned {
                    Scanned::Fully | Scanned::Dangerous => [&sha256, &sha256[..10], &blake3].contains(&wanted),
                    Scanned::OnlyBlake3 => blake3 == wanted,
                    Scanned::No => false,
                }
            })
        };
        catalog.versions.iter().find(|(_, (files, _))| has(files))
    };
    match (asked.method.as_str(), path) {
        ("POST", "by-hash/ids" | "by-hash") => {
            let limit = if path == "by-hash" { 100 } else { 10_000 };
            let wanted: Option<Vec<String>> = serde_json::from_slice(&asked.body).ok();
            let Some(wanted) = wanted.filter(|all| all.len() <= limit && all.iter().all(|hash| hash.len() == 64))
            else {
                return Reply::json(400, &json!({ "error": "Invalid input" }));
            };
            // Only SHA-256 is looked at here, and nothing says in which order.
            let known = wanted.iter().rev().filter_map(|hash| {
                let (id, (files, bar)) = found(hash)?;
                files
                    .iter()
                    .any(|file| hashes(&file.bytes).0.to_uppercase() == *hash)
                    .then_some((hash, *id, files, *bar))
            });
            let answers: Vec<Value> = known
                .flat_map(|(hash, id, files, bar)| match (path, bar) {
                    ("by-hash/ids", _) => vec![json!({ "modelVersionId": id, "modelId": id * 10, "hash": hash })],
                    (_, Some(Bar::Null)) => vec![Value::Null],
                    // One version for each hash it has: it repeats.
                    _ => vec![version(id, files, bar, hashes, "undefined")],
                })
                .collect();
            Reply::json(200, &Value::Array(answers))
        }
        ("GET", path) => {
            let by_hash = path.strip_prefix("by-hash/").map(|hash| found(&hash.to_uppercase()));
            let by_id = || Some(catalog.versions.get_key_value(&path.parse().ok()?));
            match by_hash.or_else(by_id).flatten() {
                Some((id, (files, bar))) => Reply::json(200, &version(*id, files, *bar, hashes, "civitai.com"))
                    .with("Cache-Control", "s-maxage=3600"),
                None => not_found(),
            }
        }
        _ => Reply::new(405),
    }
}

fn version(id: u64, files: &[CivitaiFile], bar: Option<Bar>, hashes: Hashes, host: &str) -> Value {
    let describe = |(position, file): (usize, &CivitaiFile)| {
        let (sha256, blake3) = hashes(&file.bytes);
        let sha256 = sha256.to_uppercase();
        let blake3 = blake3.to_uppercase();
        let hashes = match file.scanned {
            Scanned::Fully | Scanned::Dangerous => {
                json!({ "AutoV2": &sha256[..10], "SHA256": sha256, "CRC32": "DAEE95B7", "BLAKE3": blake3 })
            }
            Scanned::OnlyBlake3 => json!({ "BLAKE3": blake3 }),
            Scanned::No => json!({}),
        };
        json!({
            "id": file.id, "name": file.name, "type": file.kind, "sizeKB": file.bytes.len() as f64 / 1024.0,
            "metadata": { "format": "SafeTensor", "fp": "fp16" }, "pickleScanResult": if file.scanned == Scanned::Dangerous { "Danger" } else { "Success" }, "hashes": hashes,
            "downloadUrl": format!("https://{host}/api/download/models/{id}"), "primary": position == 0,
        })
    };
    let listed = if bar == Some(Bar::Archived) { &[][..] } else { files };
    json!({
        "id": id, "modelId": id * 10, "name": "v1", "description": null, "baseModel": "SDXL 1.0", "status": "Published",
        "usageControl": if bar == Some(Bar::Disabled) { "Generation" } else { "Download" },
        "stats": { "downloadCount": null }, "model": { "name": "A model", "type": "LORA" },
        "files": listed.iter().enumerate().map(describe).collect::<Vec<_>>(),
        "images": [{ "url": "https://image.civitai.com/x", "hash": "U9" }],
        "downloadUrl": format!("https://{host}/api/download/models/{id}"),
    })
}

fn download(catalog: &Catalog, asked: &Asked, version: &str, storage: &Storage) -> Reply {
    // Even with a key.
    if asked.method == "HEAD" {
        return Reply::json(401, &json!({ "error": "Unauthorized" }));
    }
    let Some((files, bar)) = version.parse().ok().and_then(|id: u64| catalog.versions.get(&id)) else {
        return not_found();
    };
    let known = asked.header("authorization") == Some(&format!("Bearer {KEY}"));
    let browser = asked.header("user-agent").is_some_and(|agent| agent.contains("Mozilla"));
    let refused = |message: &str| Reply::json(401, &json!({ "error": "Unauthorized", "message": message }));
    match bar {
        Some(Bar::Login) if !known && browser => {
            return Reply::new(302).with("Location", "/login?reason=download-auth");
        }
        Some(Bar::Login) if !known => {
            return refused("The creator of this asset requires you to be logged in to download it");
        }
        Some(Bar::Disabled) => return refused("The creator of this asset has disabled downloads on this file"),
        Some(Bar::EarlyAccess) => {
            let early = json!({ "error": "Early Access", "deadline": "2030-01-01T00:00:00.000Z", "message": "…" });
            return Reply::json(403, &early);
        }
        Some(Bar::Archived) => return Reply::json(410, &json!({ "error": "Model archived" })),
        _ => {}
    }
    let wanted = asked.query("fileId").map(str::parse::<u64>);
    let file = match wanted {
        None => files.first(),
        Some(Ok(id)) => files.iter().find(|file| file.id == id),
        Some(Err(_)) => return Reply::json(400, &json!({ "error": "Invalid input" })),
    };
    let Some(file) = file else { return not_found() };
    Reply::new(302).with("Location", storage.sign(&file.id.to_string(), file.name)).with("Cache-Control", "no-store")
}
