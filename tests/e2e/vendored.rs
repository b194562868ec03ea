//! Packs at commits that their repositories do not have: their files travel with the environment, and whoever
//! gets them so is none the worse for it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::support::nodes::NodePack;
use crate::support::{Machine, Studio, git, report, safetensors, tree, write};

const NAME: &str = NodePack::NAME;

fn folder(machine: &Machine) -> PathBuf {
    machine.environment("studio").join("ComfyUI/custom_nodes").join(NAME)
}

fn manifest(machine: &Machine) -> String {
    std::fs::read_to_string(machine.environment("studio").join(".cec/pyproject.toml")).unwrap()
}

/// What a pack has besides git's own and Python's files.
fn files(folder: &Path) -> tree::Tree {
    tree::tree(folder, &|path| path.split('/').any(|part| part == ".git" || part == "__pycache__"))
}

/// A has the pack, and a commit of it that is on no other machine; returns that.
fn only_on_a(studio: &Studio, pack: &NodePack) -> String {
    studio.a.ok(&["node", "add", &pack.url()]);
    let there = folder(&studio.a);
    write(&there.join("helper.py"), "HELP = 1\n");
    write(&there.join("tool.sh"), "#!/bin/sh\n");
    std::fs::set_permissions(there.join("tool.sh"), std::fs::Permissions::from_mode(0o755)).unwrap();
    // What Python made anew is no source, wherever it was added to it by mistake.
    write(&there.join("old/__pycache__/helper.cpython-311.pyc"), "code");
    let commit = git::commit(&there, "Help", "2025-10-02T12:00:00Z");
    studio.a.ok(&["commit", "-m", "Help", "--yes"]);
    commit
}

