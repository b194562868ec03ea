//! Files of `.cec` that went missing.

use crate::support::{Studio, git, templates, write};

#[test]
fn a_lost_lock_is_not_committed_away() {
    let studio = Studio::new();
    let cec = studio.a.environment("studio").join(".cec");
    let lock = std::fs::read(cec.join("uv.lock")).unwrap();
    std::fs::remove_file(cec.join("uv.lock")).unwrap();
    write(&studio.a.workflow("studio", "portrait"), &templates::old("default").text);
    studio.a.ok(&["commit", "--allow-issues", "--yes"]);
    assert_eq!(std::fs::read(cec.join("uv.lock")).unwrap(), lock);
    assert_eq!(git::git(&cec, &["status", "--porcelain"]), "");
    assert_eq!(git::git(&cec, &["show", "HEAD:uv.lock"]).as_bytes(), lock.trim_ascii_end());
}
