//! An environment's own history.

use comfydock_core::digest::CommitId;
use comfydock_core::hint::Hint as _;
use comfydock_git::checkout;
use comfydock_git::remote::{self, Remote};
use comfydock_git::repository::{BRANCH, Error, Repository, SourceFile};

use crate::support::{SECONDS, advance, author, files, git, head, project, write};

#[test]
fn what_is_committed_is_what_git_sees() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    assert_eq!(repository.head().unwrap(), None);
    let list =
        [("pyproject.toml", "x"), ("uv.lock", ""), ("workflows/a/Größe · 1.json", "{}"), ("workflows/a.json", "[]")];
    let message = "Add a\n\nand why";
    let first = repository.write_commit(&files(&list), None, message, &author(), SECONDS).unwrap();
    assert_eq!(repository.head().unwrap(), None, "a commit alone moves nothing");
    repository.update_ref(BRANCH, None, &first, "commit: Add a").unwrap();
    assert_eq!(repository.head().unwrap(), Some(first));

    for (path, text) in list {
        write(folder.path(), path, text);
    }
    repository.rebuild_index().unwrap();
    assert_eq!(git(folder.path(), &["status", "--porcelain"]), "");
    assert_eq!(git(folder.path(), &["symbolic-ref", "HEAD"]), BRANCH);
    assert_eq!(git(folder.path(), &["fsck", "--full", "--strict"]), "");
    let told = git(folder.path(), &["log", "--format=%an <%ae> %cn %at %ct|%B"]);
    assert_eq!(told, format!("Ünal <u@example.org> Ünal {SECONDS} {SECONDS}|{message}"));
    let modes = git(folder.path(), &["ls-tree", "-r", "--format=%(objectmode)", "HEAD"]);
    assert_eq!(modes, ["100644"; 4].join("\n"));
    assert!(git(folder.path(), &["reflog", "main"]).contains("commit: Add a"));
}

#[test]
fn a_commit_holds_exactly_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    let commit = |list: &[(&str, &str)], parent: Option<&CommitId>| {
        repository.write_commit(&files(list), parent, "x", &author(), SECONDS).unwrap()
    };
    let first = commit(&[("a/b.json", "1"), ("c", "2")], None);
    let second = commit(&[("a", "a file where a folder was")], Some(&first));
    assert_eq!(git(folder.path(), &["ls-tree", "-r", "--name-only", second.as_str()]), "a");
    assert_eq!(commit(&[("a/b.json", "1"), ("c", "2")], None), first, "the same is the same to the bit");
    assert_eq!(commit(&[("c", "2"), ("a/b.json", "1")], None), first, "in whatever order it comes");
    assert!(repository.write_commit(&files(&[("a/../b", "x")]), None, "x", &author(), SECONDS).is_err());
}

