//! What people write for a version, against a real history.

use comfydock_core::digest::CommitId;
use comfydock_core::hint::Hint as _;
use comfydock_git::repository::{Author, BRANCH, NewFile, Repository};
use comfydock_workspace::Error;
use comfydock_workspace::ops::version::resolve;

struct History {
    repository: Repository,
    /// The counted ones, the oldest first.
    line: Vec<CommitId>,
    /// One that came in by a merge.
    merged: CommitId,
    _folder: tempfile::TempDir,
}

impl History {
    /// v1 to v4; v4 is a merge.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init(folder.path()).unwrap();
        let write = |parents: &[&CommitId], text: &str| {
            let author = Author { name: "Ann".to_owned(), email: "ann@example.org".to_owned() };
            let files = [NewFile { path: "a".to_owned(), bytes: text.as_bytes().to_vec() }];
            repository.write_commit(&files, parents.iter().copied(), text, &author, 1_700_000_000).unwrap()
        };
        let first = write(&[], "1");
        let second = write(&[&first], "2");
        let third = write(&[&second], "3");
        let merged = write(&[&first], "beside");
        let fourth = write(&[&third, &merged], "4");
        repository.update_ref(BRANCH, None, &fourth, "test").unwrap();
        Self { repository, line: vec![first, second, third, fourth], merged, _folder: folder }
    }

    fn shown(&self, text: &str) -> String {
        resolve(&self.repository, text).unwrap().to_string()
    }

    fn error(&self, text: &str) -> (String, Vec<String>, String) {
        let error = resolve(&self.repository, text).unwrap_err();
        assert!(matches!(error, Error::Refused { .. }), "{text}: {error:?}");
        (error.to_string(), error.details(), error.hint().unwrap())
    }
}

#[test]
fn every_spelling_of_a_version() {
    let history = History::new();
    for (text, version) in [
        ("v1", "v1"),
        ("v4", "v4"),
        ("v04", "v4"),
        ("HEAD", "v4"),
        ("HEAD~0", "v4"),
        ("HEAD~", "v3"),
        ("HEAD~1", "v3"),
        ("HEAD~3", "v1"),
        (history.line[1].as_str(), "v2"),
        (history.line[2].short(7), "v3"),
        (&history.line[2].short(9).to_uppercase(), "v3"),
        (history.merged.short(8), history.merged.short(12)),
    ] {
        assert_eq!(history.shown(text), version, "{text}");
    }
    assert_eq!(resolve(&history.repository, "v2").unwrap().commit, history.line[1]);
    let merged = resolve(&history.repository, history.merged.as_str()).unwrap();
    assert_eq!((merged.number, merged.commit), (None, history.merged), "it has no number");
}

#[test]
fn what_is_no_version_is_refused_with_what_there_is() {
    let history = History::new();
    let all = "there are v1 to v4; `comfydock log` shows them";
    for (text, message, hint) in [
        ("v0", "there is no version v0", all),
        ("v5", "there is no version v5", all),
        ("v99999999999999999999", "there is no version v99999999999999999999", all),
        ("HEAD~4", "HEAD~4 would be before the first version: HEAD is v4", all),
        ("HEAD~99999999999999999999", "before the first version", all),
        ("3", "`3` is no version", "version 3 is `v3`"),
        ("9", "`9` is too short for a commit", "give 4 digits"),
        ("abc", "`abc` is too short for a commit", "give 4 digits"),
        ("00000000", "there is no commit 00000000", all),
        ("", "`` is no version: one is `v4`", all),
        ("v", "`v` is no version", all),
        ("v-1", "`v-1` is no version", all),
        ("main", "`main` is no version", all),
        ("HEAD~x", "`HEAD~x` is no version", all),
        ("HEAD^", "`HEAD^` is no version", all),
        ("--all", "`--all` is no version", all),
    ] {
        let (said, _, advice) = history.error(text);
        assert!(said.contains(message) && advice.contains(hint), "{text}: {said} / {advice}");
    }
}

#[test]
fn a_start_that_several_commits_share_is_not_guessed() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    let author = Author { name: "Ann".to_owned(), email: "ann@example.org".to_owned() };
    let write = |number: i64| repository.write_commit(&[], None, "x", &author, number).unwrap();
    let mut all: Vec<CommitId> = (0..1_000).map(write).collect();
    assert!(resolve(&repository, "v1").unwrap_err().to_string().contains("no version yet"));
    repository.update_ref(BRANCH, None, &all[0], "test").unwrap();
    all.sort();
    let twins = all.windows(2).find(|pair| pair[0].short(4) == pair[1].short(4)).unwrap();
    let error = resolve(&repository, twins[0].short(4)).unwrap_err();
    assert!(error.to_string().contains("is the start of"), "{error}");
    assert!(error.details().contains(&twins[1].short(12).to_owned()), "{:?}", error.details());
    assert_eq!(error.hint().as_deref(), Some("give more digits"));
    assert!(resolve(&repository, twins[0].short(20)).is_ok());
    let error = resolve(&repository, "v2").unwrap_err();
    assert_eq!(error.hint().as_deref(), Some("there is only v1; `comfydock log` shows them"));
}
