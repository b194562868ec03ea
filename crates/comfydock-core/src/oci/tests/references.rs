use proptest::prelude::*;
use regex::Regex;

use super::super::{Digest, Reference, RepositoryName, Tag};
use crate::hint::Hint as _;

fn hex() -> String {
    "0123456789abcdef".repeat(4)
}

#[test]
fn what_can_be_written() {
    let digest = format!("sha256:{}", hex());
    for text in [
        "oci://ghcr.io/me/studio:1.2".to_owned(),
        "oci://localhost/studio".to_owned(),
        "oci://localhost:5000/a/b/c/d:v1".to_owned(),
        "oci://hub:5000/studio:_x".to_owned(),
        "oci://127.0.0.1:5000/studio".to_owned(),
        "oci://[::1]:5000/studio:1".to_owned(),
        "oci://[2001:db8::1]/studio:1".to_owned(),
        "oci://registry.example.org/a.b/c__d/e---f_g:A.b-C".to_owned(),
        format!("oci://ghcr.io/me/studio@{digest}"),
        format!("oci://ghcr.io/me/studio:1.2@{digest}"),
    ] {
        assert_eq!(Reference::parse(&text).map(|reference| reference.to_string()), Ok(text.clone()), "{text}");
    }
    let whole = Reference::parse(&format!(" oci://GHCR.io:443/me/studio:1.2@{digest}\n")).unwrap();
    assert_eq!((whole.host(), whole.repository().as_str()), ("ghcr.io:443", "me/studio"));
    assert_eq!(whole.tag().map(Tag::as_str), Some("1.2"));
    assert_eq!(whole.digest().map(Digest::hex), Some(hex().as_str()));
    let pinned = Reference::parse("oci://ghcr.io/a:1").unwrap().pinned(Digest::parse(&digest).unwrap());
    assert_eq!(pinned.to_string(), format!("oci://ghcr.io/a:1@{digest}"));
}

#[test]
fn what_cannot_be_written_and_what_to_write_instead() {
    for (text, reason, hint) in [
        ("studio:1.2", "does not begin with `oci://`", "oci://HOST/REPOSITORY:TAG"),
        ("ghcr.io/me/studio:1", "does not begin with `oci://`", "write `oci://ghcr.io/me/studio:1`"),
        ("oci://studio", "names no registry", "oci://ghcr.io/studio"),
        ("oci://studio:1.2", "names no registry", "oci://ghcr.io/studio:1.2"),
        ("oci://team/studio:1.2", "names no registry", "oci://ghcr.io/team/studio:1.2"),
        ("oci://", "its host cannot be one", ""),
        ("oci:///x", "its host cannot be one", ""),
        ("oci://ghcr.io", "names no repository", ""),
        ("oci://ghcr.io/", "names no repository", ""),
        ("oci://ghcr.io:0/x", "its host cannot be one", ""),
        ("oci://ghcr.io:99999/x", "its host cannot be one", ""),
        ("oci://1.2.3/x", "its host cannot be one", ""),
        ("oci://-a.example/x", "its host cannot be one", ""),
        ("oci://[::g]:1/x", "its host cannot be one", ""),
        ("oci://ghcr.io/Me/Studio", "lower case", "write `me/studio`"),
        ("oci://ghcr.io/me//studio", "cannot be called", ""),
        ("oci://ghcr.io/me/../studio", "cannot be called", ""),
        ("oci://ghcr.io/me/studio/", "cannot be called", ""),
        ("oci://ghcr.io/me/stu dio", "cannot be called", ""),
        ("oci://ghcr.io/me/studio?x=1", "cannot be called", ""),
        ("oci://ghcr.io/me:1/studio", "cannot be called", ""),
        ("oci://ghcr.io/studio:", "cannot be a tag", ""),
        ("oci://ghcr.io/studio:.x", "cannot be a tag", ""),
        ("oci://ghcr.io/studio@sha256:12", "no sha256 digest", ""),
        ("oci://ghcr.io/studio@sha512:12", "no sha256 digest", ""),
        ("oci://ghcr.io/studio@", "no sha256 digest", ""),
    ] {
        let error = Reference::parse(text).unwrap_err();
        let (message, remedy) = (error.to_string(), error.hint().unwrap());
        assert!(message.contains(reason) && remedy.contains(hint), "{text}: {message} / {remedy}");
    }
    let long = format!("oci://ghcr.io/{}", "a".repeat(256));
    assert!(Reference::parse(&long).unwrap_err().to_string().contains("too long"));
    assert!(Tag::parse(&"a".repeat(128)).is_ok() && Tag::parse(&"a".repeat(129)).is_err());
}

#[test]
fn credentials_in_an_address_are_not_repeated() {
    let error = Reference::parse("oci://me:hunter2@ghcr.io/me/studio:1").unwrap_err();
    let said = format!("{error} {:?} {error:?}", error.hint());
    assert!(said.contains("credentials") && !said.contains("hunter2"), "{said}");
}

#[test]
fn names_and_tags_are_those_of_the_specification() {
    // The patterns as distribution-spec 1.1 has them.
    let name = Regex::new(r"^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$").unwrap();
    let tag = Regex::new(r"^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$").unwrap();
    let mut runner = proptest::test_runner::TestRunner::default();
    let some = prop_oneof!["[ab0._/-]{0,8}", "[ab]((\\.|_{1,3}|-{1,3})[ab]){0,3}(/[ab]){0,2}", "[aB_.-]{0,130}"];
    runner
        .run(&some, |text| {
            prop_assert_eq!(RepositoryName::parse(&text).is_ok(), name.is_match(&text), "name {}", text);
            prop_assert_eq!(Tag::parse(&text).is_ok(), tag.is_match(&text), "tag {}", text);
            Ok(())
        })
        .unwrap();
}

proptest! {
    #[test]
    fn any_text_can_be_read_and_what_is_read_is_written_the_same(text in "(oci://)?[a-zA-Z0-9.:/@_\\[\\]é -]{0,60}") {
        if let Ok(reference) = Reference::parse(&text) {
            let written = reference.to_string();
            prop_assert_eq!(Reference::parse(&written), Ok(reference));
            prop_assert_eq!(written.to_ascii_lowercase(), text.trim().to_ascii_lowercase());
        }
    }

    #[test]
    fn whole_references_come_back(
        host in "[a-z]{1,8}(\\.[a-z]{2,5})(:[1-9][0-9]{0,3})?",
        name in "[a-z0-9]{1,5}([._-][a-z0-9]{1,4}){0,2}(/[a-z0-9]{1,5}){0,3}",
        tag in proptest::option::of("[A-Za-z0-9_][A-Za-z0-9._-]{0,20}"),
        digest in proptest::option::of("[0-9a-f]{64}"),
    ) {
        let tail = tag.as_ref().map(|tag| format!(":{tag}")).unwrap_or_default();
        let pin = digest.as_ref().map(|hex| format!("@sha256:{hex}")).unwrap_or_default();
        let reference = Reference::parse(&format!("oci://{host}/{name}{tail}{pin}")).unwrap();
        prop_assert_eq!(reference.host(), host);
        prop_assert_eq!(reference.repository().as_str(), name);
        prop_assert_eq!(reference.tag().map(Tag::as_str), tag.as_deref());
        prop_assert_eq!(reference.digest().map(Digest::hex), digest.as_deref());
    }
}
