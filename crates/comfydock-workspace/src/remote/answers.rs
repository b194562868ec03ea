//! What the sites answered, kept with its age: `comfydock_cache/api_cache/` (decision 66).

use std::path::PathBuf;
use std::time::Duration;

use comfydock_store::file;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The shape of the files; others are passed over.
const SCHEMA: u32 = 1;

/// Answers of one workspace.
#[derive(Debug, Clone)]
pub struct Answers {
    folder: PathBuf,
    use_kept: Use,
}

/// Which kept answers serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Those that are young enough.
    Young,
    /// All: nobody can be asked.
    Any,
    /// None: the user wants to know anew.
    None,
}

#[derive(Serialize, Deserialize)]
struct Kept<T> {
    schema: u32,
    /// Seconds since the epoch.
    at: i64,
    answer: T,
}

impl Answers {
    /// Answers kept in this folder.
    pub fn new(folder: PathBuf, use_kept: Use) -> Self {
        Self { folder, use_kept }
    }

    fn path(&self, site: &str, key: &str) -> PathBuf {
        self.folder.join(site).join(format!("{key}.json"))
    }

    /// The kept answer, if it serves; `lasts` says for how long it does. What cannot be read is as
    /// good as absent.
    pub(super) fn find<T: DeserializeOwned>(
        &self,
        site: &str,
        key: &str,
        lasts: impl FnOnce(&T) -> Duration,
    ) -> Option<T> {
        if self.use_kept == Use::None {
            return None;
        }
        let text = file::find_text(&self.path(site, key)).ok()??;
        let kept: Kept<T> = serde_json::from_str(&text).ok().filter(|kept: &Kept<T>| kept.schema == SCHEMA)?;
        // A time in the future is a clock that was set back: the answer's age is not known.
        let age = u64::try_from(crate::ops::seconds_now() - kept.at).ok().map(Duration::from_secs);
        let young = age.is_some_and(|age| age <= lasts(&kept.answer));
        (young || self.use_kept == Use::Any).then_some(kept.answer)
    }

    /// Keeps an answer. That it cannot be kept only means that it is asked for again.
    pub(super) fn keep<T: Serialize>(&self, site: &str, key: &str, answer: &T) {
        let path = self.path(site, key);
        let kept = Kept { schema: SCHEMA, at: crate::ops::seconds_now(), answer };
        let Ok(text) = serde_json::to_vec(&kept) else { return };
        if file::create_folder(&self.folder.join(site)).is_ok() {
            let _ = file::write(&path, &text);
        }
    }

    /// Whether nobody can be asked.
    pub(super) fn only_kept(&self) -> bool {
        self.use_kept == Use::Any
    }
}
