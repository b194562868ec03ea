//! `comfydock models …`: the index, its sources, and what is missing.

pub use self::download::download_missing;
pub use self::index::{Options as IndexOptions, index};
pub use self::list::{Listed, find, list};
pub use self::source::add_source;

mod download;
mod index;
mod list;
mod source;
