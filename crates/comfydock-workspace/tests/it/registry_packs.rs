//! Packs of the registry: fetched, kept, copied, compared.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use comfydock_core::digest::Sha256;
use comfydock_core::hint::Hint as _;
use comfydock_store::hash;
use comfydock_workspace::Error;
use comfydock_workspace::packs::{Changes, Store, Stored, Wanted};

use crate::pack_zip::{self, Entry};
use crate::registry_ask::{World, id, version};
use crate::site::Reply;

impl World {
    pub(crate) fn store(&self) -> Store {
        Store::open(&self.place.workspace)
    }

    pub(crate) fn fetch(&self, wanted: &str, expected: Option<&Sha256>) -> Result<Stored, Error> {
        self.store().fetch(&self.client(false), &id("comfyui-pack"), version(wanted), expected)
    }

    /// What lies in the store, but for locks.
    pub(crate) fn kept(&self) -> Vec<String> {
        let folder = self.place.workspace.cache("custom_nodes").join("store");
        let mut names: Vec<String> = fs::read_dir(folder)
            .map(|listed| listed.flatten().map(|entry| entry.file_name().into_string().unwrap()).collect())
            .unwrap_or_default();
        names.sort();
        names
    }
}

pub(crate) fn told(error: &Error) -> String {
    format!("{error} | {}", error.hint().unwrap_or_default())
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().flatten().map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_pack_comes_once_and_is_kept() {
    let world = World::new();
    world.registry.change_newest("comfyui-pack", |newest| newest.dependencies = vec!["piexif".to_owned()]);
    let stored = world.fetch("1.2", None).unwrap();
    assert_eq!(world.calls(), [1, 1, 0, 0, 0, 1], "the pack, the installation, the zip");
    assert_eq!((stored.id().as_str(), stored.version().to_string().as_str()), ("comfyui-pack", "1.2.0"));
    assert_eq!(stored.dependencies(), ["piexif"]);
    let paths: Vec<&str> = stored.files().iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["__init__.py", "web/a b.js"]);
    assert_eq!(fs::read(stored.content().join("web/a b.js")).unwrap(), b"x");
    let again = world.fetch("1.2.0", Some(stored.sha256())).unwrap();
    assert_eq!(again.content(), stored.content());
    assert_eq!(world.calls(), [1, 1, 0, 0, 0, 1], "nobody was asked again");
    assert_eq!(world.kept(), [format!("comfyui-pack@1.2.0-{}", stored.sha256().short(16))]);
    let found = |wanted| world.store().find(&id("ComfyUI-Pack"), version("1.2.0"), wanted).unwrap().is_some();
    assert!(found(None) && found(Some(stored.sha256())));
    assert!(!found(Some(&hash::of_bytes(b"other").sha256)));
    // What is there needs no registry.
    let offline = world.client(true);
    world.store().fetch(&offline, &id("comfyui-pack"), version("1.2.0"), None).unwrap();
    let error = world.store().fetch(&offline, &id("comfyui-pack"), version("1.0.0"), None).unwrap_err();
    assert!(told(&error).contains("without --offline"), "{}", told(&error));
    world.store().discard(stored).unwrap();
    assert_eq!(world.kept(), Vec::<String>::new());
}

#[test]
fn a_copy_is_a_pack_as_the_manager_knows_it() {
    let world = World::new();
    let mut script = Entry::file("run.sh", b"#!/bin/sh\n");
    script.mode = 0o104_755;
    let zip = pack_zip::write(&[
        Entry::file("__init__.py", b""),
        script,
        Entry { mode: 0o040_755, ..Entry::file("empty/", b"") },
        Entry::file("sub/x.py", b"x = 1\n"),
        Entry::file(".tracking", b"lies\n"),
    ]);
    world.registry.publish_zip("comfyui-pack", "2.0.0", zip);
    let stored = world.fetch("2.0.0", None).unwrap();
    let target = world.place.root("env/custom_nodes/comfyui-pack");
    world.store().copy_into(&stored, &target).unwrap();
    assert_eq!(fs::read_to_string(target.join(".tracking")).unwrap(), "__init__.py\nrun.sh\nsub/x.py");
    assert_eq!(names(&target), [".tracking", "__init__.py", "run.sh", "sub"]);
    let mode = |name: &str| target.join(name).metadata().unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode("run.sh") & 0o7100, mode("__init__.py") & 0o111), (0o100, 0), "it may be run and nothing more");
    let links = |path: &Path| std::os::unix::fs::MetadataExt::nlink(&path.metadata().unwrap());
    assert_eq!(links(&target.join("sub/x.py")), 1, "what a pack writes into itself stays there");
    assert_eq!(Store::verify(&target, &stored).unwrap(), Changes::default());

    fs::write(target.join("sub/x.py"), "x = 2\n").unwrap();
    fs::remove_file(target.join("run.sh")).unwrap();
    fs::remove_file(target.join("__init__.py")).unwrap();
    std::os::unix::fs::symlink("/dev/null", target.join("__init__.py")).unwrap();
    fs::create_dir_all(target.join("models/__pycache__")).unwrap();
    fs::write(target.join("models/a.bin"), "a").unwrap();
    fs::write(target.join("models/__pycache__/x.pyc"), "a").unwrap();
    std::os::unix::fs::symlink("/etc", target.join("out")).unwrap();
    let changes = Store::verify(&target, &stored).unwrap();
    assert_eq!(changes.modified, ["__init__.py", "sub/x.py"]);
    assert_eq!(changes.missing, ["run.sh"]);
    assert_eq!(changes.added, ["models/a.bin", "out"], "a link is not followed");
    assert_eq!(fs::read(stored.content().join("sub/x.py")).unwrap(), b"x = 1\n", "the kept one is as it was");
    assert!(world.store().copy_into(&stored, &target).is_err(), "nothing is written over");
}

