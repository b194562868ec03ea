//! `comfydock models …`: the index, its sources, and what is missing.

pub use self::download::{Draft, Outcome, apply, draft_missing, draft_word};
pub use self::index::{Options as IndexOptions, index};
pub use self::list::{Listed, find, list};
pub use self::source::{add_source, find_sources, remove_source, without_source};
pub use self::upload::{Uploaded, Which, upload};

mod download;
mod index;
mod list;
pub mod new_file;
mod source;
mod upload;
