//! Where a token goes while a model comes, and where it never appears.

use comfydock_core::source::Source;
use comfydock_workspace::models::download::Outcome;
use comfydock_workspace::remote::endpoint::Endpoints;
use url::Url;

use crate::download::Errand;
use crate::model_server::{Fault, ModelServer};

const TOKEN: &str = "hunter2-c1v1ta1-t0ken";
const SIGNATURE: &str = "5ignature-of-the-5torage";

fn go(errand: &Errand) -> Outcome {
    let endpoints = Endpoints {
        civitai: Url::parse(&errand.server.url("")).ok(),
        civitai_token: Some(TOKEN.to_owned()),
        ..Endpoints::default()
    };
    errand.at(endpoints)
}

/// That no file beside the target, and nothing that was said, has a secret in it.
fn nothing_is_repeated(errand: &Errand, outcome: &Outcome) {
    let mut texts = errand.listener.notes.lock().unwrap().clone();
    texts.extend(errand.listener.warnings.lock().unwrap().clone());
    texts.push(format!("{:?}", outcome));
    texts.extend(outcome.arrived.as_ref().err().map(|failure| failure.reason()));
    for entry in std::fs::read_dir(errand.wanted.target.parent().unwrap()).unwrap().flatten() {
        let bytes = std::fs::read(entry.path()).unwrap();
        texts.push(format!("{:?} {}", entry.file_name(), String::from_utf8_lossy(&bytes)));
    }
    for text in texts {
        let lower = text.to_ascii_lowercase();
        assert!(!lower.contains(&TOKEN.to_ascii_lowercase()), "{text:.600}");
        assert!(!lower.contains(&SIGNATURE.to_ascii_lowercase()), "{text:.600}");
    }
}

#[test]
fn a_token_goes_to_its_host_and_to_no_other() {
    let storage = ModelServer::start();
    let errand = Errand::new();
    let signed = format!("s?X-Amz-Signature={SIGNATURE}");
    storage.put(&signed, errand.bytes.clone());
    storage.fail_once(&signed, Fault::CutAfter(100_000));
    storage.fail_once(&signed, Fault::Status(403));
    errand.server.fail("x", Fault::Redirect(storage.url(&signed)));
    let outcome = go(&errand);
    assert!(outcome.arrived.is_ok());
    let own = errand.server.requests("x");
    assert_eq!(own.len(), 3);
    assert!(own.iter().all(|request| request.headers["authorization"] == format!("Bearer {TOKEN}")));
    let foreign = storage.log();
    assert_eq!(foreign.len(), 3);
    for request in foreign {
        assert!(!format!("{:?}", request.headers).contains("hunter2"), "{request:?}");
        assert!(!request.headers.contains_key("referer") && !request.headers.contains_key("cookie"), "{request:?}");
        assert!(request.headers["user-agent"].starts_with("comfydock/"), "an honest name");
    }
    nothing_is_repeated(&errand, &outcome);
}

#[test]
fn a_server_that_repeats_secrets_is_not_repeated() {
    let storage = ModelServer::start();
    let signed = format!("s?sig={SIGNATURE}");
    let echo = format!(
        r#"{{"message":"no Bearer {TOKEN} at https://x.example/s?sig={SIGNATURE} nor token={TOKEN} nor Authorization: Bearer {TOKEN}"}}"#
    );
    let say = |status: &str| Fault::Say(format!("{status}\nContent-Type: application/json"), echo.clone().into());
    for fault in [say("401 No"), say("403 No"), say("410 No"), say("500 No"), say("200 OK")] {
        let mut errand = Errand::new();
        errand.only("x");
        errand.server.fail("x", fault);
        let outcome = go(&errand);
        assert!(outcome.arrived.is_err());
        nothing_is_repeated(&errand, &outcome);
    }
    // A part stays, and its journal names the source and not the address it led to.
    let mut errand = Errand::new();
    errand.only("x");
    storage.put(&signed, errand.bytes.clone());
    storage.fail_once(&signed, Fault::CutAfter(100_000));
    storage.fail(&signed, say("403 No"));
    errand.server.fail("x", Fault::Redirect(storage.url(&signed)));
    let outcome = go(&errand);
    assert!(outcome.arrived.is_err());
    let mut journal = errand.part().into_os_string();
    journal.push(".json");
    let journal = std::fs::read_to_string(journal).unwrap();
    assert!(journal.contains(&errand.server.url("x")) && journal.contains("\"durable\":100000"), "{journal}");
    nothing_is_repeated(&errand, &outcome);
}

#[test]
fn a_hosts_name_in_another_address_gets_nothing() {
    let stranger = ModelServer::start();
    let mut errand = Errand::new();
    let address = errand.server.address.clone();
    for path in [format!("x?{address}"), format!("{address}/x")] {
        stranger.put(&path, errand.bytes.clone());
        errand.wanted.sources = vec![Source::parse(&stranger.url(&path)).unwrap()];
        let _ = std::fs::remove_file(&errand.wanted.target);
        assert!(go(&errand).arrived.is_ok(), "{path}");
    }
    assert!(stranger.log().iter().all(|request| !request.headers.contains_key("authorization")));
}
