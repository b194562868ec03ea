//! Any bytes as the start of a safetensors file: reading the header never panics, and what it says of
//! the file's size is never less than what was read.

#![no_main]

use comfydock_core::safetensors::{PREFIX, header_length, parse};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((prefix, rest)) = bytes.split_first_chunk::<PREFIX>() else { return };
    let _ = header_length(*prefix);
    if let Ok(header) = parse(rest) {
        assert!(header.file_size >= (PREFIX + rest.len()) as u64);
        let _ = header.tensor_hash();
    }
});
