//! The model index on the command line, and ComfyUI's view of the same folders.

use std::fs;

use crate::support::{Machine, Studio, report, templates, write};

#[test]
fn a_configuration_of_folders_serves_the_index_and_comfyui_alike() {
    let studio = Studio::new();
    let a = &studio.a;
    let name = studio.share("portrait", &templates::old("default"), 50_000).remove(0).name;
    // The model moves to a folder that only a configuration names.
    let webui = a.root().join("webui/SD");
    fs::create_dir_all(&webui).unwrap();
    let file = a.models().join("checkpoints").join(&name);
    fs::rename(&file, webui.join(&name)).unwrap();
    let yaml = a.root().join("paths.yaml");
    write(&yaml, "a111:\n  base_path: webui\n  checkpoints: SD\n  loras: [x]\n");
    a.run(&["models", "index", "--extra-model-paths", yaml.to_str().unwrap()])
        .code(1)
        .says("line 4")
        .says("paths.yaml");
    write(&yaml, "a111:\n  base_path: webui\n  checkpoints: SD\n");
    a.ok(&["models", "index", "--extra-model-paths", yaml.to_str().unwrap()]).says("1 model file");
    a.ok(&["models", "list"]).line(&["webui/SD", &name]);
    a.ok(&["commit", "--yes", "-m", "From another folder"]);
    let loaded = report::start(a, "studio").digests();
    assert!(!loaded.is_empty() && loaded.iter().all(|(_, sha256)| sha256.is_some()), "{loaded:?}");
    a.ok(&["models", "forget", yaml.to_str().unwrap()]).says("configuration");
    a.ok(&["models", "list"]).never_says(&name);
}

#[test]
fn verifying_fails_when_a_file_is_not_what_it_was() {
    let machine = Machine::new();
    machine.init();
    machine.put_model("loras/a.safetensors", b"one");
    machine.put_model("loras/b.safetensors", b"two");
    machine.put_model("vae/a.safetensors", b"one");
    machine.ok(&["models", "index", "--full"]);
    machine.ok(&["models", "list", "--verify"]).says("3 files verified, 0 changed");
    machine.ok(&["models", "list", "--duplicates"]).says("1 model in several files").line(&["vae/a.safetensors"]);
    machine.put_model("vae/a.safetensors", b"uno");
    machine.put_model("vae/new.safetensors", b"new");
    machine
        .run(&["models", "list", "--verify", "--filter", "vae"])
        .code(1)
        .says("1 file verified, 1 changed")
        .says("1 never measured")
        .says("vae/a.safetensors");
    machine.ok(&["models", "list", "--verify"]).says("3 files verified, 0 changed");
    let show = machine.json(&["models", "show", "b.safetensors"]);
    let sha256 = show["sha256"].as_str().unwrap();
    assert_eq!(machine.json(&["models", "show", &sha256[..10]])["sha256"], show["sha256"]);
    machine.run(&["models", "forget", "b.safetensors"]).code(1).says("--yes");
    machine.ok(&["models", "forget", "b.safetensors", "--yes"]).says("files are where they were");
    machine.ok(&["models", "list", "--filter", "LORAS"]).line(&["loras/b.safetensors"]);
    machine
        .ok(&["models", "list", "--filter", "zzz"])
        .says("no model's path contains `zzz`")
        .never_says("adds a folder");
    machine.put_model("loras/same.safetensors", b"the same bytes");
    machine.put_model("vae/same.safetensors", b"the same bytes");
    machine.ok(&["models", "list", "--duplicates"]).says("2 files look alike and are not measured").says("--yes");
    machine.ok(&["models", "list", "--duplicates", "--filter", "b.safe"]).never_says("look alike");
    machine.ok(&["models", "list", "--duplicates", "--yes"]).line(&["vae/same.safetensors"]);
    machine.ok(&["models", "gc"]).says("nothing to remove");
    machine.put_model("loras/.x.safetensors.0123456789abcdef.part", b"a part");
    machine.ok(&["models", "gc", "--partials"]).says("part of a download").says("--prune");
    machine.ok(&["models", "gc", "--partials", "--prune"]).says("removed");
    assert!(!machine.models().join("loras/.x.safetensors.0123456789abcdef.part").exists());
    assert!(machine.models().join("loras/b.safetensors").exists());
}
