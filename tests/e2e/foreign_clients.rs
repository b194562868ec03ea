//! Git clients that are not git.

use crate::support::{STUDIO, Studio, clients, git};

const DULWICH: &str = r#"
import pathlib, sys
from dulwich import porcelain
url, token, target, prompt = sys.argv[1:]
repository = porcelain.clone(url, target, username="anybody", password=token)
workflow = pathlib.Path(target, "workflows/portrait.json")
text = workflow.read_text()
assert "beautiful scenery" in text
workflow.write_text(text.replace("beautiful scenery", prompt))
porcelain.add(repository, [str(workflow)])
porcelain.commit(repository, message=b"By dulwich", author=b"Ann <ann@example.org>", committer=b"Ann <ann@example.org>")
porcelain.push(repository, url, "refs/heads/main", username="anybody", password=token)
"#;

const ISOMORPHIC_GIT: &str = r#"
const fs = require('fs'), git = require('isomorphic-git'), http = require('isomorphic-git/http/node');
const [url, token, dir, from, to] = process.argv.slice(1);
const onAuth = () => ({ username: 'anybody', password: token });
const onAuthFailure = () => ({ cancel: true });
const author = { name: 'Ann', email: 'ann@example.org' };
(async () => {
  await git.clone({ fs, http, dir, url, onAuth, onAuthFailure, ref: 'main' });
  const path = `${dir}/workflows/portrait.json`, text = fs.readFileSync(path, 'utf8');
  if (!text.includes(from)) throw new Error('what the others did is not there');
  fs.writeFileSync(path, text.replace(from, to));
  await git.add({ fs, dir, filepath: 'workflows/portrait.json' });
  await git.commit({ fs, dir, message: 'By isomorphic-git', author });
  const pushed = await git.push({ fs, http, dir, url, ref: 'main', onAuth, onAuthFailure });
  if (!pushed.ok) throw new Error(JSON.stringify(pushed));
})().catch(error => { console.error(String(error)); process.exit(1); });
"#;

#[test]
fn dulwich_and_isomorphic_git_clone_change_and_push() {
    let studio = Studio::new();
    let Studio { a, hub, tokens: [token, _], .. } = &studio;
    studio.send_portrait(40_000);
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let url = format!("{}/{STUDIO}.git", hub.url());

    let output = clients::dulwich(DULWICH, &[&url, token, &at("dulwich"), "a harbour at night"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let words = [&url, token.as_str(), &at("isomorphic"), "a harbour at night", "a harbour at dawn"];
    let output = clients::isomorphic_git(ISOMORPHIC_GIT, &words);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let bare = hub.repository();
    let subjects = git::git(&bare, &["log", "--format=%s", "-2", "main"]);
    assert_eq!(subjects, "By isomorphic-git\nBy dulwich");
    assert_eq!(git::git(&bare, &["fsck", "--full", "--strict", "--no-dangling"]), "");
    a.ok(&["pull", "--yes"]).says("pulled 2 commits");
    let live = std::fs::read_to_string(a.workflow("studio", "portrait")).unwrap();
    assert!(live.contains("a harbour at dawn"), "{live}");

    // A token that is not good ends both with a clear error, and changes nothing.
    let tip = git::git(&bare, &["rev-parse", "main"]);
    let bad = clients::dulwich(DULWICH, &[&url, "cdk_bad", &at("dulwich-bad"), "x"]);
    assert!(!bad.status.success());
    let bad = clients::isomorphic_git(ISOMORPHIC_GIT, &[&url, "cdk_bad", &at("isomorphic-bad"), "x", "y"]);
    assert!(!bad.status.success());
    let said = String::from_utf8_lossy(&bad.stderr);
    assert!(said.contains("401") || said.contains("cancel"), "{said}");
    assert_eq!(git::git(&bare, &["rev-parse", "main"]), tip);
}
