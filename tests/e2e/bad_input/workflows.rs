//! Workflows that cannot be read.

use super::refused;
use crate::support::comfyui::ComfyUi;
use crate::support::{Machine, templates, write};

#[test]
fn a_workflow_that_does_not_parse_is_not_committed() {
    let a = Machine::new();
    a.create(&ComfyUi::new());
    let text = templates::current("flux1_krea_dev").text;
    let truncated = &text[..text.len() / 2];
    write(&a.workflow("studio", "good"), &templates::old("default").text);
    for (name, bytes) in [
        ("krea/truncated", truncated.as_bytes()),
        ("empty", b""),
        ("list", b"[1, 2]"),
        ("latin", b"{\"nodes\": [], \"name\": \"gr\xfc\xdfe\"}"),
    ] {
        write(&a.workflow("studio", name), bytes);
        for more in [&[][..], &["--allow-issues"]] {
            refused(&a, &[&["commit", "-m", "Bad", "--yes"], more].concat(), &[&format!("workflows/{name}.json")]);
        }
        a.run(&["status"]).says(name);
        std::fs::remove_file(a.workflow("studio", name)).unwrap();
    }
    a.ok(&["commit", "-m", "Good", "--yes", "--allow-issues"]);
}
