//! What a file's kind says of its length, for files whose hash nobody knows.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use comfydock_core::safetensors;

fn is_safetensors(name: &str) -> bool {
    name.ends_with(".safetensors") || name.ends_with(".sft")
}

/// Whether a file that begins so can be of its kind: seen before the first byte is written, and not
/// after the last of many. `size` is the file's, if anybody says it.
///
/// # Errors
/// Why it cannot, as a clause.
pub(super) fn begins_well(name: &str, start: &[u8], size: Option<u64>) -> Result<(), String> {
    if name.ends_with(".gguf") && !start.starts_with(b"GGUF") {
        return Err("it is no GGUF file".to_owned());
    }
    if !is_safetensors(name) {
        return Ok(());
    }
    let no = |error: safetensors::Error| Err(format!("it is no whole safetensors file: {error}"));
    match safetensors::header_length(start, size.unwrap_or(u64::MAX)) {
        Err(error) => no(error),
        Ok(_) if start.get(safetensors::PREFIX).is_some_and(|byte| *byte != b'{') => no(safetensors::Error::Header),
        Ok(_) => Ok(()),
    }
}

/// Whether the file's own words say that it is whole; false when its kind says nothing of it.
///
/// # Errors
/// Why it is not what its name says, as a clause.
pub(super) fn holds_together(name: &str, path: &Path, size: u64) -> Result<bool, String> {
    let unreadable = |error: std::io::Error| format!("it cannot be read again: {error}");
    let file = File::open(path).map_err(unreadable)?;
    let read = |count: usize, at: u64| {
        let mut bytes = vec![0; count];
        file.read_exact_at(&mut bytes, at).map(|()| bytes).map_err(unreadable)
    };
    let start = read(8.min(usize::try_from(size).unwrap_or(8)), 0)?;
    if name.ends_with(".gguf") {
        return if start.starts_with(b"GGUF") { Ok(false) } else { Err("it is no GGUF file".to_owned()) };
    }
    if !is_safetensors(name) {
        return Ok(false);
    }
    let no = |reason: String| format!("it is no whole safetensors file: {reason}");
    let length = safetensors::header_length(&start, size).map_err(|error| no(error.to_string()))?;
    let header = read(usize::try_from(length).unwrap_or(usize::MAX), 8)?;
    safetensors::check(&header, size).map_err(|error| no(error.to_string()))?;
    Ok(true)
}
