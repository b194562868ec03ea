//! What a model's file says of itself.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use comfydock_core::safetensors::{self, Header};

/// The header of a safetensors file; none when it is no such file or damaged.
pub fn header(path: &Path) -> Option<Header> {
    let mut file = File::open(path).ok()?;
    let mut prefix = [0; safetensors::PREFIX];
    file.read_exact(&mut prefix).ok()?;
    let length = safetensors::header_length(&prefix, file.metadata().ok()?.len()).ok()?;
    let mut header = Vec::new();
    file.take(length).read_to_end(&mut header).ok()?;
    safetensors::parse(&header).ok()
}
