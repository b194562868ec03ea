//! `comfydock models …`: the index, its sources, and what is missing.

pub use self::comfygit::import_comfygit;
pub use self::download::{Draft, Outcome, apply, draft_missing, draft_word};
pub use self::forget::{Forgettable, find_forgettable, forget};
pub use self::gc::{Also, Part, Waste, find_waste, prune};
pub use self::index::{Indexed, Options as IndexOptions, index};
pub use self::list::{Listed, find, list, offline};
pub use self::show::header;
pub use self::source::{Forgotten, add_source, find_sources, remove_source, without_source};
pub use self::upload::{Shipment, Uploaded, Which, upload};
pub use crate::models::scan::Verdict;

pub use self::verify::{Verified, alike, duplicates, measure, verify};

mod comfygit;
mod download;
mod forget;
mod gc;
mod index;
mod list;
pub mod new_file;
mod show;
mod sought;
mod source;
mod upload;
mod verify;
