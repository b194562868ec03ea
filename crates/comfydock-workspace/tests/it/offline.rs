//! What cannot be reached is kept and not offered; what is gone is forgotten.

use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use comfydock_workspace::models::roots::Root;
use comfydock_workspace::models::scan::{Scan, scan};
use comfydock_workspace::ops::Context;
use comfydock_workspace::ops::models;
use comfydock_workspace::remote::hub::Network;
use comfydock_workspace::reporter::Silent;
use rusqlite::Connection;

use crate::support::{Listener, Place};

fn rows(place: &Place) -> i64 {
    let database = Connection::open(place.workspace.cache("models.db")).unwrap();
    database.query_row("SELECT count(*) FROM model_locations", [], |row| row.get(0)).unwrap()
}

#[test]
fn an_empty_mount_point_is_a_drive_that_is_not_there() {
    let mut place = Place::new();
    let file = place.put("models/checkpoints/a.safetensors", b"1");
    place.put("models/loras/b.safetensors", b"2");
    place.scan();
    place.measure("checkpoints/a.safetensors");
    let before = place.models();
    // The folder a drive was mounted on: it was on another device then.
    let database = Connection::open(place.workspace.cache("models.db")).unwrap();
    database.execute("UPDATE model_folders SET device = device + 1 WHERE path LIKE 'checkpoints/%'", []).unwrap();
    fs::rename(&file, place.root("kept")).unwrap();
    let scanned = place.scan();
    assert_eq!((scanned.files, scanned.gone, scanned.offline), (1, 0, 1));
    assert_eq!(place.models().len(), 1, "it is not offered");
    assert_eq!(place.scan().offline, 1, "and still known the next time");

    fs::rename(place.root("kept"), &file).unwrap();
    let scanned = place.scan();
    assert_eq!((scanned.files, scanned.gone, scanned.offline), (2, 0, 0));
    assert_eq!(place.models(), before, "nothing has to be measured again");
    // On its own device an empty folder is one that was emptied.
    fs::remove_file(&file).unwrap();
    assert_eq!(place.scan().gone, 1);
    assert_eq!(rows(&place), 1);
}

#[test]
fn a_mount_point_that_is_not_empty_is_a_drive_that_is_not_there_too() {
    let mut place = Place::new();
    let file = place.put("models/checkpoints/sub/a.safetensors", b"1");
    place.put("models/loras/b.safetensors", b"2");
    // ComfyUI ships such a file in every folder.
    place.put("models/checkpoints/put_checkpoints_here", b"");
    place.scan();
    let database = Connection::open(place.workspace.cache("models.db")).unwrap();
    database.execute("UPDATE model_folders SET device = device + 1 WHERE path LIKE 'checkpoints/%'", []).unwrap();
    fs::rename(place.root("models/checkpoints/sub"), place.root("kept")).unwrap();
    let scanned = place.scan();
    assert_eq!((scanned.files, scanned.gone, scanned.offline), (1, 0, 1));
    fs::rename(place.root("kept"), place.root("models/checkpoints/sub")).unwrap();
    assert_eq!(place.scan(), Scan { files: 2, bytes: 2, measured: 0, gone: 0, offline: 0 });
    fs::remove_file(&file).unwrap();
    assert_eq!(place.scan().gone, 1);
}

#[test]
fn a_link_to_another_drive_that_was_removed_is_a_file_that_is_gone() {
    let mut place = Place::new();
    let Ok(elsewhere) = tempfile::tempdir_in("/dev/shm") else { return eprintln!("skipped: there is no /dev/shm") };
    if elsewhere.path().metadata().unwrap().dev() == place.root("models").metadata().unwrap().dev() {
        return eprintln!("skipped: /dev/shm is no device of its own here");
    }
    fs::create_dir(elsewhere.path().join("folder")).unwrap();
    for name in ["a.safetensors", "folder/b.safetensors"] {
        fs::write(elsewhere.path().join(name), name).unwrap();
    }
    fs::create_dir(place.root("models/loras")).unwrap();
    for name in ["a.safetensors", "folder"] {
        symlink(elsewhere.path().join(name), place.root("models/loras").join(name)).unwrap();
    }
    assert_eq!(place.scan().files, 2);
    fs::remove_file(place.root("models/loras/a.safetensors")).unwrap();
    fs::remove_file(place.root("models/loras/folder")).unwrap();
    let scanned = place.scan();
    assert_eq!((scanned.files, scanned.gone, scanned.offline), (0, 2, 0));
}

