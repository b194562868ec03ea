//! A clone that was stopped while a model came.

use rustix::process::Signal;

use crate::support::{Fault, STUDIO, Studio, report, wait_for};

const SIZE: usize = 3_000_000;

/// Stops B's clone in the middle of the download and finishes later.
fn stop(signal: Signal, code: i32, word: &str) {
    let studio = Studio::new();
    let Studio { a, b, server, .. } = &studio;
    let model = studio.send_portrait(SIZE);
    server.fail_once(&model.path(), Fault::HoldAfter(2_000_000));
    let clone = b.spawn(&["clone", STUDIO, "--models-dir", b.models().to_str().unwrap(), "--yes"]);
    let part = wait_for("the part of the model", || {
        let folder = std::fs::read_dir(b.models().join(&model.category)).ok()?;
        let part = folder.flatten().find(|entry| entry.file_name().to_string_lossy().ends_with(".part"))?;
        part.metadata().is_ok_and(|about| about.len() > 1_000_000).then(|| part.path())
    });
    clone.signal(signal);
    clone.end().code(code).says(word);
    assert!(part.exists() && !b.models().join(model.path()).exists());
    server.release();

    b.ok(&["status"]).line(&["missing", &model.name, "portrait"]);
    b.ok(&["models", "download", "--missing"]).line(&["downloaded", &model.name]);
    let [_, rest] = server.requests(&model.path()).try_into().unwrap();
    assert_eq!(rest.status, 206);
    assert!(rest.sent < SIZE - 1_000_000, "{rest:?}");
    assert!(!part.exists());
    report::assert_same(a, b);
}

#[test]
fn a_killed_download_goes_on_where_it_was() {
    stop(Signal::KILL, -1, "");
}

#[test]
fn a_cancelled_download_goes_on_where_it_was() {
    stop(Signal::INT, 130, "cancelled");
}
