//! Without the network: what was answered before serves, and no socket is opened.

use std::net::TcpListener;

use comfydock_core::resolve::ladder::Wanted;
use comfydock_workspace::remote::answers::Use;
use url::Url;

use crate::civitai::file;
use crate::looking::{World, said, sources, wanted};

#[test]
fn answers_that_were_kept_serve_and_nobody_is_asked() {
    let mut world = World::new();
    world.civitai.publish(25, &[file(1, "a.safetensors", b"one")]);
    let commit = world.hugging_face.commit("o/r", &[("b.safetensors", b"two")]);
    let two = Wanted {
        said: vec![said("https://huggingface.co/o/r/resolve/main/b.safetensors")],
        ..wanted("b.safetensors", b"two")
    };
    let models = [wanted("a.safetensors", b"one"), two, wanted("new.safetensors", b"three")];
    world.look(&models[..2], Use::Young);

    // From here on whoever connects is found out.
    let guard = TcpListener::bind("127.0.0.1:0").unwrap();
    guard.set_nonblocking(true).unwrap();
    let at = Url::parse(&format!("http://{}/", guard.local_addr().unwrap())).ok();
    (world.endpoints.civitai, world.endpoints.hugging_face) = (at.clone(), at);
    let outcome = world.look(&models, Use::Any);
    assert_eq!(sources(&outcome, 0), ["civitai:25/1"]);
    assert_eq!(sources(&outcome, 1), [format!("hf:o/r@{commit}/b.safetensors")]);
    assert!(outcome.findings[2].offers.is_empty());
    assert!(outcome.unasked && outcome.notes.is_empty(), "{outcome:?}");
    assert_eq!(guard.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "somebody connected");
}
