//! Numbers that are random from run to run and the same for the same seed.

use std::time::{SystemTime, UNIX_EPOCH};

/// A stream of numbers; its seed is printed, and set by `COMFYDOCK_SEED`.
pub(crate) struct Random(u64);

impl Random {
    #[expect(clippy::print_stdout, reason = "a run that failed can be repeated only with its seed")]
    pub(crate) fn new() -> Self {
        let given = std::env::var("COMFYDOCK_SEED").ok().and_then(|text| text.parse().ok());
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos().into();
        let seed: u64 = given.unwrap_or_else(now);
        println!("COMFYDOCK_SEED={seed}");
        Self(seed)
    }

    /// A number below `end` (splitmix64).
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }
}
