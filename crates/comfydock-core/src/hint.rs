//! What the reader of an error can do about it.

/// An error that may know a remedy. The hint is a sentence for a person: what to do next, with the
/// command or file it concerns.
pub trait Hint {
    /// The remedy, if there is one beyond what the message already says.
    fn hint(&self) -> Option<String> {
        None
    }
}
