//! Read what the real git wrote.

use std::process::Command;

use super::*;

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(folder)
        .args(["-c", "user.name=Ann", "-c", "user.email=ann@example.org"])
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_AUTHOR_DATE", "1700000000 +0100")
        .env("GIT_COMMITTER_DATE", "1700000100 +0100")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn write(folder: &Path, name: &str, content: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

#[test]
fn commits_trees_and_blobs_are_read_loose_and_packed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    git(folder, &["init", "--quiet", "-b", "main"]);
    write(folder, "pyproject.toml", "x");
    write(folder, "workflows/a/deep.json", "{}");
    std::os::unix::fs::symlink("pyproject.toml", folder.join("link")).unwrap();
    git(folder, &["add", "-A"]);
    git(folder, &["update-index", "--chmod=+x", "pyproject.toml"]);
    git(folder, &["commit", "-qm", "first\n\nbody"]);
    let first = git(folder, &["rev-parse", "HEAD"]);
    git(folder, &["commit", "-qm", "second", "--allow-empty"]);
    git(folder, &["tag", "-a", "v1", "-m", "v1"]);
    let [second, tag] = ["HEAD", "v1"].map(|name| git(folder, &["rev-parse", name]));
    for packed in [false, true] {
        if packed {
            git(folder, &["repack", "-adq"]);
        }
        let objects = Objects::open(&[folder.join(".git/objects")]).unwrap();
        let tree = objects.tree(&second).unwrap();
        let listed: Vec<_> =
            tree.iter().map(|entry| (String::from_utf8_lossy(&entry.path).into_owned(), entry.mode)).collect();
        let wanted =
            [("link", Mode::Link), ("pyproject.toml", Mode::Executable), ("workflows/a/deep.json", Mode::File)];
        assert_eq!(listed, wanted.map(|(path, mode)| (path.to_owned(), mode)));
        assert_eq!(objects.blob(&tree[1].id).unwrap(), b"x");
        assert_eq!(objects.blob_size(&tree[2].id).unwrap(), 2);
        let commit = objects.commit(&second).unwrap();
        assert_eq!((commit.parents, commit.seconds), (vec![first.clone()], 1_700_000_100));
        assert_eq!((commit.author_name.as_str(), commit.author_email.as_str()), ("Ann", "ann@example.org"));
        assert_eq!(objects.commit(&first).unwrap().message, "first\n\nbody\n");
        assert_eq!(objects.peel_to_commit(&tag).unwrap(), second);
        assert!(matches!(objects.peel_to_commit(&tree[1].id), Err(Error::Kind { .. })));
        assert!(matches!(objects.blob(&second), Err(Error::Kind { .. })));
        assert!(matches!(objects.commit(&"0".repeat(40)), Err(Error::Missing(_))));
        assert!(matches!(objects.commit("main"), Err(Error::Id(_))));
    }
}

#[test]
fn several_folders_are_one_and_alternates_count() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (name, file) in [("one", "a"), ("two", "b")] {
        std::fs::create_dir(folder.join(name)).unwrap();
        git(&folder.join(name), &["init", "--quiet", "-b", "main"]);
        write(&folder.join(name), file, file);
        git(&folder.join(name), &["add", "-A"]);
        git(&folder.join(name), &["commit", "-qm", file]);
    }
    let tips = ["one", "two"].map(|name| git(&folder.join(name), &["rev-parse", "HEAD"]));
    let stores = ["one", "two"].map(|name| folder.join(name).join(".git/objects"));
    let both = Objects::open(&stores).unwrap();
    assert!(tips.iter().all(|tip| both.tree(tip).unwrap().len() == 1));
    assert!(matches!(Objects::open(&stores[..1]).unwrap().tree(&tips[1]), Err(Error::Missing(_))));
    std::fs::write(stores[0].join("info/alternates"), format!("{}\n", stores[1].display())).unwrap();
    assert_eq!(Objects::open(&stores[..1]).unwrap().tree(&tips[1]).unwrap().len(), 1);
    assert!(matches!(Objects::open(&[folder.join("none")]), Err(Error::Folder { .. })));
}

#[test]
fn trees_that_never_end_are_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    git(folder, &["init", "--quiet", "-b", "main"]);
    // Each level holds the one below ten times: ten to the power of the depth, in a few objects.
    let mut tree = git(folder, &["hash-object", "-t", "tree", "-w", "/dev/null"]);
    let commit = |tree: &str| git(folder, &["commit-tree", "-m", "x", tree]);
    let mut bombs = Vec::new();
    for level in 0..40 {
        let lines: String =
            (0..if level < 6 { 10 } else { 1 }).map(|name| format!("040000 tree {tree}\t{name}\n")).collect();
        std::fs::write(folder.join("lines"), lines).unwrap();
        tree = git(folder, &["-c", "alias.mk=!git mktree < lines", "mk"]);
        if level == 5 || level == 39 {
            bombs.push(commit(&tree));
        }
    }
    let objects = Objects::open(&[folder.join(".git/objects")]).unwrap();
    assert!(matches!(objects.tree(&bombs[0]), Err(Error::TooManyEntries)));
    assert!(matches!(objects.tree(&bombs[1]), Err(Error::TooDeep | Error::TooManyEntries)));
}