#[test]
fn what_was_removed_from_a_drive_that_came_back_with_another_number_is_gone() {
    let mut place = Place::new();
    let file = place.put("models/checkpoints/a.safetensors", b"1");
    place.put("models/loras/b.safetensors", b"2");
    place.scan();
    // A network drive has another number at every mount, and so has what was copied to a new drive.
    let database = Connection::open(place.workspace.cache("models.db")).unwrap();
    database.execute("UPDATE model_locations SET device = device + 1", []).unwrap();
    database.execute("UPDATE model_folders SET device = device + 1", []).unwrap();
    fs::remove_file(&file).unwrap();
    let scanned = place.scan();
    assert_eq!((scanned.files, scanned.gone, scanned.offline), (1, 1, 0));
}

#[test]
fn what_lies_behind_a_link_that_leads_nowhere_is_offline() {
    let mut place = Place::new();
    place.put("drive/checkpoints/a.safetensors", b"1");
    let single = place.put("drive/b.safetensors", b"2");
    fs::create_dir_all(place.root("models/loras")).unwrap();
    symlink(place.root("drive/checkpoints"), place.root("models/checkpoints")).unwrap();
    symlink(&single, place.root("models/loras/b.safetensors")).unwrap();
    assert_eq!(place.scan().files, 2);
    let before = place.models();
    fs::rename(place.root("drive"), place.root("away")).unwrap();
    let scanned = place.scan();
    assert_eq!((scanned.files, scanned.gone, scanned.offline, place.models().len()), (0, 0, 2, 0));
    fs::rename(place.root("away"), place.root("drive")).unwrap();
    assert_eq!(place.scan(), Scan { files: 2, bytes: 2, measured: 0, gone: 0, offline: 0 });
    assert_eq!(place.models(), before);
    // A link that was removed is a file that is gone.
    fs::remove_file(place.root("models/loras/b.safetensors")).unwrap();
    assert_eq!(place.scan().gone, 1);
}

#[test]
fn a_folder_that_cannot_be_read_keeps_its_models_and_is_told_of() {
    let mut place = Place::new();
    place.put("models/checkpoints/deep/a.safetensors", b"1");
    place.put("models/loras/b.safetensors", b"2");
    place.scan();
    let folder = place.root("models/checkpoints");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read_dir(&folder).is_ok() {
        // Who may read everything meets no such folder: a name that is a loop of links is one for all.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        fs::rename(&folder, place.root("aside")).unwrap();
        symlink("checkpoints", &folder).unwrap();
    }
    let listener = Listener::default();
    let roots = place.roots();
    let scanned = scan(&mut place.index, &roots, &listener).unwrap();
    assert_eq!((scanned.files, scanned.gone, scanned.offline), (1, 0, 1));
    assert_eq!(rows(&place), 2);
    if place.root("aside").exists() {
        fs::remove_file(&folder).unwrap();
        fs::rename(place.root("aside"), &folder).unwrap();
    } else {
        assert_eq!(listener.warnings.lock().unwrap().len(), 1);
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    }
    assert_eq!(place.scan(), Scan { files: 2, bytes: 2, measured: 0, gone: 0, offline: 0 });
}

#[test]
fn a_file_that_changed_and_cannot_be_read_is_not_taken_for_what_it_was() {
    let mut place = Place::new();
    let file = place.put("models/checkpoints/a.safetensors", b"1");
    place.scan();
    place.measure("checkpoints/a.safetensors");
    // A file of the kernel's says it has a page and ends before: whoever reads it, root too, fails.
    fs::rename(&file, place.root("kept")).unwrap();
    symlink("/sys/kernel/uevent_seqnum", &file).unwrap();
    let listener = Listener::default();
    let roots = place.roots();
    let scanned = scan(&mut place.index, &roots, &listener).unwrap();
    assert_eq!((scanned.files, scanned.gone, scanned.offline, place.models().len()), (0, 0, 1, 0));
    let warnings = listener.warnings.lock().unwrap();
    assert!(warnings.len() == 1 && warnings[0].contains("a.safetensors"), "{warnings:?}");
    assert_eq!(rows(&place), 1);
    fs::remove_file(&file).unwrap();
    fs::rename(place.root("kept"), &file).unwrap();
    place.scan();
    assert!(place.model().sha256.is_some(), "it is what it was");
}

#[test]
fn a_name_that_is_no_text_is_told_of_and_left_out() {
    let mut place = Place::new();
    place.put("models/loras/b.safetensors", b"2");
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9.safetensors");
    fs::write(place.root("models/loras").join(name), b"x").unwrap();
    let listener = Listener::default();
    let roots = place.roots();
    assert_eq!(scan(&mut place.index, &roots, &listener).unwrap().files, 1);
    let warnings = listener.warnings.lock().unwrap();
    assert!(warnings.len() == 1 && warnings[0].contains("caf"), "{warnings:?}");
}

