//! What goes to a registry comes back.

use std::fs;
use std::sync::{Arc, Mutex};

use comfydock_bundle::registry::credentials::Credentials;
use comfydock_bundle::registry::{Error, Options, Place, Registry};
use comfydock_core::hint::Hint as _;
use comfydock_core::oci::{Descriptor, EMPTY, EMPTY_BYTES, IMAGE_MANIFEST, ImageManifest, Reference, Tag};

use super::docker::{Access, Docker};
use super::{described, digest, hasty, name, noise, open, push, source};

#[test]
fn an_artifact_goes_and_comes() {
    let Some(docker) = Docker::start(&Access::Everybody) else { return };
    let told = Arc::new(Mutex::new(Vec::new()));
    let hears = told.clone();
    let options = Options {
        progress: Some(Arc::new(move |progress| hears.lock().unwrap().push((progress.done, progress.size)))),
        ..hasty()
    };
    let registry = Registry::open(&docker.host(), Credentials::nobody(), options).unwrap();
    let repository = name("team/studio");
    let bytes = noise(1, 5_000_001);
    let blob = described("application/x", &bytes);
    assert!(!registry.has_blob(&repository, &blob.digest).unwrap());
    assert_eq!(registry.push_blob(&repository, &blob, &source(&bytes)).unwrap(), 5_000_001);
    assert!(registry.has_blob(&repository, &blob.digest).unwrap());
    assert_eq!(registry.push_blob(&repository, &blob, &source(b"not read")).unwrap(), 0, "it is there already");
    let steps = std::mem::take(&mut *told.lock().unwrap());
    assert_eq!(steps.iter().filter(|(done, size)| done == size).count(), 2);
    assert!(steps.iter().all(|(done, size)| done <= size && *size == 5_000_001));

    let empty = push(&registry, &repository, EMPTY_BYTES);
    push(&registry, &repository, b"");
    let manifest =
        ImageManifest::new("application/x", Descriptor { media_type: EMPTY.into(), ..empty }, vec![blob.clone()]);
    let written = manifest.to_bytes();
    let tag = Tag::parse("1.0").unwrap();
    let pushed = registry.push_manifest(&repository, Place::Tag(&tag), IMAGE_MANIFEST, &written).unwrap();
    assert_eq!(pushed.digest, digest(&written));
    assert!(!pushed.subject_listed);
    let reference = Reference::parse(&format!("oci://{}/team/studio:1.0", docker.host())).unwrap();
    let read = registry.pull_manifest(&reference).unwrap();
    assert_eq!((read.bytes, read.media_type.as_str()), (written, IMAGE_MANIFEST));
    assert_eq!(registry.pull_manifest(&reference.pinned(pushed.digest)).unwrap().digest, read.digest);
    assert_eq!(registry.tags(&repository).unwrap(), ["1.0"]);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("layer");
    registry.pull_blob(&repository, &blob, &file).unwrap();
    assert!(fs::read(&file).unwrap() == bytes);
    let steps = told.lock().unwrap().clone();
    assert_eq!(steps.last(), Some(&(5_000_001, 5_000_001)));
    registry.pull_blob(&repository, &blob, &file).unwrap();
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["layer"]);
    assert_eq!(registry.pull_small_blob(&repository, &described(EMPTY, EMPTY_BYTES), 10).unwrap(), EMPTY_BYTES);
    assert!(registry.pull_small_blob(&repository, &blob, 10).unwrap_err().to_string().contains("10 are the most"));

    fs::write(&file, b"the user's").unwrap();
    assert!(matches!(registry.pull_blob(&repository, &blob, &file), Err(Error::Occupied { .. })));
    assert_eq!(fs::read(&file).unwrap(), b"the user's");
}

#[test]
fn blobs_of_every_size_in_pieces_and_whole() {
    let Some(docker) = Docker::start(&Access::Everybody) else { return };
    let repository = name("sizes");
    let folder = tempfile::tempdir().unwrap();
    for piece in [None, Some(1000), Some(524_288)] {
        let registry = Registry::open(&docker.host(), Credentials::nobody(), Options { piece, ..hasty() }).unwrap();
        for count in [0, 1, 999, 1000, 1001, 524_288, 1_048_577] {
            // Pieces of a thousand bytes for a megabyte would only take time.
            if piece == Some(1000) && count > 2000 {
                continue;
            }
            let bytes = noise(piece.unwrap_or(0) + count, usize::try_from(count).unwrap());
            let blob = described("x", &bytes);
            let sent = registry.push_blob(&repository, &blob, &source(&bytes)).unwrap();
            assert!(sent == count || count == 0, "{piece:?} {count}: {sent}");
            let file = folder.path().join(format!("{piece:?}-{count}"));
            registry.pull_blob(&repository, &blob, &file).unwrap();
            assert!(fs::read(&file).unwrap() == bytes, "{piece:?} {count}");
        }
    }
}

