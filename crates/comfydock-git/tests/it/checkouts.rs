//! Looking at repositories in somebody's folder.

use comfydock_git::checkout::{find_commit, find_head, has_own_work, inspect, top_level, untracked};

use crate::support::{commit, git, project, write};

#[test]
fn a_folder_without_a_repository_of_its_own_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let (outer, _) = project(folder.path(), "outer");
    std::fs::create_dir(outer.join("inner")).unwrap();
    assert_eq!(inspect(&outer.join("inner")).unwrap(), None);
    assert_eq!(find_head(&outer.join("inner")).unwrap(), None);
}

#[test]
fn changes_of_tracked_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let (here, first) = project(folder.path(), "here");
    write(&here, "Größe · 1.py", "1");
    let second = commit(&here, "second");
    let inspect = || inspect(&here).unwrap().unwrap();
    write(&here, "untracked.txt", "x");
    write(&here, "nodes/__pycache__/core.pyc", "x");
    assert_eq!((inspect().commit, inspect().modified), (Some(second), vec![]));

    write(&here, "Größe · 1.py", "2");
    std::fs::remove_file(here.join("main.py")).unwrap();
    write(&here, "added.py", "x");
    git(&here, &["add", "added.py"]);
    let mut modified = inspect().modified;
    modified.sort();
    assert_eq!(modified, ["Größe · 1.py", "added.py", "main.py"]);
    assert_ne!(find_commit(&here, "HEAD").unwrap(), Some(first));
}

#[test]
fn the_url_is_the_origins_as_git_would_use_it() {
    let folder = tempfile::tempdir().unwrap();
    let (here, _) = project(folder.path(), "here");
    let url = || inspect(&here).unwrap().unwrap().url;
    assert_eq!(url(), None);
    git(&here, &["remote", "add", "fork", "https://fork.example/x"]);
    assert_eq!(url().as_deref(), Some("https://fork.example/x"));
    git(&here, &["remote", "add", "upstream", "https://upstream.example/x"]);
    assert_eq!(url().as_deref(), Some("https://upstream.example/x"));
    git(&here, &["remote", "add", "origin", "gh:o/x"]);
    git(&here, &["config", "url.https://github.com/.insteadOf", "gh:"]);
    assert_eq!(url().as_deref(), Some("https://github.com/o/x"));
}

#[test]
fn a_repository_without_a_commit_has_none() {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "--quiet"]);
    assert_eq!(inspect(folder.path()).unwrap().unwrap().commit, None);
    assert_eq!(find_head(folder.path()).unwrap(), None);
}

#[test]
fn head_is_found_attached_detached_and_packed() {
    let folder = tempfile::tempdir().unwrap();
    let (here, first) = project(folder.path(), "here");
    assert_eq!(find_head(&here).unwrap(), Some(first.clone()));
    git(&here, &["pack-refs", "--all"]);
    assert_eq!(find_head(&here).unwrap(), Some(first.clone()));
    git(&here, &["checkout", "--quiet", "--detach"]);
    assert_eq!(find_head(&here).unwrap(), Some(first));
}

#[test]
fn what_git_does_not_track_is_listed_folders_as_one() {
    let folder = tempfile::tempdir().unwrap();
    let (here, _) = project(folder.path(), "here");
    write(&here, ".gitignore", "*.bin\nout/\n");
    commit(&here, "ignore");
    for name in ["models/a.bin", "models/b.bin", "nodes/mine.py", "out/x", "line\nbreak"] {
        write(&here, name, "x");
    }
    let mut found = untracked(&here).unwrap();
    found.sort();
    assert_eq!(found, ["line\nbreak", "models", "nodes/mine.py", "out"], "ignored ones too: they are the user's");
    let mut top = top_level(&here).unwrap();
    top.sort();
    assert_eq!(top, [".gitignore", "main.py", "nodes"]);
}

#[test]
fn work_that_is_nowhere_else_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    project(folder.path(), "there");
    let here = folder.path().join("here");
    git(folder.path(), &["clone", "--quiet", "there", "here"]);
    let own = |known| has_own_work(&here, known).unwrap();
    assert!(!own(None));
    let local = commit(&here, "mine");
    assert!(own(None) && !own(Some(&local)), "what is known is not lost");
    git(&here, &["reset", "--quiet", "--hard", "HEAD~1"]);
    git(&here, &["branch", "side", local.as_str()]);
    assert!(own(None), "another branch counts");
    git(&here, &["branch", "-D", "side"]);
    assert!(!own(None));
    write(&here, "main.py", "changed");
    git(&here, &["stash", "--quiet"]);
    assert!(own(None), "a stash counts");
}

#[test]
fn a_renamed_file_is_named_as_it_was_and_is() {
    let folder = tempfile::tempdir().unwrap();
    let (here, _) = project(folder.path(), "here");
    git(&here, &["mv", "main.py", "renamed.py"]);
    let mut modified = inspect(&here).unwrap().unwrap().modified;
    modified.sort();
    assert_eq!(modified, ["main.py", "renamed.py"]);
}
