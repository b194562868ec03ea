use std::fs::File;
use std::time::{Duration, SystemTime};

use super::*;

/// A venv, and a folder that stands for uv's cache.
struct Venv(tempfile::TempDir);

impl Venv {
    fn new() -> Self {
        let venv = Self(tempfile::tempdir().unwrap());
        fs::create_dir_all(venv.site()).unwrap();
        fs::create_dir_all(venv.cache()).unwrap();
        venv
    }

    fn root(&self) -> PathBuf {
        self.0.path().join("venv")
    }

    fn site(&self) -> PathBuf {
        self.root().join("lib/python3.11/site-packages")
    }

    fn cache(&self) -> PathBuf {
        self.0.path().join("cache")
    }

    /// Installs as uv does: files are links into the cache, the record is written last.
    fn install(&self, name: &str, files: &[(&str, &str)]) {
        let mut record = String::new();
        for (path, text) in files {
            let cached = self.cache().join(format!("{name}-{}", path.replace('/', "-")));
            fs::write(&cached, text).unwrap();
            let target = self.site().join(path);
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            let _ = fs::remove_file(&target);
            fs::hard_link(&cached, &target).unwrap();
            record.push_str(&format!("{path},{},{}\n", encoded(text), text.len()));
        }
        let info = format!("{name}-1.0.dist-info");
        record.push_str(&format!("{name}/__pycache__/x.pyc,,\n{info}/RECORD,,\n"));
        fs::create_dir_all(self.site().join(&info)).unwrap();
        fs::write(self.site().join(&info).join("RECORD"), record).unwrap();
        self.age(name, 60);
    }

    /// Sets the time of a package's record to so many seconds ago, and of its files to before that.
    fn age(&self, name: &str, seconds: u64) {
        let then = SystemTime::now() - Duration::from_secs(seconds);
        for entry in fs::read_dir(self.cache()).unwrap().flatten() {
            let file = File::options().write(true).open(entry.path()).unwrap();
            file.set_modified(then - Duration::from_secs(seconds)).unwrap();
        }
        let record = self.site().join(format!("{name}-1.0.dist-info/RECORD"));
        File::options().write(true).open(record).unwrap().set_modified(then).unwrap();
    }

    fn read(&self) -> Installed {
        Installed::read(&self.root()).unwrap()
    }

    fn changed(&self, depth: Depth) -> Vec<Damage> {
        self.read().suspects(depth).changed(|_| {}).unwrap()
    }
}

fn encoded(text: &str) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digest = hash::of_bytes(text.as_bytes()).sha256;
    let bits: String = digest
        .as_str()
        .chars()
        .map(|digit| format!("{:04b}", digit.to_digit(16).unwrap()))
        .chain(["00".to_owned()])
        .collect();
    let sixes: Vec<String> = bits.chars().collect::<Vec<_>>().chunks(6).map(|six| six.iter().collect()).collect();
    let digits: Vec<u8> = sixes.iter().map(|six| DIGITS[usize::from_str_radix(six, 2).unwrap()]).collect();
    format!("sha256={}", String::from_utf8(digits).unwrap())
}

fn fault(path: &str, kind: FaultKind, shared: bool) -> Fault {
    Fault { path: path.to_owned(), kind, shared }
}

#[test]
fn a_whole_venv_has_nothing() {
    let venv = Venv::new();
    venv.install("one", &[("one/__init__.py", "1"), ("../../../bin/one", "#!")]);
    assert_eq!(damage(&venv.root()).unwrap(), []);
    assert_eq!(venv.changed(Depth::Whole), []);
    assert_eq!(venv.read().count(), 1);
}

#[test]
fn files_that_are_gone_or_have_another_size_are_named() {
    let venv = Venv::new();
    venv.install("one", &[("one/__init__.py", "1"), ("one/more.py", "more")]);
    venv.install("two", &[("two/__init__.py", "22")]);
    venv.install("whole", &[("whole.py", "w")]);
    fs::remove_file(venv.site().join("one/__init__.py")).unwrap();
    fs::remove_file(venv.site().join("two/__init__.py")).unwrap();
    fs::write(venv.site().join("two/__init__.py"), "longer").unwrap();
    let found = damage(&venv.root()).unwrap();
    assert_eq!(found[0].faults, [fault("one/__init__.py", FaultKind::Missing, false)]);
    assert_eq!(found[1].faults, [fault("two/__init__.py", FaultKind::Size { expected: 2, found: 6 }, false)]);
    let names: Vec<&str> = found.iter().map(|damage| damage.package.as_str()).collect();
    assert_eq!(names, ["one", "two"]);
    // An install that was killed may lack its record.
    fs::remove_file(venv.site().join("whole-1.0.dist-info/RECORD")).unwrap();
    assert_eq!(damage(&venv.root()).unwrap()[2].package, "whole");
}

#[test]
fn what_was_written_into_is_found_and_told_to_be_shared() {
    let venv = Venv::new();
    venv.install("linked", &[("linked.py", "original"), ("other.py", "untouched")]);
    venv.install("alone", &[("alone.py", "original")]);
    assert_eq!(venv.read().suspects(Depth::Touched).bytes(), 0);
    fs::write(venv.site().join("linked.py"), "poisoned").unwrap();
    fs::remove_file(venv.site().join("alone.py")).unwrap();
    fs::write(venv.site().join("alone.py"), "patched!").unwrap();
    assert_eq!(damage(&venv.root()).unwrap(), [], "the sizes are right");
    let found = venv.changed(Depth::Touched);
    assert_eq!(found[0].faults, [fault("alone.py", FaultKind::Content, false)]);
    assert_eq!(found[1].faults, [fault("linked.py", FaultKind::Content, true)]);
    assert!(found[1].is_shared() && !found[0].is_shared());
    assert_eq!(venv.read().suspects(Depth::Touched).bytes(), 16);
    // What was poisoned before it was installed here shows only to who reads everything.
    venv.age("linked", 30);
    venv.age("alone", 30);
    let names = |found: Vec<Damage>| found.into_iter().map(|damage| damage.package).collect::<Vec<_>>();
    assert_eq!(names(venv.changed(Depth::Touched)), ["alone"]);
    assert_eq!(names(venv.changed(Depth::Whole)), ["alone", "linked"]);
}

#[test]
fn the_last_of_two_packages_with_one_file_is_no_damage() {
    let venv = Venv::new();
    venv.install("first", &[("shared/__init__.py", "first")]);
    venv.install("second", &[("shared/__init__.py", "the second")]);
    assert_eq!(damage(&venv.root()).unwrap(), []);
    assert_eq!(venv.changed(Depth::Whole), []);
    fs::write(venv.site().join("shared/__init__.py"), "of neither of them").unwrap();
    assert_eq!(damage(&venv.root()).unwrap().len(), 2);
}
