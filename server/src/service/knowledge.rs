//! What members tell the hub about models: sources they know, and what sources turned out to be worth.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use comfydock_core::name::RepoPath;
use comfydock_core::source::Source;
use comfydock_core::wire::{Contribution, ObservationBatch, REPORT_LIMIT, Receipt, Right, SCHEMA, SOURCE_LIMIT};

use super::Error;
use super::access::{self, Target};
use super::visitor::Visitor;
use crate::clock;
use crate::db::observations::{self, Report};
use crate::db::{Database, audit};

/// Bytes of a source at most.
const LOCATOR_LIMIT: usize = 2048;
/// Requests with reports that one user may send within [`WINDOW`].
const REQUESTS: u32 = 60;
const WINDOW: Duration = Duration::from_secs(60);

/// How often each user told something lately.
#[derive(Debug, Default)]
pub(crate) struct Told(Mutex<HashMap<i64, (Instant, u32)>>);

impl Told {
    fn count(&self, user: i64, now: Instant) -> Result<(), Error> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|_, (since, _)| now.duration_since(*since) < WINDOW);
        let (since, count) = told.entry(user).or_insert((now, 0));
        if *count >= REQUESTS {
            let left = WINDOW.saturating_sub(now.duration_since(*since)).as_secs() + 1;
            return Err(Error::TooOften { seconds: u32::try_from(left).unwrap_or(u32::MAX) });
        }
        *count += 1;
        Ok(())
    }
}

fn check_count(count: usize, what: &str) -> Result<(), Error> {
    if count <= REPORT_LIMIT {
        return Ok(());
    }
    let message = format!("{count} {what} are more than the {REPORT_LIMIT} that one request may carry");
    Err(Error::Invalid { message, hint: Some("send several requests".to_owned()) })
}

/// Keeps what somebody found. Only what an environment names that the visitor may see can be told of.
pub(crate) fn observe(
    database: &Database,
    told: &Told,
    visitor: &Visitor,
    batch: &ObservationBatch,
) -> Result<Receipt, Error> {
    let caller = visitor.caller()?;
    check_count(batch.observations.len(), "observations")?;
    told.count(caller.user_id, Instant::now())?;
    let (now, viewer) = (clock::now(), visitor.viewer());
    let taken = database.write(|transaction| {
        let mut taken = 0;
        for observed in &batch.observations {
            let sha256 = observed.sha256.as_str();
            let environments = observations::naming(transaction, &viewer, sha256, &observed.source)?;
            // Nobody can have seen it later than now.
            let at = observed.at.as_deref().and_then(clock::parse).map_or(now, |at| at.min(now));
            let verdict = observed.verdict.as_str();
            let (http_status, size) = (observed.http_status, observed.size.filter(|size| i64::try_from(*size).is_ok()));
            let report = Report { sha256, locator: &observed.source, verdict, http_status, size, at };
            for environment in &environments {
                observations::put(transaction, environment, caller.user_id, &report)?;
            }
            taken += u64::from(!environments.is_empty());
        }
        Ok(taken)
    })?;
    Ok(Receipt { schema: SCHEMA, taken, ignored: batch.observations.len() as u64 - taken })
}

/// Adds sources to what an environment says of its models; for those who may push there.
pub(crate) fn contribute(
    database: &Database,
    told: &Told,
    visitor: &Visitor,
    contribution: &Contribution,
) -> Result<Receipt, Error> {
    let name = &contribution.environment;
    let path = RepoPath::parse(name).map_err(|_| visitor.missing(name.escape_debug().take(160).collect::<String>()))?;
    let Target::Existing(environment) = access::authorize(database, visitor, &path, Right::Push)? else {
        return Err(visitor.missing(&path));
    };
    let caller = visitor.caller()?;
    check_count(contribution.models.len(), "models")?;
    let mut sources = Vec::new();
    for model in &contribution.models {
        if model.sources.len() > SOURCE_LIMIT {
            let message = format!("sha256:{} has more than {SOURCE_LIMIT} sources", model.sha256);
            return Err(Error::invalid(message));
        }
        for text in &model.sources {
            sources.push((model.sha256.as_str(), read_source(text)?));
        }
    }
    told.count(caller.user_id, Instant::now())?;
    let now = clock::now();
    let taken = database.write(|transaction| {
        let mut taken = 0;
        for (sha256, locator) in &sources {
            if observations::is_model_of(transaction, &environment.id, sha256)?
                && observations::contribute(transaction, &environment.id, sha256, locator, caller.user_id, now)?
            {
                taken += 1;
                let detail = format!("sha256:{sha256} {locator}");
                audit::record(transaction, now, &caller.user, "model.contribute", &environment.path(), &detail)?;
            }
        }
        Ok(taken)
    })?;
    Ok(Receipt { schema: SCHEMA, taken, ignored: sources.len() as u64 - taken })
}

/// A source that others may be told of, in its canonical form.
fn read_source(text: &str) -> Result<String, Error> {
    let refuse = |reason: String| Error::Invalid {
        message: format!("`{}` cannot be told to others: {reason}", text.escape_debug().take(160).collect::<String>()),
        hint: Some("name the file itself, without a secret".to_owned()),
    };
    if text.len() > LOCATOR_LIMIT {
        return Err(refuse(format!("it has more than {LOCATOR_LIMIT} bytes")));
    }
    match Source::parse(text).map_err(|error| refuse(error.to_string()))? {
        Source::Hub(_) => Err(refuse("what the hub keeps, it tells by itself".to_owned())),
        Source::Unclear { .. } => Err(refuse("it does not say which file it is".to_owned())),
        source => Ok(source.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_a_count_of_their_own_that_begins_anew() {
        let (told, now) = (Told::default(), Instant::now());
        for _ in 0..REQUESTS {
            told.count(1, now).unwrap();
        }
        assert!(matches!(told.count(1, now), Err(Error::TooOften { seconds: 1..=61 })));
        told.count(2, now).unwrap();
        told.count(1, now + WINDOW).unwrap();
    }
}
