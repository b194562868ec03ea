//! `comfydock models …`: the index, its sources, and what is missing.

pub use self::download::download_missing;
pub use self::index::index;
pub use self::list::{Listed, find, list};
pub use self::source::{add_source, find_sources, remove_source, without_source};

mod download;
mod index;
mod list;
mod source;
