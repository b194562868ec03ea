//! A hub that has no time at the moment.

use comfydock_core::retry::TRIES;

use crate::support::front::{AWAY, BUSY, Front};
use crate::support::{STUDIO, Studio, write};

#[test]
fn who_is_sent_away_comes_back_and_says_so() {
    let studio = Studio::new();
    let Studio { a, b, hub, tokens, .. } = &studio;
    let front = Front::of(&hub.address, BUSY);
    front.refuse(1);
    a.login(&front.url, &tokens[0]).ok().says("ann");
    b.login(&front.url, &tokens[1]).ok();
    a.ok(&["remote", "remove", "origin"]);
    a.ok(&["remote", "add", "origin", STUDIO]);
    a.ok(&["push"]).says("pushed").never_says("busy");

    write(&a.workflow("studio", "note"), r#"{"nodes": [], "links": [], "version": 0.4}"#);
    a.ok(&["commit", "--yes", "-m", "A note"]);
    front.refuse(2);
    a.ok(&["push"]).says("the server is busy; trying again in").says("pushed");
    assert_eq!(front.left(), 0);
    front.refuse(1);
    b.ok(&["clone", STUDIO, "--models-dir", b.models().to_str().unwrap(), "--yes"]).says("trying again in");
    front.refuse(1);
    b.ok(&["pull"]).says("trying again in").says("up to date");
    assert_eq!(front.left(), 0);
}

#[test]
fn a_hub_that_stays_busy_is_given_up_with_what_it_said() {
    let studio = Studio::new();
    let Studio { a, hub, tokens, .. } = &studio;
    let before = |front: &Front| {
        a.login(&front.url, &tokens[0]).ok();
        let _ = a.run(&["remote", "remove", "origin"]);
        a.ok(&["remote", "add", "origin", STUDIO]);
        front.refuse(usize::MAX);
    };
    let busy = Front::of(&hub.address, BUSY);
    before(&busy);
    let push = a.run(&["push"]).code(1);
    push.says("studio.git refused: the hub is busy").says("hint: try again in 1 second").never_says("remote:");
    assert_eq!(usize::MAX - busy.left(), TRIES as usize);
    // A proxy says it in no words of ours.
    let away = Front::of(&hub.address, AWAY);
    before(&away);
    a.run(&["pull"]).code(1).says("502").says("the server is busy or being restarted; run the command again");
    assert_eq!(usize::MAX - away.left(), TRIES as usize);
}
