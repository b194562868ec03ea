//! Model files: the index of those that are here, and getting those that are not.

pub mod comfygit;
pub mod download;
pub mod index;
pub mod place;
pub mod roots;
pub mod scan;
