//! What should happen: pure functions from what was observed to what is to be done.
//!
//! The file of a plan has the name of its command (`commit`, `push`); what several commands share
//! has the name of the thing: [`library`] (the models of this machine), [`reach`] (from one state
//! of an environment to another), [`models`] (where each model comes from).

pub mod acquire;
pub mod adopt_install;
pub mod clash;
pub mod commit;
pub mod doctor;
pub mod found;
pub mod group;
pub mod library;
pub mod misnamed;
pub mod models;
mod needed;
pub mod push;
pub mod reach;
pub mod ready;
pub mod resolve;
pub mod show;
pub mod tracked;

#[cfg(test)]
mod tests;
