//! Model files: valid `.safetensors`, the same for the same seed and size.

/// A file of `size` bytes.
pub(crate) fn model(seed: u64, size: usize) -> Vec<u8> {
    let mut header = String::new();
    // The length of the data decides how long the header is, and the other way round.
    let mut data = size;
    for _ in 0..4 {
        header = format!(
            r#"{{"__metadata__":{{"format":"pt","seed":"{seed}"}},"weight":{{"dtype":"U8","shape":[{data}],"data_offsets":[0,{data}]}}}}"#
        );
        data = size - 8 - header.len();
    }
    while header.len() < size - 8 - data {
        header.push(' ');
    }
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(noise(seed, data));
    assert_eq!(bytes.len(), size);
    bytes
}

/// Bytes that do not compress.
pub(crate) fn noise(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(count + 8);
    while bytes.len() < count {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(count);
    bytes
}
