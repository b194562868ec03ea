//! What the hub does by itself.

mod lease;

pub(crate) use lease::{Lease, Purpose};
