//! The journal of pushes: what stands in it is taken back once, and never afterwards.

use std::fs::File;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use crate::support::{Hub, Repository, send, send_raw, text, wait_for};

/// A hub with one environment, and who pushes to it.
struct Stage {
    hub: Hub,
    ann: Repository,
    token: String,
}

impl Stage {
    fn new() -> Self {
        let hub = Hub::with_team();
        let (token, ann) = (hub.token("ann", "push"), hub.repository("ann"));
        let stage = Self { hub, ann, token };
        stage.ann.git(&["push", "--quiet", &stage.url(), "main"]);
        stage
    }

    fn url(&self) -> String {
        self.hub.url(&self.token, "studio/portraits")
    }

    /// As after a power cut.
    fn restart(&mut self) {
        self.hub.kill();
        self.hub.begin();
    }

    fn under_way(&self) -> u64 {
        self.hub.database().query_row("SELECT count(*) FROM pushes_under_way", [], |row| row.get(0)).unwrap()
    }

    /// Main and the catalog are where the pusher is.
    fn assert_has_it(&self) {
        let listed = self.ann.git(&["ls-remote", &self.url(), "refs/heads/main"]);
        assert!(listed.starts_with(&self.ann.tip()), "{listed}");
        let tip: String = self.hub.database().query_row("SELECT tip FROM environments", [], |row| row.get(0)).unwrap();
        assert_eq!(tip, self.ann.tip());
    }
}

#[test]
fn names_that_git_cannot_keep_beside_others_stop_neither_the_push_nor_the_hub() {
    let mut stage = Stage::new();
    let url = stage.url();
    stage.ann.git(&["push", "--quiet", &url, "HEAD:refs/heads/idea/one"]);
    let long = format!("refs/heads/{}", "x".repeat(300));
    for name in ["refs/heads/main/below", "refs/heads/idea", &long, &format!("refs/heads/{}", "y".repeat(252))] {
        let said = stage.ann.refused(&url, &format!("HEAD:{name}"));
        assert!(!said.contains("500") && !said.contains("log says why"), "{name}: {said}");
        assert_eq!(stage.under_way(), 0, "{name}");
    }
    // Of several the others land, and are recorded.
    let pushed = stage.ann.try_git(&["push", &url, "HEAD:refs/heads/main/below", "HEAD:refs/heads/other"]);
    assert!(text(&pushed.stderr).contains("[new branch]"), "{}", text(&pushed.stderr));
    stage.restart();
    let listed = stage.ann.git(&["ls-remote", "--heads", &stage.url()]);
    let names: Vec<_> = listed.lines().filter_map(|line| line.split('\t').nth(1)).collect();
    assert_eq!(names, ["refs/heads/idea/one", "refs/heads/main", "refs/heads/other"]);
}

impl Stage {
    /// Closes the gate that every push passes before its yes, as a backup does.
    fn close_gate(&self) -> File {
        let gate = File::options().append(true).open(self.hub.data().join("pushes.gate")).unwrap();
        gate.lock().unwrap();
        gate
    }

    /// Waits until a push stands at the closed gate.
    fn wait_for_push_at(&self, gate: &File) {
        let inode = format!(":{} ", gate.metadata().unwrap().ino());
        wait_for("the push to be judged and to wait", || {
            let locks = std::fs::read_to_string("/proc/locks").unwrap();
            locks.lines().any(|line| line.contains("->") && line.contains(&inode)).then_some(())
        });
    }
}

#[test]
fn what_a_token_may_no_longer_do_it_does_not_finish_either() {
    let stage = Stage::new();
    let (admin, path) = (stage.hub.admin_token(), "/api/v1/environments/studio/portraits");
    let send = |method: &str, path: &str| {
        let authorization = format!("Bearer {admin}");
        send(&stage.hub.address, method, path, &[("Authorization", &authorization)], b"").status
    };
    let old = stage.ann.tip();
    stage.ann.commit("second");
    let push_while = |act: &dyn Fn()| {
        let gate = stage.close_gate();
        std::thread::scope(|scope| {
            let push = scope.spawn(|| stage.ann.refused(&stage.url(), "main"));
            stage.wait_for_push_at(&gate);
            act();
            drop(gate);
            push.join().unwrap()
        })
    };
    let said = push_while(&|| assert_eq!(send("DELETE", path), 200));
    assert!(said.contains("was deleted by admin") && said.contains("hub restore"), "{said}");
    assert_eq!(send("POST", &format!("{path}/restore")), 200);
    let said = push_while(&|| drop(stage.hub.run(&["team", "remove-member", "studio", "ann"])));
    assert!(said.contains("does not exist, or you may not see it"), "{said}");
    stage.hub.run(&["team", "member", "studio", "ann", "--role", "writer"]);
    let said = push_while(&|| drop(stage.hub.run(&["user", "disable", "ann"])));
    assert!(said.contains("the user `ann` is disabled"), "{said}");
    stage.hub.run(&["user", "enable", "ann"]);
    assert_eq!(stage.under_way(), 0);
    assert!(stage.ann.git(&["ls-remote", &stage.url(), "refs/heads/main"]).starts_with(&old));
}

