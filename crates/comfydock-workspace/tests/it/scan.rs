//! Looking through models folders.

use std::collections::HashSet;
use std::fs::{self, File};
use std::mem::MaybeUninit;
use std::os::unix::fs::symlink;
use std::sync::{Condvar, Mutex};
use std::thread::ThreadId;
use std::time::Duration;

use comfydock_workspace::models::index::Index;
use comfydock_workspace::models::roots::{Root, offline};
use comfydock_workspace::models::scan::{Scan, Unmeasured, measure, scan};

use comfydock_workspace::reporter::{Event, Reporter};
use rustix::fs::inotify;

use crate::support::{Listener, Place};

#[test]
fn a_rescan_is_a_stat_for_every_file() {
    let mut place = Place::new();
    let file = place.put("models/checkpoints/a.safetensors", b"one");
    place.put("more/loras/b.safetensors", b"22");
    assert_eq!(place.scan(), Scan { files: 2, bytes: 5, measured: 2, gone: 0, offline: 0 });
    let before = place.models();
    let modified = file.metadata().unwrap().modified().unwrap();
    let watch = inotify::init(inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC).unwrap();
    for folder in ["models/checkpoints", "more/loras"] {
        inotify::add_watch(&watch, place.root(folder), inotify::WatchFlags::OPEN).unwrap();
    }
    let opened = || {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(&watch, &mut buffer);
        let mut files = 0;
        while let Ok(event) = events.next() {
            // Folders are listed; their files are not opened.
            files += usize::from(!event.events().contains(inotify::ReadFlags::ISDIR));
        }
        files
    };
    let rescan = place.scan();
    assert_eq!(rescan, Scan { files: 2, bytes: 5, measured: 0, gone: 0, offline: 0 });
    assert_eq!((place.models(), opened()), (before, 0));
    fs::read(&file).unwrap();
    assert_eq!(opened(), 1, "an open file would have been noticed");

    let later = modified + std::time::Duration::from_nanos(1);
    File::options().write(true).open(&file).unwrap().set_modified(later).unwrap();
    assert_eq!(place.scan().measured, 1, "a nanosecond is enough");
}

#[test]
fn a_moved_file_is_read_again_and_a_removed_one_forgotten() {
    let mut place = Place::new();
    let file = place.put("models/checkpoints/a.safetensors", b"x");
    place.scan();
    fs::rename(&file, place.root("models/checkpoints/b.safetensors")).unwrap();
    assert_eq!(place.scan(), Scan { files: 1, bytes: 1, measured: 1, gone: 1, offline: 0 });
    assert_eq!(place.model().places[0].relative_path, "checkpoints/b.safetensors");
}

#[test]
fn a_folder_that_is_not_mounted_is_offline_not_deleted() {
    let mut place = Place::new();
    place.put("models/checkpoints/a.safetensors", b"1");
    place.put("more/checkpoints/b.safetensors", b"2");
    place.scan();
    let (more, away) = (place.root("more"), place.root("away"));
    fs::rename(&more, &away).unwrap();
    assert_eq!(offline(&place.workspace), std::slice::from_ref(&more));
    assert_eq!(place.roots().iter().map(Root::path).collect::<Vec<_>>(), [place.root("models")]);
    assert_eq!(place.scan().gone, 0);
    assert_eq!(place.models().len(), 1, "what is offline is not offered");
    assert_eq!(place.index.locations(&Root::folder(&more)).unwrap().len(), 1);

    fs::rename(&away, &more).unwrap();
    assert_eq!(place.scan(), Scan { files: 2, bytes: 2, measured: 0, gone: 0, offline: 0 });
    assert_eq!((place.models().len(), offline(&place.workspace).len()), (2, 0));
}

#[test]
fn only_model_files_in_a_categorys_folder_count() {
    let mut place = Place::new();
    for path in [
        "x.safetensors",
        "checkpoints/readme.txt",
        "checkpoints/.hidden.safetensors",
        "checkpoints/.a.safetensors.0123.part",
        ".cache/x.safetensors",
        "checkpoints/.safetensors",
        "con/x.safetensors",
    ] {
        place.put(&format!("models/{path}"), b"x");
    }
    for path in ["checkpoints/a.SAFETENSORS", "loras/sub dir/ü/b.pt", "my_own/c.gguf"] {
        place.put(&format!("models/{path}"), b"x");
    }
    assert_eq!(place.scan().files, 3, "{:?}", place.models());
}

#[test]
fn links_are_followed_as_comfyui_does_and_never_in_a_circle() {
    let mut place = Place::new();
    place.put("shared/deep/a.safetensors", b"1");
    place.put("models/checkpoints/b.safetensors", b"2");
    let checkpoints = place.root("models/checkpoints");
    symlink(place.root("shared"), checkpoints.join("shared")).unwrap();
    symlink(place.root("models"), checkpoints.join("circle")).unwrap();
    symlink("nowhere.safetensors", checkpoints.join("dangling.safetensors")).unwrap();
    fs::create_dir(checkpoints.join("folder.safetensors")).unwrap();
    assert_eq!(place.scan().files, 2);
    let mut names: Vec<String> =
        place.models().into_iter().map(|model| model.places[0].relative_path.clone()).collect();
    names.sort();
    assert_eq!(names, ["checkpoints/b.safetensors", "checkpoints/shared/deep/a.safetensors"]);
}

/// Keeps every reader until as many have come as are wanted.
#[derive(Default)]
struct Meeting {
    wanted: usize,
    came: Mutex<(HashSet<ThreadId>, u64)>,
    all: Condvar,
}

