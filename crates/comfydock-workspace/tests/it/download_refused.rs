//! Getting a model's bytes: what must never get a model's name.

use comfydock_core::source::Source;
use comfydock_workspace::models::download::Failure;
use comfydock_workspace::remote::guard::Consent;

use crate::answers::{Answers, answer};
use crate::download::Errand;
use crate::model_server::Fault;

/// That no source has it, and the reasons.
fn reasons(errand: &Errand) -> Vec<String> {
    let Err(Failure::Sources(reasons)) = errand.go() else { panic!("it is no failure of the sources") };
    assert!(errand.wanted.target.symlink_metadata().is_err(), "nothing may have the name");
    reasons
}

fn only(errand: &mut Errand, url: &str) {
    errand.wanted.sources = vec![Source::parse(url).unwrap()];
}

#[test]
fn a_wrong_first_source_costs_nothing_but_its_bytes() {
    let page = "<!DOCTYPE html><title>Log in</title>";
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 400000\n";
    let padded = |start: &str| {
        let mut bytes = start.as_bytes().to_vec();
        bytes.resize(400_000, b' ');
        bytes
    };
    for (what, fault) in [
        ("another file of the same length", Fault::Serve(vec![1; 400_000])),
        ("a shorter file", Fault::Serve(vec![1; 399_999])),
        ("a longer file", Fault::Serve(vec![1; 400_001])),
        ("a page", Fault::Page(page)),
        ("a page that says it is a file", Fault::Serve(page.into())),
        ("such a page of the right length", Fault::Serve(padded(page))),
        ("a pointer", Fault::Serve(pointer.into())),
        ("a pointer of the right length", Fault::Serve(padded(pointer))),
        ("an error message", Fault::Serve(br#"{"error":"gated"}"#.to_vec())),
        ("nothing", Fault::Status(404)),
        ("a login", Fault::Status(401)),
        ("a way to the login", Fault::Redirect("/login?next=x".to_owned())),
        ("a circle", Fault::Redirect("/x".to_owned())),
        ("a way out", Fault::Redirect("http://169.254.169.254/x".to_owned())),
    ] {
        let errand = Errand::new();
        errand.server.fail("x", fault);
        errand.arrives();
        assert_eq!(errand.ranges("y"), ["-"], "{what}: of it nothing is kept");
    }
}

#[test]
fn each_source_says_why_in_a_line_of_its_own() {
    for (fault, reason) in [
        (Fault::Serve(vec![1; 400_000]), "another file (SHA-256"),
        (Fault::Serve(vec![1; 9]), "9 bytes, not 400000"),
        (Fault::Page("<html>"), "not"),
        (Fault::Serve(b"version https://git-lfs.github.com/spec/v1\n".to_vec()), "Git LFS pointer"),
        (Fault::Status(403), "wants a login"),
        (Fault::Status(404), "HTTP status 404"),
        (Fault::Redirect("/login".to_owned()), "wants a login"),
        (Fault::Redirect("/x".to_owned()), "redirects in a circle"),
        (Fault::Redirect("http://169.254.169.254/x".to_owned()), "without your consent"),
    ] {
        let errand = Errand::new();
        errand.server.fail("x", fault);
        errand.server.fail("y", Fault::Status(410));
        let found = reasons(&errand);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with(&errand.server.url("x")) && found[0].contains(reason), "{reason}: {found:?}");
        assert!(found[1].contains("HTTP status 410"), "{found:?}");
        assert!(!errand.part().exists(), "an empty part is of no use");
    }
}

#[test]
fn a_part_outlives_a_source_that_refuses() {
    let errand = Errand::new();
    errand.begun(&errand.bytes[..300_000]);
    for status in [404, 416] {
        errand.server.fail("x", Fault::Status(status));
        errand.server.fail("y", Fault::Status(status));
        assert_eq!(reasons(&errand).len(), 2);
        assert_eq!(std::fs::read(errand.part()).unwrap().len(), 300_000, "{status}");
    }
    errand.server.mend("y");
    errand.arrives();
    assert_eq!(errand.ranges("y").last().map(String::as_str), Some("bytes=300000-"));
}

#[test]
fn odd_answers_are_refused() {
    let mut body = Errand::new().bytes;
    let tail = body[300_000..].to_vec();
    body.push(0);
    for (what, begun, head, body, reason) in [
        ("a byte too much and no length", 0, "200 OK", &body[..], "more than the 400000 bytes"),
        (
            "bytes from elsewhere",
            300_000,
            "206 Partial Content\nContent-Range: bytes 0-399999/400000",
            &body[..],
            "another range",
        ),
        ("no word of which bytes", 300_000, "206 Partial Content", &tail[..], "another range"),
        (
            "of a longer file",
            300_000,
            "206 Partial Content\nContent-Range: bytes 300000-399999/400009",
            &tail[..],
            "400009 bytes",
        ),
        ("encoded bytes", 0, "200 OK\nContent-Encoding: gzip", &body[..], "encodes"),
        ("no range there", 300_000, "416 Range Not Satisfiable\nContent-Range: bytes */9", b"", "416"),
        ("a redirect to nowhere", 0, "302 Found", b"", "redirects to nowhere"),
    ] {
        let mut errand = Errand::new();
        if begun > 0 {
            errand.begun(&errand.bytes[..begun]);
        }
        let odd = Answers::new(vec![answer(head, body)]);
        only(&mut errand, &odd.url());
        let found = reasons(&errand);
        assert!(found[0].contains(reason), "{what}: {found:?}");
        assert_eq!(odd.heads().len(), 1, "{what}: it is not asked again");
        assert_eq!(odd.heads()[0].contains(&format!("range: bytes={begun}-")), begun > 0, "{what}");
    }
}

#[test]
fn an_answer_without_a_length_is_good_if_its_bytes_are() {
    let mut errand = Errand::new();
    let plain = Answers::new(vec![answer("200 OK", &errand.bytes)]);
    only(&mut errand, &plain.url());
    errand.arrives();
}

#[test]
fn without_consent_nobody_is_asked() {
    let errand = Errand::new();
    let Err(Failure::Sources(found)) = errand.with(&Consent::default(), |_| {}).arrived else {
        panic!("a private address was asked")
    };
    assert!(found.iter().all(|reason| reason.contains("--allow-host 127.0.0.1:")), "{found:?}");
    assert!(errand.server.log().is_empty());
}

#[test]
fn a_signature_in_a_url_is_not_repeated() {
    let mut errand = Errand::new();
    let url = format!("{}?expires=hunter2", errand.server.url("x"));
    only(&mut errand, &url);
    errand.server.fail("x?expires=hunter2", Fault::Redirect("/y?Signature=hunter2".to_owned()));
    errand.server.fail("y?Signature=hunter2", Fault::Status(404));
    let found = reasons(&errand);
    assert!(found[0].contains("404") && !found[0].contains("hunter2"), "{found:?}");
}

#[test]
fn a_kind_of_source_nobody_can_ask_yet_is_named_and_passed_over() {
    let mut errand = Errand::new();
    errand.wanted.sources.insert(0, Source::parse("civitai:1/2").unwrap());
    errand.server.fail("x", Fault::Status(404));
    errand.server.fail("y", Fault::Status(404));
    assert!(reasons(&errand)[0].contains("civitai:1/2"));
    errand.server.mend("x");
    errand.arrives();

    let mut errand = Errand::new();
    errand.wanted.sources.clear();
    assert_eq!(errand.go().unwrap_err().reason(), "nobody says where it can be had");
}

#[test]
fn what_does_not_fit_is_not_begun() {
    let mut errand = Errand::new();
    errand.wanted.size = Some(u64::MAX / 2);
    let failure = errand.go().unwrap_err();
    assert!(matches!(failure, Failure::NoRoom(_)), "{}", failure.reason());
    assert!(failure.reason().contains("file system at"), "{}", failure.reason());
    assert!(errand.server.log().is_empty() && !errand.part().exists());
}

#[test]
fn what_does_not_fit_together_is_known_before_the_first_begins() {
    let errand = Errand::new();
    let available = comfydock_store::space::Space::of(&errand.wanted.target).unwrap().available;
    let of = |size: u64, name: &str| {
        let mut wanted = errand.wanted.clone();
        wanted.size = Some(size);
        wanted.target = wanted.target.with_file_name(name);
        wanted
    };
    let wanted = [of(available / 2, "a"), of(available / 2, "b"), of(1000, "c"), of(u64::MAX, "d")];
    let without = comfydock_workspace::models::download::without_room(&wanted);
    assert_eq!(without.keys().copied().collect::<Vec<_>>(), [1, 3], "each would fit alone: {without:?}");
    assert!(without[&1].contains(&format!("{} for models before it", available / 2)), "{}", without[&1]);
    // What came already needs no room again.
    errand.begun(b"");
    std::fs::write(errand.wanted.target.with_file_name("a"), "there").unwrap();
    assert_eq!(comfydock_workspace::models::download::without_room(&wanted).keys().copied().collect::<Vec<_>>(), [3]);
}
