//! Bundles behind URLs, those of other programs, and imports that were ended.

use std::io::{BufRead as _, BufReader, Write as _};

use serde_json::json;

use super::Scene;
use crate::support::comfyui::{self, ComfyUi};
use crate::support::hostile_archives::{Raw, archive};
use crate::support::nodes::{NodePack, code_of, file_url};
use crate::support::{
    Fault, Machine, ModelServer, Said, git, pack_zip, report, sha256, templates, tree, wait_for, write,
};

const PATH: &str = "bundles/studio.tar.gz";

/// A scene, and its bundle on the server.
fn served() -> (Scene, Vec<u8>) {
    let scene = Scene::new();
    // Large enough to be cut in two, and of a kind that packs badly.
    let data = scene.a().environment("studio").join("ComfyUI/custom_nodes/mine/table.txt");
    let lines: Vec<String> = (0..4000_u32).map(|number| sha256(&number.to_le_bytes())).collect();
    write(&data, lines.join("\n"));
    scene.a().ok(&["commit", "-m", "With data", "--yes"]);
    let bytes = std::fs::read(scene.export("studio.tar.gz")).unwrap();
    scene.studio.server.put(PATH, bytes.clone());
    (scene, bytes)
}

#[test]
fn a_bundle_behind_a_url_is_fetched_and_fetching_goes_on_where_it_was_ended() {
    let (scene, bytes) = served();
    let (b, server) = (scene.b(), &scene.studio.server);
    let url = server.url(PATH);
    let models = b.models();
    let arguments = ["import", &url, "--models-dir", models.to_str().unwrap(), "--yes", "--allow-unsigned"];
    server.fail_once(PATH, Fault::HoldAfter(bytes.len() / 2));
    let running = b.spawn(&arguments);
    wait_for("half of it", || server.requests(PATH).first().filter(|request| request.sent >= bytes.len() / 2).cloned());
    // What came is noted before long: of which version of the file it is, and how much of it can be relied on.
    let cache = b.workspace().join("comfydock_cache/bundles");
    wait_for("a note", || tree::tree(&cache, &|_| false).keys().any(|name| name.ends_with(".part.json")).then_some(()));
    running.signal(rustix::process::Signal::KILL);
    running.end();
    server.release();
    b.ok(&arguments).says("imported").line(&["ready", "workflow portrait"]);
    let asked = server.requests(PATH);
    assert!(asked.last().unwrap().headers.contains_key("range"), "{asked:?}");
    assert!(!cache.exists() || tree::tree(&cache, &|_| false).values().all(|what| what.starts_with("folder")));
    let origin = std::fs::read_to_string(b.environment("studio").join(".comfydock/origin.json")).unwrap();
    assert!(origin.contains(&url), "{origin}");
    // Into an environment that is here, too.
    b.ok(&["rollback", "--yes"]);
    b.ok(&["import", &url, "--env", "studio", "--yes", "--allow-unsigned"])
        .says("has everything of the bundle already");
}

#[test]
fn what_may_not_be_asked_or_is_no_bundle_leaves_nothing() {
    let (scene, _) = served();
    let server = &scene.studio.server;
    let mut machine = Machine::new();
    machine.init();
    let url = server.url(PATH);
    let stops = |machine: &Machine, url: &str, words: &[&str]| {
        let before = tree::of_machine(machine.root());
        let said = machine.run(&["import", url, "--yes", "--allow-unsigned"]).code(1);
        words.iter().fold(said, |said, words| said.says(words));
        tree::assert_same(&before, &tree::of_machine(machine.root()), words[0]);
    };
    // This machine's own network is nobody's to ask without consent.
    stops(&machine, &url, &["not asked without your consent", "--allow-host"]);
    stops(&machine, "http://bundles.example/a.tar.gz", &["is not https", "--insecure-http"]);
    stops(&machine, "https://ann:secret@bundles.example/a.tar.gz", &["a name or a password"]);
    machine.allow(&server.address);
    stops(&machine, &server.url("bundles/nothing.tar.gz"), &["404"]);
    server.fail(PATH, Fault::Page("<!DOCTYPE html><title>Sign in</title>"));
    stops(&machine, &url, &["sends a page"]);
    machine.allow("127.0.0.1");
    stops(&machine, &announces("Content-Length: 3000000000"), &["larger than the 2147483648 bytes"]);
    server.fail(PATH, Fault::Serve(b"\x1f\x8b\x08 and no more of it".to_vec()));
    stops(&machine, &url, &["no whole .tar.gz"]);
    // What was refused is not kept: mended, it is fetched anew. Nobody vouches for it, unless a signature lies beside.
    server.mend(PATH);
    let before = tree::of_machine(machine.root());
    machine.run(&["import", &url, "--yes"]).code(1).says("is not signed").says("--allow-unsigned");
    tree::assert_same(&before, &tree::of_machine(machine.root()), "not signed");
    let a = scene.a();
    let mut key = a.command(&["key", "generate", "--output-prefix", "ann"]);
    Said::of(key.env("COSIGN_PASSWORD", "a password")).ok();
    let signed = ["export", "--output", "signed.tar.gz", "--key", "ann.key", "--yes", "--allow-issues"];
    Said::of(a.command(&signed).env("COSIGN_PASSWORD", "a password")).ok();
    for name in ["signed.tar.gz", "signed.tar.gz.sigstore.json"] {
        server.put(&format!("bundles/{name}"), std::fs::read(a.root().join(name)).unwrap());
    }
    let url = server.url("bundles/signed.tar.gz");
    machine.run(&["import", &url, "--yes", "--allow-unsigned"]).code(1).says("no key that is known here");
    let key = a.root().join("ann.pub");
    machine.ok(&["trust", "add", "--key", key.to_str().unwrap(), "--scope", "registry.example/ann/*", "--name", "ann"]);
    machine.ok(&["import", &url, "--yes", "--allow-issues"]).says("signed by ann").says("imported");
}

