//! Plain git is a client like any other.

use crate::support::comfyui::ComfyUi;
use crate::support::{Hub, Machine, STUDIO, git, templates, write};

#[test]
fn every_protocol_clones_commits_and_pushes() {
    let (hub, comfyui) = (Hub::start(), ComfyUi::new());
    let a = Machine::new();
    a.create(&comfyui);
    let template = templates::old("default");
    write(&a.workflow("studio", "portrait"), &template.text);
    a.ok(&["commit", "-m", "A portrait", "--yes", "--allow-issues"]);
    let token = hub.admit(&a, "ann");
    a.ok(&["remote", "add", "origin", STUDIO]);
    a.ok(&["push"]);

    let folder = tempfile::tempdir().unwrap();
    let mut prompt = "beautiful scenery".to_owned();
    for version in ["0", "1", "2"] {
        let protocol = format!("protocol.version={version}");
        let header = format!("http.extraHeader=Authorization: Bearer {token}");
        let with = |arguments: &[&'static str]| {
            [&["-c", &protocol, "-c", &header][..], arguments]
                .concat()
                .iter()
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>()
        };
        let run = |at: &std::path::Path, words: Vec<String>| {
            git::git(at, &words.iter().map(String::as_str).collect::<Vec<_>>())
        };
        let work = folder.path().join(version);
        let mut cloning = with(&["clone", "--quiet"]);
        cloning.extend([format!("{}/{STUDIO}.git", hub.url()), work.to_str().unwrap().to_owned()]);
        run(folder.path(), cloning);
        let tracked = work.join("workflows/portrait.json");
        let text = std::fs::read_to_string(&tracked).unwrap();
        let next = format!("scenery by protocol {version}");
        write(&tracked, text.replace(&prompt, &next));
        prompt = next;
        git::commit(&work, &format!("By plain git, protocol {version}"), &format!("2025-10-2{version}T12:00:00Z"));
        run(&work, with(&["push", "--quiet", "origin", "main"]));

        let bare = hub.repository();
        assert_eq!(git::git(&bare, &["rev-parse", "main"]), git::git(&work, &["rev-parse", "HEAD"]));
        assert_eq!(git::git(&bare, &["fsck", "--full", "--strict", "--no-dangling"]), "");
        a.ok(&["pull", "--yes", "--allow-issues"]).says("pulled 1 commit");
        let live = std::fs::read_to_string(a.workflow("studio", "portrait")).unwrap();
        assert_eq!(live, template.text.replace("beautiful scenery", &prompt));
    }
    a.ok(&["commit", "--yes", "--allow-issues"]).says("nothing to commit");
}
