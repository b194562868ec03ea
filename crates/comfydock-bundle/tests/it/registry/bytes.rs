//! Bytes without end that can be read from anywhere, so that large blobs need no memory.

use std::io::{self, Read};

pub(super) struct Noise {
    seed: u64,
    at: u64,
}

impl Noise {
    pub(super) fn at(seed: u64, at: u64) -> Self {
        Self { seed, at }
    }
}

fn word(seed: u64, number: u64) -> [u8; 8] {
    // splitmix64
    let mut mixed = seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)).to_le_bytes()
}

impl Read for Noise {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while done < buffer.len() {
            let within = usize::try_from(self.at % 8).unwrap();
            let bytes = word(self.seed, self.at / 8);
            let count = (8 - within).min(buffer.len() - done);
            buffer[done..done + count].copy_from_slice(&bytes[within..within + count]);
            done += count;
            self.at += count as u64;
        }
        Ok(done)
    }
}
