//! Who holds an environment.

use std::fs;
use std::path::{Path, PathBuf};

use comfydock_store::file;
use comfydock_store::lock::Lock;

use super::Finding;
use crate::environment::Environment;

/// ComfyUI hands its lease on to what it starts: when it has ended and something of it has not, nothing
/// says any more who keeps the environment from being changed.
pub(super) fn examine(environment: &Environment) -> Option<Finding> {
    let path = environment.running_path();
    if Lock::try_exclusive(&path).is_ok_and(|lock| lock.is_some()) {
        return None;
    }
    let text = file::find_text(&path).ok().flatten()?;
    let noted: u32 = text.lines().last()?.trim().parse().ok()?;
    if Path::new("/proc").join(noted.to_string()).exists() {
        return None;
    }
    let holders = holders(&path);
    let ids: Vec<String> = holders.iter().map(|(id, _)| id.clone()).collect();
    let hint = if ids.is_empty() {
        "see which program has that file open, and end it".to_owned()
    } else {
        format!("end it: `kill {}`", ids.join(" "))
    };
    Some(
        Finding::error(
            "lease",
            format!("ComfyUI (process {noted}) has ended, and something it started still holds the environment"),
            hint,
        )
        .with(holders.into_iter().map(|(id, line)| format!("process {id}: {line}"))),
    )
}

/// The processes of this user that have a file open, with their command lines.
fn holders(path: &Path) -> Vec<(String, String)> {
    let Ok(real) = path.canonicalize() else { return Vec::new() };
    let own = std::process::id().to_string();
    let has_open = |process: &PathBuf| {
        let descriptors = fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
        descriptors.map(|entry| fs::read_link(entry.path())).any(|target| target.is_ok_and(|target| target == real))
    };
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.path());
    let found = processes.filter(|process| process.file_name().is_some_and(|id| *id != *own) && has_open(process));
    let mut holders: Vec<(String, String)> = found
        .map(|process| {
            let line = fs::read(process.join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            (process.file_name().unwrap_or_default().to_string_lossy().into_owned(), line.trim().to_owned())
        })
        .collect();
    holders.sort();
    holders
}
