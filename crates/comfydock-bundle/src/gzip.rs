//! Gzip whose bytes depend on the input alone: pieces of one size are packed apart from each other, by as
//! many threads as there are, and put together in order. The header has no name, no time and no system.
//!
//! RFC 1951 lets pieces follow each other when each but the last ends with a sync flush; pigz does so too. A piece
//! that is packed already is stored, which the format has a kind of block for.

use std::io::{self, Write};

use comfydock_core::stored;
use flate2::{Compress, Compression, Crc, FlushCompress, Status};

/// Bytes of a piece; a part of the format, as another size gives other bytes.
const PIECE: usize = 1024 * 1024;
/// Pieces that are packed in one go.
const PIECES: usize = 8;
/// RFC 1952: deflate, no flags, no time, no extra flags, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// Packs what is written to it.
pub(crate) struct Encoder<W: Write> {
    to: W,
    waiting: Vec<u8>,
    crc: Crc,
}

impl<W: Write> Encoder<W> {
    pub(crate) fn new(mut to: W) -> io::Result<Self> {
        to.write_all(&HEADER)?;
        Ok(Self { to, waiting: Vec::with_capacity(PIECE * PIECES), crc: Crc::new() })
    }

    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.pack(true)?;
        self.to.write_all(&self.crc.sum().to_le_bytes())?;
        self.to.write_all(&self.crc.amount().to_le_bytes())?;
        Ok(self.to)
    }

    /// Packs what waits; the last time the piece that ends the stream too, empty or not.
    fn pack(&mut self, last: bool) -> io::Result<()> {
        let mut pieces: Vec<&[u8]> = self.waiting.chunks(PIECE).collect();
        if last && pieces.is_empty() {
            pieces.push(&[]);
        }
        let count = pieces.len();
        let is_end = |index: usize| last && index + 1 == count;
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(count.max(1));
        let mut packed: Vec<io::Result<Vec<u8>>> = Vec::new();
        packed.resize_with(count, || Ok(Vec::new()));
        std::thread::scope(|scope| {
            let share = count.div_ceil(threads).max(1);
            for (first, (pieces, packed)) in pieces.chunks(share).zip(packed.chunks_mut(share)).enumerate() {
                scope.spawn(move || {
                    for (index, (piece, packed)) in pieces.iter().zip(packed).enumerate() {
                        let end = is_end(first * share + index);
                        *packed = if stored::is_packed(piece) { Ok(store(piece, end)) } else { deflate(piece, end) };
                    }
                });
            }
        });
        for bytes in packed {
            self.to.write_all(&bytes?)?;
        }
        self.waiting.clear();
        Ok(())
    }
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = PIECE * PIECES - self.waiting.len();
        let taken = &bytes[..room.min(bytes.len())];
        self.crc.update(taken);
        self.waiting.extend_from_slice(taken);
        if self.waiting.len() == PIECE * PIECES {
            self.pack(false)?;
        }
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

fn store(piece: &[u8], end: bool) -> Vec<u8> {
    let mut packed = Vec::with_capacity(piece.len() + 5 * piece.len().div_ceil(usize::from(u16::MAX)));
    for (head, block) in stored::blocks(piece, end) {
        packed.extend(head);
        packed.extend(block);
    }
    packed
}

fn deflate(piece: &[u8], end: bool) -> io::Result<Vec<u8>> {
    let mut compress = Compress::new(Compression::new(6), false);
    let flush = if end { FlushCompress::Finish } else { FlushCompress::Sync };
    let mut packed = Vec::with_capacity(piece.len() / 2 + 64);
    loop {
        let at = usize::try_from(compress.total_in()).unwrap_or(usize::MAX);
        let status = compress.compress_vec(&piece[at..], &mut packed, flush).map_err(io::Error::other)?;
        let taken = compress.total_in() == piece.len() as u64;
        // Room left over means that nothing more is to come.
        if status == Status::StreamEnd || (!end && taken && packed.len() < packed.capacity()) {
            return Ok(packed);
        }
        packed.reserve(piece.len() / 4 + 64);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn noise(length: usize) -> Vec<u8> {
        let (mut state, mut at) = (7_u64, 0);
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // Every third MiB is random; of the others some repeats, some does not.
            at += 1;
            if at / PIECE % 3 != 2 && state >> 62 == 0 { 0 } else { (state >> 40) as u8 }
        };
        (0..length).map(|_| next()).collect()
    }

    fn packed(bytes: &[u8], step: usize) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::new()).unwrap();
        for part in bytes.chunks(step) {
            encoder.write_all(part).unwrap();
        }
        encoder.finish().unwrap()
    }

    #[test]
    fn what_was_packed_is_one_gzip_member_that_others_read() {
        let small = [0, 1, 511, PIECE - 1, PIECE, PIECE + 1];
        for length in small.into_iter().chain([PIECE * 3 - 7, PIECE * PIECES, PIECE * PIECES + 3, PIECE * 9 + 17]) {
            let bytes = noise(length);
            let packed = packed(&bytes, 100_000);
            let mut back = Vec::new();
            // This reader stops behind the first member.
            let mut reader = flate2::bufread::GzDecoder::new(packed.as_slice());
            reader.read_to_end(&mut back).unwrap();
            assert!(back == bytes, "{length}");
            assert!(reader.into_inner().is_empty(), "{length}: nothing is left over");
        }
    }

    #[test]
    fn what_is_packed_already_is_stored() {
        let random = &noise(PIECE * 3)[PIECE * 2..];
        assert!(stored::is_packed(random));
        assert_eq!(packed(random, 4099).len(), HEADER.len() + PIECE + 5 * 17 + 8);
    }

    #[test]
    fn how_it_was_written_does_not_matter() {
        let bytes = noise(PIECE * PIECES + 4567);
        let whole = packed(&bytes, bytes.len());
        assert!(packed(&bytes, 4099) == whole && packed(&bytes, PIECE) == whole);
    }
}
