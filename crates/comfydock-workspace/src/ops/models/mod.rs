//! `comfydock models …`: the index, its sources, and what is missing.

pub use self::comfygit::import_comfygit;
pub use self::download::download_missing;
pub use self::forget::{Forgettable, find_forgettable, forget};
pub use self::gc::{Part, Waste, find_waste, prune};
pub use self::index::{Options as IndexOptions, index};
pub use self::list::{Listed, find, list};
pub use self::show::header;
pub use self::source::add_source;
pub use crate::models::scan::Verdict;

pub use self::verify::{Verified, alike, duplicates, measure, verify};

mod comfygit;
mod download;
mod forget;
mod gc;
mod index;
mod list;
mod show;
mod source;
mod verify;
