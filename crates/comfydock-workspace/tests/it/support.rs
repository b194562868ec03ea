//! A workspace with models folders, and what is told while it works.

use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use comfydock_core::plan::library::KnownModel;
use comfydock_store::hash;
use comfydock_workspace::models::index::Index;
use comfydock_workspace::models::roots::{Root, Roots};
use comfydock_workspace::models::scan::{self, Scan, Unmeasured};
use comfydock_workspace::reporter::{Event, Reporter, Silent};
use comfydock_workspace::workspace::Workspace;

/// Collects warnings and counts bytes.
#[derive(Default)]
pub(crate) struct Listener {
    pub(crate) warnings: Mutex<Vec<String>>,
    pub(crate) notes: Mutex<Vec<String>>,
    pub(crate) bytes: Mutex<u64>,
}

impl Reporter for Listener {
    fn report(&self, event: Event) {
        match event {
            Event::Warning(text) => self.warnings.lock().unwrap().push(text),
            Event::Note(text) => self.notes.lock().unwrap().push(text),
            Event::Bytes { count, .. } => *self.bytes.lock().unwrap() += count,
            _ => {}
        }
    }
}

/// A workspace whose models lie in `models` and `more`.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    pub(crate) workspace: Workspace,
    pub(crate) index: Index,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let roots = ["models", "more"].map(|name| folder.path().join(name));
        roots.iter().for_each(|root| fs::create_dir(root).unwrap());
        let mut workspace = Workspace::init(&folder.path().join("workspace"), &roots).unwrap();
        // What the person who runs the tests has is not looked at.
        workspace.huggingface_cache = None;
        let index = Index::open(&workspace).unwrap();
        Self { folder, workspace, index }
    }

    pub(crate) fn root(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn roots(&self) -> Roots {
        Roots::of(&self.workspace, None).unwrap()
    }

    /// Puts a file somewhere below the folder, as `models/checkpoints/x.safetensors`.
    pub(crate) fn put(&self, path: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Puts a large file that differs from its siblings only where the quick hash does not look.
    pub(crate) fn put_twin(&self, path: &str, byte: u8) -> PathBuf {
        const MIB: u64 = 1024 * 1024;
        let path = self.put(path, b"");
        let mut file = File::create(&path).unwrap();
        file.set_len(16 * MIB).unwrap();
        file.seek(SeekFrom::Start(5 * MIB + MIB / 4)).unwrap();
        file.write_all(&[byte]).unwrap();
        path
    }

    pub(crate) fn scan(&mut self) -> Scan {
        let roots = self.roots();
        scan::scan(&mut self.index, &roots, &Silent).unwrap()
    }

    pub(crate) fn models(&self) -> Vec<KnownModel> {
        self.index.models(&self.roots()).unwrap()
    }

    /// The only model there is.
    pub(crate) fn model(&self) -> KnownModel {
        let models = self.models();
        assert_eq!(models.len(), 1, "{models:?}");
        models[0].clone()
    }

    /// Measures a file of `models` in full.
    pub(crate) fn measure(&mut self, relative_path: &str) {
        let root = self.root("models");
        let size = root.join(relative_path).metadata().unwrap().len();
        let file = Unmeasured { root: Root::folder(root), relative_path: relative_path.to_owned(), size };
        scan::measure(&mut self.index, &[file], &Silent).unwrap();
    }
}

pub(crate) fn sha256(path: &Path) -> String {
    hash::full(path, |_| {}).unwrap().0.sha256.to_string()
}

/// Waits until it is so.
pub(crate) fn wait_for(what: &str, check: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while !check() {
        assert!(std::time::Instant::now() < deadline, "waited too long for {what}");
        std::thread::yield_now();
    }
}
