//! Looking at somebody's repository without a trace.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use comfydock_git::look::{Look, look, tracked_below};

use crate::support::{commit, git, project, write};

fn looked(folder: &Path) -> Look {
    look(folder).unwrap().unwrap()
}

/// Everything below a folder with content and times.
fn state(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let (path, about) = (entry.path(), entry.metadata().unwrap());
        let content = if about.is_file() { std::fs::read(&path).unwrap() } else { Vec::new() };
        let what = format!("{:o} {}.{} {content:?}", about.mode(), about.mtime(), about.mtime_nsec());
        found.insert(path.display().to_string(), what);
        if about.is_dir() {
            found.extend(state(&path));
        }
    }
    found
}

#[test]
fn a_clone_says_where_it_stands_and_whether_others_can_have_it() {
    let folder = tempfile::tempdir().unwrap();
    let (origin, first) = project(folder.path(), "origin");
    let url = format!("file://{}", origin.display());
    let clone = |name: &str, more: &[&str]| {
        git(folder.path(), &[&["clone", "--quiet"], more, &[&url, name]].concat());
        folder.path().join(name)
    };

    let clean = clone("clean", &[]);
    write(&clean, "ckpt/model.bin", "x");
    write(&clean, "settings.ini", "x");
    let found = looked(&clean);
    assert_eq!((found.commit, found.branch.as_deref()), (Some(first), Some("main")));
    assert_eq!((found.url.as_deref(), found.published), (Some(url.as_str()), Some(true)));
    assert_eq!((found.modified, found.other_work), (vec![], false));
    assert_eq!(found.untracked, ["ckpt", "settings.ini"]);

    let ahead = clone("ahead", &[]);
    commit(&ahead, "mine");
    assert_eq!((looked(&ahead).published, looked(&ahead).other_work), (Some(false), false));

    let elsewhere = clone("elsewhere", &[]);
    git(&elsewhere, &["checkout", "--quiet", "-b", "mine"]);
    commit(&elsewhere, "mine");
    git(&elsewhere, &["checkout", "--quiet", "--detach", "origin/main"]);
    let found = looked(&elsewhere);
    assert_eq!((found.branch, found.published, found.other_work), (None, Some(true), true));

    // A shallow clone of an older commit cannot know.
    let shallow = clone("shallow", &["--depth", "1"]);
    assert_eq!(looked(&shallow).published, Some(true));
    commit(&shallow, "mine");
    assert_eq!(looked(&shallow).published, None);

    let alone = clone("alone", &[]);
    git(&alone, &["remote", "remove", "origin"]);
    assert_eq!((looked(&alone).url, looked(&alone).published), (None, None));

    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    git(&empty, &["init", "--quiet"]);
    write(&empty, "a.py", "");
    let found = looked(&empty);
    assert_eq!((found.commit, found.branch.as_deref()), (None, Some("main")));
    assert_eq!(found.untracked, ["a.py"]);

    assert_eq!(look(folder.path()).unwrap(), None);
    assert_eq!(tracked_below(&clean, "nodes").unwrap(), ["nodes/core.py"]);
}

#[test]
fn the_remote_is_the_one_that_has_the_commit() {
    let folder = tempfile::tempdir().unwrap();
    let (upstream, _) = project(folder.path(), "upstream");
    git(folder.path(), &["clone", "--quiet", "upstream", "fork"]);
    git(folder.path(), &["clone", "--quiet", "fork", "clone"]);
    let clone = folder.path().join("clone");
    git(&clone, &["remote", "add", "upstream", upstream.to_str().unwrap()]);
    commit(&upstream, "newer than the fork");
    git(&clone, &["fetch", "--quiet", "upstream"]);
    assert!(looked(&clone).url.unwrap().ends_with("/fork"));
    git(&clone, &["checkout", "--quiet", "--detach", "upstream/main"]);
    assert!(looked(&clone).url.unwrap().ends_with("/upstream"));
}

