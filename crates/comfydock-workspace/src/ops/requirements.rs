//! What ComfyUI and node packs ask of Python, as it lies in their folders (decision 74).

use std::path::Path;

use comfydock_core::digest::Sha256;
use comfydock_core::requirements::{self, Requirements};
use comfydock_store::hash;

use crate::reporter::Reporter;

/// What the pack in a folder asks for. Files that lead out of the folder, by a link, are not read.
pub fn of_folder(folder: &Path) -> Requirements {
    let root = folder.canonicalize();
    let read = |path: &str| -> Option<Vec<u8>> {
        let file = folder.join(path).canonicalize().ok()?;
        let inside = root.as_ref().is_ok_and(|root| file.starts_with(root)) && file.is_file();
        if inside { std::fs::read(file).ok() } else { None }
    };
    requirements::of_pack(&read)
}

/// The identity of requirement lines; none of no lines.
pub fn identity(lines: &[String]) -> Option<Sha256> {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    (!lines.is_empty()).then(|| hash::of_bytes(text.as_bytes()).sha256)
}

/// Says what was not taken; `whose` is ComfyUI or the pack.
pub fn say(whose: &str, found: &Requirements, reporter: &dyn Reporter) {
    for refused in &found.refused {
        reporter.warn(format!("{whose}: {refused}"));
    }
    for index in &found.indexes {
        reporter.warn(format!(
            "{whose}: {}, line {}: the package index {} is not used; if you trust it, add it to [[tool.uv.index]] in .cec/pyproject.toml",
            index.file, index.line, index.url
        ));
    }
    for note in &found.notes {
        reporter.note(format!("{whose}: {note}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_out_of_a_pack_are_not_followed() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret.txt"), "secret\n").unwrap();
        let pack = tempfile::tempdir().unwrap();
        std::fs::write(pack.path().join("requirements.txt"), "six\n-r linked.txt\n-r inside.txt\n").unwrap();
        std::fs::write(pack.path().join("real.txt"), "idna\n").unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret.txt"), pack.path().join("linked.txt")).unwrap();
        std::os::unix::fs::symlink("real.txt", pack.path().join("inside.txt")).unwrap();
        let found = of_folder(pack.path());
        assert_eq!(found.lines, ["six", "idna"]);
        assert_eq!(found.refused[0].text, "-r linked.txt");
    }
}