#[test]
fn files_of_another_repository_are_copied_as_they_are_there() {
    let (home, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (folder, _) = project(other.path(), "pack");
    write(&folder, "tool.sh", "#!/bin/sh\n");
    git(&folder, &["add", "--all"]);
    git(&folder, &["update-index", "--chmod=+x", "tool.sh"]);
    git(&folder, &["commit", "--quiet", "--message", "tool"]);
    let tip = head(&folder).to_string();
    let repository = Repository::init(home.path()).unwrap();
    let mut copies = Vec::new();
    for (place, arguments) in [("pack", &[][..]), ("bare.git", &["--bare"][..]), ("tree", &[][..])] {
        let place = other.path().join(place);
        let url = folder.to_str().unwrap();
        if !place.exists() {
            git(other.path(), &[&["clone", "--quiet"], arguments, &[url, place.to_str().unwrap()]].concat());
        }
        let objects = checkout::objects(&place).unwrap();
        let mut entries = objects.tree(&tip).unwrap();
        entries.retain(|entry| entry.path != b"main.py");
        copies.push(repository.copy_commit(&objects, &entries, "copy", &author(), SECONDS).unwrap());
    }
    assert!(copies.iter().all(|copy| *copy == copies[0]), "{copies:?}");
    let listed = git(home.path(), &["ls-tree", "-r", "--format=%(objectmode) %(path)", copies[0].as_str()]);
    assert_eq!(listed, "100644 nodes/core.py\n100755 tool.sh");
    assert_eq!(git(home.path(), &["cat-file", "blob", &format!("{}:tool.sh", copies[0])]), "#!/bin/sh");
    assert!(checkout::objects(home.path().parent().unwrap()).is_err(), "a folder without a repository");

    let reference = format!("refs/comfydock/nodes/pack/{tip}");
    repository.update_ref(&reference, None, &copies[0], "copy").unwrap();
    let remote = Remote { name: "origin".to_owned(), url: home.path().to_str().unwrap().to_owned() };
    let asked = [reference.clone(), BRANCH.to_owned()];
    let found = remote::stand(&folder, &remote, None, &asked).unwrap();
    assert_eq!(found.into_iter().collect::<Vec<_>>(), [(reference, copies[0].clone())]);
}

#[test]
fn what_is_packed_already_is_stored_as_it_is() {
    let (home, source) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let repository = Repository::init(home.path()).unwrap();
    let mut state = 7_u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let picture: Vec<u8> = (0..100_000).map(|_| random()).collect();
    std::fs::write(source.path().join("picture.png"), &picture).unwrap();
    write(source.path(), "main.py", &"print()\n".repeat(10_000));
    let file = |path: &str| SourceFile { path: path.to_owned(), executable: false, size: 0 };
    let files = [file("main.py"), file("picture.png")];
    let keep =
        |repository: &Repository| repository.write_source(source.path(), &files, "source", &author(), SECONDS).unwrap();
    let looked = keep(&repository.in_memory().unwrap());
    assert_eq!(git(home.path(), &["count-objects"]), "0 objects, 0 kilobytes", "a look writes nothing");

    let commit = keep(&repository);
    assert_eq!(commit, looked);
    let listed = git(home.path(), &["ls-tree", "-r", "--format=%(objectsize) %(path)", commit.as_str()]);
    assert_eq!(listed, "80000 main.py\n100000 picture.png");
    git(home.path(), &["update-ref", BRANCH, commit.as_str()]);
    assert_eq!(git(home.path(), &["fsck", "--full", "--strict"]), "");
    let id = |path: &str| git(home.path(), &["rev-parse", &format!("{commit}:{path}")]);
    assert_eq!(repository.objects().unwrap().blob(&id("picture.png")).unwrap(), picture);
    let object = |id: String| home.path().join(".git/objects").join(&id[..2]).join(&id[2..]);
    let size = |path: &str| std::fs::metadata(object(id(path))).unwrap().len();
    assert!(size("main.py") < 1000 && size("picture.png") > 100_000);
    assert_eq!(keep(&repository), commit, "again");
}

#[test]
fn a_ref_moves_only_from_where_it_was_seen() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    let first = advance(&repository, "1");
    let second = advance(&repository, "2");
    let third = repository.write_commit(&[], Some(&first), "3", &author(), SECONDS).unwrap();
    for old in [None, Some(&first), Some(&third)] {
        let error = repository.update_ref(BRANCH, old, &third, "x").unwrap_err();
        assert!(matches!(error, Error::Moved(_)), "{error}");
        assert_eq!(error.hint().as_deref(), Some("run the command again"));
        assert_eq!(repository.head().unwrap(), Some(second.clone()));
    }
    repository.update_ref("refs/comfydock/backup/1", None, &first, "backup").unwrap();
    assert_eq!(repository.find_ref("refs/comfydock/backup/1").unwrap(), Some(first));
    assert_eq!(repository.find_ref("refs/comfydock/backup/2").unwrap(), None);
    git(folder.path(), &["pack-refs", "--all"]);
    assert_eq!(Repository::open(folder.path()).unwrap().head().unwrap(), Some(second));
}

#[test]
fn locks_that_a_killed_process_left_are_broken() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    let first = advance(&repository, "1");
    let second = repository.write_commit(&[], Some(&first), "2", &author(), SECONDS).unwrap();
    for lock in ["refs/heads/main.lock", "index.lock"] {
        write(&folder.path().join(".git"), lock, "");
    }
    assert!(repository.update_ref(BRANCH, Some(&first), &second, "x").is_err());
    assert!(repository.rebuild_index().is_err());
    repository.break_locks().unwrap();
    repository.update_ref(BRANCH, Some(&first), &second, "x").unwrap();
    repository.rebuild_index().unwrap();
    repository.break_locks().unwrap();
    assert_eq!(git(folder.path(), &["status", "--porcelain"]), "");
}

