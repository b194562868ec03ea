//! What one environment knows about a model helps the others: the hub's catalog.

use crate::support::{Fault, Machine, Studio, report, templates, write};

#[test]
fn a_source_is_found_through_another_environment() {
    let studio = Studio::new();
    let Studio { hub, server, comfyui, a, b, .. } = &studio;
    let template = templates::old("default");
    let model = studio.share("portrait", &template, 50_000).remove(0);
    let silent = template.text.replace("\"models\":", "\"no_models\":");
    assert_ne!(silent, template.text);
    write(&a.workflow("studio", "portrait"), &silent);
    let said = studio.send("A portrait");
    said.line(&["warning", "nobody can download", &model.name, "portrait"]);
    studio.clone().code(1).line(&["missing", &model.name, "portrait", "nobody says where it can be had"]);

    let c = Machine::new();
    c.create(comfyui);
    c.put_model(&model.path(), &std::fs::read(a.models().join(model.path())).unwrap());
    write(&c.workflow("studio", "other"), &template.at(server).text);
    c.ok(&["commit", "-m", "Another", "--yes"]);
    hub.admit(&c, "ann");
    c.ok(&["remote", "add", "origin", "team/other"]);
    c.ok(&["push"]).never_says("warning");

    b.ok(&["models", "download", "--missing"]).line(&["downloaded", &model.name]);
    report::assert_same(a, b);
    // What was learnt is noted with the model.
    b.ok(&["models", "source", "list", &model.name]).says(&server.url(&model.path()));
}

#[test]
fn a_source_that_is_said_later_arrives_with_the_next_pull() {
    let studio = Studio::new();
    let Studio { server, a, b, .. } = &studio;
    let template = templates::old("default");
    let model = studio.share("portrait", &template, 50_000).remove(0);
    write(&a.workflow("studio", "portrait"), template.text.replace("\"models\":", "\"no_models\":"));
    studio.send("A portrait");
    studio.clone().code(1);
    a.ok(&["models", "source", "add", &model.name, &server.url(&model.path())]);
    studio.send("A source").never_says("warning");
    b.ok(&["pull", "--yes"]).line(&["downloaded", &model.name]);
    report::assert_same(a, b);
}

#[test]
fn what_a_machine_found_out_the_hub_knows_and_what_the_hub_said_the_machine_does() {
    let mut studio = Studio::new();
    let template = templates::old("default");
    let model = studio.share("portrait", &template, 50_000).remove(0);
    let silent = template.text.replace("\"models\":", "\"no_models\":");
    write(&studio.a.workflow("studio", "portrait"), silent);
    studio.send("A portrait");
    // Only the other environment names the source, and nobody can be served there for now.
    let c = Machine::new();
    c.create(&studio.comfyui);
    c.put_model(&model.path(), &std::fs::read(studio.a.models().join(model.path())).unwrap());
    write(&c.workflow("studio", "other"), template.at(&studio.server).text);
    c.ok(&["commit", "-m", "Another", "--yes"]);
    studio.hub.admit(&c, "ann");
    c.ok(&["remote", "add", "origin", "team/other"]);
    c.ok(&["push"]);
    studio.server.fail(&model.path(), Fault::Status(404));
    studio.clone().code(1).line(&["missing", &model.name, "404"]);
    let database = rusqlite::Connection::open(studio.hub.data().join("hub.db")).unwrap();
    let seen: (String, String, u16) = database
        .query_row(
            "SELECT name, verdict, http_status FROM observations JOIN accounts ON accounts.id = user_id",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .unwrap();
    assert_eq!(seen, ("bob".to_owned(), "gone".to_owned(), 404));
    // The hub is away, and the server is back.
    studio.hub.kill();
    studio.server.mend(&model.path());
    let said = studio.b.ok(&["models", "download", "--missing"]).line(&["downloaded", &model.name]);
    said.says("what it said last is taken");
    report::assert_same(&studio.a, &studio.b);
}

#[test]
fn a_machine_that_lacks_nothing_has_a_copy_of_the_catalog_too_until_it_logs_out() {
    use std::os::unix::fs::PermissionsExt as _;
    let studio = Studio::new();
    let template = templates::old("default");
    let model = studio.share("portrait", &template, 50_000).remove(0);
    studio.send("A portrait");
    let b = &studio.b;
    b.put_model(&model.path(), &std::fs::read(studio.a.models().join(model.path())).unwrap());
    studio.clone().ok();
    let path = b.workspace().join("comfydock_cache/catalog.db");
    let known = || -> u32 {
        let database = rusqlite::Connection::open(&path).unwrap();
        database.query_row("SELECT count(*) FROM claims", [], |row| row.get(0)).unwrap()
    };
    assert_eq!(known(), 1);
    // What was committed without a source is found in it when the hub is not asked.
    let silent = template.text.replace("\"models\":", "\"no_models\":");
    b.ok(&["create", "other", "--comfyui-url", studio.comfyui.url()]);
    write(&b.workflow("other", "silent"), silent);
    b.ok(&["-e", "other", "commit", "--yes"]);
    b.ok(&["-e", "other", "remote", "add", "origin", "team/other"]);
    b.ok(&["-e", "other", "models", "source", "find", "--offline"]).says(&studio.server.url(&model.path()));
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o077, 0, "it tells of private environments");
    b.ok(&["hub", "logout"]);
    assert_eq!(known(), 0);
}
