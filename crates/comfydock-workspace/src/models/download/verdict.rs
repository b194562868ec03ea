//! What one try at a source came to.

use std::time::Duration;

use comfydock_core::observation::Verdict;
use comfydock_store::file;

/// What one connection came to.
pub(super) enum Try {
    /// All bytes are in the sink.
    Complete,
    /// It broke off, or the server has no time: worth another try.
    Broken {
        /// Why.
        reason: String,
        /// How long the server asked to stay away.
        wait: Option<Duration>,
        /// Such tries in a row that are enough; none for the usual number.
        most: Option<u32>,
        /// What the source is worth if it stays so.
        verdict: Option<Verdict>,
        /// The HTTP status.
        status: Option<u16>,
    },
    /// No use asking this source again.
    Refused {
        /// Why.
        reason: String,
        /// What the source is worth.
        verdict: Option<Verdict>,
        /// The HTTP status.
        status: Option<u16>,
    },
    /// What it sends is not what lies in the part.
    Differs,
    /// Several connections were not worth it, or failed: one is to go on.
    Narrow,
    /// It cannot answer for a range.
    NoRange(String),
    /// The bytes are those of a pickle, which nobody consented to.
    Pickle,
    /// This machine is in the way.
    Here(file::Error),
    /// Another process took the target over.
    Lost,
}

impl Try {
    /// A break without more to say.
    pub(super) fn broken(reason: impl Into<String>) -> Self {
        Self::Broken { reason: reason.into(), wait: None, most: None, verdict: None, status: None }
    }

    /// A refusal that says nothing of the source's worth.
    pub(super) fn refused(reason: impl Into<String>) -> Self {
        Self::Refused { reason: reason.into(), verdict: None, status: None }
    }

    /// Another file than the one that is wanted.
    pub(super) fn other_file(reason: impl Into<String>) -> Self {
        Self::Refused { reason: reason.into(), verdict: Some(Verdict::Mismatch), status: None }
    }
}

impl From<file::Error> for Try {
    fn from(error: file::Error) -> Self {
        Self::Here(error)
    }
}