#[test]
fn an_import_that_lacks_models_is_gone_on_with() {
    let scene = Scene::new();
    let b = scene.b();
    let bundle = scene.export("studio.tar.gz");
    let model = templates::old("default").models().remove(0);
    scene.studio.server.fail(&model.path(), Fault::Status(410));
    scene.import(&bundle).code(1).line(&["missing", &model.name]);
    scene.studio.server.mend(&model.path());
    let said = scene.import(&bundle).ok();
    said.says("lacks models of it")
        .line(&["went on with the import of environment studio"])
        .line(&["ready", "portrait"]);
    assert!(!b.environment("studio-1").exists());
    report::assert_same(scene.a(), b);
    // It lacks nothing now, so the next is another one; so is that of one that was worked on.
    scene.import(&bundle).ok().says("becomes `studio-1`");
}

/// A server that promises something and sends no more than its beginning.
fn announces(header: &'static str) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(&stream);
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|count| count > 2) {
                line.clear();
            }
            let _ = (&stream).write_all(format!("HTTP/1.1 200 OK\r\n{header}\r\n\r\n").as_bytes());
        }
    });
    format!("http://{address}/studio.tar.gz")
}

/// The commit of the older release.
fn old(comfyui: &ComfyUi) -> String {
    git::git(comfyui.path(), &["rev-parse", comfyui::OLD])
}

/// A bundle of the ComfyDock before this one: no description, hashes of its own kind, and the source of what was
/// worked on.
fn of_the_older_one(comfyui: &ComfyUi, workflow: &str) -> Vec<u8> {
    let manifest = format!(
        "[project]\nname = \"comfydock-env-old\"\nversion = \"0.1.0\"\nrequires-python = \">=3.11\"\ndependencies = []\n\n\
         [tool.comfydock]\ncomfyui_version = \"{}\"\ncomfyui_commit_sha = \"{}\"\ncomfyui_repository = \"{}\"\npython_version = \"3.11\"\n\n\
         [tool.comfydock.nodes.legacy]\nname = \"legacy\"\nversion = \"dev\"\nsource = \"development\"\n\n\
         [tool.comfydock.nodes.\"../../climbs\"]\nname = \"../../climbs\"\nversion = \"dev\"\nsource = \"development\"\n\n\
         [tool.comfydock.models]\n0123456789abcdef = {{ filename = \"old.safetensors\", size = 12, relative_path = \"checkpoints/old.safetensors\", category = \"checkpoints\", sources = [\"https://example.org/old.safetensors\"] }}\n",
        comfyui::OLD,
        old(comfyui),
        file_url(comfyui.path()),
    );
    archive(&[
        Raw::file("pyproject.toml", manifest),
        Raw::file(".python-version", "3.11\n"),
        Raw::file("workflows/first.json", workflow),
        Raw::file("dev_nodes/legacy/__init__.py", code_of("Legacy")),
    ])
}

