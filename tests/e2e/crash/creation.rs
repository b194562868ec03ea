//! `create`.

use super::{Attempt, Looseness};
use crate::support::comfyui::{self, ComfyUi};
use crate::support::{Machine, report, skip, strace, write};

#[test]
fn a_creation_that_is_killed_made_nothing_or_all() {
    if !strace::is_here() {
        return skip("there is no strace");
    }
    let (comfyui, a) = (ComfyUi::new(), Machine::new());
    a.init();
    let settings = a.workspace().join(".metadata/workspace.json");
    let before = std::fs::read(&settings).unwrap();
    let reset = || {
        let _ = std::fs::remove_dir_all(a.environment("studio"));
        // ComfyUI is fetched for the first time each time.
        let _ = std::fs::remove_dir_all(a.workspace().join("comfydock_cache/git"));
        write(&settings, &before);
    };
    let arguments = ["create", "studio", "--comfyui-url", comfyui.url(), "--comfyui-version", comfyui::OLD];
    let attempt =
        Attempt { machine: &a, arguments: &arguments, most: 120, looseness: Looseness::TimeOfCommit, reset: &reset };
    attempt.kill_everywhere(|new| assert_eq!(new[".cec: changes"], ""));
    a.ok(&["status"]).says("nothing to commit");
    assert_eq!(report::start(&a, "studio").nodes(), [""; 0]);
}
