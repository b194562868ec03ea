//! Where code and models may come from is not for the sender to decide alone.

use std::path::Path;

use super::good::{Good, edit};
use super::refused;
use crate::support::nodes::file_url;
use crate::support::{Machine, ModelServer};

#[test]
fn a_new_place_of_code_is_named_before_anything_is_taken_from_it() {
    let good = Good::new();
    let index = |work: &Path| {
        let table = "[[tool.uv.index]]\nurl = \"https://index.evil.example/simple\"\n\n[tool.comfydock]\n";
        edit(&work.join("pyproject.toml"), "[tool.comfydock]\n", table);
    };
    let requirement = |work: &Path| {
        let direct = "dependencies = [\"evil @ https://direct.evil.example/evil-1-py3-none-any.whl\", ";
        edit(&work.join("pyproject.toml"), "dependencies = [", direct);
    };
    // What is installed is what the lock says, whatever the manifest says.
    let lock = |work: &Path| edit(&work.join("uv.lock"), "https://pypi.org/simple", "https://lock.evil.example/simple");
    let wheel =
        |work: &Path| edit(&work.join("uv.lock"), "https://files.pythonhosted.org", "https://wheel.evil.example");
    // Places uv would take code from that are no index: the manifest's, and the lock's.
    let sources = |work: &Path| {
        let table = "[tool.uv.sources]\npyyaml = { url = \"https://sources.evil.example/x-1-py3-none-any.whl\" }\n\n[tool.comfydock]\n";
        edit(&work.join("pyproject.toml"), "[tool.comfydock]\n", table);
    };
    let source = "{ registry = \"https://pypi.org/simple\" }";
    let commit = format!("{{ git = \"https://git.evil.example/x?rev=main#{}\" }}", "a".repeat(40));
    let git = |work: &Path| edit(&work.join("uv.lock"), source, &commit);
    let folder = |work: &Path| edit(&work.join("uv.lock"), source, "{ directory = \"/evil/folder\" }");
    type Spoil<'a> = &'a dyn Fn(&Path);
    for (spoil, host) in [
        (&index as Spoil<'_>, "index.evil.example"),
        (&requirement, "direct.evil.example"),
        (&lock, "lock.evil.example"),
        (&wheel, "wheel.evil.example"),
        (&sources, "sources.evil.example"),
        (&git, "git.evil.example"),
        (&folder, "/evil/folder"),
    ] {
        let before = good.spoil(spoil);
        refused(&good.b, &["pull"], &[host, "--accept-origins"]);
        refused(&good.b, &["clone", &file_url(&good.bare()), "--name", "other"], &[host, "--accept-origins"]);
        good.restore(&before);
    }
}

#[test]
fn an_address_never_becomes_a_command() {
    let good = Good::new();
    let marker = good.b.root().join("was-run");
    for url in [
        "ext::sh -c touch% MARKER",
        "--upload-pack=touch MARKER",
        "-c=core.sshCommand=touch MARKER",
        "ssh://-oProxyCommand=touch MARKER/x",
    ] {
        let url = url.replace("MARKER", marker.to_str().unwrap());
        let before = good.spoil(|work| {
            let path = work.join("pyproject.toml");
            let text = std::fs::read_to_string(&path).unwrap();
            let line = |line: &str| match line {
                line if line.starts_with("comfyui_url = ") => format!("comfyui_url = \"{url}\"\n"),
                line if line.starts_with("comfyui_commit = ") => format!("comfyui_commit = \"{}\"\n", "b".repeat(40)),
                line => format!("{line}\n"),
            };
            crate::support::write(&path, text.lines().map(line).collect::<String>());
        });
        refused(&good.b, &["pull", "--yes"], &[]);
        refused(&good.b, &["clone", &file_url(&good.bare()), "--name", "other", "--yes"], &[]);
        assert!(!marker.exists(), "{url}");
        good.restore(&before);
    }
}

#[test]
fn a_manifest_cannot_make_a_machine_ask_just_anyone() {
    let good = Good::new();
    let server = ModelServer::start();
    let port = server.address.rsplit_once(':').unwrap().1;
    let sources = format!(
        "sources = [\"http://127.0.0.1:{port}/x\", \"https://127.0.0.1:{port}/x\", \"https://localhost:{port}/x\", \"https://[::1]:{port}/x\"]\n"
    );
    good.spoil(|work| {
        let path = work.join("pyproject.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        let without = text
            .lines()
            .filter(|line| !line.starts_with("sources = "))
            .map(|line| format!("{line}\n"))
            .collect::<String>();
        crate::support::write(&path, without.replace("relative_path = ", &format!("{sources}relative_path = ")));
    });
    let c = Machine::new();
    c.init();
    let said = c.run(&["clone", &file_url(&good.bare()), "--yes"]).code(1);
    let said = said.line(&["missing", "v1-5-pruned-emaonly-fp16.safetensors", "portrait", "--allow-host"]);
    assert!(server.log().is_empty(), "{said} {:?}", server.log());
}
