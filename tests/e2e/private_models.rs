//! A LoRA that no site has goes from A through the hub to B, and to nobody else.

use std::path::PathBuf;

use rustix::process::Signal;

use crate::support::{Machine, Studio, report, sha256_of, templates, wait_for, write};

/// A workflow whose model has no source, committed and pushed by A.
fn send(studio: &Studio, size: usize) -> templates::Named {
    let template = templates::old("default");
    let model = studio.share("portrait", &template, size).remove(0);
    write(&studio.a.workflow("studio", "portrait"), template.text.replace("\"models\":", "\"no_models\":"));
    let said = studio.send("A portrait").line(&["warning", "nobody can download", &model.name, "portrait"]);
    said.says(&format!("comfydock models upload {}", model.name));
    model
}

/// What has arrived on the hub of the file that is being sent.
fn part(studio: &Studio) -> Option<(PathBuf, u64)> {
    let mut files = std::fs::read_dir(studio.hub.data().join("blobs/uploads")).ok()?.flatten();
    let file = files.next()?;
    Some((file.path(), file.metadata().ok()?.len()))
}

#[test]
fn a_private_model_travels_by_hash_and_only_within_the_team() {
    let studio = Studio::new();
    let Studio { hub, a, b, .. } = &studio;
    let model = send(&studio, 3_000_000);
    a.run(&["models", "upload", "nothing.safetensors"]).code(1).says("names no model `nothing.safetensors`");
    let unasked = a.run(&["models", "upload", "--missing-sources"]).code(1);
    unasked.says("Send 1 model with 3.0 MB to the hub?").says("models source find");
    let all = ["models", "upload", "--missing-sources", "--yes"];
    a.ok(&all).line(&["uploaded", &model.name]).says("comfydock commit");
    a.ok(&["status"]).line(&["more sources of", &model.name]).never_says("nothing to commit");
    studio.send("Where it can be had").never_says("warning");
    a.ok(&["status"]).says("nothing to commit");
    a.ok(&all).says("has a source");
    a.ok(&["models", "upload", &model.name]).says("the hub has").never_says("comfydock commit");

    studio.clone().ok().line(&["downloaded", &model.name]);
    report::assert_same(a, b);
    let sha256 = sha256_of(&a.models().join(model.path()));
    assert_eq!(sha256_of(&b.models().join(model.path())), sha256);
    // Nobody who may not read the environment; that an environment of their own gives them nothing either, the hub's
    // own tests say (`keeping`, `blobs`).
    let stranger = Machine::new();
    hub.run(&["user", "add", "sam"]);
    let token = hub.admit(&stranger, "sam");
    stranger.run(&["clone", "team/studio", "--yes"]).code(1);
    let address = format!("{}/api/v1/blobs/sha256:{sha256}", hub.url());
    let member = hub.token("bob", "read");
    for (method, token, status) in
        [("GET", &token, "404"), ("HEAD", &token, "404"), ("GET", &member, "200"), ("HEAD", &member, "200")]
    {
        let mut ask = std::process::Command::new("curl");
        ask.args(["-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", &format!("Authorization: Bearer {token}")]);
        ask.args(if method == "HEAD" { &["--head"][..] } else { &[] });
        let answer = ask.arg(&address).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&answer.stdout), status, "{method}");
    }
    // Who makes the environment public is told what goes with it, and asked.
    hub.run(&["team", "member", "team", "ann", "--role", "admin"]);
    a.login(&hub.url(), &hub.token("ann", "admin")).ok();
    a.run(&["hub", "visibility", "team/studio", "public"]).code(1).says("1 model file with 3.0 MB").says("--yes");
    a.ok(&["hub", "environments"]).line(&["team/studio", "private"]);
    a.ok(&["hub", "visibility", "team/studio", "public", "--yes"]).line(&["team/studio is", "public"]);
    a.ok(&["hub", "visibility", "team/studio", "private"]).line(&["team/studio is", "private"]);
}

#[test]
fn an_upload_that_was_killed_goes_on_where_it_was() {
    let studio = Studio::new();
    let Studio { a, b, .. } = &studio;
    let model = send(&studio, 400_000_000);
    let sending = a.spawn(&["models", "upload", &model.name]);
    let (path, _) = wait_for("the file to arrive", || part(&studio).filter(|(_, length)| *length > 1_000_000));
    sending.signal(Signal::KILL);
    sending.end().code(-1);
    let begun = path.metadata().unwrap().len();
    assert!(begun < 400_000_000, "it was done before it could be killed");
    let said = a.json(&["models", "upload", &model.name]);
    let sent = said["models"][0]["sent"].as_u64().unwrap();
    assert!(sent <= 400_000_000 - 1_000_000, "{said}");
    studio.send("Where it can be had");
    studio.clone().ok().line(&["downloaded", &model.name]);
    report::assert_same(a, b);
}

#[test]
fn an_upload_goes_on_with_a_hub_that_was_killed() {
    let mut studio = Studio::new();
    let model = send(&studio, 400_000_000);
    let sending = studio.a.spawn(&["--json", "models", "upload", &model.name]);
    wait_for("the file to arrive", || part(&studio).filter(|(_, length)| *length > 1_000_000));
    studio.hub.kill();
    let (_, begun) = part(&studio).unwrap();
    assert!(begun < 400_000_000, "it was done before it could be killed");
    studio.hub.begin();
    // The same command, which was never ended.
    sending.end().ok().says(&model.name);
    studio.send("Where it can be had");
    studio.clone().ok().line(&["downloaded", &model.name]);
    report::assert_same(&studio.a, &studio.b);
}