#[test]
fn a_commit_that_nobody_else_has_is_sent_along_on_request() {
    let studio = Studio::new();
    let Studio { a, b, hub, .. } = &studio;
    let pack = NodePack::new();
    a.ok(&["push"]);
    let before = tree::tree(&hub.repository(), &|_| false);
    let commit = only_on_a(&studio, &pack);
    let refused = a.run(&["push"]).code(1).says("`comfydock push --vendor`");
    refused.line(&[NAME, "does not have commit", &commit[..12]]);
    tree::assert_same(&before, &tree::tree(&hub.repository(), &|_| false), "after a push that was stopped");
    let sent = a.ok(&["push", "--vendor"]).line(&["sent along", NAME, &commit[..12], "4 files", "93 B"]);
    sent.says("pushed v2");
    // A snapshot has the files and not the history: that is on A only.
    a.run(&["delete", "studio", "--yes"]).code(1).line(&[NAME, "has commits that are in no remote"]);
    studio.clone().ok().line(&[NAME, "copy that was pushed with the environment", &commit[..12]]);
    let mut sources = files(&folder(a));
    sources.retain(|path, _| !path.starts_with("old"));
    tree::assert_same(&sources, &files(&folder(b)), "on B");
    assert_eq!(folder(b).join("tool.sh").metadata().unwrap().permissions().mode() & 0o111, 0o111);
    assert!(!folder(b).join(".git").exists());
    assert_eq!(manifest(a), manifest(b));
    assert_eq!(report::start(b, "studio").nodes(), [NAME]);
    b.ok(&["status"]).says("nothing to commit").never_says(NAME);
    b.ok(&["node", "list"]).line(&["installed", NAME, &commit[..12], "git, vendored copy"]);
    a.ok(&["node", "list"]).line(&["installed", NAME, &commit[..12]]).never_says("vendored");
    b.ok(&["doctor"]);
    // What is there already needs no word, and the branch may move on from both sides.
    b.ok(&["push"]).says("nothing to push").never_says("sent along");
    write(&b.workflow("studio", "sketch"), r#"{"nodes": [], "links": [], "version": 0.4}"#);
    b.ok(&["commit", "-m", "Sketch", "--yes"]);
    b.ok(&["push"]).says("pushed v3");
    a.ok(&["pull", "--yes"]);
    assert!(folder(a).join(".git").exists());

    // The copy stands for one commit: with another in the manifest it is not taken for that.
    let before = manifest(b);
    let edited = b.environment("studio").join(".cec/pyproject.toml");
    write(&edited, before.replace(&commit, &pack.commit));
    b.ok(&["status"]).line(&["strange", NAME]);
    write(&edited, before);

    // B loses the pack, and has it again without anybody's help.
    std::fs::remove_dir_all(folder(b)).unwrap();
    b.ok(&["status"]).line(&["missing", NAME]);
    b.ok(&["repair", "--yes", "--offline"]).says("repaired");
    tree::assert_same(&sources, &files(&folder(b)), "after a repair");
    b.ok(&["status"]).says("nothing to commit").never_says(NAME);
    // B's own file is B's; a changed file of the pack stops what would replace it.
    write(&folder(b).join("presets/mine.json"), "{}");
    b.ok(&["status"]).says("nothing to commit").never_says(NAME);
    write(&folder(b).join("helper.py"), "HELP = 2\n");
    b.ok(&["status"]).line(&["changed", NAME, "helper.py"]);
    b.ok(&["node", "list"]).line(&["modified", NAME, "vendored copy"]);

    // The pack goes on, and its repository gets both steps as one.
    write(&folder(a).join("helper.py"), "HELP = 3\n");
    git::git(&folder(a), &["reset", "--quiet", "--soft", "HEAD~1"]);
    let published = git::commit(&folder(a), "More help", "2025-10-03T12:00:00Z");
    git::git(&folder(a), &["push", "--quiet", "origin", "HEAD:refs/heads/help"]);
    studio.send("More help").never_says("sent along");
    let before = tree::of_machine(b.root());
    b.run(&["pull", "--yes"]).code(1).line(&[NAME, "has changed files", "helper.py"]);
    let changed = |path: &str| path.starts_with("workspace/environments/studio/ComfyUI");
    let only = |mut tree: tree::Tree| {
        tree.retain(|path, _| changed(path));
        tree
    };
    tree::assert_same(&only(before), &only(tree::of_machine(b.root())), "after a pull that was stopped");
    write(&folder(b).join("helper.py"), "HELP = 1\n");
    b.ok(&["pull", "--yes"]).line(&[NAME, &published[..12]]).never_says("copy");
    assert_eq!(git::git(&folder(b), &["rev-parse", "HEAD"]), published);
    assert!(folder(b).join("presets/mine.json").is_file());
    b.ok(&["node", "list"]).line(&["installed", NAME, &published[..12]]).never_says("vendored");
    b.ok(&["status"]).says("nothing to commit").never_says(NAME);

    // And back, with no network at all.
    b.ok(&["rollback", "v3", "--yes", "--offline"]).line(&[NAME, "copy that was pushed"]);
    sources.insert("presets".to_owned(), files(&folder(b))["presets"].clone());
    sources.insert("presets/mine.json".to_owned(), files(&folder(b))["presets/mine.json"].clone());
    tree::assert_same(&sources, &files(&folder(b)), "after a rollback");
    b.ok(&["node", "list"]).line(&["installed", NAME, "vendored copy"]);
    b.ok(&["rollback", "--yes", "--offline"]);
    assert_eq!(git::git(&folder(b), &["rev-parse", "HEAD"]), published);
}

#[test]
fn what_is_sent_along_is_judged_and_what_stays_is_told() {
    let studio = Studio::new();
    let Studio { a, b, hub, .. } = &studio;
    let (pack, kept) = (NodePack::new(), tempfile::tempdir().unwrap());
    a.ok(&["push"]);
    let before = tree::tree(&hub.repository(), &|_| false);
    only_on_a(&studio, &pack);
    let there = folder(a);
    let token = ["hf", "_", "QwErTyUiOpAsDfGhJkLzXcVbNmPoIuYtRe"].concat();
    write(&there.join("data/tokens.txt"), format!("token = \"{token}\"\n"));
    write(&there.join("weights.safetensors"), safetensors::model(1, 2000));
    git::commit(&there, "Too much", "2025-10-02T13:00:00Z");
    a.ok(&["commit", "-m", "Too much", "--yes"]);
    let refused = a.run(&["push", "--vendor"]).code(1).never_says(&token);
    let refused = refused.line(&["custom_nodes/comfyui-six/data/tokens.txt", "[secret:huggingface-token]"]);
    let refused = refused.line(&["custom_nodes/comfyui-six/weights.safetensors", "is a model", "[model-file]"]);
    refused.says("take it out of the node pack").never_says("git -C .cec");
    tree::assert_same(&before, &tree::tree(&hub.repository(), &|_| false), "after a push that was stopped");

    // Only the files at the recorded commit travel, not what led to it.
    std::fs::remove_dir_all(there.join("data")).unwrap();
    std::fs::remove_file(there.join("weights.safetensors")).unwrap();
    std::os::unix::fs::symlink("helper.py", there.join("link.py")).unwrap();
    std::fs::File::create(there.join("large.dat")).unwrap().set_len(20 * 1024 * 1024 + 1).unwrap();
    write(
        &there.join("picture.png"),
        "version https://git-lfs.github.com/spec/v1\noid sha256:0000000000000000000000000000000000000000000000000000000000000000\nsize 5\n",
    );
    let commit = git::commit(&there, "Fitting", "2025-10-02T14:00:00Z");
    a.ok(&["commit", "-m", "Fitting", "--yes"]);
    let sent = a.ok(&["push", "--vendor"]).line(&["sent along", NAME, &commit[..12], "5 files"]);
    let sent = sent.line(&[NAME, "link.py does not travel", "symbolic link"]);
    let sent = sent.line(&[NAME, "large.dat does not travel", "too large"]);
    sent.line(&[NAME, "picture.png does not travel", "git-lfs"]).never_says("helper.cpython");

    // Its repository goes away for good: the copy is what there is, for those who come and those who push.
    std::fs::rename(pack.path(), kept.path().join("away")).unwrap();
    studio.clone().ok().line(&[NAME, "copy that was pushed with the environment"]);
    assert_eq!(report::start(b, "studio").nodes(), [NAME]);
    b.run(&["doctor"]).line(&["picture.png"]).says("push the pack to its own repository").never_says("lfs pull");
    write(&b.workflow("studio", "sketch"), r#"{"nodes": [], "links": [], "version": 0.4}"#);
    b.ok(&["commit", "-m", "Sketch", "--yes"]);
    b.ok(&["push"]).says("pushed v5");
    // Another remote is asked about anew. B has no repository of the pack and sends on what it was sent.
    let other = kept.path().join("other.git");
    git::git(kept.path(), &["init", "--quiet", "--bare", "--initial-branch=main", "other.git"]);
    b.ok(&["remote", "add", "other", other.to_str().unwrap()]);
    b.run(&["push", "other"]).code(1).line(&[NAME, "does not tell whether it has commit"]).says("--vendor");
    assert_eq!(git::git(&other, &["for-each-ref"]), "");
    let told = b.json(&["push", "other", "--vendor"]);
    assert_eq!(told["vendored"][0]["name"], NAME);
    assert_eq!(told["vendored"][0]["commit"], *commit);
    assert_eq!(told["vendored"][0]["files"], 5);
    let reference = format!("refs/comfydock/nodes/{NAME}/{commit}");
    let of = |repository: &Path| git::git(repository, &["rev-parse", &reference]);
    assert_eq!(of(&other), of(&hub.repository()));
}

#[test]
fn a_pack_that_is_worked_on_goes_on_wherever_its_files_went() {
    let studio = Studio::new();
    let Studio { a, b, hub, .. } = &studio;
    let pack = NodePack::new();
    let on = folder(a);
    a.ok(&["push"]);
    studio.clone().ok();
    write(&b.workflow("studio", "sketch"), r#"{"nodes": [], "links": [], "version": 0.4}"#);
    b.ok(&["commit", "-m", "Sketch", "--yes"]);
    b.ok(&["push"]);
    std::fs::create_dir_all(on.parent().unwrap()).unwrap();
    git::git(on.parent().unwrap(), &["clone", "--quiet", &pack.url(), NAME]);
    write(&on.join("helper.py"), "HELP = 1\n");
    let commit = git::commit(&on, "Help", "2025-10-02T12:00:00Z");
    a.ok(&["node", "add", NAME, "--dev"]);
    a.ok(&["commit", "-m", "Mine", "--yes"]);
    // Nothing goes ahead of a branch that cannot follow.
    a.run(&["push", "--vendor"]).code(1).says("comfydock pull");
    assert_eq!(git::git(&hub.repository(), &["for-each-ref", "refs/comfydock"]), "");
    a.ok(&["pull", "--yes"]).says("merged");
    a.run(&["push"]).code(1).says("--vendor");
    a.ok(&["push", "--vendor"]).line(&["sent along", NAME, &commit[..12]]);
    b.ok(&["pull", "--yes"]).line(&[NAME, "copy that was pushed", &commit[..12]]);
    let there = folder(b);
    assert_eq!(manifest(a), manifest(b));
    b.ok(&["status"]).says("nothing to commit").never_says(NAME);
    b.ok(&["node", "list"]).line(&["installed", NAME, "development, vendored copy"]);
    b.ok(&["push"]).says("nothing to push");

    // What is changed in it travels, as that of any pack that has no git does.
    write(&there.join("helper.py"), "HELP = 2\n");
    b.ok(&["status"]).line(&["changed", NAME]);
    write(&there.join("helper.py"), "HELP = 1\n");
    b.ok(&["status"]).says("nothing to commit").never_says(NAME);

    write(&on.join("helper.py"), "HELP = 3\n");
    let published = git::commit(&on, "More help", "2025-10-03T12:00:00Z");
    git::git(&on, &["push", "--quiet", "origin", "HEAD:refs/heads/help"]);
    studio.send("More help").never_says("sent along");
    write(&there.join("notes.txt"), "mine");
    b.ok(&["pull", "--yes"]).line(&[NAME, &published[..12]]);
    assert_eq!(git::git(&there, &["rev-parse", "HEAD"]), published);
    assert_eq!(std::fs::read_to_string(there.join("notes.txt")).unwrap(), "mine");
    b.ok(&["status"]).says("nothing to commit").never_says("changed");
    assert_eq!(manifest(a), manifest(b));
}