#[test]
fn work_trees_and_submodules_have_a_file_for_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (inner, _) = project(folder.path(), "inner");
    let (outer, _) = project(folder.path(), "outer");
    let add = ["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", inner.to_str().unwrap(), "sub"];
    git(&outer, &add);
    let second = commit(&outer, "with a submodule");
    assert_eq!(looked(&outer).modified, Vec::<String>::new());
    write(&outer, "sub/main.py", "print(2)\n");
    assert_eq!(looked(&outer).modified, ["sub/main.py"]);
    assert_eq!(looked(&outer.join("sub")).modified, ["main.py"]);

    git(&outer, &["worktree", "add", "--quiet", "--detach", "../tree"]);
    assert_eq!(looked(&folder.path().join("tree")).commit, Some(second));
    // The folder it names is gone: git cannot read it, which is no panic and no other repository.
    std::fs::rename(&outer, folder.path().join("moved")).unwrap();
    assert!(look(&folder.path().join("tree")).unwrap_err().to_string().contains("not a git repository"));
}

#[test]
fn nothing_that_a_repository_names_is_started_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (here, _) = project(folder.path(), "here");
    let ran = folder.path().join("ran");
    let trap = folder.path().join("trap.sh");
    write(folder.path(), "trap.sh", &format!("#!/bin/sh\necho \"$0 $*\" >> {}\ncat\n", ran.display()));
    std::fs::set_permissions(&trap, std::fs::Permissions::from_mode(0o755)).unwrap();
    let trap = trap.to_str().unwrap();
    write(&here, ".gitattributes", "*.py filter=evil diff=evil\n*.txt filter=worse\n");
    write(&here, "notes.txt", "1\n");
    commit(&here, "attributes");
    for (key, value) in [
        ("core.fsmonitor", trap),
        ("core.sshCommand", trap),
        ("core.pager", trap),
        ("filter.evil.clean", trap),
        ("filter.evil.smudge", trap),
        ("filter.evil.required", "true"),
        ("filter.worse.process", trap),
        ("filter.worse.required", "true"),
        ("diff.evil.textconv", trap),
        ("diff.external", trap),
        ("gpg.program", trap),
        ("log.showSignature", "true"),
        ("status.submoduleSummary", "true"),
        ("core.untrackedCache", "true"),
        ("remote.origin.url", "ssh://nowhere.invalid/x"),
        ("remote.origin.promisor", "true"),
        ("remote.origin.partialclonefilter", "blob:none"),
        ("extensions.partialClone", "origin"),
    ] {
        git(&here, &["config", key, value]);
    }
    for hook in ["post-index-change", "post-checkout", "fsmonitor-watchman", "reference-transaction"] {
        std::fs::create_dir_all(here.join(".git/hooks")).unwrap();
        std::fs::copy(trap, here.join(".git/hooks").join(hook)).unwrap();
    }
    // Same size, another time: git must read them to know, and would note what it found in the index.
    for name in ["main.py", "notes.txt"] {
        let file = std::fs::File::options().append(true).open(here.join(name)).unwrap();
        file.set_modified(std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000)).unwrap();
    }
    // An object that only the remote would have.
    let blob = git(&here, &["-c", "core.fsmonitor=false", "rev-parse", "HEAD:nodes/core.py"]);
    std::fs::remove_file(here.join(".git/objects").join(&blob[..2]).join(&blob[2..])).unwrap();
    let _ = std::fs::remove_file(&ran);

    let before = state(&here);
    let found = looked(&here);
    assert_eq!(found.modified, Vec::<String>::new());
    tracked_below(&here, ".").unwrap();
    assert_eq!(state(&here), before);
    assert!(!ran.exists(), "started: {}", std::fs::read_to_string(&ran).unwrap());

    // The trap is one: git as a user runs it steps into it.
    let _ = std::process::Command::new("git").current_dir(&here).arg("status").output().unwrap();
    assert!(ran.exists());
}

#[test]
fn another_users_repository_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let (here, first) = project(folder.path(), "here");
    if std::os::unix::fs::chown(&here, Some(65534), None).is_err()
        || std::os::unix::fs::chown(here.join(".git"), Some(65534), None).is_err()
    {
        eprintln!("SKIPPED: only root can give files away");
        return;
    }
    assert_eq!(looked(&here).commit, Some(first));
}
