//! Any bytes as a safetensors file: reading the header never panics, and what it says of the file's
//! size is never less than what was read.

#![no_main]

use comfydock_core::safetensors::{PREFIX, check, header_length, parse};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let size = bytes.len() as u64;
    if let Ok(length) = header_length(bytes, size) {
        let length = usize::try_from(length).expect("it fits into the file");
        let header = &bytes[PREFIX..PREFIX + length];
        if let Ok(read) = parse(header) {
            assert_eq!(check(header, size).is_ok(), read.file_size == size);
        }
    }
    // The header by itself too: few mutations keep the length in front of it right.
    if let Ok(header) = parse(bytes) {
        assert!(header.file_size >= PREFIX as u64 + size);
        let _ = header.tensor_hash();
    }
});
