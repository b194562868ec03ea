//! Pushes that git is working on, by their one-time secret.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use comfydock_core::admission::Rule;
use comfydock_git::bare::list_quarantines;

use crate::barrier::Passage;
use crate::db::environments::Environment;
use crate::service::Error;
use crate::service::visitor::Caller;
use crate::state::App;

/// One reference that a push moves.
#[derive(Debug, Clone)]
pub(crate) struct Update {
    pub(crate) old: String,
    pub(crate) new: String,
    pub(crate) reference: String,
}

impl Update {
    /// Reads git's line `old new ref`.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let (old, rest) = line.split_once(' ')?;
        let (new, reference) = rest.split_once(' ')?;
        Some(Self { old: old.to_owned(), new: new.to_owned(), reference: reference.to_owned() })
    }

    /// Reads what [`Display`](fmt::Display) wrote.
    pub(super) fn recall(line: &str) -> Option<Self> {
        let (rest, new) = line.rsplit_once(' ')?;
        let (reference, old) = rest.rsplit_once(' ')?;
        Some(Self { old: old.to_owned(), new: new.to_owned(), reference: reference.to_owned() })
    }
}

impl fmt::Display for Update {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {} {}", self.reference, self.old, self.new)
    }
}

/// The updates as they stand in the journal.
pub(super) fn written(updates: &[Update]) -> String {
    updates.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Findings that an owner let through, for the record.
#[derive(Debug, Clone)]
pub(crate) struct Allowed {
    pub(crate) rule: Rule,
    /// Each finding in words, without the secret itself.
    pub(crate) findings: Vec<String>,
}

/// A push that git is working on.
#[derive(Debug, Clone)]
pub(crate) struct Push {
    pub(crate) caller: Caller,
    pub(crate) environment: Environment,
    pub(crate) updates: Vec<Update>,
    /// What an owner let through, by rule.
    pub(crate) allowed: Vec<Allowed>,
    asked: bool,
    /// Whether git has ended: a yes would come too late.
    pub(super) is_over: Arc<AtomicBool>,
    /// The row that says the push was accepted; none while it was not.
    journal: Option<i64>,
    /// Held from the hook's yes until the ticket is gone: a backup waits for it.
    passage: Option<Arc<Passage>>,
}

/// All of them.
#[derive(Default)]
pub(crate) struct PendingPushes {
    by_secret: Mutex<HashMap<String, Push>>,
    /// Held while a row of the journal and the push it belongs to are put together.
    noting: Mutex<()>,
}

impl PendingPushes {
    fn hold(&self) -> MutexGuard<'_, HashMap<String, Push>> {
        self.by_secret.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The push of this secret, for the one question its hook may ask.
    pub(super) fn take_question(&self, secret: &str) -> Option<Push> {
        let mut pushes = self.hold();
        let push = pushes.get_mut(secret).filter(|push| !push.asked)?;
        push.asked = true;
        Some(push.clone())
    }

    /// Notes the yes. False when git has ended meanwhile, so that nobody would act on it.
    pub(super) fn accept(
        &self,
        secret: &str,
        updates: Vec<Update>,
        allowed: Vec<Allowed>,
        journal: i64,
        passage: Passage,
    ) -> bool {
        let mut pushes = self.hold();
        let Some(push) = pushes.get_mut(secret).filter(|push| !push.is_over.load(Ordering::Relaxed)) else {
            return false;
        };
        push.updates = updates;
        push.allowed = allowed;
        push.journal = Some(journal);
        push.passage = Some(Arc::new(passage));
        true
    }

    /// Git has ended: the push and its row in the journal, if its hook asked and the answer was yes.
    pub(super) fn conclude(&self, ticket: &Ticket) -> Option<(Push, i64)> {
        let mut pushes = self.hold();
        let push = pushes.get_mut(&ticket.secret)?;
        push.is_over.store(true, Ordering::Relaxed);
        Some((push.clone(), push.journal?))
    }

    /// Keeps others from adding to the journal.
    pub(super) fn note(&self) -> MutexGuard<'_, ()> {
        self.noting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rows of the journal whose push is still under way.
    pub(super) fn journals(&self) -> HashSet<i64> {
        self.hold().values().filter_map(|push| push.journal).collect()
    }
}

/// Keeps a push pending until it is dropped.
pub(crate) struct Ticket {
    hub: App,
    secret: String,
}

impl Ticket {
    /// Announces a push that git is about to work on.
    pub(crate) fn announce(hub: &App, caller: Caller, environment: Environment) -> Result<Self, Error> {
        let secret = crate::service::session::fresh_word()?;
        let (updates, allowed) = (Vec::new(), Vec::new());
        let push = Push {
            caller,
            environment,
            updates,
            allowed,
            asked: false,
            is_over: Arc::default(),
            journal: None,
            passage: None,
        };
        hub.pushes.hold().insert(secret.clone(), push);
        Ok(Self { hub: hub.clone(), secret })
    }

    /// What git's hook must show.
    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }
}

impl Drop for Ticket {
    /// A git that was ended may leave its quarantine. Which one was whose nobody knows, so the last
    /// push to an environment clears what is there; one that begins now has another name.
    fn drop(&mut self) {
        let mut pushes = self.hub.pushes.hold();
        let Some(ended) = pushes.remove(&self.secret) else { return };
        ended.is_over.store(true, Ordering::Relaxed);
        if pushes.values().any(|push| push.environment.id == ended.environment.id) {
            return;
        }
        let left = list_quarantines(&self.hub.data.repository(&ended.environment.id));
        drop(pushes);
        for path in left.unwrap_or_default() {
            if let Err(error) = std::fs::remove_dir_all(&path) {
                tracing::warn!(path = %path.display(), %error, "a quarantine stays until the next start");
            }
        }
    }
}
