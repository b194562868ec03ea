//! Mirrors of other people's repositories, and checkouts made from them.

use std::path::Path;

use comfydock_core::digest::CommitId;
use comfydock_git::checkout::{Mirror, inspect};

use crate::support::{commit, git, head, project, write};

fn mirror(cache: &Path, project: &Path) -> Mirror {
    let mirror = Mirror::open(cache, &project.display().to_string()).unwrap();
    mirror.update().unwrap();
    mirror
}

#[test]
fn spellings_of_one_url_share_a_mirror() {
    let cache = tempfile::tempdir().unwrap();
    let folder = |url: &str| Mirror::open(cache.path(), url).unwrap().folder().to_owned();
    let one = folder("https://example.org/o/ComfyUI");
    for url in
        ["https://example.org/o/ComfyUI.git", "https://example.org/o/ComfyUI/", "https://me:pw@example.org/o/ComfyUI"]
    {
        assert_eq!(folder(url), one, "{url}");
    }
    assert!(one.file_name().unwrap().to_string_lossy().starts_with("ComfyUI-"));
    assert_ne!(folder("https://example.org/other/ComfyUI"), one);
    let odd = folder("git@example.org:../../x y;rm.git");
    assert_eq!(odd.parent(), Some(cache.path()));
}

#[test]
fn what_a_killed_git_left_keeps_no_mirror_from_working() {
    let folder = tempfile::tempdir().unwrap();
    let (there, first) = project(folder.path(), "there");
    let url = there.display().to_string();
    // Killed while it was made: a HEAD, and nothing that makes a repository of it.
    let place = Mirror::open(folder.path(), &url).unwrap().folder().to_owned();
    std::fs::remove_dir_all(place.join("objects")).unwrap();
    std::fs::remove_dir_all(place.join("refs")).unwrap();
    let mirror = mirror(folder.path(), &there);
    assert!(mirror.has(&first).unwrap());
    // Killed while it fetched: locks that git never removes by itself.
    let second = commit(&there, "second");
    let branch = git(&there, &["symbolic-ref", "HEAD"]);
    for left in [format!("{}.lock", branch.trim()), "HEAD.lock".to_owned(), "packed-refs.lock".to_owned()] {
        write(mirror.folder(), &left, "");
    }
    mirror.update().unwrap();
    assert!(mirror.has(&second).unwrap());
}

#[test]
fn a_ref_is_resolved_and_without_one_the_newest_release() {
    let folder = tempfile::tempdir().unwrap();
    let (there, first) = project(folder.path(), "there");
    for tag in ["v0.9.2", "v0.10.0", "v0.10.0-rc1", "nightly", "0.9.99"] {
        git(&there, &["tag", tag]);
    }
    git(&there, &["branch", "-m", "trunk"]);
    let second = commit(&there, "second");
    git(&there, &["tag", "-a", "-m", "signed", "annotated"]);
    let mirror = mirror(folder.path(), &there);
    for (reference, prefer_tag, requested, expected) in [
        (None, true, "v0.10.0", &first),
        (None, false, "trunk", &second),
        (Some("trunk"), true, "trunk", &second),
        (Some("v0.9.2"), false, "v0.9.2", &first),
        (Some("annotated"), false, "annotated", &second),
        (Some(&second.as_str()[..10]), false, &second.as_str()[..10], &second),
    ] {
        let found = mirror.resolve(reference, prefer_tag).unwrap();
        assert_eq!((found.requested.as_str(), &found.commit), (requested, expected));
    }
    for missing in ["nope", "--help", "main", &"0".repeat(40)] {
        let error = mirror.resolve(Some(missing), true).unwrap_err().to_string();
        assert!(error.contains(&format!("no branch, tag or commit `{missing}`")), "{error}");
    }
}

#[test]
fn a_mirror_follows_its_repository() {
    let folder = tempfile::tempdir().unwrap();
    let (there, first) = project(folder.path(), "there");
    let mirror = mirror(folder.path(), &there);
    git(&there, &["checkout", "--quiet", "-b", "side"]);
    let gone = commit(&there, "on a branch that goes");
    assert!(!mirror.has(&gone).unwrap());
    mirror.ensure(&gone).unwrap();
    assert!(mirror.has(&gone).unwrap() && mirror.has_published(&gone).unwrap());

    git(&there, &["checkout", "--quiet", "main"]);
    git(&there, &["branch", "-D", "side"]);
    assert!(!mirror.remote_has(&gone).unwrap(), "what is on no branch is not published");
    assert!(mirror.has(&gone).unwrap() && mirror.remote_has(&first).unwrap());
    // A history that was rewritten is taken as it is now.
    git(&there, &["commit", "--quiet", "--amend", "--message", "again"]);
    let rewritten = head(&there);
    assert!(mirror.remote_has(&rewritten).unwrap() && !mirror.has_published(&first).unwrap());
}

#[test]
fn a_commit_nobody_has_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let (there, first) = project(folder.path(), "there");
    let mirror = mirror(folder.path(), &there);
    let nobody = CommitId::parse(&"ab".repeat(20)).unwrap();
    assert!(mirror.ensure(&nobody).is_err());
    assert!(mirror.check_out(&nobody, &folder.path().join("out")).is_err());
    std::fs::rename(&there, folder.path().join("moved")).unwrap();
    mirror.ensure(&first).unwrap();
    let error = mirror.update().unwrap_err().to_string();
    assert!(error.contains("there"), "{error}");
}

#[test]
fn a_checkout_stands_on_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let (there, first) = project(folder.path(), "there");
    write(&there, "main.py", "print(2)\n");
    commit(&there, "second");
    let mirror = mirror(folder.path(), &there);
    let out = folder.path().join("out");
    mirror.check_out(&first, &out).unwrap();
    assert_eq!(std::fs::read_to_string(out.join("main.py")).unwrap(), "print(1)\n");
    let state = inspect(&out).unwrap().unwrap();
    assert_eq!(
        (state.commit, state.url, state.modified),
        (Some(first.clone()), Some(there.display().to_string()), vec![])
    );
    assert!(mirror.check_out(&first, &out).is_err(), "what is there is never overwritten");

    // It needs neither the mirror nor the project any more.
    std::fs::remove_dir_all(mirror.folder()).unwrap();
    std::fs::remove_dir_all(&there).unwrap();
    assert_eq!(git(&out, &["fsck", "--full"]), "");
    assert_eq!(git(&out, &["symbolic-ref", "--quiet", "HEAD", "refs/heads/main"]), "");
}
