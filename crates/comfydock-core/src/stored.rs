//! Bytes that are packed already: images and archives are, and to deflate them costs a second for 25 MB and
//! gains nothing. They are told without packing them, and stored in deflate's own kind of block for them.
//!
//! Only whole numbers are used, so that the answer, on which the bytes of an archive depend, is one everywhere.

/// Bytes of which one window is looked at.
const STEP: usize = 32 * 1024;
/// Bytes of a window.
const WINDOW: usize = 2 * 1024;

/// Whether all windows of these bytes look as if they were packed or random. What is shorter than a window is not.
///
/// Both the bytes and the steps from each to the next have to be even: of a gradient the bytes are, and it packs well.
/// How even is told by the sum of squares of how often each value comes: `n + n²/256` for random ones, about 15 times
/// the second term for text. An eighth more of it than that is 0.1 bit of a byte, all that codes for single bytes could
/// gain. Even bytes that repeat in some distance are taken for packed.
///
/// ```
/// use comfydock_core::stored::is_packed;
///
/// assert!(!is_packed(&b"the same words again and again, ".repeat(1000)));
/// ```
pub fn is_packed(bytes: &[u8]) -> bool {
    let mut windows = bytes.chunks(STEP).filter_map(|step| step.get(..WINDOW)).peekable();
    windows.peek().is_some() && windows.all(is_random)
}

fn is_random(window: &[u8]) -> bool {
    let steps = window.iter().zip(&window[1..]).map(|(byte, next)| next.wrapping_sub(*byte));
    is_even(window.iter().copied()) && is_even(steps)
}

fn is_even(bytes: impl ExactSizeIterator<Item = u8>) -> bool {
    let length = bytes.len();
    let mut counts = [0_usize; 256];
    for byte in bytes {
        counts[usize::from(byte)] += 1;
    }
    let even = length * length / 256;
    let squares: usize = counts.iter().map(|count| count * count).sum();
    squares <= length + even + even / 8
}

/// The blocks of a deflate stream that hold these bytes as they are, each with what goes before it (RFC 1951, 3.2.4:
/// whether it is the last one, and of the stored kind; the length; its complement). They begin and end at whole bytes,
/// as after a sync flush. Of nothing there is no block.
pub fn blocks(bytes: &[u8], is_end: bool) -> impl Iterator<Item = ([u8; 5], &[u8])> {
    let blocks = bytes.chunks(usize::from(u16::MAX));
    let count = blocks.len();
    blocks.enumerate().map(move |(index, block)| {
        let [low, high] = u16::try_from(block.len()).unwrap_or(u16::MAX).to_le_bytes();
        ([u8::from(is_end && index + 1 == count), low, high, !low, !high], block)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(length: usize) -> Vec<u8> {
        let mut state = 7_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        (0..length).map(|_| next()).collect()
    }

    #[test]
    fn what_is_packed_and_what_is_not() {
        let with = |at: usize, other: &[u8]| {
            let mut bytes = random(1 << 20);
            bytes[at..at + other.len()].copy_from_slice(other);
            bytes
        };
        let text = include_bytes!("stored.rs").repeat(20);
        let weights: Vec<u8> = random(100_000).chunks(2).flat_map(|pair| [pair[0], 0x3c | pair[1] & 3]).collect();
        let cases: [(&str, Vec<u8>, bool); 10] = [
            ("random", random(1 << 20), true),
            ("random, one window", random(WINDOW), true),
            ("less than a window", random(WINDOW - 1), false),
            ("nothing", Vec::new(), false),
            ("text", text.clone(), false),
            ("zeros", vec![0; 100_000], false),
            ("a gradient", (0..100_000_u32).map(|at| (at / 7) as u8).collect(), false),
            ("half floats", weights, false),
            ("text in one window of many", with(5 * STEP, &text[..WINDOW]), false),
            ("base64", random(100_000).iter().map(|byte| b'0' + (byte & 63)).collect(), false),
        ];
        for (what, bytes, expected) in cases {
            assert_eq!(is_packed(&bytes), expected, "{what}");
        }
    }

    #[test]
    fn blocks_say_how_long_they_are_and_which_is_the_last() {
        let heads = |length: usize, is_end| -> Vec<[u8; 5]> {
            blocks(&vec![0; length], is_end).map(|(head, _)| head).collect()
        };
        assert_eq!(heads(0, true), [[0; 5]; 0]);
        assert_eq!(heads(0x1234, true), [[1, 0x34, 0x12, 0xcb, 0xed]]);
        assert_eq!(heads(0x1_0000, true), [[0, 0xff, 0xff, 0, 0], [1, 1, 0, 0xfe, 0xff]]);
        assert_eq!(heads(0xffff, false), [[0, 0xff, 0xff, 0, 0]]);
    }

    /// No window of random bytes is taken for text by chance.
    #[test]
    fn random_bytes_are_random() {
        assert!(random(64 << 20).chunks(WINDOW).all(is_random));
    }
}