#[test]
fn a_yes_that_comes_after_the_client_has_gone_is_not_kept() {
    let mut stage = Stage::new();
    let old = stage.ann.tip();
    stage.ann.commit("second");
    let gate = stage.close_gate();
    let authorization = format!("Bearer {}", stage.token);
    let headers = [("Authorization", &*authorization), ("Content-Type", "application/x-git-receive-pack-request")];
    let (path, body) = ("/studio/portraits/git-receive-pack", stage.ann.push_body(&old));
    let stream = send_raw(&stage.hub.address, "POST", path, &headers, &body, body.len());
    stage.wait_for_push_at(&gate);
    drop(stream);
    stage.hub.wait_until_quiet();
    wait_for("the push to be forgotten", || stage.hub.leftovers().is_empty().then_some(()));
    drop(gate);
    stage.ann.git(&["push", "--quiet", &stage.url(), "main"]);
    stage.hub.stop();
    assert_eq!(stage.under_way(), 0);
    stage.hub.begin();
    stage.assert_has_it();
}

#[test]
fn what_could_not_be_forgotten_is_no_danger_to_the_next_push() {
    let mut stage = Stage::new();
    stage.ann.commit("second");
    let refuse = "CREATE TRIGGER refuse BEFORE DELETE ON pushes_under_way BEGIN SELECT RAISE(ABORT, 'full'); END";
    stage.hub.database().execute_batch(refuse).unwrap();
    stage.ann.refused(&stage.url(), "main");
    assert_eq!(stage.under_way(), 1);
    stage.hub.database().execute_batch("DROP TRIGGER refuse").unwrap();
    stage.ann.git(&["push", "--quiet", &stage.url(), "main"]);
    stage.restart();
    stage.assert_has_it();
}

#[test]
fn what_could_not_be_taken_back_is_before_anybody_is_told_that_it_is_there() {
    let mut stage = Stage::new();
    stage.ann.commit("second");
    let refuse = "CREATE TRIGGER refuse BEFORE DELETE ON pushes_under_way BEGIN SELECT RAISE(ABORT, 'full'); END";
    stage.hub.database().execute_batch(refuse).unwrap();
    // What moves references back uses the repository's own hooks; what serves pushes does not.
    let hook = stage.hub.bare_repositories()[0].join("hooks/reference-transaction");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, "#!/bin/sh\nexit 1\n").unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    stage.ann.refused(&stage.url(), "main");
    // Still not: nobody is told "up to date" of what may go away again.
    stage.ann.refused(&stage.url(), "main");
    std::fs::remove_file(&hook).unwrap();
    stage.hub.database().execute_batch("DROP TRIGGER refuse").unwrap();
    let pushed = stage.ann.try_git(&["push", &stage.url(), "main"]);
    assert!(pushed.status.success(), "{}", text(&pushed.stderr));
    assert!(!text(&pushed.stderr).contains("up-to-date"), "{}", text(&pushed.stderr));
    assert_eq!(stage.under_way(), 0);
    stage.restart();
    stage.assert_has_it();
}

#[test]
fn one_repository_that_cannot_be_put_right_does_not_keep_the_others_from_being_served() {
    let mut stage = Stage::new();
    let other = stage.hub.repository("other");
    other.git(&["push", "--quiet", &stage.hub.url(&stage.token, "studio/other"), "main"]);
    stage.hub.kill();
    let tip = stage.ann.tip();
    let sql = "INSERT INTO pushes_under_way (environment_id, actor, at, updates)
        SELECT id, 'ann', 1, ? FROM environments WHERE folded = 'portraits'";
    // What was before is no object here, so there is no way back.
    let updates = format!("refs/heads/main {} {tip}", "1".repeat(40));
    assert_eq!(stage.hub.database().execute(sql, [&updates]).unwrap(), 1);
    stage.hub.begin();
    other.commit("second");
    other.git(&["push", "--quiet", &stage.hub.url(&stage.token, "studio/other"), "main"]);
    stage.ann.commit("second");
    stage.ann.refused(&stage.url(), "main");
    assert!(stage.hub.log().contains("cannot be taken back"), "{}", stage.hub.log());
}
