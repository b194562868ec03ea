//! Servers that say one thing and send another.

use std::fs;

use comfydock_bundle::registry::Error;
use comfydock_core::oci::{Digest, IMAGE_INDEX, IMAGE_MANIFEST, Reference};

use super::proxy::{Deed, Proxy};
use super::{described, digest, name, noise, open};

#[test]
fn a_blob_that_is_something_else_gets_no_name() {
    let right = noise(1, 300_000);
    let blob = described("x", &right);
    let mut wrong = right.clone();
    wrong[150_000] ^= 1;
    let longer = [&right[..], b"and more"].concat();
    for (sent, headers, what) in [
        (wrong, vec![], "sha256:"),
        (right[..200_000].to_vec(), vec![], "200000 bytes instead of"),
        (longer, vec![], "300008 bytes instead of"),
        (right.clone(), vec![("Content-Encoding", "gzip".to_owned())], "comes encoded"),
    ] {
        let proxy = Proxy::start("127.0.0.1:1", move |_| Deed::Answer(200, headers.clone(), sent.clone()));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("layer");
        let error = open(&proxy.host()).pull_blob(&name("a"), &blob, &file).unwrap_err();
        let message = format!("{error} {error:?}");
        assert!(message.contains(what), "{what}: {message}");
        assert!(!file.exists(), "{what}");
        let part = fs::metadata(folder.path().join(".layer.part")).map_or(0, |meta| meta.len());
        assert!(part <= blob.size, "{what}: never more than the blob has");
    }
}

#[test]
fn an_endless_body_is_cut_at_the_size_of_the_blob() {
    let right = noise(2, 100_000);
    let blob = described("x", &right);
    let endless = [&right[..], &noise(3, 5_000_000)].concat();
    let chunked = format!("{:x}\r\n", endless.len()).into_bytes();
    let body = [chunked, endless, b"\r\n0\r\n\r\n".to_vec()].concat();
    let proxy = Proxy::start("127.0.0.1:1", move |_| {
        // With chunks there is no length to hold against anything.
        Deed::Answer(200, vec![("Transfer-Encoding", "chunked".to_owned())], body.clone())
    });
    let folder = tempfile::tempdir().unwrap();
    let error = open(&proxy.host()).pull_blob(&name("a"), &blob, &folder.path().join("layer")).unwrap_err();
    assert!(matches!(&error, Error::Different { found, .. } if found.contains("more than its")), "{error}");
    assert!(fs::metadata(folder.path().join(".layer.part")).map_or(0, |meta| meta.len()) <= blob.size);
}

#[test]
fn a_manifest_is_what_its_digest_says_and_one_thing_only() {
    let manifest = format!(r#"{{"schemaVersion":2,"mediaType":"{IMAGE_MANIFEST}"}}"#);
    let other = digest(b"other").to_string();
    let right = digest(manifest.as_bytes());
    for (kind, named, pinned, what) in [
        (IMAGE_MANIFEST, None, None, ""),
        ("application/json", Some(right.to_string()), Some(right.clone()), ""),
        ("application/vnd.oci.image.manifest.v1+json; charset=utf-8", None, None, ""),
        (IMAGE_MANIFEST, Some(other), None, "sent something else for"),
        (IMAGE_MANIFEST, None, Some(digest(b"other")), "sent something else for"),
        (IMAGE_INDEX, None, None, "outside and"),
    ] {
        let text = manifest.clone();
        let proxy = Proxy::start("127.0.0.1:1", move |_| {
            let named = named.clone().map(|named| ("Docker-Content-Digest", named));
            let headers = [("Content-Type", kind.to_owned())].into_iter().chain(named).collect();
            Deed::Answer(200, headers, text.clone().into_bytes())
        });
        let mut reference = Reference::parse(&format!("oci://{}/a:1", proxy.host())).unwrap();
        if let Some(digest) = pinned {
            reference = reference.pinned(digest);
        }
        match open(&proxy.host()).pull_manifest(&reference) {
            Ok(read) => assert_eq!((what, read.digest, read.media_type.as_str()), ("", right.clone(), IMAGE_MANIFEST)),
            Err(error) => assert!(!what.is_empty() && error.to_string().contains(what), "{what}: {error}"),
        }
    }
    let large = Proxy::start("127.0.0.1:1", |_| Deed::Answer(200, vec![], vec![b' '; 4 * 1024 * 1024 + 1]));
    let reference = Reference::parse(&format!("oci://{}/a:1", large.host())).unwrap();
    assert!(open(&large.host()).pull_manifest(&reference).unwrap_err().to_string().contains("more than 4194304 bytes"));
}

#[test]
fn lists_go_page_by_page_and_end() {
    let proxy = Proxy::start("127.0.0.1:1", |head| {
        let page: usize = head.path.split("last=").nth(1).and_then(|text| text.parse().ok()).unwrap_or(0);
        let link = ("Link", format!("</v2/a/tags/list?last={}>; rel=\"next\"", page + 1));
        Deed::Answer(200, vec![link], format!(r#"{{"tags":["t{page}","{}"]}}"#, "x".repeat(100)).into_bytes())
    });
    let tags = open(&proxy.host()).tags(&name("a")).unwrap();
    assert_eq!((tags.len(), tags[0].as_str(), tags[2].as_str()), (10_000, "t0", "t1"));

    let foreign = Proxy::start("127.0.0.1:1", |_| Deed::Answer(200, vec![], br#"{"tags":["foreign"]}"#.to_vec()));
    let there = foreign.host();
    let proxy = Proxy::start("127.0.0.1:1", move |_| {
        Deed::Answer(200, vec![("Link", format!("<http://{there}/x>; rel=\"next\""))], br#"{"tags":["t"]}"#.to_vec())
    });
    assert_eq!(open(&proxy.host()).tags(&name("a")).unwrap(), ["t"]);
    assert!(foreign.seen().is_empty());
}

#[test]
fn a_registry_that_lists_referrers_is_believed_up_to_a_hundred() {
    let entry = |number: usize| {
        format!(r#"{{"mediaType":"{IMAGE_MANIFEST}","digest":"{}","size":1}}"#, digest(&number.to_le_bytes()))
    };
    let all: Vec<String> = (0..150).map(entry).collect();
    let body = format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, all.join(",")).into_bytes();
    let proxy = Proxy::start("127.0.0.1:1", move |_| Deed::Answer(200, vec![], body.clone()));
    let found = open(&proxy.host()).referrers(&name("a"), &digest(b"subject")).unwrap();
    let expected: Vec<Digest> = (0..100_usize).map(|number| digest(&number.to_le_bytes())).collect();
    assert_eq!(found.into_iter().map(|entry| entry.digest).collect::<Vec<_>>(), expected);
    assert_eq!(proxy.seen().len(), 1);
}
