use std::fs;
use std::path::Path;

use super::*;

fn prepared(home: &Path, target: &Path) -> Transaction {
    fs::write(target.join("old"), "old").unwrap();
    let mut transaction = Transaction::begin(home).unwrap();
    let staged = transaction.stage().join("new");
    fs::write(&staged, "new").unwrap();
    transaction.discard(&target.join("old")).unwrap();
    transaction.rename(&staged, &target.join("new")).unwrap();
    transaction
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_committed_transaction_takes_every_step_and_leaves_nothing_behind() {
    let (home, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    prepared(home.path(), target.path()).commit().unwrap();
    assert_eq!(names(target.path()), ["new"]);
    assert!(names(&home.path().join("txn")).is_empty());
}

#[test]
fn a_transaction_whose_process_is_gone_is_undone_before_and_finished_after_its_commit_point() {
    let (home, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    prepared(home.path(), target.path()).crash();
    assert_eq!(recover(home.path()).unwrap(), 1);
    assert_eq!(names(target.path()), ["old"]);

    for taken in 0..=2 {
        let (home, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let transaction = prepared(home.path(), target.path());
        let journal = serde_json::to_vec(&transaction.journal).unwrap();
        fs::write(transaction.root().join(JOURNAL), journal).unwrap();
        for step in transaction.journal.steps.iter().take(taken) {
            step.take().unwrap();
        }
        transaction.crash();
        assert_eq!(recover(home.path()).unwrap(), 1, "after {taken} steps");
        assert_eq!(names(target.path()), ["new"]);
        assert!(names(&home.path().join("txn")).is_empty());
        assert_eq!(recover(home.path()).unwrap(), 0);
    }
}

#[test]
fn a_live_transaction_is_left_alone() {
    let (home, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let transaction = prepared(home.path(), target.path());
    assert_eq!(recover(home.path()).unwrap(), 0);
    transaction.commit().unwrap();
    assert_eq!(names(target.path()), ["new"]);
}

#[test]
fn what_may_hold_work_stays_in_the_trash() {
    let (home, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(target.path().join("mine"), "work").unwrap();
    let mut transaction = Transaction::begin(home.path()).unwrap();
    let kept = transaction.retire(&target.path().join("mine")).unwrap();
    transaction.commit().unwrap();
    assert_eq!(fs::read_to_string(kept).unwrap(), "work");
    assert!(names(target.path()).is_empty());
}

#[test]
fn a_file_that_another_program_replaced_is_not_moved() {
    let (home, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let transaction = prepared(home.path(), target.path());
    fs::rename(target.path().join("old"), target.path().join("elsewhere")).unwrap();
    fs::write(target.path().join("old"), "the user's newer file").unwrap();
    assert!(transaction.commit().is_err());
    assert_eq!(fs::read_to_string(target.path().join("old")).unwrap(), "the user's newer file");
}

/// A user's file inside a folder that is replaced is first carried into the new folder; once that
/// is in place, the file stands where it stood before.
#[test]
fn a_carried_file_survives_recovery_at_every_step() {
    for taken in 0..=3 {
        let (home, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let pack = target.path().join("pack");
        fs::create_dir(&pack).unwrap();
        fs::write(pack.join("code"), "old").unwrap();
        fs::write(pack.join("mine"), "work").unwrap();
        let mut transaction = Transaction::begin(home.path()).unwrap();
        let staged = transaction.stage().join("pack");
        fs::create_dir(&staged).unwrap();
        fs::write(staged.join("code"), "new").unwrap();
        transaction.rename(&pack.join("mine"), &staged.join("mine")).unwrap();
        transaction.discard(&pack).unwrap();
        transaction.rename(&staged, &pack).unwrap();
        fs::write(transaction.root().join(JOURNAL), serde_json::to_vec(&transaction.journal).unwrap()).unwrap();
        for step in transaction.journal.steps.iter().take(taken) {
            step.take().unwrap();
        }
        transaction.crash();
        recover(home.path()).unwrap();
        assert_eq!(names(&pack), ["code", "mine"], "after {taken} steps");
        assert_eq!(fs::read_to_string(pack.join("code")).unwrap(), "new");
    }
}

#[test]
fn what_is_saved_at_the_last_moment_is_kept() {
    for (saved, kept) in [("as it was seen", 0), ("saved anew", 1)] {
        let (home, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let file = target.path().join("hero.json");
        fs::write(&file, "as it was seen").unwrap();
        let mut transaction = Transaction::begin(home.path()).unwrap();
        let staged = transaction.stage().join("hero.json");
        fs::write(&staged, "from there").unwrap();
        transaction.discard_if_same(&file, b"as it was seen").unwrap();
        transaction.rename(&staged, &file).unwrap();
        // ComfyUI writes in place: the file stays the same file.
        fs::write(&file, saved).unwrap();
        let found = transaction.commit().unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "from there");
        assert_eq!(found.len(), kept, "{saved}");
        for place in found {
            assert_eq!(fs::read_to_string(place).unwrap(), saved);
        }
    }
}

/// What another program does between plan and commit.
type Disturbance = fn(&Path);

#[test]
fn a_step_that_could_not_be_taken_is_refused_before_the_commit_point() {
    let cases: [(&str, Disturbance); 4] = [
        ("is in the way", |target| fs::create_dir_all(target.join("new/inside")).unwrap()),
        ("is no folder", |target| fs::write(target.join("place"), "a file").unwrap()),
        ("has been replaced", |target| {
            fs::rename(target.join("old"), target.join("elsewhere")).unwrap();
            fs::write(target.join("old"), "newer").unwrap();
        }),
        ("has been moved", |target| fs::remove_file(target.join("old")).unwrap()),
    ];
    for (reason, disturb) in cases {
        let (home, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut transaction = prepared(home.path(), target.path());
        let staged = transaction.stage().join("deep");
        fs::write(&staged, "deep").unwrap();
        transaction.rename(&staged, &target.path().join("place/deep")).unwrap();
        disturb(target.path());
        let before = names(target.path());
        let error = transaction.commit().unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
        assert_eq!(names(target.path()), before);
        assert_eq!(recover(home.path()).unwrap(), 0, "nothing is left to recover");
    }
}
