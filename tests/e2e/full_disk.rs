//! A disk that is full, while a model comes and while packages are installed.

use std::io::Write as _;
use std::path::Path;

use crate::support::tmpfs::Tmpfs;
use crate::support::{Fault, Machine, STUDIO, Studio, report, skip, tree, wait_for};

const MIB: usize = 1024 * 1024;
const NO_MOUNT: &str = "a tmpfs cannot be mounted here (it takes root)";

/// Writes until nothing more fits.
fn fill(path: &Path) {
    let mut file = std::fs::File::create(path).unwrap();
    while file.write_all(&[1; 4096]).is_ok() {}
}

#[test]
fn a_download_that_does_not_fit_says_so_and_goes_on_later() {
    let Some(disk) = Tmpfs::mount(4 * MIB) else { return skip(NO_MOUNT) };
    let studio = Studio::new();
    let Studio { a, b, server, .. } = &studio;
    let model = studio.send_portrait(3 * MIB);
    server.fail_once(&model.path(), Fault::HoldAfter(MIB));
    let clone = b.spawn(&["clone", STUDIO, "--models-dir", disk.path().to_str().unwrap(), "--yes"]);
    wait_for("the download", || server.requests(&model.path()).first().filter(|request| request.sent >= MIB).cloned());
    fill(&disk.path().join("filler"));
    server.release();
    let said = clone.end().code(1);
    let said = said.line(&["missing", &model.name, "portrait"]).says("No space left on device");
    said.says(disk.path().to_str().unwrap());
    let left = tree::tree(disk.path(), &|_| false);
    assert!(left.keys().all(|name| !name.contains("safetensors")), "{left:?}");
    assert!(left.contains_key("filler"));

    // Known beforehand, it is not even begun: the file system and the bytes are named.
    let asked = server.requests(&model.path()).len();
    let said = b.run(&["models", "download", "--missing"]).code(1);
    said.line(&["missing", &model.name, "3145728 bytes", disk.path().to_str().unwrap()]);
    assert_eq!(server.requests(&model.path()).len(), asked);

    std::fs::remove_file(disk.path().join("filler")).unwrap();
    b.ok(&["models", "download", "--missing"]).line(&["downloaded", &model.name]);
    report::assert_same(a, b);
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
