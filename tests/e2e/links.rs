//! Models that are on the machine, on another drive and not where ComfyUI looks.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::support::{STUDIO, Studio, report, skip, templates, write};

#[test]
fn a_model_on_another_drive_is_linked() {
    let studio = Studio::new();
    let Studio { a, b, server, .. } = &studio;
    let Ok(drive) = tempfile::tempdir_in("/dev/shm") else { return skip("there is no /dev/shm") };
    if drive.path().metadata().unwrap().dev() == b.models().metadata().unwrap().dev() {
        return skip("/dev/shm is no file system of its own");
    }
    let model = studio.share("portrait", &templates::old("default"), 50_000).remove(0);
    studio.send("A portrait");
    let there = drive.path().join("unsorted").join(&model.name);
    write(&there, std::fs::read(a.models().join(model.path())).unwrap());
    let folders = [&b.models(), drive.path()].map(|folder: &Path| folder.to_str().unwrap().to_owned());
    b.ok(&["clone", STUDIO, "--models-dir", &folders[0], "--models-dir", &folders[1], "--yes"])
        .line(&["linked", &model.name]);
    assert_eq!(std::fs::read_link(b.models().join(model.path())).unwrap(), there);
    assert!(server.log().is_empty());
    report::assert_same(a, b);
    b.ok(&["commit", "--yes"]).says("nothing to commit");

    // The drive is away: that is said, and nothing is forgotten.
    let away = drive.path().with_extension("away");
    std::fs::rename(drive.path(), &away).unwrap();
    b.ok(&["status"]).line(&["missing", &model.name]);
    b.ok(&["models", "index"]).line(&["offline", &folders[1]]);
    std::fs::rename(&away, drive.path()).unwrap();
    b.ok(&["status"]).says("nothing to commit").never_says("missing");
    // It lies elsewhere on the drive now: there, but not where ComfyUI looks.
    let moved = drive.path().join("sorted").join(&model.name);
    write(&moved, std::fs::read(&there).unwrap());
    std::fs::remove_file(&there).unwrap();
    b.ok(&["status"]).line(&["missing", &model.name]);
    // The link may be somebody's to a drive that comes back: it is theirs to remove.
    let link = b.models().join(model.path());
    b.run(&["models", "download", "--missing"]).code(1).line(&["missing", &model.name, "a link that leads nowhere"]);
    assert_eq!(std::fs::read_link(&link).unwrap(), there);
    std::fs::remove_file(&link).unwrap();
    b.ok(&["models", "download", "--missing"]);
    report::assert_same(a, b);
    assert!(server.log().is_empty());
}

#[test]
fn a_model_in_comfyuis_own_folder_counts() {
    let studio = Studio::new();
    let Studio { a, b, .. } = &studio;
    let model = studio.share("portrait", &templates::old("default"), 50_000).remove(0);
    let own = a.environment("studio").join("ComfyUI/models").join(model.path());
    std::fs::create_dir_all(own.parent().unwrap()).unwrap();
    std::fs::rename(a.models().join(model.path()), &own).unwrap();
    studio.send("A portrait");
    studio.clone().ok();
    report::assert_same(a, b);
}