#[test]
fn a_kept_pack_that_was_damaged_is_not_copied() {
    for damage in [
        (|file: &Path| fs::write(file, "y").unwrap()) as fn(&Path),
        |file| fs::remove_file(file).unwrap(),
        |file| {
            fs::remove_file(file).unwrap();
            std::os::unix::fs::symlink("/etc/hostname", file).unwrap();
        },
    ] {
        let world = World::new();
        let stored = world.fetch("1.2.0", None).unwrap();
        damage(&stored.content().join("web/a b.js"));
        let error = world.store().copy_into(&stored, &world.place.root("pack")).unwrap_err();
        assert!(told(&error).contains("damaged: web/a b.js | remove `"), "{}", told(&error));
    }
}

#[test]
fn an_entry_that_cannot_be_trusted_is_as_good_as_absent() {
    let world = World::new();
    let stored = world.fetch("1.2.0", None).unwrap();
    let path = stored.content().parent().unwrap().join("metadata.json");
    let text = fs::read_to_string(&path).unwrap();
    for bad in [String::new(), text.replace("web/a b.js", "../../x"), text.replace("\"schema\": 1", "\"schema\": 2")] {
        fs::write(&path, bad).unwrap();
        assert!(world.store().find(&id("comfyui-pack"), version("1.2.0"), None).unwrap().is_none());
    }
    world.fetch("1.2.0", Some(stored.sha256())).unwrap();
    assert_eq!(world.registry.calls("zip"), 2, "it was fetched anew, to the same place");
    assert_eq!(world.kept().len(), 1);
}

#[test]
fn other_bytes_than_were_recorded_are_refused() {
    let world = World::new();
    let first = world.fetch("1.0.0", None).unwrap();
    world.registry.publish_files("comfyui-pack", "1.0.0", &[("__init__.py", b"import evil\n")]);
    world.store().discard(first.clone()).unwrap();
    let error = world.fetch("1.0.0", Some(first.sha256())).unwrap_err();
    assert!(told(&error).contains("now serves other bytes for comfyui-pack 1.0.0"), "{}", told(&error));
    assert!(told(&error).contains(first.sha256().short(12)), "{}", told(&error));
    assert_eq!(world.kept(), Vec::<String>::new());
    assert_ne!(world.fetch("1.0.0", None).unwrap().sha256(), first.sha256(), "whoever recorded nothing takes them");
}

#[test]
fn the_registrys_word_counts_before_a_zip_is_fetched() {
    type Change = fn(&mut crate::registry::Pack);
    fn newest(pack: &mut crate::registry::Pack) -> &mut crate::registry::Release {
        pack.versions.last_mut().unwrap()
    }
    let refused: [(Change, &str); 4] = [
        (|pack| newest(pack).status = "NodeVersionStatusBanned", "has banned this version"),
        (|pack| newest(pack).status = "NodeVersionStatusDeleted", "deleted this version"),
        (|pack| pack.status = Some("NodeStatusDeleted"), "deleted it from the registry"),
        (|pack| pack.status = Some("NodeStatusBanned"), "is banned"),
    ];
    for (change, words) in refused {
        let world = World::new();
        world.registry.change("comfyui-pack", change);
        let error = world.fetch("1.2.0", None).unwrap_err();
        assert!(told(&error).contains(words), "{words}: {}", told(&error));
        assert_eq!((world.registry.calls("zip"), world.kept().len()), (0, 0), "{words}");
    }
    let warned: [(Change, &str); 3] = [
        (
            |pack| newest(pack).status = "NodeVersionStatusFlagged",
            "comfyui-pack 1.2.0: the registry's scan found something",
        ),
        (|pack| newest(pack).status = "NodeVersionStatusPending", "has not scanned this version"),
        (|pack| newest(pack).deprecated = true, "deprecated"),
    ];
    for (change, words) in warned {
        let world = World::new();
        world.registry.change("comfyui-pack", |pack| {
            change(pack);
            newest(pack).status_reason = "because\nof this";
        });
        world.fetch("1.2.0", None).unwrap();
        let said = world.said();
        assert!(said.len() == 1 && said[0].contains(words) && said[0].contains("(because of this)"), "{said:?}");
    }
}

