//! Getting a model's bytes: into a part beside the target, from any of its sources, checked against
//! SHA-256 and size before they get their name (decision 63).
//!
//! - [`source`]: everything that is tried at one source; [`attempt`]: one connection; [`local`]: a file;
//!   [`body`], [`windows`]: several connections where each is held down.
//! - [`hops`]: redirects by hand; [`judge`]: what an answer is; [`content`], [`format`]: what bytes are.
//! - [`sink`]: writing, and behind it [`follow`]: hashing and making durable side by side; [`part`]: the part and its journal.
//! - [`room`]: whether everything fits; [`pace`]: how patient a download is.

use std::path::PathBuf;

use comfydock_core::digest::{QuickHash, Sha256};
use comfydock_core::observation::Observation;
use comfydock_core::source::Source;
use comfydock_store::claim::Claim;
use comfydock_store::file;
use comfydock_store::hash::{self, Digests, Stamp};

use self::part::Part;
use self::sink::Sink;
use self::source::{Ended, Given, from_source};
use crate::remote::address::Addresses;
use crate::remote::guard::Consent;
use crate::reporter::{Event, Reporter};

pub use self::content::is_pickle_name;
pub use self::failure::Failure;
pub use self::pace::Pace;
pub use self::part::{claim_of, part_path};
pub use self::room::without_room;

mod attempt;
mod body;
mod content;
mod failure;
mod follow;
mod format;
mod hops;
mod judge;
mod local;
mod pace;
mod part;
mod room;
mod sink;
mod source;
mod verdict;
mod verify;
mod windows;

/// A file to be had.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// What to call it while it comes.
    pub label: String,
    /// What its bytes hash to. Without it the file is checked by whatever else is known.
    pub sha256: Option<Sha256>,
    /// What its samples hash to; asked only where SHA-256 is not known.
    pub quick: Option<QuickHash>,
    /// How many bytes there are.
    pub size: Option<u64>,
    /// Where it can be had, in order.
    pub sources: Vec<Source>,
    /// Where it shall be.
    pub target: PathBuf,
}

/// A file that is there and checked.
#[derive(Debug, Clone)]
pub struct Arrived {
    /// Its hashes, measured from what lies on the disk.
    pub digests: Digests,
    /// The hash of its samples.
    pub quick: QuickHash,
    /// What the file looked like when it was measured.
    pub stamp: Stamp,
    /// The source its last bytes came from; none when it was there already.
    pub source: Option<Source>,
}

/// What came of a file.
#[derive(Debug)]
pub struct Outcome {
    /// The file, or why it did not come.
    pub arrived: Result<Arrived, Failure>,
    /// What each source that was asked turned out to be worth.
    pub observations: Vec<Observation>,
}

/// What is got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Models.
    Model,
    /// A packed file, whose end tells that all of it came, of so many bytes at most.
    Archive {
        /// Bytes.
        limit: u64,
    },
}

impl Kind {
    /// Why a file of this size is not taken.
    fn too_large(self, size: u64) -> Option<String> {
        match self {
            Self::Archive { limit } if size > limit => {
                Some(format!("it is larger than the {limit} bytes that are taken"))
            }
            _ => None,
        }
    }
}

/// What downloads have in common.
#[derive(Clone, Copy)]
pub struct Engine<'a> {
    /// Who may be asked.
    pub consent: &'a Consent,
    /// Where sources lead, and the tokens for exactly their hosts.
    pub addresses: &'a Addresses,
    /// What is got.
    pub kind: Kind,
    /// How patient it is.
    pub pace: Pace,
    /// Whether the user consented to pickles.
    pub pickle: bool,
    /// Whether it gets one file and not several at a time.
    pub alone: bool,
    /// Whether the network is left alone.
    pub offline: bool,
    /// Who listens.
    pub reporter: &'a dyn Reporter,
}

