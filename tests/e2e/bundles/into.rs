//! A bundle into an environment that is here already.

use std::path::Path;

use super::publishing::fingerprint;
use super::{Scene, content_digest};
use crate::support::docker_registry::{Access, Docker};
use crate::support::nodes::{NodePack, code_of};
use crate::support::{Machine, Said, git, report, safetensors, templates, tree, write};

/// B has an environment of its own, made and committed before the bundle came.
fn home(scene: &Scene) {
    let (b, comfyui) = (scene.b(), &scene.studio.comfyui);
    b.create(comfyui);
    let template = templates::old("lora");
    for (number, model) in (700..).zip(template.models()) {
        b.put_model(&model.path(), &safetensors::model(number, 12_000));
    }
    write(&b.workflow("studio", "own"), template.at(&scene.studio.server).text);
    b.ok(&["commit", "-m", "Mine", "--yes"]);
}

fn custom_nodes(machine: &Machine) -> std::path::PathBuf {
    machine.environment("studio").join("ComfyUI/custom_nodes")
}

fn into<'a>(bundle: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    [&["import", bundle.to_str().unwrap(), "--env", "studio", "--yes"][..], more].concat()
}

#[test]
fn a_bundle_comes_into_an_environment_as_changes_that_are_not_committed() {
    let scene = Scene::new();
    home(&scene);
    let b = scene.b();
    let bundle = scene.export("studio.tar.gz");
    let head = git::git(&b.environment("studio").join(".cec"), &["rev-parse", "HEAD"]);
    b.ok(&into(&bundle, &[]))
        .line(&["workflow portrait"])
        .line(&["node pack mine"])
        .line(&["brought studio into environment studio"])
        .says("`comfydock commit` keeps it");
    assert_eq!(git::git(&b.environment("studio").join(".cec"), &["rev-parse", "HEAD"]), head, "nothing is committed");
    let diff = b.ok(&["diff"]).text();
    for words in ["portrait", "deep/upscale", "mine", "theirs", NodePack::NAME] {
        assert!(diff.contains(words), "{words}:\n{diff}");
    }
    // What was there stays, what came is there, and ComfyUI finds all of it.
    let mut nodes = report::start(b, "studio").nodes();
    nodes.sort();
    assert_eq!(nodes, [NodePack::NAME, "mine", "theirs"]);
    assert!(b.workflow("studio", "own").is_file() && b.workflow("studio", "deep/upscale").is_file());
    assert!(!custom_nodes(b).join("mine/run.log").exists());
}

#[test]
fn it_is_committed_taken_back_and_brought_in_again() {
    let scene = Scene::new();
    home(&scene);
    let b = scene.b();
    let bundle = scene.export("studio.tar.gz");
    let before = content_digest(b, "studio");
    b.ok(&into(&bundle, &[]));
    // A second one waits until the first is settled.
    b.run(&into(&bundle, &[])).code(1).says("changes that are not committed").says("comfydock commit");
    b.ok(&["rollback", "--yes"]);
    assert!(!b.workflow("studio", "portrait").exists() && !custom_nodes(b).join("mine").exists());
    assert_eq!(content_digest(b, "studio"), before);
    b.ok(&into(&bundle, &[])).line(&["brought studio"]);
    b.ok(&["commit", "-m", "With a guest", "--yes"]).says("With a guest");
    b.ok(&["status"]).says("nothing to commit");
    // Its development nodes have their source in the history: a third machine could have them.
    let snapshots = git::git(&b.environment("studio").join(".cec"), &["for-each-ref", "refs/comfydock/nodes"]);
    assert!(snapshots.contains("refs/comfydock/nodes/mine/"), "{snapshots}");
    let told = b.json(&into(&bundle, &["--json"]));
    assert_eq!((&told["changed"], &told["merged"]), (&false.into(), &true.into()), "{told}");
}

#[test]
fn what_both_have_otherwise_is_asked() {
    let scene = Scene::new();
    home(&scene);
    let b = scene.b();
    // The same name, another workflow; the same pack, at another commit.
    write(&b.workflow("studio", "portrait"), templates::old("lora").at(&scene.studio.server).text);
    let own = custom_nodes(b).join("mine");
    write(&own.join("__init__.py"), code_of("Own"));
    b.ok(&["node", "add", "mine", "--dev"]);
    b.ok(&["commit", "-m", "Also mine", "--yes"]);
    let bundle = scene.export("studio.tar.gz");
    let before = tree::of_machine(b.root());
    let words = ["--take portrait=ours|theirs|both", "--take pack:mine=ours|theirs", "2 things are others here"];
    let said = b.run(&into(&bundle, &[])).code(1);
    words.iter().fold(said, |said, words| said.says(words));
    b.run(&into(&bundle, &["--take", "portait=ours"])).code(1).says("`portait` is not another here");
    tree::assert_same(&before, &tree::of_machine(b.root()), "nothing was changed");

    b.ok(&into(&bundle, &["--both", "--ours"])).line(&["node pack mine", "yours is taken"]);
    assert!(b.workflow("studio", "portrait (mine)").is_file() && b.workflow("studio", "portrait").is_file());
    assert_eq!(std::fs::read_to_string(own.join("__init__.py")).unwrap(), code_of("Own"));
    b.ok(&["rollback", "--yes"]);
    b.ok(&into(&bundle, &["--theirs"]))
        .line(&["node pack mine", "theirs is taken"])
        .says("what was in the way is kept");
    assert_eq!(std::fs::read_to_string(own.join("__init__.py")).unwrap(), code_of("Mine"));
    assert!(!b.workflow("studio", "portrait (mine)").exists());
}

