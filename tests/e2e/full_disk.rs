//! A disk that is full, while a model comes and while packages are installed.

use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::support::tmpfs::Tmpfs;
use crate::support::{Fault, Machine, ModelServer, STUDIO, Studio, report, safetensors, skip, tree, wait_for};

const MIB: usize = 1024 * 1024;
const NO_MOUNT: &str = "a tmpfs cannot be mounted here (it takes root)";

/// Writes until nothing more fits.
fn fill(path: &Path) {
    let mut file = std::fs::File::create(path).unwrap();
    while file.write_all(&[1; 4096]).is_ok() {}
}

#[test]
fn room_is_kept_from_the_start_and_what_has_none_is_not_begun() {
    let Some(disk) = Tmpfs::mount(4 * MIB) else { return skip(NO_MOUNT) };
    let studio = Studio::new();
    let Studio { a, b, server, .. } = &studio;
    let model = studio.send_portrait(3 * MIB);
    server.fail_once(&model.path(), Fault::HoldAfter(MIB));
    let clone = b.spawn(&["clone", STUDIO, "--models-dir", disk.path().to_str().unwrap(), "--yes"]);
    // The whole file has its room before its first byte is written.
    wait_for("the room", || {
        let folder = std::fs::read_dir(disk.path().join(&model.category)).ok()?;
        let part = folder.flatten().find(|entry| entry.file_name().to_string_lossy().ends_with(".part"))?;
        part.metadata().is_ok_and(|about| about.blocks() * 512 >= 3 * MIB as u64).then_some(())
    });
    fill(&disk.path().join("filler"));
    server.release();
    clone.end().code(0).line(&["downloaded", &model.name]);
    report::assert_same(a, b);

    // Known beforehand that it does not fit, nobody is asked; the file system and the bytes are named.
    let file = disk.path().join(model.path());
    std::fs::remove_file(&file).unwrap();
    fill(&disk.path().join("filler"));
    let asked = server.requests(&model.path()).len();
    let said = b.run(&["models", "download", "--missing"]).code(1);
    said.line(&["missing", &model.name, "3145728 bytes", disk.path().to_str().unwrap()]);
    assert_eq!(server.requests(&model.path()).len(), asked);
    let left = tree::tree(disk.path(), &|_| false);
    assert!(left.keys().all(|name| !name.contains("safetensors")), "{left:?}");

    std::fs::remove_file(disk.path().join("filler")).unwrap();
    b.ok(&["models", "download", "--missing"]).line(&["downloaded", &model.name]);
    report::assert_same(a, b);
}

#[test]
fn a_file_of_unknown_length_does_not_fill_the_disk() {
    let Some(disk) = Tmpfs::mount(4 * MIB) else { return skip(NO_MOUNT) };
    let (machine, server) = (Machine::new(), ModelServer::start());
    machine.ok(&["init", "--models-dir", disk.path().to_str().unwrap()]);
    server.put("loras/long.safetensors", safetensors::model(1, 6 * MIB));
    server.fail("loras/long.safetensors", Fault::Endless(usize::MAX));
    let url = server.url("loras/long.safetensors");
    let said = machine.run(&["models", "download", &url, "--allow-host", "127.0.0.1"]).code(1);
    said.says("more than there is room for").says(disk.path().to_str().unwrap());
    let left = tree::tree(disk.path(), &|_| false);
    assert!(left.keys().all(|name| !name.contains("safetensors")), "the disk is as free as before: {left:?}");
}

#[test]
fn packages_that_do_not_fit_leave_nothing_behind() {
    let Some(disk) = Tmpfs::mount(2 * MIB) else { return skip(NO_MOUNT) };
    let studio = Studio::with(Machine::on(disk.path()));
    let Studio { a, b, .. } = &studio;
    studio.send_portrait(50_000);
    b.init();
    let before = tree::of_machine(b.root());
    let said = b.run(&["clone", STUDIO, "--yes"]).code(1);
    said.says("No space left on device").says("the file system is full");
    tree::assert_same(&before, &tree::of_machine(b.root()), "after a clone that did not fit");

    disk.grow(64 * MIB);
    b.ok(&["clone", STUDIO, "--yes"]);
    // The next packages do not fit either; the environment stays as it is.
    let pack = crate::support::nodes::NodePack::new();
    a.ok(&["node", "add", &pack.url()]);
    studio.send("Six");
    fill(&b.root().join("filler"));
    let before = tree::of_machine(b.root());
    b.run(&["pull", "--yes"]).code(1).says("No space left on device");
    tree::assert_same(&before, &tree::of_machine(b.root()), "after a pull that did not fit");
    std::fs::remove_file(b.root().join("filler")).unwrap();
    b.ok(&["pull", "--yes"]);
    report::assert_same(a, b);
}
