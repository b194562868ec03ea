//! Answers that are no model.

use crate::support::{Fault, Studio, safetensors, tree};

const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Log in</title></head><body>Please log in.</body></html>\n";
const POINTER: &str = "version https://git-lfs.github.com/spec/v1\noid sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\nsize 50000\n";

/// One of ours as long as the model is, so that only its bytes give it away.
fn padded(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize(50_000, b' ');
    bytes
}

#[test]
fn what_is_no_model_is_never_taken_for_one() {
    let studio = Studio::new();
    let Studio { b, server, .. } = &studio;
    let model = studio.send_portrait(50_000);
    let right = std::fs::read(studio.a.models().join(model.path())).unwrap();
    server.fail(&model.path(), Fault::Page(PAGE));
    let said = studio.clone().code(1);
    said.line(&["missing", &model.name, "portrait", "page"]);

    let before = tree::of_machine(b.root());
    let mut flipped = right.clone();
    flipped[40_000] ^= 1;
    for (fault, reason) in [
        (Fault::Page(PAGE), "page"),
        (Fault::Serve(padded(PAGE)), "a page, not a model"),
        (Fault::Serve(POINTER.into()), "Git LFS pointer"),
        (Fault::Serve(padded(POINTER)), "Git LFS pointer"),
        (Fault::Serve(flipped), "another file"),
        (Fault::Serve(safetensors::model(3, 60_000)), "60000 bytes"),
        (Fault::Serve(Vec::new()), "0 bytes"),
        (Fault::Status(403), "login"),
        (Fault::Status(404), "404"),
        (Fault::Status(410), "410"),
    ] {
        server.fail(&model.path(), fault.clone());
        let said = b.run(&["models", "download", "--missing"]).code(1);
        let said = said.line(&["missing", &model.name, "portrait", reason]);
        tree::assert_same(&before, &tree::of_machine(b.root()), &format!("{fault:?}: {said}"));
    }
    // A server that broke once is asked again; one that knows no ranges sends everything.
    server.mend(&model.path());
    server.fail_once(&model.path(), Fault::Status(503));
    server.fail_once(&model.path(), Fault::CutAfter(20_000));
    server.fail_once(&model.path(), Fault::NoRange);
    b.ok(&["models", "download", "--missing"]).line(&["downloaded", &model.name]);
    assert_eq!(std::fs::read(b.models().join(model.path())).unwrap(), right);
}