#[test]
fn a_blob_is_mounted_from_a_neighbour() {
    let Some(docker) = Docker::start(&Access::Everybody) else { return };
    let registry = open(&docker.host());
    let blob = push(&registry, &name("a/one"), &noise(2, 1000));
    assert!(registry.mount(&name("a/two"), &blob.digest, &name("a/one")).unwrap());
    assert!(registry.has_blob(&name("a/two"), &blob.digest).unwrap());
    assert!(!registry.mount(&name("a/two"), &digest(b"nowhere"), &name("a/one")).unwrap());
}

#[test]
fn several_at_once() {
    let Some(docker) = Docker::start(&Access::Everybody) else { return };
    let registry = open(&docker.host());
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for number in 0..6 {
            let (registry, folder) = (registry.clone(), folder.path());
            scope.spawn(move || {
                let bytes = noise(100 + number, 3_000_000);
                let blob = push(&registry, &name("many"), &bytes);
                let file = folder.join(number.to_string());
                registry.pull_blob(&name("many"), &blob, &file).unwrap();
                assert!(fs::read(&file).unwrap() == bytes);
            });
        }
    });
}

#[test]
fn one_file_wanted_by_several_comes_once_and_whole() {
    let Some(docker) = Docker::start(&Access::Everybody) else { return };
    let registry = open(&docker.host());
    let bytes = noise(7, 2_000_000);
    let blob = push(&registry, &name("one"), &bytes);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("layer");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| open(&docker.host()).pull_blob(&name("one"), &blob, &file).unwrap());
        }
    });
    assert!(fs::read(&file).unwrap() == bytes);
}

#[test]
fn what_is_not_there_is_named() {
    let Some(docker) = Docker::start(&Access::Everybody) else { return };
    let registry = open(&docker.host());
    let host = docker.host();
    let reference = Reference::parse(&format!("oci://{host}/no/where:1")).unwrap();
    let error = registry.pull_manifest(&reference).unwrap_err();
    assert_eq!(error.to_string(), format!("{host} has no `{reference}`"));
    assert!(error.hint().unwrap().contains("check the name"));
    let error = registry.tags(&name("no/where")).unwrap_err();
    assert_eq!(error.to_string(), format!("{host} has no tags of `no/where`"));
    assert!(error.hint().unwrap().contains("check the repository's name"));
    let folder = tempfile::tempdir().unwrap();
    let missing = described("x", b"nowhere");
    let error = registry.pull_blob(&name("no/where"), &missing, &folder.path().join("x")).unwrap_err();
    assert_eq!(error.to_string(), format!("{host} has no blob {}", missing.digest));
    let elsewhere = Reference::parse("oci://ghcr.io/a/b:1").unwrap();
    assert!(matches!(registry.pull_manifest(&elsewhere), Err(Error::Guarded { .. })));
    let bare = Reference::parse(&format!("oci://{host}/a/b")).unwrap();
    assert!(registry.pull_manifest(&bare).unwrap_err().hint().unwrap().contains(":TAG"));
}

#[test]
fn a_source_that_is_something_else_is_not_a_success() {
    let Some(docker) = Docker::start(&Access::Everybody) else { return };
    let registry = open(&docker.host());
    let blob = described("x", &noise(3, 100_000));
    let other = noise(4, 100_000);
    let error = registry.push_blob(&name("a"), &blob, &source(&other)).unwrap_err();
    assert!(matches!(error, Error::Refused { .. } | Error::Changed { .. }), "{error}");
    let error = registry.push_blob(&name("a"), &blob, &source(&other[..50_000])).unwrap_err();
    assert!(matches!(&error, Error::Changed { found, .. } if found.contains("50000 of 100000")), "{error:?}");
    let gone = |_| Err(std::io::Error::other("gone"));
    assert!(matches!(registry.push_blob(&name("a"), &blob, &gone), Err(Error::Source(_))));
    assert!(!registry.has_blob(&name("a"), &blob.digest).unwrap());
    let manifest = registry.push_manifest(&name("a"), Place::Digest(&digest(b"x")), IMAGE_MANIFEST, b"{}");
    assert!(matches!(manifest, Err(Error::Changed { .. })));
}
