//! What is told while work goes on: events go out, nothing comes back.

/// Something that happened or is happening.
#[derive(Debug, Clone)]
pub enum Event {
    /// A step of the work began, in words fit for a person: `Cloning ComfyUI`.
    Step(String),
    /// Something worth a line that stops nothing.
    Warning(String),
    /// Something the user should know of, and that is no problem.
    Note(String),
    /// What a program that was started said when it failed, whole: for a log, not for a person.
    Said(String),
    /// A line of a program that was run because the user asked for it: for the person and for a log.
    Output(String),
    /// Several labels follow that are one piece of work.
    BatchStart {
        /// How many.
        count: usize,
        /// Their bytes, as far as known.
        bytes: u64,
    },
    /// The piece of work is done.
    BatchEnd,
    /// Bytes are to be worked through under this label.
    BytesStart {
        /// What they are, a file's name.
        label: String,
        /// How many, when known.
        total: Option<u64>,
    },
    /// So many more bytes of the label are done.
    Bytes {
        /// What they are.
        label: String,
        /// How many more.
        count: u64,
    },
    /// The label's work stands here now: bytes that were there before, or that were for nothing.
    BytesAt {
        /// What they are.
        label: String,
        /// How many of them are done.
        at: u64,
    },
    /// The label is done, or given up.
    BytesEnd {
        /// What it was.
        label: String,
    },
}

/// Somebody who listens.
pub trait Reporter: Send + Sync {
    /// Takes an event; must not block for long.
    fn report(&self, event: Event);
}

/// Nobody listens.
pub struct Silent;

impl Reporter for Silent {
    fn report(&self, _: Event) {}
}

impl dyn Reporter + '_ {
    /// Tells that a step began.
    pub fn step(&self, text: impl Into<String>) {
        self.report(Event::Step(text.into()));
    }

    /// Tells of something worth a line.
    pub fn warn(&self, text: impl Into<String>) {
        self.report(Event::Warning(text.into()));
    }

    /// Tells something good to know.
    pub fn note(&self, text: impl Into<String>) {
        self.report(Event::Note(text.into()));
    }
}
