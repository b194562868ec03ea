//! The Comfy registry, as far as the field notes tell what it answers (nodes-uv.md, 1), and no kinder.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::pack_zip::{self, Entry};
use super::site::{Asked, Reply, Site};

/// A pack there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pack {
    pub(crate) repository: String,
    /// `NodeStatusActive` unless it says otherwise.
    pub(crate) status: Option<&'static str>,
    /// In the order in which they were published.
    pub(crate) versions: Vec<Release>,
}

/// A version of it.
#[derive(Clone, Debug)]
pub(crate) struct Release {
    pub(crate) version: String,
    pub(crate) dependencies: Vec<String>,
    pub(crate) deprecated: bool,
    /// `NodeVersionStatusActive` unless it says otherwise.
    pub(crate) status: &'static str,
    pub(crate) status_reason: &'static str,
    pub(crate) zip: Vec<u8>,
    /// Where its zip is said to be, if not here.
    pub(crate) download_url: Option<String>,
}

#[derive(Default)]
struct Shelf {
    packs: BTreeMap<String, Pack>,
    owners: BTreeMap<String, String>,
    /// What the next requests of a kind are answered with, so many times.
    moods: BTreeMap<&'static str, (Reply, usize)>,
    /// Zips that break off after so many bytes, so many times.
    cut: Option<(usize, usize)>,
}

/// The registry and its zips; it ends with the process.
pub(crate) struct Registry {
    pub(crate) site: Site,
    shelf: Arc<Mutex<Shelf>>,
}

/// The kinds of questions, by their routes.
pub(crate) const KINDS: [&str; 6] = ["node", "install", "versions", "version", "owner", "zip"];

impl Registry {
    pub(crate) fn start() -> Self {
        let shelf = Arc::new(Mutex::new(Shelf::default()));
        let kept = shelf.clone();
        let site = Site::start(move |asked| reply(&mut kept.lock().unwrap(), asked));
        Self { site, shelf }
    }

    /// What `COMFYDOCK_REGISTRY_URL` is to be.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.site.address)
    }

    /// Publishes what lies in a folder.
    pub(crate) fn publish(&self, id: &str, version: &str, folder: &Path) {
        self.publish_zip(id, version, pack_zip::of_folder(folder));
    }

    /// Publishes these files.
    pub(crate) fn publish_files(&self, id: &str, version: &str, files: &[(&str, &[u8])]) {
        let entries: Vec<Entry> = files.iter().map(|(name, bytes)| Entry::file(name, bytes)).collect();
        self.publish_zip(id, version, pack_zip::write(&entries));
    }

    /// Publishes a zip, or puts other bytes under a version that is there.
    pub(crate) fn publish_zip(&self, id: &str, version: &str, zip: Vec<u8>) {
        self.change(id, |pack| match pack.versions.iter_mut().find(|release| release.version == version) {
            Some(release) => release.zip = zip,
            None => pack.versions.push(Release {
                version: version.to_owned(),
                dependencies: Vec::new(),
                deprecated: false,
                status: "NodeVersionStatusActive",
                status_reason: "",
                zip,
                download_url: None,
            }),
        });
    }

    /// Changes a pack, which is made if it is not there.
    pub(crate) fn change(&self, id: &str, change: impl FnOnce(&mut Pack)) {
        change(self.shelf.lock().unwrap().packs.entry(id.to_owned()).or_default());
    }

    /// Changes the newest version of a pack.
    pub(crate) fn change_newest(&self, id: &str, change: impl FnOnce(&mut Release)) {
        self.change(id, |pack| change(pack.versions.last_mut().unwrap()));
    }

    /// The pack has this node type.
    pub(crate) fn owns(&self, id: &str, node_type: &str) {
        self.shelf.lock().unwrap().owners.insert(node_type.to_owned(), id.to_owned());
    }

    /// Answers the next questions of this kind with that, so many times.
    pub(crate) fn mood(&self, kind: &'static str, reply: Reply, times: usize) {
        assert!(KINDS.contains(&kind), "{kind}");
        self.shelf.lock().unwrap().moods.insert(kind, (reply, times));
    }

    /// The next zips break off after so many bytes, so many times.
    pub(crate) fn cut_zips(&self, after: usize, times: usize) {
        self.shelf.lock().unwrap().cut = Some((after, times));
    }

    /// How many questions of this kind came.
    pub(crate) fn calls(&self, kind: &str) -> usize {
        assert!(KINDS.contains(&kind), "{kind}");
        self.site.log().iter().filter(|asked| self::kind(asked.path()) == Some(kind)).count()
    }
}

/// Which kind of question a path is.
fn kind(path: &str) -> Option<&'static str> {
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    Some(match parts.as_slice() {
        ["nodes", _] => "node",
        ["nodes", _, "install"] => "install",
        ["nodes", _, "versions"] => "versions",
        ["nodes", _, "versions", _] => "version",
        ["comfy-nodes", _, "node"] => "owner",
        ["cdn", ..] => "zip",
        _ => return None,
    })
}

fn missing(message: &str) -> Reply {
    Reply::json(404, &json!({ "error": "", "message": message }))
}

