//! Any bytes as a bundle's `manifest.json`: reading never panics, and what was read is written as it is read again.

#![no_main]

use comfydock_core::bundle::{Description, judge};
use comfydock_core::digest::Sha256;
use comfydock_core::foreign::{Mode, TreeEntry};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(description) = Description::parse(bytes) else { return };
    let text = description.text();
    let again = Description::parse(text.as_bytes()).expect("its own text is one");
    assert_eq!(again, description);
    assert_eq!(again.text(), text);

    // Files that are what it says of them are those of the bundle, once each; one less, or another, is not.
    let (files, digest) = (&description.files, &description.content_digest);
    let taken = description.check_files(files, digest).is_ok();
    if let Some((_, fewer)) = files.split_first() {
        assert!(description.check_files(fewer, digest).is_err() || files[0].path == "manifest.json");
    }
    let other = Sha256::parse(&"0".repeat(64)).expect("64 digits");
    assert!(other == *digest || description.check_files(files, &other).is_err());
    let mut turned = files.clone();
    turned.reverse();
    assert_eq!(description.check_files(&turned, digest).is_ok(), taken);
    assert_eq!(description.content_lines().iter().filter(|byte| **byte == b'\n').count() >= files.len() || !taken, true);

    let entry = |path: &str, size| TreeEntry { path: path.into(), mode: Mode::File, size };
    let entries: Vec<TreeEntry> = files.iter().map(|file| entry(&file.path, file.size)).collect();
    judge(&entries);
});