#[test]
fn versions_count_along_the_first_parents() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    let first = advance(&repository, "1");
    let second = advance(&repository, "2");
    git(folder.path(), &["reset", "--quiet", "--hard"]);
    git(folder.path(), &["checkout", "--quiet", "-b", "side", first.as_str()]);
    for name in ["a", "b", "c"] {
        write(folder.path(), name, name);
        crate::support::commit(folder.path(), name);
    }
    let side = head(folder.path());
    git(folder.path(), &["checkout", "--quiet", "main"]);
    git(folder.path(), &["merge", "--quiet", "--no-edit", "side"]);
    let merge = head(folder.path());

    let repository = Repository::open(folder.path()).unwrap();
    let numbers = |limit| {
        let versions = repository.versions(&merge, limit).unwrap();
        versions.into_iter().map(|version| (version.number, version.commit)).collect::<Vec<_>>()
    };
    assert_eq!(numbers(9), [(3, merge.clone()), (2, second.clone()), (1, first)]);
    assert_eq!(numbers(1), [(3, merge.clone())], "all are counted");
    let newest = &repository.versions(&second, 1).unwrap()[0];
    assert_eq!((newest.message.as_str(), &newest.author, newest.seconds), ("2", &author(), SECONDS));

    assert_eq!(repository.ahead_behind(&merge, &merge).unwrap(), (0, 0));
    assert_eq!(repository.ahead_behind(&second, &merge).unwrap(), (0, 4));
    assert_eq!(repository.ahead_behind(&side, &second).unwrap(), (3, 1));
}

#[test]
fn a_repository_is_its_own_even_inside_another() {
    let outer = tempfile::tempdir().unwrap();
    git(outer.path(), &["init", "--quiet"]);
    let inner = outer.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    let Err(error) = Repository::open(&inner) else { panic!("the repository around it was taken") };
    assert!(error.to_string().contains("inner"), "{error}");
    let commit = advance(&Repository::init(&inner).unwrap(), "1");
    assert_eq!(head(&inner), commit);
    assert_eq!(git(outer.path(), &["for-each-ref"]), "");
}

#[test]
fn a_merge_keeps_what_v_numbers_mean() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    let write = |parents: &[&CommitId], text: &str| {
        repository.write_commit(&files(&[("a", text)]), parents.iter().copied(), text, &author(), SECONDS).unwrap()
    };
    let base = write(&[], "base");
    let theirs = write(&[&base], "theirs");
    let published = write(&[&theirs], "published");
    let ours = write(&[&base], "ours");
    let merge = write(&[&published, &ours], "merge");
    assert_eq!(git(folder.path(), &["log", "-1", "--format=%P", merge.as_str()]), format!("{published} {ours}"));

    let line = |tip: &CommitId| -> Vec<_> {
        repository.versions(tip, 9).unwrap().into_iter().map(|version| (version.number, version.commit)).collect()
    };
    let before = line(&published);
    assert_eq!(line(&merge), [vec![(4, merge.clone())], before].concat());

    let common = |one, other| repository.merge_base(one, other).unwrap();
    assert_eq!(common(&published, &ours), Some(base.clone()));
    assert_eq!(common(&ours, &published), Some(base));
    assert_eq!(common(&merge, &ours), Some(ours.clone()), "one behind the other is the base itself");
    assert_eq!(common(&theirs, &theirs), Some(theirs.clone()));
    let later = write(&[&ours], "later");
    assert_eq!(common(&merge, &later), Some(ours.clone()), "a merge brings the base nearer");
    assert_eq!(common(&write(&[], "stranger"), &ours), None);
    assert_eq!(git(folder.path(), &["merge-base", merge.as_str(), later.as_str()]), ours.as_str());
    let absent = CommitId::parse(&"12".repeat(20)).unwrap();
    assert!(repository.merge_base(&absent, &ours).is_err());
}

#[test]
fn commits_are_found_by_the_start_of_their_name() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    // So many that two of them share their first four digits.
    let mut all = Vec::new();
    for number in 0..1_000 {
        let text = number.to_string();
        all.push(repository.write_commit(&files(&[("a", &text)]), None, &text, &author(), SECONDS).unwrap());
    }
    all.sort();
    let twins = all.windows(2).find(|pair| pair[0].short(4) == pair[1].short(4)).unwrap();
    let found = |digits: &str| repository.find_commits(digits).unwrap();
    let alike: Vec<CommitId> = all.iter().filter(|id| id.short(4) == twins[0].short(4)).cloned().collect();
    assert_eq!(found(twins[0].short(4)), alike);
    assert_eq!(found(twins[0].as_str()), twins[..1]);
    assert_eq!(found(&twins[1].short(20).to_uppercase()), twins[1..]);
    assert_eq!(found(&twins[0].short(39).replace(|_| true, "0")), []);
    for nothing in ["", "abc", "main", "HEAD", "--all", "ab*cd", &"a".repeat(41)] {
        assert_eq!(found(nothing), [], "{nothing}");
    }
    let tree = git(folder.path(), &["rev-parse", &format!("{}^{{tree}}", twins[0])]);
    assert_eq!(found(&tree), [], "a tree is no commit");
    git(folder.path(), &["tag", "keep", twins[1].as_str()]);
    git(folder.path(), &["repack", "-adq"]);
    assert_eq!(Repository::open(folder.path()).unwrap().find_commits(twins[1].short(12)).unwrap(), twins[1..]);
}
