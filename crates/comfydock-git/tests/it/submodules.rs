//! Submodules of a checkout: fetched where their address may be asked, and nothing is run otherwise.

use std::path::Path;

use comfydock_core::digest::CommitId;
use comfydock_git::checkout::Mirror;
use comfydock_git::program::Error;

use crate::support::{git, head, project, write};

/// Commits a link to `commit` at `path`, and what `.gitmodules` says of it.
fn link(outer: &Path, path: &str, commit_of: &CommitId, says: &str) -> CommitId {
    let known = std::fs::read_to_string(outer.join(".gitmodules")).unwrap_or_default();
    write(outer, ".gitmodules", &format!("{known}[submodule \"{path}\"]\n\tpath = {path}\n{says}"));
    git(outer, &["update-index", "--add", "--cacheinfo", &format!("160000,{commit_of},{path}")]);
    git(outer, &["add", ".gitmodules"]);
    git(outer, &["-c", "user.name=x", "-c", "user.email=x@x", "commit", "--quiet", "--message", "link"]);
    head(outer)
}

/// A mirror of what lies at `there`, as if it had come from `url`.
fn mirror_of(cache: &Path, there: &Path, url: &str) -> Mirror {
    let mirror = Mirror::open(cache, url).unwrap();
    git(mirror.folder(), &["fetch", "--quiet", there.to_str().unwrap(), "+refs/heads/*:refs/heads/*"]);
    mirror
}

#[test]
fn submodules_beside_a_repository_come_with_theirs() {
    let folder = tempfile::tempdir().unwrap();
    let (_, first) = project(folder.path(), "inner");
    let (middle, _) = project(folder.path(), "middle");
    let (outer, _) = project(folder.path(), "outer");
    let second = link(&middle, "deep", &first, "\turl = ../inner\n");
    link(&outer, "libs/middle", &second, "\turl = ./../middle\n");
    // Named for a path that is none any more: never fetched, so nobody cares.
    write(
        &outer,
        ".gitmodules",
        &format!(
            "{}[submodule \"old\"]\n\tpath = old\n\turl = ext::x\n",
            std::fs::read_to_string(outer.join(".gitmodules")).unwrap()
        ),
    );
    git(&outer, &["add", ".gitmodules"]);
    git(&outer, &["-c", "user.name=x", "-c", "user.email=x@x", "commit", "--quiet", "--message", "old"]);
    let mirror = Mirror::open(folder.path(), &outer.display().to_string()).unwrap();
    mirror.update().unwrap();
    let target = folder.path().join("checkout");
    mirror.check_out(&head(&outer), &target).unwrap();
    assert_eq!(head(&target.join("libs/middle")), second);
    assert_eq!(head(&target.join("libs/middle/deep")), first);
    assert_eq!(git(&target, &["status", "--porcelain"]).trim(), "");
}

#[test]
fn what_may_not_be_asked_is_refused_before_anything_is_fetched() {
    let folder = tempfile::tempdir().unwrap();
    let (private, first) = project(folder.path(), "private");
    let witness = folder.path().join("witness");
    let program = format!("ext::touch {}", witness.display());
    for (number, (url, of, reason)) in [
        (program.as_str(), "https://example.org/o/pack", "another program"),
        (program.as_str(), private.to_str().unwrap(), "another program"),
        ("-u./payload", "https://example.org/o/pack", "starts with `-`"),
        (&format!("file://{}", private.display()), "https://example.org/o/pack", "a folder of this machine"),
        (private.to_str().unwrap(), "git@example.org:o/pack", "a folder of this machine"),
        ("../../../elsewhere.example/x", "https://example.org/o/pack", "climbs above the server"),
    ]
    .into_iter()
    .enumerate()
    {
        let (outer, _) = project(folder.path(), &format!("outer-{number}"));
        // The first of two that git would take; the last is good.
        let good = "\turl = https://example.org/o/good\n";
        let commit = link(&outer, "lib", &first, &format!("\turl = \"{url}\"\n{good}"));
        let cache = folder.path().join(format!("cache-{number}"));
        let target = folder.path().join(format!("checkout-{number}"));
        let refused = mirror_of(&cache, &outer, of).check_out(&commit, &target).unwrap_err();
        let Error::Submodule { source, .. } = &refused else { panic!("{refused}") };
        let said = format!("{refused}: {source}");
        assert!(said.contains(reason) && said.contains("submodule `lib`") && said.contains(of), "{said}");
        assert!(said.contains(url), "{said}");
        assert!(!witness.exists() && !target.join("lib/.git").exists(), "{url}");
    }
}
