//! Who is let in, and where what lets him in goes.

use std::sync::atomic::{AtomicUsize, Ordering};

use comfydock_bundle::registry::credentials::Credentials;
use comfydock_bundle::registry::{Error, Options, Registry};
use comfydock_core::hint::Hint as _;

use super::docker::{Access, Docker};
use super::proxy::{Deed, Head, Proxy};
use super::{described, digest, hasty, name, noise, open, password, push, source};

fn known(host: &str) -> Registry {
    Registry::open(host, password("me", "hunter2"), hasty()).unwrap()
}

#[test]
fn a_registry_that_wants_a_password() {
    let Some(docker) = Docker::start(&Access::Password) else { return };
    let host = docker.host();
    let bytes = noise(1, 300_000);
    let blob = described("x", &bytes);
    let error = open(&host).push_blob(&name("a"), &blob, &source(&bytes)).unwrap_err();
    assert!(matches!(error, Error::Unauthorized { known: false, .. }), "{error}");
    assert!(error.to_string().starts_with(&format!("{host} does not let us into `a` without credentials")), "{error}");
    let hint = error.hint().unwrap();
    assert!(hint.contains(&format!("docker login {host}")) && hint.contains("COMFYDOCK_REGISTRY_TOKEN"), "{hint}");

    let wrong = Registry::open(&host, password("me", "hunter3"), hasty()).unwrap();
    let error = wrong.has_blob(&name("a"), &blob.digest).unwrap_err();
    assert!(matches!(error, Error::Unauthorized { known: true, .. }), "{error}");
    let said = format!("{error} {error:?} {:?}", error.hint());
    assert!(said.contains("may be old") && !said.contains("hunter3"), "{said}");

    assert_eq!(known(&host).push_blob(&name("a"), &blob, &source(&bytes)).unwrap(), 300_000);
    let folder = tempfile::tempdir().unwrap();
    known(&host).pull_blob(&name("a"), &blob, &folder.path().join("x")).unwrap();
}

#[test]
fn a_storage_that_we_are_sent_to_learns_nothing_of_us() {
    let Some(docker) = Docker::start(&Access::Password) else { return };
    let bytes = noise(2, 500_000);
    let blob = push(&known(&docker.host()), &name("a"), &bytes);
    let stored = bytes.clone();
    let storage = Proxy::start("127.0.0.1:1", move |_| Deed::Answer(200, vec![], stored.clone()));
    // Another origin twice over: another name and another port.
    let there = storage.host().replace("127.0.0.1", "localhost");
    let times = AtomicUsize::new(0);
    let proxy = Proxy::start(&docker.host(), move |head| {
        if !head.is("GET", "/blobs/") || head.header("authorization").is_none() {
            return Deed::Pass;
        }
        let expired = times.fetch_add(1, Ordering::SeqCst);
        Deed::Answer(307, vec![("Location", format!("http://me:secret@{there}/blob?sig={expired}"))], vec![])
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x");
    known(&proxy.host()).pull_blob(&name("a"), &blob, &file).unwrap();
    assert!(std::fs::read(&file).unwrap() == bytes);
    let seen = storage.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].path.as_str(), seen[0].header("authorization")), ("/blob?sig=0", None));
}

#[test]
fn a_storage_whose_address_ran_out_is_asked_for_anew_and_circles_end() {
    let storage = Proxy::start("127.0.0.1:1", |head| {
        let status = if head.path.ends_with("=0") { 403 } else { 200 };
        Deed::Answer(status, vec![], b"the blob".to_vec())
    });
    let (there, times) = (storage.host(), AtomicUsize::new(0));
    let proxy = Proxy::start("127.0.0.1:1", move |_| {
        let number = times.fetch_add(1, Ordering::SeqCst);
        Deed::Answer(302, vec![("Location", format!("http://{there}/?sig={number}"))], vec![])
    });
    let folder = tempfile::tempdir().unwrap();
    open(&proxy.host()).pull_blob(&name("a"), &described("x", b"the blob"), &folder.path().join("x")).unwrap();
    assert_eq!(storage.seen().len(), 2);

    let circle = Proxy::start("127.0.0.1:1", |head| Deed::Answer(302, vec![("Location", head.path.clone())], vec![]));
    let error = open(&circle.host()).has_blob(&name("a"), &digest(b"x")).unwrap_err();
    assert!(error.to_string().contains("more than 5 redirects"), "{error}");
}

