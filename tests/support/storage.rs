//! Where the sites' bytes lie: another host, reached by signed addresses that end, and no friend of
//! foreign credentials (field notes on CivitAI's R2 and B2, and on Hugging Face's bridge).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use super::site::{Asked, Reply, Site};

#[derive(Default)]
struct Shelf {
    files: BTreeMap<String, Vec<u8>>,
    signatures: BTreeSet<String>,
    signed: usize,
    expiring: usize,
}

/// The storage; it ends with the process.
#[derive(Clone)]
pub(crate) struct Storage {
    pub(crate) site: Site,
    shelf: Arc<Mutex<Shelf>>,
}

impl Storage {
    pub(crate) fn start() -> Self {
        let shelf = Arc::new(Mutex::new(Shelf::default()));
        let kept = shelf.clone();
        Self { site: Site::start(move |asked| reply(&kept.lock().unwrap(), asked)), shelf }
    }

    pub(crate) fn put(&self, key: &str, bytes: &[u8]) {
        self.shelf.lock().unwrap().files.insert(format!("/{key}"), bytes.to_owned());
    }

    /// A new signed address.
    pub(crate) fn sign(&self, key: &str, filename: &str) -> String {
        let mut shelf = self.shelf.lock().unwrap();
        shelf.signed += 1;
        let signature = format!("{:064x}", shelf.signed);
        match shelf.expiring.checked_sub(1) {
            Some(left) => shelf.expiring = left,
            None => _ = shelf.signatures.insert(signature.clone()),
        }
        self.site.url(&format!(
            "{key}?X-Amz-Expires=86400&X-Amz-Signature={signature}&response-content-disposition=attachment%3B%20filename%3D%22{filename}%22"
        ))
    }

    /// The next addresses that are signed have ended when they are asked.
    pub(crate) fn expire_next(&self, times: usize) {
        self.shelf.lock().unwrap().expiring = times;
    }
}

fn error(status: u16, code: &str, message: &str) -> Reply {
    Reply::new(status).body(
        "application/xml",
        format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>"),
    )
}

fn reply(shelf: &Shelf, asked: &Asked) -> Reply {
    if asked.header("authorization").is_some() {
        return error(400, "InvalidRequest", "Missing x-amz-content-sha256");
    }
    // An address is signed for GET and nothing else.
    if asked.method != "GET" {
        return error(403, "SignatureDoesNotMatch", "The request signature we calculated does not match");
    }
    if !asked.query("X-Amz-Signature").is_some_and(|signature| shelf.signatures.contains(signature)) {
        return error(403, "AccessDenied", "Request has expired");
    }
    let Some(file) = shelf.files.get(asked.path()) else { return error(404, "NoSuchKey", "gone") };
    // Of a multipart upload: no hash of the file.
    let binary = |status| {
        Reply::new(status).with("Accept-Ranges", "bytes").with("ETag", "\"d41d8cd98f00b204e9800998ecf8427e-7\"")
    };
    let Some(range) = asked.header("range").and_then(|range| range.strip_prefix("bytes=")) else {
        return binary(200).body("application/octet-stream", file.clone());
    };
    let (first, last) = range.split_once('-').unwrap();
    let first: usize = first.parse().unwrap();
    let last = last.parse().unwrap_or(file.len() - 1).min(file.len() - 1);
    if first > last {
        return error(416, "InvalidRange", "no").with("Content-Range", format!("bytes */{}", file.len()));
    }
    binary(206)
        .with("Content-Range", format!("bytes {first}-{last}/{}", file.len()))
        .body("application/octet-stream", &file[first..=last])
}
