//! A git repository from either side.
//!
//! gix reads and writes objects and refs in this process; the `git` program owns the network, work
//! trees of other projects, and serving (decision 30). Everything here blocks.
//!
//! - [`repository`]: an environment's own history (`.cec`): commit, refs, index.
//! - [`objects`]: commits, trees and blobs from one or several object folders.
//! - [`arrivals`]: what a push brings, judged commit by commit.
//! - [`program`]: the `git` program, and what is said when it fails.
//! - [`checkout`]: other people's repositories: ComfyUI, node packs, and their mirrors.
//! - [`look`]: a repository that is only looked at.
//! - [`remote`]: fetching and pushing an environment.
//! - [`serve`]: the program's argv and environment on the hub.
//! - [`bare`]: a repository of the hub as files.
//! - [`upkeep`]: keeping these small and sound.

pub mod arrivals;
pub mod bare;
pub mod checkout;
pub mod look;
pub mod objects;
pub mod program;
mod refusal;
pub mod remote;
pub mod repository;
pub mod serve;
mod submodules;
mod turn;
pub mod upkeep;
