//! The moment of a backup: the database, and what every repository refers to, read while no push
//! is between its hook's yes and its end.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use comfydock_git::bare::list_references;

use super::Tell;
use super::contents::DATABASE;
use crate::barrier::Standstill;
use crate::clock::{self, Seconds};
use crate::data::DataFolder;
use crate::db::{self, snapshot};
use crate::service::Error;

/// How long a backup keeps new pushes waiting for those under way.
const PATIENCE: Duration = Duration::from_secs(30);

/// What was so at that moment.
pub(super) struct Moment {
    pub(super) at: Seconds,
    pub(super) environments: Vec<Recorded>,
}

/// One environment at that moment.
pub(super) struct Recorded {
    pub(super) environment: snapshot::Kept,
    pub(super) references: BTreeMap<String, String>,
    /// The reference logs with their lengths in bytes: what is written later is not copied.
    pub(super) logs: Vec<(String, u64)>,
    pub(super) damaged: Option<String>,
}

/// Writes the database into `partial` and reads all references. Pushes wait meanwhile.
pub(super) fn record(data: &DataFolder, partial: &Path, tell: Tell<'_>) -> Result<Moment, Error> {
    let since = Instant::now();
    let still = Standstill::bring_about(data, PATIENCE)?;
    let at = clock::now();
    let copy = partial.join(DATABASE);
    snapshot::copy(&data.database(), &copy).map_err(db::Error::from)?;
    let environments = snapshot::peek(&copy).and_then(|it| snapshot::environments(&it)).map_err(db::Error::from)?;
    let environments = environments.into_iter().map(|environment| look(data, environment)).collect();
    drop(still);
    tell(&format!("pushes waited for {} ms", since.elapsed().as_millis()));
    Ok(Moment { at, environments })
}

/// One broken repository does not keep the others from being backed up.
fn look(data: &DataFolder, environment: snapshot::Kept) -> Recorded {
    let repository = data.repository(&environment.id);
    let mut damaged = None;
    let references = list_references(&repository).unwrap_or_else(|error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        damaged = Some(format!("{error}{cause}"));
        BTreeMap::new()
    });
    let is_pushed = environment.tip.is_some();
    if is_pushed && damaged.is_none() && !references.contains_key("refs/heads/main") {
        damaged = Some("the branch main is missing".to_owned());
    }
    if is_pushed && !repository.join("HEAD").exists() {
        damaged = Some(format!("{} is missing or incomplete", repository.display()));
    }
    let length = |name: &String| {
        let log = repository.join("logs").join(name);
        Some((name.clone(), log.metadata().ok().filter(std::fs::Metadata::is_file)?.len()))
    };
    let logs = references.keys().filter_map(length).collect();
    Recorded { environment, references, logs, damaged }
}
