//! What a push brings, in repositories that git wrote.

use std::path::{Path, PathBuf};

use comfydock_core::admission::Rule;
use comfydock_core::foreign::FILE_LIMIT;
use comfydock_git::arrivals::judge;
use comfydock_git::objects::{Error, Objects};

use crate::support::{commit, git, project, write};

/// A repository, read anew at each question: git writes to it in between.
struct Place {
    _parent: tempfile::TempDir,
    folder: PathBuf,
}

impl Place {
    fn new() -> Self {
        let parent = tempfile::tempdir().unwrap();
        let (folder, _) = project(parent.path(), "env");
        Self { _parent: parent, folder }
    }

    fn path(&self) -> &Path {
        &self.folder
    }

    fn objects(&self) -> Objects {
        Objects::open(&[self.folder.join(".git/objects")]).unwrap()
    }

    fn commit(&self, message: &str) -> String {
        commit(&self.folder, message).as_str().to_owned()
    }

    fn tip(&self) -> String {
        git(&self.folder, &["rev-parse", "HEAD"])
    }

    /// What `git rev-list` says, the oldest first.
    fn listed(&self, arguments: &[&str]) -> Vec<String> {
        let arguments = [&["rev-list", "--reverse"], arguments].concat();
        git(&self.folder, &arguments).lines().map(str::to_owned).collect()
    }

    fn found(&self, tip: &str, known: &[String]) -> Vec<String> {
        judge(&self.objects(), &[tip.to_owned()], known).unwrap().iter().map(ToString::to_string).collect()
    }
}

/// Put together here, so that nobody takes this file for one that has a key.
fn key(seed: char) -> String {
    ["gh", "p_", &seed.to_string(), "Zx9Qw8Lk7Jh6Gf5Ds4AaPoIuYtReWqMnBv1"].concat()
}

#[test]
fn nothing_is_judged_for_nobody() {
    let place = Place::new();
    let gone = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let objects = place.objects().until(gone.clone());
    assert_eq!(judge(&objects, &[place.tip()], &[]).unwrap(), []);
    gone.store(true, std::sync::atomic::Ordering::Relaxed);
    let error = judge(&objects, &[place.tip()], &[]).unwrap_err();
    assert!(matches!(error, Error::Ended) && !error.is_limit(), "{error}");
}

#[test]
fn new_commits_are_those_that_git_lists() {
    let place = Place::new();
    let first = place.tip();
    for number in 0..5 {
        place.commit(&format!("main {number}"));
    }
    git(place.path(), &["switch", "--quiet", "--create", "idea", &first]);
    for number in 0..3 {
        place.commit(&format!("idea {number}"));
    }
    let idea = place.tip();
    git(place.path(), &["switch", "--quiet", "main"]);
    git(place.path(), &["merge", "--quiet", "--no-ff", "-m", "merge", "idea"]);
    git(place.path(), &["tag", "-a", "v1", "-m", "v1", &first]);
    let (main, tag) = (place.tip(), git(place.path(), &["rev-parse", "v1"]));
    let objects = place.objects();
    for (known, excluded) in [
        (vec![], vec![]),
        (vec![tag], vec!["^v1"]),
        (vec![idea.clone()], vec!["^idea"]),
        (vec![main.clone()], vec!["^main"]),
        (vec![first.clone(), idea.clone()], vec!["^v1", "^idea"]),
    ] {
        let arguments = [&["main", "idea"][..], &excluded].concat();
        let (mut wanted, tips) = (place.listed(&arguments), [main.clone(), idea.clone()]);
        let mut found = objects.new_commits(&tips, &known, 100).unwrap();
        wanted.sort();
        found.sort();
        assert_eq!(found, wanted, "{excluded:?}");
    }
    assert!(matches!(
        objects.new_commits(std::slice::from_ref(&main), &[], 3),
        Err(Error::TooManyCommits { limit: 3 })
    ));
    assert!(objects.is_ancestor(&first, &main).unwrap() && objects.is_ancestor(&idea, &main).unwrap());
    assert!(!objects.is_ancestor(&main, &idea).unwrap());
}

