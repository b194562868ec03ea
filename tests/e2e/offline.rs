//! Without a network, from what is cached.

use crate::support::comfyui::{self, ComfyUi};
use crate::support::{Machine, report};

#[test]
fn an_environment_is_made_from_a_local_repository_and_cached_packages() {
    let (machine, comfyui) = (Machine::new(), ComfyUi::new());
    machine.create(&comfyui);
    let local = ["--comfyui-url", comfyui.url(), "--comfyui-version", comfyui::OLD];
    machine.ok(&[&["--offline", "create", "second"], &local[..]].concat());
    let python = |name| report::start(&machine, name).python().to_owned();
    assert_ne!(python("studio"), python("second"));
    machine.ok(&["--env", "second", "status"]).says("nothing to commit");
}
