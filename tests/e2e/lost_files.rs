//! Files of `.cec` that went missing.

use crate::support::{STUDIO, Studio, git, report, templates, write};

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

#[test]
fn a_lost_venv_is_built_again_by_a_pull() {
    let studio = Studio::new();
    studio.send_portrait(20_000);
    let b = &studio.b;
    b.ok(&["clone", STUDIO, "--yes", "--models-dir", b.models().to_str().unwrap()]);
    std::fs::remove_dir_all(b.environment("studio").join(".comfydock/venvs")).unwrap();
    b.run(&["run", "--quick-test-for-ci"]).code(1).says("comfydock pull");
    b.ok(&["pull", "--yes"]).says("now at v2");
    assert!(report::start(b, "studio").python().contains("/.comfydock/venvs/"));
    b.ok(&["pull", "--yes"]).says("already up to date");
}

#[test]
fn workflows_that_cannot_be_seen_are_not_taken_as_removed() {
    let studio = Studio::new();
    studio.send_portrait(20_000);
    let user = studio.a.environment("studio").join("ComfyUI/user");
    std::fs::rename(&user, user.with_file_name("elsewhere")).unwrap();
    studio.a.run(&["commit", "--yes"]).code(1).says("is not there");
    std::os::unix::fs::symlink("/nowhere/drive", &user).unwrap();
    studio.a.run(&["status"]).code(1).says("cannot read");
    studio.a.run(&["commit", "--yes"]).code(1).says("cannot read");
    std::fs::remove_file(&user).unwrap();
    std::fs::rename(user.with_file_name("elsewhere"), &user).unwrap();
    studio.a.ok(&["status"]).says("nothing to commit");
}