fn reply(shelf: &mut Shelf, asked: &Asked) -> Reply {
    let Some(kind) = kind(asked.path()) else { return missing("no such route") };
    if let Some((reply, left)) = shelf.moods.get_mut(kind).filter(|(_, left)| *left > 0) {
        *left -= 1;
        return reply.clone();
    }
    if asked.method != "GET" {
        return Reply::json(405, &json!({ "message": "method not allowed" }));
    }
    let host = asked.header("host").unwrap_or_default().to_owned();
    let parts: Vec<String> = asked.path().trim_start_matches('/').split('/').map(decoded).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["cdn", _, id, version, "node.zip"] => zip(shelf, id, version),
        ["comfy-nodes", node_type, "node"] => {
            let owner = shelf.owners.get(*node_type).and_then(|id| shelf.packs.get_key_value(id));
            owner.map_or_else(|| missing("Node not found"), |(id, pack)| Reply::json(200, &node(id, pack, &host)))
        }
        ["nodes", id, rest @ ..] => match shelf.packs.get(*id) {
            Some(pack) => of_pack(id, pack, rest, asked, &host),
            None => missing("Node not found"),
        },
        _ => missing("no such route"),
    }
}

fn of_pack(id: &str, pack: &Pack, rest: &[&str], asked: &Asked, host: &str) -> Reply {
    let of = |wanted: &str| pack.versions.iter().find(|release| release.version == wanted);
    let say = |release: Option<&Release>| {
        release.map_or_else(|| missing("Not found"), |release| Reply::json(200, &version(id, release, host)))
    };
    match rest {
        [] if pack.status == Some("NodeStatusBanned") => {
            Reply::json(403, &json!({ "error": "", "message": "Node is banned" }))
        }
        [] => Reply::json(200, &node(id, pack, host)),
        // It looks at no status.
        ["install"] => match asked.query("version") {
            None => say(pack.versions.last()),
            Some(wanted) if !is_version(wanted) => {
                Reply::json(400, &json!({ "error": "", "message": "version does not match the pattern" }))
            }
            Some(wanted) => say(of(wanted)),
        },
        ["versions"] => {
            let statuses: Vec<&str> = asked
                .target
                .split_once('?')
                .map_or("", |(_, query)| query)
                .split('&')
                .filter_map(|pair| pair.strip_prefix("statuses="))
                .collect();
            let listed = pack.versions.iter().rev().filter(|release| statuses.contains(&release.status));
            Reply::json(200, &listed.map(|release| version(id, release, host)).collect())
        }
        ["versions", wanted] => say(of(wanted)),
        _ => missing("no such route"),
    }
}

fn is_version(text: &str) -> bool {
    let numbers: Vec<&str> = text.split('.').collect();
    numbers.len() == 3 && numbers.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Without `publisher`, and without `latest_version` if nothing was released.
fn node(id: &str, pack: &Pack, host: &str) -> Value {
    let mut node = json!({
        "id": id, "name": format!("The pack {id}"), "description": "", "author": "", "category": "",
        "license": "{\"file\":\"LICENSE\"}", "icon": "", "repository": pack.repository, "tags": [], "rating": 0,
        "downloads": 12, "github_stars": 3, "preempted_comfy_node_names": [], "created_at": "2024-05-21T02:15:00.000000Z",
        "status": pack.status.unwrap_or("NodeStatusActive"), "status_detail": "", "supported_os": null,
    });
    if let Some(newest) = pack.versions.iter().rev().find(|release| release.status == "NodeVersionStatusActive") {
        node["latest_version"] = version(id, newest, host);
    }
    node
}

fn version(id: &str, release: &Release, host: &str) -> Value {
    let url = format!("http://{host}/cdn/publisher/{id}/{}/node.zip", release.version);
    json!({
        "id": "5a4c0000-0000-4000-8000-000000000000", "node_id": id, "version": release.version,
        "createdAt": "2025-03-01T10:11:12.123456Z", "changelog": "", "dependencies": release.dependencies,
        "deprecated": release.deprecated, "downloadUrl": release.download_url.clone().unwrap_or(url),
        "status": release.status, "status_reason": release.status_reason, "comfy_node_extract_status": "success",
        "supported_os": null, "supported_accelerators": null, "supported_comfyui_version": "",
    })
}

fn zip(shelf: &mut Shelf, id: &str, version: &str) -> Reply {
    let release = shelf.packs.get(id).and_then(|pack| pack.versions.iter().find(|release| release.version == version));
    let Some(release) = release else { return Reply::new(403).body("application/xml", "<Error>AccessDenied</Error>") };
    let whole = Reply::new(200).body("application/zip", release.zip.clone());
    match shelf.cut.as_mut().filter(|(_, left)| *left > 0) {
        None => whole,
        Some((after, left)) => {
            *left -= 1;
            let length = whole.body.len().to_string();
            let body = whole.body[..(*after).min(whole.body.len())].to_vec();
            Reply { body, ..whole }.with("Content-Length", length)
        }
    }
}

fn decoded(part: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = part.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let code = (first == b'%').then(|| std::str::from_utf8(tail.get(..2)?).ok()).flatten();
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).unwrap()
}
