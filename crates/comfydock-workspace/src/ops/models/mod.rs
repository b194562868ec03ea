//! `comfydock models …`: the index, its sources, and what is missing.

pub use self::download::download_missing;
pub use self::index::index;
pub use self::list::{Listed, find, list};
pub use self::source::add_source;
pub use self::upload::{Uploaded, Which, upload};

mod download;
mod index;
mod list;
mod source;
mod upload;