#[test]
fn an_upload_that_goes_to_another_host_goes_without_our_password() {
    let Some(docker) = Docker::start(&Access::Password) else { return };
    let storage = Proxy::start("127.0.0.1:1", |_| Deed::Answer(201, vec![], vec![]));
    let there = storage.host();
    let proxy = Proxy::start(&docker.host(), move |head| {
        if head.method == "POST" && head.header("authorization").is_some() {
            return Deed::Answer(202, vec![("Location", format!("http://{there}/up?sig=a%2Fb"))], vec![]);
        }
        Deed::Pass
    });
    let bytes = noise(3, 100_000);
    let blob = described("x", &bytes);
    known(&proxy.host()).push_blob(&name("a"), &blob, &source(&bytes)).unwrap();
    let seen = storage.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].header("authorization"), None);
    assert_eq!(seen[0].path, format!("/up?sig=a%2Fb&digest={}", blob.digest), "what signs the address stays as it is");
}

#[test]
fn a_password_is_not_sent_where_others_can_listen() {
    for realm in [
        "http://registry.example/token",
        "http://169.254.169.254/token",
        "ftp://127.0.0.1/token",
        "https://me:pw@registry.example/token",
        "token",
    ] {
        let offer = format!("Bearer realm=\"{realm}\",service=\"x\"");
        let proxy =
            Proxy::start("127.0.0.1:1", move |_| Deed::Answer(401, vec![("WWW-Authenticate", offer.clone())], vec![]));
        let error = known(&proxy.host()).has_blob(&name("a"), &digest(b"x")).unwrap_err();
        assert!(matches!(error, Error::Guarded { .. }), "{realm}: {error}");
        assert!(error.to_string().contains("is refused"), "{realm}: {error}");
        assert_eq!(proxy.seen().len(), 1, "{realm}");
        assert!(proxy.seen()[0].header("authorization").is_none());
    }
}