#[test]
fn an_answer_for_another_pack_is_none() {
    let world = World::new();
    for text in [r#"{"node_id":"other","version":"1.2.0"}"#, r#"{"node_id":"comfyui-pack","version":"1.3.0"}"#, "{}"] {
        world.registry.mood("install", Reply::new(200).body("application/json", text), 1);
        let error = world.fetch("1.2.0", None).unwrap_err();
        assert!(told(&error).contains("asked for comfyui-pack 1.2.0 and answered for"), "{}", told(&error));
    }
    assert_eq!((world.registry.calls("zip"), world.kept().len()), (0, 0));
}

#[test]
fn a_zip_that_breaks_off_is_fetched_again_and_never_kept_by_half() {
    let world = World::new();
    world.registry.cut_zips(40, 2);
    world.fetch("1.2.0", None).unwrap();
    assert_eq!((world.registry.calls("install"), world.registry.calls("zip")), (1, 3));
    let world = World::new();
    world.registry.cut_zips(40, usize::MAX);
    let error = world.fetch("1.2.0", None).unwrap_err();
    assert!(
        told(&error).contains("zip of comfyui-pack 1.2.0") && told(&error).contains("broke off"),
        "{}",
        told(&error)
    );
    assert_eq!((world.registry.calls("zip"), world.kept().len()), (4, 0));
    for (reply, words) in [
        (Reply::new(403).body("application/xml", "<Error/>"), "HTTP status 403"),
        (Reply::new(404), "HTTP status 404"),
        (Reply::new(200).body("text/html", "<!DOCTYPE html>"), "cannot be read"),
        (Reply::new(200).with("Content-Length", "99999999999"), "larger than 1 GiB"),
    ] {
        let world = World::new();
        world.registry.mood("zip", reply, usize::MAX);
        let error = world.fetch("1.2.0", None).unwrap_err();
        assert!(told(&error).contains(words), "{words}: {}", told(&error));
        assert_eq!((world.registry.calls("zip"), world.kept().len()), (1, 0), "{words}");
    }
}

#[test]
fn a_registry_leads_nowhere_but_to_public_places_and_its_own() {
    for (url, words) in [
        ("http://192.168.1.1/node.zip", "not https"),
        ("https://10.0.0.1/node.zip", "not on the public network"),
        ("file:///etc/passwd", "no host"),
        ("", "no usable address"),
    ] {
        let world = World::new();
        world.registry.change_newest("comfyui-pack", |newest| newest.download_url = Some(url.to_owned()));
        let error = world.fetch("1.2.0", None).unwrap_err();
        assert!(told(&error).contains(words), "{url}: {}", told(&error));
        assert_eq!(world.kept().len(), 0, "{url}");
    }
}

#[test]
fn what_a_killed_process_left_is_swept() {
    let world = World::new();
    let left = world.place.workspace.cache("custom_nodes/store/.part-comfyui-pack@1.2.0/content");
    fs::create_dir_all(&left).unwrap();
    fs::write(left.join("half.py"), "x").unwrap();
    let stored = world.fetch("1.2.0", None).unwrap();
    assert_eq!(world.kept().len(), 1);
    assert!(!stored.content().join("half.py").exists());
}

#[test]
fn several_at_once_and_the_same_one_only_once() {
    let world = World::new();
    let mut wanted = Vec::new();
    for number in 0..6 {
        let pack = format!("pack-{number}");
        world.registry.publish_files(&pack, "1.0.0", &[("__init__.py", pack.as_bytes())]);
        let one = Wanted { id: id(&pack), version: version("1.0.0"), expected_sha256: None };
        wanted.extend([one.clone(), one]);
    }
    let stored = world.store().fetch_all(&world.client(false), &wanted).unwrap();
    let ids: Vec<&str> = stored.iter().map(|one| one.id().as_str()).collect();
    let expected: Vec<String> = (0..12).map(|number| format!("pack-{}", number / 2)).collect();
    assert_eq!(ids, expected, "in the order they were asked for");
    assert_eq!((world.registry.calls("install"), world.registry.calls("zip"), world.kept().len()), (6, 6, 6));

    wanted.truncate(2);
    wanted.push(Wanted { id: id("nope"), version: version("1.0.0"), expected_sha256: None });
    let error = world.store().fetch_all(&world.client(false), &wanted).unwrap_err();
    assert!(told(&error).contains("no node pack `nope`"), "{}", told(&error));
    wanted.push(Wanted { id: id("nor-this"), version: version("1.0.0"), expected_sha256: None });
    let error = world.store().fetch_all(&world.client(false), &wanted).unwrap_err();
    assert_eq!(error.to_string(), "2 of 4 node packs cannot be had");
    assert!(error.details()[1].starts_with("nor-this: ") && error.details()[1].contains("check the spelling"));
}