impl Reporter for Meeting {
    fn report(&self, event: Event) {
        let Event::Bytes { count, .. } = event else { return };
        let mut came = self.came.lock().unwrap();
        came.0.insert(std::thread::current().id());
        came.1 += count;
        self.all.notify_all();
        // A reader that is alone gives up, and the test fails.
        let waiting = self.all.wait_timeout_while(came, Duration::from_secs(20), |came| came.0.len() < self.wanted);
        drop(waiting.unwrap());
    }
}

#[test]
fn many_files_are_measured_side_by_side() {
    let mut place = Place::new();
    let files: Vec<Unmeasured> = (0..40_u8)
        .map(|number| {
            place.put(&format!("models/loras/{number}.safetensors"), &[number; 100]);
            Unmeasured {
                root: Root::folder(place.root("models")),
                relative_path: format!("loras/{number}.safetensors"),
                size: 100,
            }
        })
        .collect();
    place.scan();
    let several = std::thread::available_parallelism().is_ok_and(|count| count.get() > 1);
    let meeting = Meeting { wanted: if several { 2 } else { 1 }, ..Meeting::default() };
    measure(&mut place.index, &files, &meeting).unwrap();
    let came = meeting.came.lock().unwrap();
    assert!(came.0.len() >= meeting.wanted, "{} read at the same time", came.0.len());
    assert_eq!(came.1, 4000);
    assert!(place.models().iter().all(|model| model.sha256.is_some() && model.blake3.is_some()));
    assert_eq!(place.scan().measured, 0, "measuring keeps the stamp");
}

#[test]
fn a_file_that_cannot_be_measured_does_not_keep_the_others_from_it() {
    let mut place = Place::new();
    for name in ["a", "z"] {
        place.put(&format!("models/loras/{name}.safetensors"), name.as_bytes());
    }
    place.scan();
    let at = |name: &str| Unmeasured {
        root: Root::folder(place.root("models")),
        relative_path: format!("loras/{name}"),
        size: 1,
    };
    // A file of the kernel's says it has a page and ends before: whoever reads its samples fails.
    symlink("/sys/kernel/uevent_seqnum", place.root("models/loras/odd.safetensors")).unwrap();
    let files = ["a.safetensors", "gone.safetensors", "odd.safetensors", "z.safetensors"].map(at);
    let listener = Listener::default();
    assert_eq!(measure(&mut place.index, &files, &listener).unwrap(), 2);
    let warnings = listener.warnings.lock().unwrap();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    for name in ["gone.safetensors", "odd.safetensors"] {
        assert!(
            warnings.iter().any(|warning| warning.contains(name) && warning.contains("not measured")),
            "{warnings:?}"
        );
    }
    assert!(place.models().iter().all(|model| model.sha256.is_some()));
}

#[test]
fn a_large_library_is_scanned_again_without_a_write() {
    const FILES: usize = 5_000;
    let mut place = Place::new();
    for folder in 0..20 {
        fs::create_dir_all(place.root(&format!("models/loras/{folder}"))).unwrap();
    }
    for number in 0..FILES {
        fs::write(place.root(&format!("models/loras/{}/{number}.safetensors", number % 20)), number.to_string())
            .unwrap();
    }
    let first = place.scan();
    assert_eq!((first.files, first.measured), (FILES, FILES));
    let database = rusqlite::Connection::open(place.workspace.cache("models.db")).unwrap();
    let version = || database.query_row("PRAGMA data_version", [], |row| row.get::<_, i64>(0)).unwrap();
    let before = version();
    assert_eq!(place.scan(), Scan { measured: 0, ..first });
    assert_eq!(version(), before, "nothing changed, nothing is written");
    place.put("models/loras/0/new.safetensors", b"new");
    assert_eq!(place.scan().measured, 1);
    assert_ne!(version(), before);
    assert_eq!(place.models().len(), FILES + 1);
}

#[test]
fn several_indexers_work_beside_each_other() {
    const FILES: usize = 2_000;
    let place = Place::new();
    fs::create_dir_all(place.root("models/loras")).unwrap();
    for number in 0..FILES {
        fs::write(place.root(&format!("models/loras/{number}.safetensors")), number.to_string()).unwrap();
    }
    let roots = place.roots();
    std::thread::scope(|scope| {
        let indexers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut index = Index::open(&place.workspace).unwrap();
                    scan(&mut index, &roots, &Listener::default())
                })
            })
            .collect();
        for indexer in indexers {
            assert_eq!(indexer.join().unwrap().unwrap().files, FILES);
        }
    });
    assert_eq!(place.models().len(), FILES);
}

#[test]
fn a_file_that_no_manifest_can_name_is_told_of_with_the_reason() {
    let mut place = Place::new();
    for name in ["a:b.safetensors", "new\nline.safetensors", "back\\slash.safetensors", "q?.safetensors"] {
        place.put(&format!("models/loras/{name}"), b"x");
    }
    place.put("models/loras/CON.safetensors", b"x");
    place.put("models/loras/good.safetensors", b"x");
    place.put("models/beside.safetensors", b"x");
    place.put("more/only.safetensors", b"x");
    let listener = Listener::default();
    let roots = place.roots();
    assert_eq!(scan(&mut place.index, &roots, &listener).unwrap().files, 1);
    let warnings = listener.warnings.lock().unwrap();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(
        warnings[0].contains("5 model files are left out") && warnings[0].contains("Windows keeps"),
        "{warnings:?}"
    );
    assert!(warnings[1].contains("only.safetensors") && warnings[1].contains("start with a category"), "{warnings:?}");
}
