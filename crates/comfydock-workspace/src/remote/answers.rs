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

    /// The kept answer whatever its age, with the age unless the clock was set back.
    pub(super) fn find_old<T: DeserializeOwned>(&self, site: &str, key: &str) -> Option<(T, Option<Duration>)> {
        let text = file::find_text(&self.path(site, key)).ok()??;
        let kept: Kept<T> = serde_json::from_str(&text).ok().filter(|kept: &Kept<T>| kept.schema == SCHEMA)?;
        let age = u64::try_from(crate::ops::seconds_now() - kept.at).ok().map(Duration::from_secs);
        Some((kept.answer, age))
    }

    /// The same answers, used like this.
    #[must_use]
    pub(super) fn with_use(self, use_kept: Use) -> Self {
        Self { use_kept, ..self }
    }

    /// Keeps an answer. That it cannot be kept only means that it is asked for again; so it is not
    /// synced either: a library's thousands of misses would take minutes.
    pub(super) fn keep<T: Serialize>(&self, site: &str, key: &str, answer: &T) {
        let kept = Kept { schema: SCHEMA, at: crate::ops::seconds_now(), answer };
        let Ok(text) = serde_json::to_vec(&kept) else { return };
        let folder = self.folder.join(site);
        let unfinished = folder.join(format!(".{key}.{}", std::process::id()));
        if file::create_folder(&folder).is_ok()
            && (std::fs::write(&unfinished, text).is_err()
                || std::fs::rename(&unfinished, self.path(site, key)).is_err())
        {
            let _ = std::fs::remove_file(&unfinished);
        }
    }

    /// Whether nobody can be asked.
    pub(super) fn only_kept(&self) -> bool {
        self.use_kept == Use::Any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn an_answer_serves_as_long_as_it_lasts() {
        let folder = tempfile::tempdir().unwrap();
        let answers = |kept| Answers::new(folder.path().to_owned(), kept);
        answers(Use::Young).keep("site", "key", &Some(7));
        let find = |kept| answers(kept).find::<Option<u32>>("site", "key", |_| HOUR);
        assert_eq!([find(Use::Young), find(Use::Any), find(Use::None)], [Some(Some(7)), Some(Some(7)), None]);
        let path = answers(Use::Young).path("site", "key");
        let now = crate::ops::seconds_now();
        for (at, young) in [(now - 3590, true), (now - 3700, false), (now + 600, false)] {
            std::fs::write(&path, format!(r#"{{"schema":1,"at":{at},"answer":null}}"#)).unwrap();
            assert_eq!(find(Use::Young), young.then_some(None), "{at}");
            assert_eq!(find(Use::Any), Some(None), "{at}");
        }
        for text in ["", "{", r#"{"schema":2,"at":0,"answer":null}"#, r#"{"schema":1,"at":0,"answer":"x"}"#] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(find(Use::Any), None, "{text}");
        }
        assert_eq!(std::fs::read_dir(folder.path().join("site")).unwrap().count(), 1, "nothing is left beside it");
    }
}