impl Engine<'_> {
    /// Gets one file from the first source that has it. Another process that gets the same file is
    /// waited for, and its result taken. What came stays in a part that any source can go on with.
    pub fn download(&self, wanted: &Wanted) -> Outcome {
        let mut observations = Vec::new();
        let arrived = self.bring(wanted, &mut observations);
        Outcome { arrived, observations }
    }

    fn bring(&self, wanted: &Wanted, observations: &mut Vec<Observation>) -> Result<Arrived, Failure> {
        let name = wanted.target.file_name().unwrap_or_default().to_string_lossy();
        if let Some(arrived) = there_already(wanted)? {
            return Ok(arrived);
        }
        if !self.pickle && is_pickle_name(&name) {
            return Err(Failure::Pickle);
        }
        if let Some(folder) = wanted.target.parent() {
            file::create_folder(folder).map_err(Failure::Here)?;
        }
        let mut told = false;
        let claim = Claim::take(&Part::claim(&wanted.target), self.pace.claim, |holder| {
            if !std::mem::replace(&mut told, true) {
                let by = holder.map(|holder| format!(" (process {} on {})", holder.process, holder.host));
                self.reporter.note(format!(
                    "another comfydock{} is getting {}; waiting for it",
                    by.unwrap_or_default(),
                    wanted.label
                ));
            }
        })
        .map_err(Failure::Here)?;
        // Whoever held it may have finished.
        if let Some(arrived) = there_already(wanted)? {
            return Ok(arrived);
        }
        let label = || wanted.label.clone();
        self.reporter.report(Event::BytesStart { label: label(), total: wanted.size });
        let outcome = self.ask_all(wanted, &claim, observations);
        self.reporter.report(Event::BytesEnd { label: label() });
        outcome
    }

    fn ask_all(&self, wanted: &Wanted, claim: &Claim, observations: &mut Vec<Observation>) -> Result<Arrived, Failure> {
        if let Some(reason) = without_room([wanted]).remove(&0) {
            return Err(Failure::NoRoom(reason));
        }
        let mut reasons = Vec::new();
        for source in &wanted.sources {
            let part = Part::of(&wanted.target, wanted.sha256.as_ref(), Some(source));
            let mut sink = Sink::open(part, self.pace, self.alone).map_err(Failure::Here)?;
            self.reporter.report(Event::BytesAt { label: wanted.label.clone(), at: sink.at() });
            match from_source(self, wanted, source, claim, &mut sink) {
                Ok(given) => {
                    observations.push(given.observation.clone());
                    return finish(wanted, claim, sink, given, source);
                }
                Err(Ended::Source(reason, observation)) => {
                    observations.extend(observation.map(|observation| *observation));
                    reasons.push(reason);
                    sink.leave();
                }
                Err(Ended::All(failure)) => {
                    if failure.fills_the_disk() {
                        let part = sink.part.clone();
                        drop(sink);
                        part.remove();
                    } else if !matches!(failure, Failure::Lost) {
                        sink.leave();
                    }
                    return Err(failure);
                }
            }
        }
        Err(Failure::Sources(reasons))
    }
}

/// The file, when its name is taken: by itself, or by another one.
fn there_already(wanted: &Wanted) -> Result<Option<Arrived>, Failure> {
    if file::leads_nowhere(&wanted.target) {
        return Err(Failure::Away(wanted.target.clone()));
    }
    if wanted.target.symlink_metadata().is_err() {
        return Ok(None);
    }
    let (digests, _) = hash::full(&wanted.target, |_| {}).map_err(Failure::Here)?;
    if wanted.sha256.as_ref() != Some(&digests.sha256) {
        return Err(Failure::Taken(wanted.target.clone()));
    }
    let (quick, stamp) = hash::quick(&wanted.target).map_err(Failure::Here)?;
    Ok(Some(Arrived { digests, quick, stamp, source: None }))
}

/// Gives the verified file its name.
fn finish(wanted: &Wanted, claim: &Claim, sink: Sink, given: Given, source: &Source) -> Result<Arrived, Failure> {
    let own = sink.part.clone();
    drop(sink);
    if !claim.is_ours() {
        return Err(Failure::Lost);
    }
    match file::rename_new(&given.part.path, &wanted.target) {
        Err(error) if error.source.kind() == std::io::ErrorKind::AlreadyExists => {
            return Err(Failure::Taken(wanted.target.clone()));
        }
        Err(error) if error.source.kind() == std::io::ErrorKind::NotFound => return Err(Failure::Removed),
        other => other.map_err(Failure::Here)?,
    }
    given.part.forget();
    // The first part and the second, whichever it was that proved right.
    own.spare().remove();
    own.remove();
    file::sync_folder(wanted.target.parent().unwrap_or(&wanted.target)).map_err(Failure::Here)?;
    let (quick, stamp) = hash::quick(&wanted.target).map_err(Failure::Here)?;
    Ok(Arrived { digests: given.digests, quick, stamp, source: Some(source.clone()) })
}