/// A registry that lets in who has a token of its own making, each for so many requests.
fn with_tokens(backend: &str, uses: usize) -> Proxy {
    let (given, used) = (AtomicUsize::new(0), AtomicUsize::new(0));
    Proxy::start(backend, move |head| {
        let host = head.header("host").unwrap_or_default().to_owned();
        if head.path.starts_with("/token") {
            if head.header("authorization").is_none() && head.header("form").is_none() {
                return Deed::Answer(401, vec![], vec![]);
            }
            used.store(0, Ordering::SeqCst);
            let number = given.fetch_add(1, Ordering::SeqCst) + 1;
            let body = format!(r#"{{"access_token":"token-{number}","expires_in":3600}}"#);
            return Deed::Answer(200, vec![], body.into_bytes());
        }
        let right = format!("Bearer token-{}", given.load(Ordering::SeqCst));
        if head.header("authorization") == Some(&right) && used.fetch_add(1, Ordering::SeqCst) < uses {
            return Deed::Pass;
        }
        let offer = format!("Bearer realm=\"http://{host}/token?a=1,2\",service=\"x y\", Basic realm=\"x\"");
        Deed::Answer(401, vec![("WWW-Authenticate", offer)], vec![])
    })
}

fn tokens(proxy: &Proxy) -> Vec<Head> {
    proxy.seen().into_iter().filter(|head| head.path.starts_with("/token")).collect()
}

#[test]
fn a_token_that_runs_out_in_the_middle_of_an_upload_is_replaced() {
    let Some(docker) = Docker::start(&Access::Everybody) else { return };
    let proxy = with_tokens(&docker.host(), 4);
    let options = Options { piece: Some(500_000), ..hasty() };
    let registry = Registry::open(&proxy.host(), password("me", "hunter2"), options).unwrap();
    let bytes = noise(4, 5_000_000);
    registry.push_blob(&name("a/b"), &described("x", &bytes), &source(&bytes)).unwrap();
    assert!(open(&docker.host()).has_blob(&name("a/b"), &digest(&bytes)).unwrap());
    assert_eq!(proxy.count("POST", "/blobs/uploads/"), 1, "the upload goes on");
    let fetched = tokens(&proxy);
    assert!(fetched.len() >= 3, "{}", fetched.len());
    assert_eq!(fetched[0].path, "/token?a=1,2&service=x+y&scope=repository%3Aa%2Fb%3Apull%2Cpush");
    assert_eq!(fetched[0].header("authorization"), Some("Basic bWU6aHVudGVyMg=="));

    // The same for a blob that goes whole.
    let proxy = with_tokens(&docker.host(), 2);
    let bytes = noise(5, 3_000_000);
    known(&proxy.host()).push_blob(&name("a/b"), &described("x", &bytes), &source(&bytes)).unwrap();
    assert!(open(&docker.host()).has_blob(&name("a/b"), &digest(&bytes)).unwrap());
}

#[test]
fn one_token_serves_until_it_ends() {
    let Some(docker) = Docker::start(&Access::Everybody) else { return };
    let blob = push(&open(&docker.host()), &name("a"), b"x");
    let proxy = with_tokens(&docker.host(), 100);
    let registry = known(&proxy.host());
    for _ in 0..3 {
        assert!(registry.has_blob(&name("a"), &blob.digest).unwrap());
    }
    assert_eq!(tokens(&proxy).len(), 1);
    assert_eq!(proxy.seen().len(), 5, "one 401, one token, three answers");
    assert!(registry.mount(&name("b"), &blob.digest, &name("a")).unwrap());
    let path = &tokens(&proxy)[1].path;
    assert!(path.ends_with("&scope=repository%3Ab%3Apull%2Cpush&scope=repository%3Aa%3Apull"), "{path}");
}

#[test]
fn who_gets_no_token_hears_why() {
    let proxy = with_tokens("127.0.0.1:1", 0);
    let error = open(&proxy.host()).has_blob(&name("a"), &digest(b"x")).unwrap_err();
    assert!(matches!(error, Error::Unauthorized { known: false, .. }), "{error}");
    assert!(error.to_string().contains("no token from 127.0.0.1"), "{error}");
    // A token that is refused again at once is not asked for for ever.
    let error = known(&proxy.host()).has_blob(&name("a"), &digest(b"x")).unwrap_err();
    assert!(matches!(error, Error::Unauthorized { known: true, .. }), "{error}");
    assert_eq!(tokens(&proxy).len(), 2);
}

#[test]
fn an_identity_token_is_exchanged_by_post() {
    let Some(docker) = Docker::start(&Access::Everybody) else { return };
    let proxy = with_tokens(&docker.host(), 100);
    let credentials = password("<token>", "identity+1");
    let registry = Registry::open(&proxy.host(), credentials, hasty()).unwrap();
    assert!(!registry.has_blob(&name("a"), &digest(b"x")).unwrap());
    let asked = &tokens(&proxy)[0];
    assert_eq!((asked.method.as_str(), asked.header("authorization")), ("POST", None));
    assert_eq!(
        asked.header("form"),
        Some(
            "service=x+y&grant_type=refresh_token&client_id=comfydock&scope=repository%3Aa%3Apull&refresh_token=identity%2B1"
        )
    );
}

#[test]
fn who_may_not_is_told_so_without_his_secret() {
    let proxy = Proxy::start("127.0.0.1:1", |head| match head.header("authorization") {
        None => Deed::Answer(401, vec![("WWW-Authenticate", "Basic realm=x".to_owned())], vec![]),
        Some(_) if head.method == "POST" => {
            let body = r#"{"errors":[{"code":"DENIED","message":"hunter2 may not write, token=abc"}]}"#;
            Deed::Answer(403, vec![], body.into())
        }
        Some(_) => Deed::Answer(404, vec![], vec![]),
    });
    let error = known(&proxy.host()).push_blob(&name("a"), &described("x", b"x"), &source(b"x")).unwrap_err();
    assert!(matches!(error, Error::Denied { .. }), "{error}");
    let said = format!("{error} {error:?}");
    assert!(said.contains("may not write") && !said.contains("hunter2") && !said.contains("abc"), "{said}");
}

#[test]
fn plain_http_is_for_this_machine_or_by_consent() {
    let nobody = Credentials::nobody();
    for host in ["", "a/b", "me@ghcr.io", "ghcr.io?x", "ghcr.io#x", "gh cr.io"] {
        assert!(Registry::open(host, nobody.clone(), hasty()).is_err(), "{host}");
    }
    // Only the answer to plain http says that plain http was spoken.
    let proxy = Proxy::start("127.0.0.1:1", |_| Deed::Answer(404, vec![], vec![]));
    assert!(!open(&proxy.host().replace("127.0.0.1", "localhost")).has_blob(&name("a"), &digest(b"x")).unwrap());
    assert_eq!(proxy.seen().len(), 1);
}