#[test]
fn other_bytes_under_the_same_size_and_time_are_noticed() {
    let mut place = Place::new();
    let file = place.put("models/checkpoints/a.safetensors", b"one");
    place.scan();
    place.measure("checkpoints/a.safetensors");
    let before = place.model();
    let modified = file.metadata().unwrap().modified().unwrap();
    fs::write(&file, b"two").unwrap();
    File::options().write(true).open(&file).unwrap().set_modified(modified).unwrap();
    assert_eq!(place.scan().measured, 1);
    let after = place.model();
    assert_ne!((after.id, after.sha256), (before.id, before.sha256));
}

#[test]
fn a_second_name_or_another_mount_costs_a_sample_and_no_measurement() {
    let mut place = Place::new();
    let file = place.put("models/checkpoints/a.safetensors", b"one");
    place.scan();
    place.measure("checkpoints/a.safetensors");
    let before = place.model();
    fs::hard_link(&file, place.root("elsewhere")).unwrap();
    assert_eq!(place.scan().measured, 1, "the inode changed");
    assert_eq!(place.model(), before);
    assert_eq!(place.scan().measured, 0);
    let database = Connection::open(place.workspace.cache("models.db")).unwrap();
    database.execute("UPDATE model_locations SET device = device + 1", []).unwrap();
    assert_eq!(place.scan().measured, 1);
    assert_eq!(place.model(), before);
    let device =
        place.index.locations(&Root::folder(place.root("models"))).unwrap()["checkpoints/a.safetensors"].stamp.device;
    assert_eq!(device, file.metadata().unwrap().dev());
    // Another file of the same size, time and samples is another file.
    let modified = file.metadata().unwrap().modified().unwrap();
    let copy = place.put("models/checkpoints/copy", b"one");
    File::options().write(true).open(&copy).unwrap().set_modified(modified).unwrap();
    fs::rename(&copy, &file).unwrap();
    place.scan();
    assert_eq!(place.model().sha256, None, "it has to be measured");
}

#[test]
fn a_folder_linked_into_two_categories_is_seen_in_both() {
    let mut place = Place::new();
    place.put("shared/a.safetensors", b"1");
    for category in ["checkpoints", "loras"] {
        fs::create_dir_all(place.root("models")).unwrap();
        symlink(place.root("shared"), place.root("models").join(category)).unwrap();
    }
    place.scan();
    assert_eq!(place.model().places.len(), 2);
}

#[test]
fn a_configurations_drive_that_is_away_is_told_of_and_its_models_are_shown_as_offline() {
    let mut place = Place::new();
    let file = place.put("drive/SD/x.safetensors", b"1");
    place.put("models/loras/b.safetensors", b"2");
    let top = place.root("");
    let yaml = place.put(
        "paths.yaml",
        format!("g:\n  base_path: {}\n  checkpoints: drive/SD\n  vae: never/made\n", top.display()).as_bytes(),
    );
    place.workspace.settings.extra_model_paths.push(yaml.clone());
    place.workspace.save().unwrap();
    assert_eq!(place.scan().files, 2);
    let told = |place: &mut Place| {
        let listener = Listener::default();
        let roots = place.roots();
        scan(&mut place.index, &roots, &listener).unwrap();
        listener.warnings.into_inner().unwrap()
    };
    assert_eq!(told(&mut place), [""; 0], "a folder that was never there is nobody's loss");
    fs::rename(place.root("drive"), place.root("away")).unwrap();
    let warnings = told(&mut place);
    assert!(warnings.len() == 1 && warnings[0].contains("drive/SD"), "{warnings:?}");
    let context = Context { reporter: &Silent, network: Network { offline: true, ..Network::default() } };
    assert_eq!(models::list(&place.workspace, &context).unwrap().len(), 1);
    let away = models::offline(&place.workspace).unwrap();
    assert_eq!((away.len(), &away[0].offline), (1, &vec![file]));
    let found = models::find(&place.workspace, "x.safetensors", &context).unwrap();
    assert_eq!((found.model.id, found.paths.len()), (away[0].model.id, 0));

    fs::rename(place.root("away"), place.root("drive")).unwrap();
    fs::remove_file(&yaml).unwrap();
    let warnings = told(&mut place);
    assert!(warnings.len() == 1 && warnings[0].contains("paths.yaml"), "{warnings:?}");
    let waste = models::find_waste(&place.workspace, models::Also::default(), &context).unwrap();
    assert!(waste.is_empty(), "nobody knows what it named: {waste:?}");
}
