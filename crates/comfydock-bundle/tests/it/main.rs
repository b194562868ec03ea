//! Archives, registries and signatures against what other programs make of them.

mod archive;
