//! What ComfyUI says, kept while it says it.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use comfydock_core::comfyui_log::clean;

use super::secrets::Secrets;
use super::{LARGEST, beside};
use crate::workspace::now;

/// A line that is longer is kept in pieces, in bytes.
const LONGEST: usize = 64 * 1024;

/// The log of a start. Its beginning, where packs are imported, is kept however long ComfyUI runs; of what
/// comes after that the newest part is.
pub(crate) struct Output {
    path: PathBuf,
    secrets: Secrets,
    file: Option<File>,
    written: u64,
}

/// A line that is not complete yet, of one of the streams.
#[derive(Default)]
pub(crate) struct Line(Vec<u8>);

impl Line {
    /// Whether nothing of it has come.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Output {
    /// Begins the log of a start; that of the start before is kept as `….1`.
    pub(crate) fn begin(path: &Path) -> Self {
        let folder = path.parent().and_then(|folder| fs::create_dir_all(folder).ok());
        if path.exists() {
            // Nothing to be done where that fails: the new one matters more.
            let _ = fs::rename(path, beside(path, ".1"));
        }
        let _ = fs::remove_file(beside(path, ".rest"));
        let file = folder.and_then(|()| File::create(path).ok());
        let mut output = Self { path: path.to_owned(), secrets: Secrets::of_surroundings(), file, written: 0 };
        output.put(&format!("# started {} by process {}", now(), std::process::id()));
        output
    }

    /// Takes what came of a stream.
    pub(crate) fn take(&mut self, line: &mut Line, bytes: &[u8]) {
        for byte in bytes {
            if *byte == b'\n' || line.0.len() >= LONGEST {
                self.end(line);
            }
            if *byte != b'\n' {
                line.0.push(*byte);
            }
        }
    }

    /// Ends a line, complete or not.
    pub(crate) fn end(&mut self, line: &mut Line) {
        let text = clean(&String::from_utf8_lossy(&std::mem::take(&mut line.0)));
        self.put(&self.secrets.hide(&text));
    }

    fn put(&mut self, line: &str) {
        if self.written > LARGEST {
            let rest = beside(&self.path, ".rest");
            self.file = File::create(&rest).ok();
            self.written = 0;
        }
        let written = self.file.as_mut().map(|file| writeln!(file, "{line}"));
        if !matches!(written, Some(Ok(()))) {
            self.file = None;
        }
        self.written += line.len() as u64 + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_kept_as_they_were_seen_and_the_beginning_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("comfyui/x.log");
        let read = |path: &Path| fs::read_to_string(path).unwrap();
        let mut output = Output::begin(&path);
        let (mut one, mut other) = (Line::default(), Line::default());
        output.take(&mut one, b"half a li");
        output.take(&mut other, b" 0%|  |\r100%|##|\nwarning\n");
        output.take(&mut one, b"ne\nno end");
        output.end(&mut one);
        let text = read(&path);
        assert!(text.starts_with("# started "), "{text}");
        assert_eq!(text.lines().skip(1).collect::<Vec<_>>(), ["100%|##|", "warning", "half a line", "no end"]);

        let block = [vec![b'x'; 1000], vec![b'\n']].concat();
        for _ in 0..3 * LARGEST / 1000 {
            output.take(&mut one, &block);
        }
        assert!(read(&path).contains("half a line"));
        for file in [path.clone(), beside(&path, ".rest")] {
            assert!(fs::metadata(file).unwrap().len() <= LARGEST + 2000);
        }
        drop(output);
        Output::begin(&path);
        assert!(read(&beside(&path, ".1")).contains("half a line") && !read(&path).contains("half a line"));
        assert!(!beside(&path, ".rest").exists());
    }

    #[test]
    fn a_line_without_end_does_not_grow_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.log");
        let mut output = Output::begin(&path);
        let mut line = Line::default();
        output.take(&mut line, &vec![b'y'; 3 * LONGEST]);
        assert!(line.0.len() <= LONGEST);
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 3);
    }
}
