//! Signatures and the like find their way into the list of what refers to a manifest.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};

use comfydock_bundle::registry::{Error, Place, Registry};
use comfydock_core::oci::{
    Descriptor, EMPTY, EMPTY_BYTES, IMAGE_INDEX, IMAGE_MANIFEST, ImageManifest, RepositoryName, appended,
};

use super::docker::{Access, Docker};
use super::proxy::{Deed, Proxy};
use super::{described, digest, name, open, push};

/// Pushes a manifest that others can refer to.
fn subject(registry: &Registry, repository: &RepositoryName, kind: &str) -> Descriptor {
    push(registry, repository, EMPTY_BYTES);
    let bytes = ImageManifest::new(kind, described(EMPTY, EMPTY_BYTES), vec![]).to_bytes();
    let pushed = registry.push_manifest(repository, Place::Digest(&digest(&bytes)), IMAGE_MANIFEST, &bytes).unwrap();
    Descriptor::new(IMAGE_MANIFEST, pushed.digest, bytes.len() as u64)
}

fn referrer(subject: &Descriptor, mark: &str) -> ImageManifest {
    let mut manifest = ImageManifest::new("application/x.signature", described(EMPTY, EMPTY_BYTES), vec![]);
    manifest.subject = Some(subject.clone());
    manifest.annotations.insert("mark".to_owned(), mark.to_owned());
    manifest
}

#[test]
fn what_is_attached_is_listed_once_and_beside_what_others_attached() {
    let Some(docker) = Docker::start(&Access::Everybody) else { return };
    let registry = open(&docker.host());
    let repository = name("team/studio");
    let subject = subject(&registry, &repository, "application/x");
    assert_eq!(registry.referrers(&repository, &subject.digest).unwrap(), []);

    // As cosign lists its own: with another kind than the manifest's, and something we cannot read beside it.
    let foreign = registry.attach(&repository, &referrer(&subject, "foreign")).unwrap();
    let listed = Descriptor { artifact_type: Some(EMPTY.to_owned()), annotations: Default::default(), ..foreign };
    let mut index = serde_json::from_slice::<serde_json::Value>(&appended(None, &listed).unwrap()).unwrap();
    index["annotations"] = serde_json::json!({"kept": "yes"});
    let tag = subject.digest.referrers_tag();
    let bytes = serde_json::to_vec(&index).unwrap();
    registry.push_manifest(&repository, Place::Tag(&tag), IMAGE_INDEX, &bytes).unwrap();

    let ours = registry.attach(&repository, &referrer(&subject, "ours")).unwrap();
    assert_eq!(ours.artifact_type.as_deref(), Some("application/x.signature"));
    assert_eq!(registry.referrers(&repository, &subject.digest).unwrap(), [listed, ours.clone()]);
    let before = registry.find_manifest(&repository, Place::Tag(&tag)).unwrap().unwrap();
    assert!(String::from_utf8_lossy(&before.bytes).contains("kept"));
    assert_eq!(registry.attach(&repository, &referrer(&subject, "ours")).unwrap(), ours);
    let after = registry.find_manifest(&repository, Place::Tag(&tag)).unwrap().unwrap();
    assert_eq!(before, after, "doing it again changes nothing");
}

#[test]
fn two_who_attach_at_once_are_both_listed() {
    let Some(docker) = Docker::start(&Access::Everybody) else { return };
    let repository = name("busy");
    let registry = open(&docker.host());
    for round in 0..20 {
        let subject = subject(&registry, &repository, &format!("application/x.{round}"));
        let together = Barrier::new(2);
        let attach = |mark: &'static str| {
            let (registry, repository, subject, together) = (open(&docker.host()), &repository, &subject, &together);
            move || {
                together.wait();
                registry.attach(repository, &referrer(subject, mark)).unwrap().digest
            }
        };
        let both = std::thread::scope(|scope| {
            let others = [scope.spawn(attach("one")), scope.spawn(attach("two"))];
            others.map(|other| other.join().unwrap())
        });
        let listed = registry.referrers(&repository, &subject.digest).unwrap();
        let listed: Vec<_> = listed.into_iter().map(|entry| entry.digest).collect();
        assert!(both.iter().all(|digest| listed.contains(digest)) && listed.len() == 2, "round {round}: {listed:?}");
    }
}

#[test]
fn a_list_that_others_overwrite_is_written_again_and_in_the_end_given_up() {
    let Some(docker) = Docker::start(&Access::Everybody) else { return };
    let repository = name("contested");
    let registry = open(&docker.host());
    let target = subject(&registry, &repository, "application/x");
    let tag = format!("/manifests/{}", target.digest.referrers_tag());
    // Twice somebody else's list comes in between, then nobody's.
    let (path, written) = (tag.clone(), AtomicUsize::new(0));
    let proxy = Proxy::start(&docker.host(), move |head| {
        let ours = head.is("PUT", &path) && written.fetch_add(1, Ordering::SeqCst) < 2;
        if ours { Deed::Answer(201, vec![], vec![]) } else { Deed::Pass }
    });
    let entry = open(&proxy.host()).attach(&repository, &referrer(&target, "ours")).unwrap();
    assert_eq!(proxy.count("PUT", &tag), 3);
    assert_eq!(registry.referrers(&repository, &target.digest).unwrap(), [entry]);

    let proxy =
        Proxy::start(
            &docker.host(),
            move |head| {
                if head.is("PUT", &tag) { Deed::Answer(201, vec![], vec![]) } else { Deed::Pass }
            },
        );
    let error = open(&proxy.host()).attach(&repository, &referrer(&target, "never")).unwrap_err();
    assert!(matches!(error, Error::Unlisted { .. }), "{error}");
}

#[test]
fn a_registry_that_lists_by_itself_gets_no_tag() {
    let Some(docker) = Docker::start(&Access::Everybody) else { return };
    let repository = name("modern");
    let target = subject(&open(&docker.host()), &repository, "application/x");
    let named = target.digest.to_string();
    let proxy = Proxy::start(&docker.host(), move |head| {
        let subject = ("OCI-Subject", named.clone());
        if head.is("PUT", "/manifests/") { Deed::Answer(201, vec![subject], vec![]) } else { Deed::Pass }
    });
    open(&proxy.host()).attach(&repository, &referrer(&target, "x")).unwrap();
    assert_eq!(proxy.seen().len(), 1);
}
