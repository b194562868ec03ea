//! Plain git is a client like any other.

use crate::support::{STUDIO, Studio, git, templates, write};

#[test]
fn every_protocol_clones_commits_and_pushes() {
    let studio = Studio::new();
    let Studio { a, hub, tokens: [token, _], .. } = &studio;
    let before = templates::old("default").at(&studio.server).text;
    studio.send_portrait(40_000);

    let folder = tempfile::tempdir().unwrap();
    let mut prompt = "beautiful scenery".to_owned();
    for version in ["0", "1", "2"] {
        let protocol = format!("protocol.version={version}");
        let header = format!("http.extraHeader=Authorization: Bearer {token}");
        let with =
            |at: &std::path::Path, words: &[&str]| git::git(at, &[&["-c", &protocol, "-c", &header], words].concat());
        let work = folder.path().join(version);
        let url = format!("{}/{STUDIO}.git", hub.url());
        with(folder.path(), &["clone", "--quiet", &url, work.to_str().unwrap()]);
        let tracked = work.join("workflows/portrait.json");
        let text = std::fs::read_to_string(&tracked).unwrap();
        let next = format!("scenery by protocol {version}");
        write(&tracked, text.replace(&prompt, &next));
        prompt = next;
        git::commit(&work, &format!("By plain git, protocol {version}"), &format!("2025-10-2{version}T12:00:00Z"));
        with(&work, &["push", "--quiet", "origin", "main"]);

        let bare = hub.repository();
        assert_eq!(git::git(&bare, &["rev-parse", "main"]), git::git(&work, &["rev-parse", "HEAD"]));
        assert_eq!(git::git(&bare, &["fsck", "--full", "--strict", "--no-dangling"]), "");
        a.ok(&["pull", "--yes"]).says("pulled 1 commit");
        let live = std::fs::read_to_string(a.workflow("studio", "portrait")).unwrap();
        assert_eq!(live, before.replace("beautiful scenery", &prompt));
    }
    a.ok(&["commit", "--yes"]).says("nothing to commit");
}
