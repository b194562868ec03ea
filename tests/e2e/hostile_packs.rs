//! Packs that mean harm: nothing is executed, nothing is written outside, nothing is left behind.

use crate::support::nodes::{NodePack, Workbench};
use crate::support::pack_zip::{self, Entry};
use crate::support::{Studio, git, tree, write};

#[test]
fn names_and_addresses_that_are_commands() {
    let bench = Workbench::new();
    let a = &bench.a;
    let mark = a.root().join("executed");
    let before = tree::of_machine(a.root());
    let touch = format!("ext::sh -c touch% {}", mark.display());
    let option = format!("--upload-pack=touch {}", mark.display());
    for given in [touch.as_str(), "..", "../..", "https://example.org/x/..", "fd::7", "a/../../b", "-x"] {
        a.run(&["node", "add", "--", given]).code(1);
        a.run(&["node", "add", "--dev", "--", given]).code(1);
    }
    a.run(&["node", "add", "--", &option]).code(1);
    assert!(!mark.exists(), "a command was run");
    tree::assert_same(&before, &tree::of_machine(a.root()), "after names that mean harm");
}

#[test]
fn zips_that_mean_harm() {
    let bench = Workbench::new();
    let a = &bench.a;
    let good = Entry::file("__init__.py", b"NODE_CLASS_MAPPINGS = {}\n");
    for (id, entry) in [
        ("slip", Entry::file("../../../../outside.txt", b"x")),
        ("rooted", Entry::file("/tmp/comfydock-outside.txt", b"x")),
        ("linked", Entry::link("inside", "/etc/passwd")),
    ] {
        bench.registry.publish_zip(id, "1.0.0", pack_zip::write(&[good.clone(), entry]));
        let before = tree::of_machine(a.root());
        a.run(&["node", "add", id]).code(1).says(id);
        tree::assert_same(&before, &tree::of_machine(a.root()), id);
    }
}

#[test]
fn requirements_that_would_run_code() {
    let bench = Workbench::new();
    let a = &bench.a;
    let pack = NodePack::new();
    let mark = a.root().join("executed");
    let setup = format!("open({:?}, 'w').close()\n", mark.to_str().unwrap());
    write(&pack.path().join("setup.py"), &setup);
    let lines = format!("-e .\nfile://{}\n./\nsix\n", pack.path().display());
    write(&pack.path().join("requirements.txt"), lines);
    git::commit(&pack.path(), "Harm", "2025-10-02T12:00:00Z");
    let said = a.ok(&["node", "add", &pack.url()]).says("-e .").says("file://");
    assert!(!mark.exists(), "setup.py was run: {said}");
    let manifest = bench.manifest();
    let groups = manifest.split("[dependency-groups]").nth(1).and_then(|rest| rest.split("\n[").next()).unwrap();
    assert!(!groups.contains("file:") && groups.contains("\"six\""), "{manifest}");
    write(&pack.path().join("install.py"), &setup);
    git::commit(&pack.path(), "More harm", "2025-10-03T12:00:00Z");
    a.ok(&["node", "update"]).says("install.py, which was not run");
    assert!(!mark.exists(), "install.py was run");
}

#[test]
fn a_submodule_whose_address_is_a_command() {
    let studio = Studio::new();
    let (Studio { a, b, .. }, pack) = (&studio, NodePack::new());
    a.ok(&["node", "add", &pack.url()]);
    let mark = a.root().join("executed");
    let address = format!("ext::touch {}", mark.display());
    write(&pack.path().join(".gitmodules"), format!("[submodule \"lib\"]\n\tpath = lib\n\turl = {address}\n"));
    git::git(&pack.path(), &["update-index", "--add", "--cacheinfo", &format!("160000,{},lib", pack.commit)]);
    git::git(&pack.path(), &["add", ".gitmodules"]);
    git::git(&pack.path(), &["-c", "user.name=x", "-c", "user.email=x@x", "commit", "--quiet", "-m", "Harm"]);
    let before = tree::of_machine(a.root());
    let said = a.run(&["node", "update"]).code(1).says("submodule `lib`").says(NodePack::NAME).says(&address);
    let mut after = tree::of_machine(a.root());
    // The mirror has the new commit.
    let before = before.into_iter().filter(|(path, _)| !path.contains("comfydock_cache")).collect();
    after.retain(|path, _| !path.contains("comfydock_cache"));
    tree::assert_same(&before, &after, &said.to_string());
    // Who clones an environment that records it gets the rest.
    git::git(
        &a.environment("studio").join("ComfyUI/custom_nodes").join(NodePack::NAME),
        &["pull", "--quiet", "origin", "HEAD"],
    );
    a.ok(&["commit", "-m", "Harm", "--yes"]);
    a.ok(&["push"]);
    studio.clone().code(1).line(&["missing", NodePack::NAME, "submodule `lib`", &address]);
    b.ok(&["status"]).line(&["missing", NodePack::NAME]);
    assert!(!mark.exists(), "a command was run");
}
