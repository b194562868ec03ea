//! A repository of the hub as files, and its upkeep.

use std::process::Command;
use std::time::{Duration, Instant};

use comfydock_git::bare::{list_leftovers, list_object_files, list_packs, list_references};
use comfydock_git::serve::Git;
use comfydock_git::upkeep::Task;

use crate::support::{commit, git, project, write};

const NOW: Duration = Duration::ZERO;

#[test]
fn references_are_what_git_says_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let (there, _) = project(folder.path(), "there");
    let repository = there.join(".git");
    git(&there, &["tag", "-a", "v1", "-m", "one"]);
    git(&there, &["branch", "team/idea"]);
    git(&there, &["pack-refs", "--all"]);
    write(&there, "more.txt", "more");
    commit(&there, "second");
    git(&there, &["branch", "late"]);
    std::fs::write(repository.join("refs/heads/late.lock"), "").unwrap();
    let said = git(&there, &["for-each-ref", "--format=%(objectname) %(refname)"]);
    let listed = list_references(&repository).unwrap();
    let listed: Vec<_> = listed.iter().map(|(name, id)| format!("{id} {name}")).collect();
    assert_eq!(listed, said.lines().collect::<Vec<_>>());
    assert_eq!(listed.len(), 4);
    std::fs::write(repository.join("refs/heads/late"), "").unwrap();
    assert!(list_references(&repository).unwrap_err().to_string().contains("refs/heads/late"));
}

#[test]
fn a_copy_of_the_listed_files_holds_every_object() {
    let folder = tempfile::tempdir().unwrap();
    let (there, first) = project(folder.path(), "there");
    let repository = there.join(".git");
    git(&there, &["repack", "-a", "-d", "-q"]);
    write(&there, "more.txt", "more");
    let second = commit(&there, "second");
    for rest in ["objects/pack/tmp_pack_1", "objects/pack/pack-1.pack", "objects/incoming-1/pack/pack-2.pack"] {
        write(&repository, rest, "cut off");
    }
    let copy = folder.path().join("copy.git");
    let tool = Git::find().unwrap();
    tool.init_bare(&copy).unwrap();
    for file in list_object_files(&repository).unwrap() {
        std::fs::create_dir_all(copy.join(&file).parent().unwrap()).unwrap();
        std::fs::copy(repository.join(&file), copy.join(&file)).unwrap();
    }
    git(&copy, &["update-ref", "refs/heads/main", &second.to_string()]);
    tool.check(&copy, true).unwrap();
    assert_eq!(git(&copy, &["rev-list", "main"]), format!("{second}\n{first}"));
    let packs = list_packs(&copy).unwrap();
    assert_eq!(packs.len(), 1);
    std::fs::remove_file(copy.join(format!("objects/pack/{}.pack", packs[0]))).unwrap();
    assert!(tool.check(&copy, false).is_err(), "a repository without its pack is not sound");
}

#[test]
fn leftovers_are_old_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let (there, _) = project(folder.path(), "there");
    let repository = there.join(".git");
    let left = [
        "objects/incoming-1/pack/pack-2.pack",
        "objects/pack/tmp_pack_1",
        "objects/pack/.tmp-7-pack-8.pack",
        "objects/pack/pack-9.keep",
        "objects/ab/tmp_obj_1",
        "packed-refs.lock",
        "refs/heads/team/idea.lock",
    ];
    assert_eq!(list_leftovers(&repository, NOW).unwrap().len(), 0);
    for file in left {
        write(&repository, file, "receive-pack 17 on here");
    }
    // An operator's, who wants this pack left alone.
    write(&repository, "objects/pack/pack-7.keep", "");
    assert_eq!(list_leftovers(&repository, NOW).unwrap().len(), left.len());
    assert_eq!(list_leftovers(&repository, Duration::from_secs(3600)).unwrap().len(), 0);
}

#[test]
fn upkeep_makes_one_pack_and_keeps_what_is_reached() {
    let tool = Git::find().unwrap();
    let version = tool.version().unwrap();
    // The road of an older git is there as long as the oldest one is.
    for version in [version, (2, 31)] {
        let folder = tempfile::tempdir().unwrap();
        let (there, _) = project(folder.path(), "there");
        let repository = there.join(".git");
        for number in 0..4 {
            write(&there, "more.txt", &format!("{number}"));
            commit(&there, "more");
            git(&there, &["repack", "-d", "-q"]);
        }
        let lost = git(&there, &["rev-parse", "HEAD"]);
        git(&there, &["reset", "--quiet", "--hard", "HEAD~1"]);
        git(&there, &["update-ref", "-d", "ORIG_HEAD"]);
        assert!(list_packs(&repository).unwrap().len() > 3);
        let run = |span| {
            for task in [Task::ExpireLogs(span), Task::PackReferences, Task::Repack(span)] {
                let asked = tool.upkeep(&repository, task, version);
                let output =
                    Command::new(&asked.program).args(&asked.args).env_clear().envs(asked.env).output().unwrap();
                assert!(output.status.success(), "{task:?}: {}", String::from_utf8_lossy(&output.stderr));
            }
        };
        run(Duration::from_secs(3600));
        git(&there, &["cat-file", "-e", &lost]);
        assert!(!repository.join("refs/heads/main").exists() && repository.join("packed-refs").exists());
        tool.check(&repository, true).unwrap();
        // git counts in whole seconds: what is of this second is not old yet.
        let deadline = Instant::now() + Duration::from_secs(30);
        let is_there = || {
            run(NOW);
            Command::new("git").current_dir(&there).args(["cat-file", "-e", &lost]).output().unwrap().status.success()
        };
        while is_there() {
            assert!(Instant::now() < deadline, "an object that nothing reaches stays for ever");
        }
        assert_eq!(list_packs(&repository).unwrap().len(), 1);
        assert_eq!(git(&there, &["rev-list", "--count", "main"]), "4");
        tool.check(&repository, true).unwrap();
    }
}
