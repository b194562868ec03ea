//! Hugging Face, as far as the field notes tell what it answers (model-sources.md, 2), and no kinder.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::site::{Asked, Reply, Site};
use super::storage::Storage;

/// A token of an account that may have what is private and has accepted all terms.
pub(crate) const TOKEN: &str = "hf-token-of-the-tests";
/// Files on a page of a tree.
const PAGE: usize = 2;

#[derive(Clone, Default)]
struct Repository {
    /// Oldest first: the commit and what lies there.
    commits: Vec<(String, BTreeMap<String, Vec<u8>>)>,
    private: bool,
    gated: bool,
}

#[derive(Default)]
struct Catalog {
    repositories: BTreeMap<String, Repository>,
    renamed: BTreeMap<String, String>,
    mood: Option<(Reply, usize)>,
}

/// The site and its storage; they end with the process.
pub(crate) struct HuggingFace {
    pub(crate) site: Site,
    pub(crate) storage: Storage,
    catalog: Arc<Mutex<Catalog>>,
}

/// The SHA-256 of bytes, in hex.
pub(crate) type Hash = fn(&[u8]) -> String;

impl HuggingFace {
    pub(crate) fn start(hash: Hash) -> Self {
        let catalog = Arc::new(Mutex::new(Catalog::default()));
        let storage = Storage::start();
        let (kept, bytes) = (catalog.clone(), storage.clone());
        let site = Site::start(move |asked| {
            let mut catalog = kept.lock().unwrap();
            if let Some((reply, left)) = catalog.mood.as_mut().filter(|(_, left)| *left > 0) {
                *left -= 1;
                return reply.clone();
            }
            reply(&catalog, asked, hash, &bytes)
        });
        Self { site, storage, catalog }
    }

    /// Commits files to a repository; `.json` and `.md` are small files that git keeps itself.
    pub(crate) fn commit(&self, repository: &str, files: &[(&str, &[u8])]) -> String {
        let mut catalog = self.catalog.lock().unwrap();
        let repository = catalog.repositories.entry(repository.to_owned()).or_default();
        let commit = format!("{:040x}", 0xabc_000 + repository.commits.len());
        let files = files.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec())).collect();
        repository.commits.push((commit.clone(), files));
        commit
    }

    pub(crate) fn make_private(&self, repository: &str) {
        self.catalog.lock().unwrap().repositories.get_mut(repository).unwrap().private = true;
    }

    pub(crate) fn gate(&self, repository: &str) {
        self.catalog.lock().unwrap().repositories.get_mut(repository).unwrap().gated = true;
    }

    pub(crate) fn rename(&self, from: &str, to: &str) {
        let mut catalog = self.catalog.lock().unwrap();
        let moved = catalog.repositories.remove(from).unwrap();
        catalog.repositories.insert(to.to_owned(), moved);
        catalog.renamed.insert(from.to_owned(), to.to_owned());
    }

    /// Answers the next requests with this, whatever they are.
    pub(crate) fn mood(&self, reply: Reply, times: usize) {
        self.catalog.lock().unwrap().mood = Some((reply, times));
    }
}

fn refused(status: u16, code: &'static str, message: &str) -> Reply {
    Reply::json(status, &json!({ "error": message })).with("X-Error-Code", code).with("X-Error-Message", message)
}

fn is_small(path: &str) -> bool {
    path.ends_with(".json") || path.ends_with(".md")
}

fn unescaped(text: &str) -> String {
    text.replace("%20", " ").replace("%25", "%")
}

fn reply(catalog: &Catalog, asked: &Asked, hash: Hash, storage: &Storage) -> Reply {
    let path = asked.path().trim_start_matches('/');
    let (name, rest) = match path.strip_prefix("api/models/") {
        Some(below) => below.split_once("/tree/").map(|(name, rest)| (name, Err(rest))),
        None => path.split_once("/resolve/").map(|(name, rest)| (name, Ok(rest))),
    }
    .unwrap_or(("", Err("")));
    if let Some(new) = catalog.renamed.get(name) {
        return Reply::new(307).with("Location", asked.target.replacen(name, new, 1));
    }
    let known = asked.header("authorization") == Some(&format!("Bearer {TOKEN}"));
    let missing = || match known {
        // What one may not see and what is not there look the same to who is not logged in.
        false => refused(401, "RepoNotFound", "Invalid username or password."),
        true => refused(404, "RepoNotFound", "Repository not found"),
    };
    let Some(repository) = catalog.repositories.get(name) else { return missing() };
    if repository.private && !known {
        return missing();
    }
    match rest {
        Ok(rest) => resolve(repository, asked, rest, known, hash, storage),
        Err(_) => tree(repository, asked, hash),
    }
}

fn resolve(repository: &Repository, asked: &Asked, rest: &str, known: bool, hash: Hash, storage: &Storage) -> Reply {
    let (revision, path) = rest.split_once('/').unwrap();
    let path = unescaped(path);
    let at = repository.commits.iter().rev().find(|(commit, _)| revision == "main" || revision == commit);
    let Some((commit, files)) = at else { return refused(404, "RevisionNotFound", "Invalid rev id") };
    if repository.gated && !known {
        let status = if asked.header("authorization").is_some() { 403 } else { 401 };
        return refused(status, "GatedRepo", "Access to model is restricted.").with("X-Repo-Commit", commit);
    }
    let Some(bytes) = files.get(&path) else {
        return refused(404, "EntryNotFound", "Entry not found").with("X-Repo-Commit", commit);
    };
    if is_small(&path) {
        return Reply::new(200)
            .with("X-Repo-Commit", commit)
            .with("ETag", format!("\"{}\"", &hash(bytes)[..40]))
            .body("text/plain; charset=utf-8", bytes.clone());
    }
    let sha256 = hash(bytes);
    storage.put(&sha256, bytes);
    Reply::new(302)
        .with("X-Repo-Commit", commit)
        .with("X-Linked-Etag", format!("\"{sha256}\""))
        .with("X-Linked-Size", bytes.len().to_string())
        .with("ETag", "\"not-the-hash\"")
        .with("X-Xet-Hash", "ff".repeat(32))
        .with("Link", "<https://huggingface.co/api/xet>; rel=\"xet-auth\"")
        .with("Location", storage.sign(&sha256, "x"))
        .body("text/plain", "Found. Redirecting")
}

/// The newest commit's files, some on a page; the next page is named at the site's own host.
fn tree(repository: &Repository, asked: &Asked, hash: Hash) -> Reply {
    let (_, files) = repository.commits.last().unwrap();
    let first = asked.query("cursor").map_or(0, |cursor| cursor.parse::<usize>().unwrap());
    let entry = |(path, bytes): (&String, &Vec<u8>)| {
        let mut entry = json!({ "type": "file", "path": path, "size": bytes.len(), "oid": "b".repeat(40) });
        if !is_small(path) {
            entry["lfs"] = json!({ "oid": hash(bytes), "size": bytes.len(), "pointerSize": 134 });
            entry["size"] = 134.into();
        }
        entry
    };
    let page: Vec<Value> = files.iter().skip(first).take(PAGE).map(entry).collect();
    let reply = Reply::json(200, &Value::Array(page));
    if first + PAGE >= files.len() {
        return reply;
    }
    let next = format!("https://huggingface.co{}?recursive=true&cursor={}", asked.path(), first + PAGE);
    reply.with("Link", format!("<{next}>; rel=\"next\""))
}
