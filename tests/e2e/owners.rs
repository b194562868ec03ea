//! What owners do with their environments on the hub, from the client's command line.

use crate::support::{Machine, STUDIO, Studio, write};

fn owner(studio: &Studio) -> Machine {
    let machine = Machine::new();
    studio.hub.run(&["user", "add", "olga"]);
    studio.hub.run(&["team", "member", "team", "olga", "--role", "admin"]);
    machine.login(&studio.hub.url(), &studio.hub.token("olga", "admin")).ok().says("olga");
    machine
}

#[test]
fn a_renamed_environment_goes_on_being_pushed_and_pulled() {
    let studio = Studio::new();
    let Studio { a, b, .. } = &studio;
    studio.send_portrait(20_000);
    studio.clone().ok();
    let olga = owner(&studio);
    olga.ok(&["hub", "environments"]).line(&[STUDIO, "private", "administer", "pushed by ann"]);
    a.ok(&["hub", "environments"]).line(&[STUDIO, "private", "push"]);
    a.run(&["hub", "rename", STUDIO, "renamed"])
        .code(1)
        .says("as a writer of team you may not")
        .says("hint: an admin of team");
    olga.ok(&["hub", "rename", STUDIO, "renamed"]).line(&["team/studio is", "team/renamed"]);
    // The remotes of both machines still say the old name.
    let text = std::fs::read_to_string(a.workflow("studio", "portrait")).unwrap();
    write(&a.workflow("studio", "second"), &text);
    studio.send("Another");
    b.ok(&["pull", "--yes"]);
    assert!(b.workflow("studio", "second").exists());
    olga.ok(&["hub", "visibility", "team/renamed", "public"]).line(&["team/renamed is", "public"]);
    // Whoever never logged in has it by its address.
    let stranger = Machine::new();
    let (url, models) = (format!("{}/team/renamed", studio.hub.url()), stranger.models());
    stranger.ok(&["clone", &url, "--models-dir", models.to_str().unwrap(), "--allow-host", "127.0.0.1", "--yes"]);
    assert!(stranger.workflow("renamed", "second").exists());
}

#[test]
fn a_deleted_environment_comes_back_with_restore() {
    let studio = Studio::new();
    let Studio { a, b, .. } = &studio;
    studio.send_portrait(20_000);
    let olga = owner(&studio);
    a.run(&["hub", "delete", STUDIO, "--yes"]).code(1).says("as a writer of team you may not");
    olga.run(&["hub", "delete", STUDIO]).code(1).says("--yes");
    olga.ok(&["hub", "environments"]).says(STUDIO);
    olga.ok(&["hub", "delete", STUDIO, "--yes"]).says("comfydock hub restore team/studio");
    b.run(&["clone", STUDIO, "--yes"]).code(1);
    write(&a.workflow("studio", "second"), "{\"nodes\":[],\"links\":[]}");
    a.ok(&["commit", "-m", "Second", "--yes"]);
    a.run(&["push"]).code(1).says("was deleted by olga");
    olga.ok(&["hub", "environments", "--deleted"]).line(&[STUDIO, "deleted by olga"]);
    a.ok(&["hub", "environments", "--deleted"]).never_says(STUDIO);
    a.run(&["hub", "restore", STUDIO]).code(1).says("does not exist, or you may not see it");
    olga.ok(&["hub", "restore", STUDIO]).line(&[STUDIO, "there again"]);
    a.ok(&["push"]).says("pushed");
}

#[test]
fn a_token_is_made_used_and_revoked() {
    let studio = Studio::new();
    studio.send_portrait(20_000);
    let olga = owner(&studio);
    let said = olga.ok(&["hub", "whoami"]);
    said.line(&["administer: olga's environments"])
        .line(&["administer: team's environments"])
        .says("make and revoke tokens");
    let arguments =
        ["hub", "token", "create", "--scope", "read", "--environments", "team/*", "--expires", "30", "--name", "ci"];
    let made = olga.json(&arguments);
    let token = made["token"].as_str().unwrap();
    let ci = Machine::new();
    ci.login(&studio.hub.url(), token).ok().says("the token may read team/*");
    ci.ok(&["hub", "whoami"]).line(&["pull, of team/* only: team's environments"]);
    ci.ok(&["hub", "environments"]).line(&[STUDIO, "pull"]);
    ci.run(&["hub", "token", "create"]).code(1).says("not enough to make tokens");
    let id = made["id"].to_string();
    olga.ok(&["hub", "token", "list"]).line(&[&id, "read", "team/*", "until 20", "used 20", "ci"]).never_says(token);
    olga.ok(&["hub", "token", "revoke", &id]).says("is revoked");
    ci.run(&["hub", "whoami"]).code(1).says("the token was revoked").never_says(token);
}
