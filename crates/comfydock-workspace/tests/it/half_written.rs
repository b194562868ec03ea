//! ComfyUI writes workflows in place, so half of one can be read.

use std::fs;
use std::mem::MaybeUninit;

use comfydock_workspace::observe::read_steadily;
use rustix::fs::inotify;

#[test]
fn a_workflow_that_is_being_saved_is_read_once_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.json");
    let whole = r#"{"nodes":[{"id":1,"type":"Note"}]}"#;
    fs::write(&path, &whole[..20]).unwrap();
    // Whoever saves goes on as soon as the first half was read.
    let watch = inotify::init(inotify::CreateFlags::CLOEXEC).unwrap();
    inotify::add_watch(&watch, &path, inotify::WatchFlags::CLOSE_NOWRITE).unwrap();
    let saving = std::thread::spawn({
        let path = path.clone();
        move || {
            let mut buffer = [MaybeUninit::uninit(); 4096];
            inotify::Reader::new(&watch, &mut buffer).next().unwrap();
            fs::write(path, whole).unwrap();
        }
    });
    assert_eq!(read_steadily(&path).unwrap(), whole);
    saving.join().unwrap();
}

#[test]
fn what_stays_cut_off_is_returned_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.json");
    fs::write(&path, r#"{"nodes":["#).unwrap();
    assert_eq!(read_steadily(&path).unwrap(), r#"{"nodes":["#);
}