#[test]
fn wrong_clocks_hide_no_new_commit() {
    let place = Place::new();
    let known = place.tip();
    for (number, date) in [(0, 1_900_000_000_u32), (1, 1_000_000_000), (2, 1_800_000_000), (3, 100_000_001)] {
        let date = format!("{date} +0000");
        let output = std::process::Command::new("git")
            .current_dir(place.path())
            .args(["-c", "user.name=A", "-c", "user.email=a@b", "commit", "--quiet", "--allow-empty", "-m"])
            .arg(number.to_string())
            .env("GIT_COMMITTER_DATE", date)
            .output()
            .unwrap();
        assert!(output.status.success());
    }
    let mut found = place.objects().new_commits(&[place.tip()], &[known], 100).unwrap();
    let mut wanted = place.listed(&["HEAD~4..HEAD"]);
    found.sort();
    wanted.sort();
    assert_eq!(found, wanted);
}

#[test]
fn what_was_taken_away_again_is_found_where_it_came_in() {
    let place = Place::new();
    let known = place.tip();
    write(place.path(), "deep/notes.md", &format!("use {}\n", key('a')));
    let bad = place.commit("with a key");
    write(place.path(), "deep/other.md", "harmless");
    place.commit("more");
    std::fs::remove_dir_all(place.path().join("deep")).unwrap();
    write(place.path(), "loras/a.safetensors", "x");
    let model = place.commit("without a key");
    std::fs::remove_dir_all(place.path().join("loras")).unwrap();
    let tip = place.commit("clean");
    let found = place.found(&tip, std::slice::from_ref(&known));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("deep/notes.md: holds a GitHub token in line 1"), "{found:?}");
    assert!(found[0].contains(&format!("since commit {}", &bad[..7])) && found[0].ends_with("[secret:github-token]"));
    assert!(found[1].starts_with("loras/a.safetensors is a model") && found[1].contains(&model[..7]), "{found:?}");
    // What is here already is not told again, however it is moved about.
    assert_eq!(place.found(&tip, std::slice::from_ref(&tip)), Vec::<String>::new());
    git(place.path(), &["switch", "--quiet", "--detach", &bad]);
    git(place.path(), &["mv", "deep/notes.md", "moved.md"]);
    let moved = place.commit("moved");
    assert_eq!(place.found(&moved, &[tip]), Vec::<String>::new());
    assert_eq!(place.found(&moved, &[known]).len(), 1);
}

#[test]
fn messages_and_sizes_are_judged_too() {
    let place = Place::new();
    let known = place.tip();
    write(place.path(), "large.txt", &"x".repeat(usize::try_from(FILE_LIMIT).unwrap() + 1));
    place.commit(&format!("the key is {}", key('b')));
    std::fs::remove_file(place.path().join("large.txt")).unwrap();
    let tip = place.commit("clean");
    let violations = judge(&place.objects(), &[tip], &[known]).unwrap();
    let rules: Vec<_> = violations.iter().map(|violation| violation.rule).collect();
    assert_eq!(rules, [Rule::find("secret:github-token"), Some(Rule::FileSize)]);
    assert!(violations[0].path.starts_with("the message of commit "), "{violations:?}");
    assert_eq!(violations[1].allowable(), None);
}

#[test]
fn a_tree_that_holds_itself_many_times_is_read_once() {
    let place = Place::new();
    write(place.path(), "a", "x");
    let mut tree = {
        place.commit("x");
        git(place.path(), &["rev-parse", "HEAD^{tree}"])
    };
    // Ten folders in each of 20 levels: 10^20 paths, 20 objects.
    for _ in 0..20 {
        let listing: String = (0..10).map(|name| format!("040000 tree {tree}\t{name}\n")).collect();
        let file = place.path().join(".git/listing");
        std::fs::write(&file, listing).unwrap();
        let output = std::process::Command::new("git")
            .current_dir(place.path())
            .arg("mktree")
            .stdin(std::fs::File::open(&file).unwrap())
            .output()
            .unwrap();
        tree = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    }
    let bomb = git(place.path(), &["commit-tree", &tree, "-m", "bomb"]);
    assert_eq!(place.found(&bomb, &[]), Vec::<String>::new());
    assert!(matches!(place.objects().tree(&bomb), Err(Error::TooManyEntries)));
}
