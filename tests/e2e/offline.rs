//! Without a network, from what is cached.

use crate::support::comfyui::{self, ComfyUi};
use crate::support::{Machine, STUDIO, Studio, report, skip, strace, templates, write};

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

#[test]
fn offline_opens_no_socket() {
    if !strace::is_here() {
        return skip("there is no strace");
    }
    let studio = Studio::new();
    let Studio { a, b, .. } = &studio;
    let template = templates::old("default");
    studio.share("portrait", &template, 20_000);
    studio.send("A portrait");
    studio.clone().ok();
    // Something is missing, something was never heard of, and there is somebody to ask about both.
    std::fs::remove_file(b.models().join(template.models()[0].path())).unwrap();
    write(&b.workflow("studio", "other"), template.text.replace(&template.models()[0].name, "unheard_of.safetensors"));
    write(&a.workflow("studio", "later"), &template.text);
    studio.send("Later");
    let log = b.root().join("strace.log");
    let sockets = |arguments: &[&str]| {
        strace::command(b, &["-f", "-e", "trace=socket"], &log, arguments).output().unwrap();
        std::fs::read_to_string(&log).unwrap().matches("AF_INET").count()
    };
    let look = ["--allow-lookup", "--allow-host", "127.0.0.1"];
    let commands: [&[&str]; 7] = [
        &["models", "download", "--missing"],
        &["models", "download", "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"],
        &["workflow", "resolve", "other"],
        &["models", "source", "find", "--allow-lookup"],
        &["status"],
        &["pull", "--yes"],
        &["clone", STUDIO, "--name", "again", "--yes"],
    ];
    for (command, looks) in commands.iter().zip([true, true, true, false, false, false, false]) {
        let whole = [&["--offline"][..], command, if looks { &look } else { &[] }].concat();
        assert_eq!(sockets(&whole), 0, "{whole:?}");
    }
    assert!(sockets(&["pull", "--yes"]) > 0, "a socket would have been seen");
}
