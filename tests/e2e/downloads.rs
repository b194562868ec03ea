//! `models download` for one model: by name, by hash, from a URL; two at once; what needs consent.

use crate::support::{Fault, Machine, ModelServer, Studio, report, safetensors, sha256, wait_for};

/// A machine that has cloned the portrait while its model could not be had.
fn without_the_model(studio: &Studio) -> crate::support::templates::Named {
    let model = studio.send_portrait(300_000);
    studio.server.fail(&model.path(), Fault::Status(410));
    studio.clone().code(1).line(&["missing", &model.name, "410"]);
    studio.server.mend(&model.path());
    model
}

#[test]
fn two_commands_that_want_one_model_get_it_once() {
    let studio = Studio::new();
    let model = without_the_model(&studio);
    let Studio { a, b, server, .. } = &studio;
    let asked = server.requests(&model.path()).len();
    server.fail_once(&model.path(), Fault::HoldAfter(64 * 1024));
    let first = b.spawn(&["models", "download", "--missing"]);
    wait_for("the download", || server.requests(&model.path()).get(asked).filter(|request| request.sent > 0).cloned());
    let second = b.spawn(&["models", "download", &model.name]);
    wait_for("the second's word", || second.has_said("waiting for it").then_some(()));
    server.release();
    first.end().code(0).line(&["downloaded", &model.name]);
    second.end().code(0);
    assert_eq!(server.requests(&model.path()).len(), asked + 1);
    report::assert_same(a, b);
}

#[test]
fn one_model_of_the_environment_by_name_and_by_hash() {
    let studio = Studio::new();
    let model = without_the_model(&studio);
    let Studio { a, b, server, .. } = &studio;
    let file = a.models().join(model.path());
    let hash = sha256(&std::fs::read(&file).unwrap());
    b.run(&["models", "download", "no-such.safetensors"]).code(1).says("means no model of the environment");
    b.run(&["models", "download", &"0".repeat(64)]).code(1).says("neither this machine nor the hub says where");
    for word in [&model.name, &hash[..10], &format!("sha256:{hash}"), &model.path(), &server.url(&model.path())] {
        b.ok(&["models", "download", word]).line(&["downloaded", &model.name]);
        b.ok(&["models", "download", word]).line(&["ready", "portrait"]);
        assert_eq!(sha256(&std::fs::read(b.models().join(model.path())).unwrap()), hash, "{word}");
        std::fs::remove_file(b.models().join(model.path())).unwrap();
    }
    let document = b.json(&["models", "download", &model.name]);
    assert_eq!((&document["complete"], &document["models"][0]["state"]), (&true.into(), &"downloaded".into()));
    report::assert_same(a, b);
}

#[test]
fn a_file_from_anywhere() {
    let (machine, server) = (Machine::new(), ModelServer::start());
    machine.init();
    let bytes = safetensors::model(3, 200_000);
    let hash = sha256(&bytes);
    server.put("files/style.safetensors", bytes);
    let url = server.url("files/style.safetensors");
    let get = |more: &[&str]| machine.run(&[&["models", "download", &url, "--allow-host", "127.0.0.1"], more].concat());
    get(&[]).code(1).says("which category").says("--category");
    machine.run(&["models", "download", &url, "--category", "loras"]).code(1).says("--allow-host");
    get(&["--category", "../loras"]).code(1).says("is refused");
    get(&["--category", "loras", "--filename", "../x.safetensors"]).code(1).says("is no name");
    get(&["--category", "loras", "--sha256", &"0".repeat(64)]).code(1).says("another file");
    assert!(!machine.models().join("loras/style.safetensors").exists());
    get(&["--category", "loras"]).code(0).says(&hash).says("nobody had said its SHA-256");
    assert_eq!(sha256(&std::fs::read(machine.models().join("loras/style.safetensors")).unwrap()), hash);
    machine.ok(&["models", "show", "style.safetensors"]).line(&["source", &url]).line(&["SHA-256", &hash]);
    // It is there: its name is not given to another file, and with its hash it need not come again.
    get(&["--category", "loras"]).code(1).says("is left as it is");
    let asked = server.log().len();
    let pinned = get(&["--category", "loras", "--sha256", &hash]).code(0);
    pinned.says(&hash).never_says("nobody had said");
    assert_eq!(server.log().len(), asked);
    let document = machine.json(&["models", "download", &url, "--category", "loras", "--sha256", &hash]);
    assert_eq!((&document["models"][0]["state"], &document["models"][0]["sha256"]), (&"here".into(), &hash.into()));

    server.fail("files/page.safetensors", Fault::Page("<html>"));
    let page = server.url("files/page.safetensors");
    let said = machine.run(&["models", "download", &page, "--category", "vae", "--allow-host", "127.0.0.1"]);
    said.code(1).says("a page");
    let left: Vec<_> = std::fs::read_dir(machine.models().join("vae")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_pickle_comes_only_by_consent() {
    let (machine, server) = (Machine::new(), ModelServer::start());
    machine.init();
    let mut bytes = b"PK\x03\x04".to_vec();
    bytes.resize(40_000, 9);
    server.put("upscale_models/4x.pth", bytes);
    let url = server.url("upscale_models/4x.pth");
    let get = ["models", "download", &url, "--allow-host", "127.0.0.1", "--yes"];
    // Its category stands in the URL; --yes is no answer to this.
    machine.run(&get).code(1).line(&["4x.pth", "--allow-pickle"]);
    assert!(server.log().is_empty());
    machine.run(&[&get[..], &["--allow-pickle"]].concat()).code(0);
    assert!(machine.models().join("upscale_models/4x.pth").exists());
}