#[test]
fn comfyui_stays_unless_the_bundles_is_asked_for() {
    let scene = Scene::new();
    home(&scene);
    let b = scene.b();
    crate::main_job::move_comfyui(scene.a(), &scene.studio.comfyui.new);
    scene.a().ok(&["commit", "-m", "A newer ComfyUI", "--yes"]);
    let bundle = scene.export("studio.tar.gz");
    let head = |machine: &Machine| git::git(&machine.environment("studio").join("ComfyUI"), &["rev-parse", "HEAD"]);
    let own = head(b);
    b.ok(&into(&bundle, &[])).line(&["note", "made with ComfyUI", "the environment keeps"]);
    assert_eq!(head(b), own);
    b.ok(&["rollback", "--yes"]);
    b.ok(&into(&bundle, &["--take", "fact:comfyui=theirs"])).never_says("the environment keeps");
    assert_eq!(head(b), scene.studio.comfyui.new);
}

#[test]
fn what_lies_in_the_way_stops_it_before_anything_changes() {
    let scene = Scene::new();
    home(&scene);
    let b = scene.b();
    let bundle = scene.export("studio.tar.gz");
    let stops = |words: &[&str], more: &[&str]| {
        let before = tree::of_machine(b.root());
        let said = b.run(&into(&bundle, more)).code(1);
        words.iter().fold(said, |said, words| said.says(words));
        tree::assert_same(&before, &tree::of_machine(b.root()), words[0]);
    };
    stops(&["--name is for a new environment"], &["--name", "other"]);
    stops(&["the bundle has no node pack `nothing`"], &["--without-node", "nothing"]);
    // A folder that nobody tracks, of the name of a development node.
    write(&custom_nodes(b).join("mine/__init__.py"), code_of("Untracked"));
    stops(&["custom_nodes/mine is in the way", "node add NAME --dev"], &[]);
    std::fs::remove_dir_all(custom_nodes(b).join("mine")).unwrap();
    // A workflow that was saved and not committed, of the name of one that comes.
    write(&b.workflow("studio", "portrait"), "{\"nodes\":[],\"links\":[],\"version\":0.4}");
    stops(&["workflow portrait was changed here and there"], &[]);
    std::fs::remove_file(b.workflow("studio", "portrait")).unwrap();
    // One that was set aside is another's work: it stays aside.
    write(&custom_nodes(b).join("mine.disabled/__init__.py"), code_of("Aside"));
    b.ok(&into(&bundle, &[]));
    assert_eq!(std::fs::read_to_string(custom_nodes(b).join("mine/__init__.py")).unwrap(), code_of("Mine"));
    assert_eq!(std::fs::read_to_string(custom_nodes(b).join("mine.disabled/__init__.py")).unwrap(), code_of("Aside"));

    let told = b.run(&["import", bundle.to_str().unwrap(), "--env", "nobody", "--yes"]).code(1);
    told.says("nobody");
    b.run(&["import", bundle.to_str().unwrap(), "--ours", "--yes"]).code(1).says("name it with --env");
}

#[test]
fn a_published_one_is_believed_first_and_comes_as_changes_too() {
    let Some(registry) = Docker::start(&Access::Everybody) else { return };
    let scene = Scene::with_key();
    home(&scene);
    let b = scene.b();
    let at = |tag: &str| format!("oci://{}/team/look:{tag}", registry.host());
    let (signed, unsigned) = (at("signed"), at("unsigned"));
    scene.publish(&signed, &["--key", "ann.key"]).ok();
    scene.publish(&unsigned, &["--unsigned"]).ok();
    let known = fingerprint(scene.a());
    let line = |reference: &str, more: &[&str]| {
        b.run(&[&["import", reference, "--env", "studio", "--yes"][..], more].concat())
    };
    let stops = |reference: &str, more: &[&str], why: &str| {
        let before = tree::of_machine(b.root());
        line(reference, more).code(1).says(why);
        tree::assert_same(&before, &tree::of_machine(b.root()), why);
        let cache = b.workspace().join("comfydock_cache/bundles");
        assert!(tree::tree(&cache, &|_| false).is_empty(), "nothing of it was fetched");
    };
    stops(&signed, &[], "whom nobody here trusts");
    stops(&signed, &["--trust", "SHA256:00"], "another");
    stops(&signed, &["--allow-unsigned"], "whom nobody here trusts");
    stops(&unsigned, &[], "is not signed");
    stops(&unsigned, &["--trust", &known], "is not signed");

    let cec = b.environment("studio").join(".cec");
    let head = git::git(&cec, &["rev-parse", "HEAD"]);
    let came = |said: Said| {
        said.ok().line(&["brought studio into environment studio"]).says("`comfydock commit` keeps it");
        assert_eq!(git::git(&cec, &["rev-parse", "HEAD"]), head, "nothing is committed");
        let diff = b.ok(&["diff"]).text();
        for words in ["portrait", "deep/upscale", "mine", "theirs", NodePack::NAME] {
            assert!(diff.contains(words), "{words}:\n{diff}");
        }
        assert!(b.workflow("studio", "own").is_file() && b.workflow("studio", "portrait").is_file());
    };
    came(line(&unsigned, &["--allow-unsigned"]));
    b.ok(&["rollback", "--yes"]);
    came(line(&signed, &["--trust", &known]));
    let mut nodes = report::start(b, "studio").nodes();
    nodes.sort();
    assert_eq!(nodes, [NodePack::NAME, "mine", "theirs"]);
    b.ok(&["commit", "-m", "With a guest", "--yes"]);
    // Its signer is known now, for this place.
    line(&signed, &[]).ok().says("signed by").says("has everything of the bundle already");
}
