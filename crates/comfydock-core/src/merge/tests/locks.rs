//! Whose lock it is, and when it has to be made anew.

use super::*;

fn relocked(ours: &dyn Fn(&mut Side), theirs: &dyn Fn(&mut Side)) -> (bool, String) {
    let base = Side::new();
    // Both did something, so that no side is taken whole.
    let ours = base.with(|side| {
        ours(side);
        side.file("a", "1");
    });
    let theirs = base.with(|side| {
        theirs(side);
        side.file("b", "2");
    });
    let found = merged(&base, &ours, &theirs);
    assert_eq!(found.asked(), Vec::<String>::new());
    (
        found.relock,
        found.files.get("uv.lock").map(|lock| String::from_utf8_lossy(lock).into_owned()).unwrap_or_default(),
    )
}

fn require(side: &mut Side, group: &str, lock: &str) {
    side.manifest.set_group(group, &["six".to_owned()]);
    side.file("uv.lock", lock);
}

#[test]
fn a_lock_is_taken_or_made_anew() {
    let nothing = |_: &mut Side| {};
    let mine = |side: &mut Side| require(side, "mine", "mine");
    let yours = |side: &mut Side| require(side, "yours", "yours");
    assert_eq!(relocked(&nothing, &nothing), (false, "base".to_owned()));
    assert_eq!(relocked(&mine, &nothing), (false, "mine".to_owned()));
    assert_eq!(relocked(&nothing, &yours), (false, "yours".to_owned()));
    assert_eq!(relocked(&mine, &yours), (true, "yours".to_owned()), "from theirs, because that is published");
    assert_eq!(relocked(&mine, &mine), (false, "mine".to_owned()));
    // Newer versions of packages alone.
    let newer = |lock: &'static str| {
        move |side: &mut Side| {
            side.file("uv.lock", lock);
        }
    };
    assert_eq!(relocked(&newer("x"), &nothing), (false, "x".to_owned()));
    assert_eq!(relocked(&newer("x"), &newer("y")), (true, "y".to_owned()));
    // The other side asks for something without having locked it.
    let asks = |side: &mut Side| side.manifest.set_group("late", &["idna".to_owned()]);
    assert_eq!(relocked(&newer("x"), &asks), (true, "x".to_owned()));
    let dated = |side: &mut Side| side.manifest.set_exclude_newer("2025-12-01T00:00:00Z");
    assert_eq!(relocked(&mine, &dated), (true, "mine".to_owned()));
    // A workflow is no matter of the lock.
    let draws = |side: &mut Side| {
        side.save("hero", 1, 1);
    };
    assert_eq!(relocked(&mine, &draws), (false, "mine".to_owned()));
    let none = |side: &mut Side| {
        side.files.remove("uv.lock");
    };
    assert_eq!(relocked(&none, &nothing), (false, "base".to_owned()), "a lock that was lost is had again");
}