#[test]
fn a_bundle_of_the_predecessor_becomes_an_environment() {
    let (machine, comfyui, server) = (Machine::new(), ComfyUi::new(), ModelServer::start());
    let workflow = templates::old("default").at(&server).text;
    let file = machine.root().join("old studio.tar.gz");
    write(&file, of_the_older_one(&comfyui, &workflow));
    let import = |more: &[&str]| machine.run(&[&["import", file.to_str().unwrap()][..], more].concat());
    import(&["--name", "old", "--models", "none", "--yes"]).code(1).says("for bundles of this program");
    assert!(!machine.workspace().exists(), "the workspace that was made for it went");
    let said = import(&["--name", "old", "--yes"]).ok();
    said.line(&["node pack legacy", "worked on"]).line(&["model `old.safetensors`", "https://example.org"]);
    let environment = machine.environment("old");
    let pack = environment.join("ComfyUI/custom_nodes/legacy/__init__.py");
    assert_eq!(std::fs::read_to_string(pack).unwrap(), code_of("Legacy"));
    assert_eq!(std::fs::read_to_string(machine.workflow("old", "first")).unwrap(), workflow);
    assert_eq!(git::git(&environment.join("ComfyUI"), &["rev-parse", "HEAD"]), old(&comfyui));
    assert_eq!(report::start(&machine, "old").nodes(), ["legacy"]);
    // A second one gets a name of its own, and into one that is here only bundles of this program come.
    import(&["--name", "old", "--yes"]).ok().says("becomes `old-1`");
    import(&["--env", "old", "--yes"]).code(1).says("leave --env out");
}

#[test]
fn snapshots_and_comfy_packs_are_imported_too() {
    let (machine, comfyui) = (Machine::new(), ComfyUi::new());
    machine.init();
    // ComfyUI's own address, without the network.
    let instead =
        format!("[url \"{}\"]\n\tinsteadOf = https://github.com/comfyanonymous/ComfyUI\n", file_url(comfyui.path()));
    write(&machine.home().join(".gitconfig"), instead);
    let snapshot = machine.root().join("before the update.json");
    let told = json!({
        "comfyui": old(&comfyui), "git_custom_nodes": {}, "cnr_custom_nodes": {}, "file_custom_nodes": [], "pips": {},
    });
    write(&snapshot, told.to_string());
    machine.run(&["import", snapshot.to_str().unwrap(), "--yes"]).code(1).says("name it with --name");
    machine.ok(&["import", snapshot.to_str().unwrap(), "--name", "before", "--yes"]).says("made environment before");
    assert_eq!(git::git(&machine.environment("before").join("ComfyUI"), &["rev-parse", "HEAD"]), old(&comfyui));

    // As YAML all of it lies one level deeper.
    let pack = NodePack::new();
    let told = format!(
        "custom_nodes:\n  cnr_custom_nodes: {{}}\n  comfyui: {}\n  file_custom_nodes: []\n  git_custom_nodes:\n    {}:\n      \
         disabled: false\n      hash: {}\n  pips:\n    six==1.16.0: ''\n",
        old(&comfyui),
        pack.url(),
        pack.commit,
    );
    let snapshot = machine.root().join("deeper.yaml");
    write(&snapshot, told);
    machine.run(&["import", snapshot.to_str().unwrap()]).code(1).says("--accept-origins");
    machine.ok(&["import", snapshot.to_str().unwrap(), "--yes"]).says("made environment deeper");
    let deeper = machine.environment("deeper");
    assert_eq!(git::git(&deeper.join("ComfyUI"), &["rev-parse", "HEAD"]), old(&comfyui));
    let folder = deeper.join("ComfyUI/custom_nodes").join(NodePack::NAME);
    assert_eq!(git::git(&folder, &["rev-parse", "HEAD"]), pack.commit);
    let lock = std::fs::read_to_string(deeper.join(".cec/uv.lock")).unwrap();
    assert!(lock.contains("name = \"six\"\nversion = \"1.16.0\""), "{lock}");

    let told = json!({
        "python": "3.11.9", "comfyui": old(&comfyui), "models": [], "custom_nodes": [], "pips": {},
    });
    let packed = machine.root().join("portrait.cpack.zip");
    let workflow = r#"{"nodes":[],"links":[],"version":0.4}"#;
    let files = [
        pack_zip::Entry::file("snapshot.json", told.to_string().as_bytes()),
        pack_zip::Entry::file("workflow.json", workflow.as_bytes()),
    ];
    write(&packed, pack_zip::write(&files));
    machine.ok(&["import", packed.to_str().unwrap(), "--yes"]).says("made environment portrait");
    assert_eq!(std::fs::read_to_string(machine.workflow("portrait", "portrait")).unwrap(), workflow);
    machine.run(&["import", machine.root().to_str().unwrap(), "--yes"]).code(1).says("create NAME --from DIR");
}
