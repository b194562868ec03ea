//! Judging what a push brings: every new file of every new commit, because history keeps what a later
//! commit takes away.

use std::collections::HashSet;

use comfydock_core::admission::{self, COMMIT_LIMIT, CONTENT_LIMIT, ENTRY_LIMIT, FINDING_LIMIT};
use comfydock_core::foreign::Violation;
use comfydock_core::secret;

use crate::objects::{Error, Objects, TreeItem};

/// Judges everything that the tips bring and the known commits do not have.
///
/// # Errors
/// When there is more than may be brought at once ([`Error::is_limit`]), or an object is missing or damaged.
pub fn judge(objects: &Objects, tips: &[String], known: &[String]) -> Result<Vec<Violation>, Error> {
    let commits = objects.new_commits(tips, known, COMMIT_LIMIT)?;
    let mut arrivals =
        Arrivals { objects, seen: HashSet::new(), entries: 0, content: 0, violations: Vec::new(), finds: false };
    let new: HashSet<&String> = commits.iter().collect();
    // What the commits stand on is here already, whoever let it in.
    for id in &commits {
        for parent in objects.commit(id)?.parents.iter().filter(|parent| !new.contains(parent)) {
            arrivals.tree(&objects.commit(parent)?.tree, &mut Vec::new(), 0, "")?;
        }
    }
    arrivals.finds = true;
    for id in &commits {
        let commit = objects.commit(id)?;
        let short = id.get(..7).unwrap_or(id);
        let place = format!("the message of commit {short}");
        let found = secret::find("message", commit.message.as_bytes());
        arrivals.violations.extend(found.iter().map(|found| found.violation(&place)));
        arrivals.tree(&commit.tree, &mut Vec::new(), 0, short)?;
        if arrivals.violations.len() > FINDING_LIMIT {
            let message = format!("has more than {FINDING_LIMIT} problems; the rest was not looked at");
            arrivals.violations.push(Violation::new("the push", message, None));
            break;
        }
    }
    Ok(arrivals.violations)
}

struct Arrivals<'objects> {
    objects: &'objects Objects,
    /// Trees and blobs that need no second look.
    seen: HashSet<String>,
    entries: usize,
    content: u64,
    violations: Vec<Violation>,
    /// Whether what is new is judged, or only noted as being here.
    finds: bool,
}

impl Arrivals<'_> {
    fn tree(&mut self, id: &str, path: &mut Vec<u8>, depth: usize, commit: &str) -> Result<(), Error> {
        if !self.seen.insert(id.to_owned()) || self.violations.len() > FINDING_LIMIT {
            return Ok(());
        }
        for item in self.objects.folder(id, depth)? {
            self.entries += 1;
            if self.entries > ENTRY_LIMIT {
                return Err(Error::TooMuch { what: "entries of folders", limit: ENTRY_LIMIT as u64 });
            }
            let (name, id, is_folder) = match item {
                TreeItem::Folder { name, id } => (name, id, true),
                TreeItem::File { name, id } => (name, id, false),
                // What it names is no object of this repository.
                TreeItem::Submodule => continue,
            };
            let length = path.len();
            path.extend_from_slice(&name);
            if is_folder {
                path.push(b'/');
                self.tree(&id, path, depth + 1, commit)?;
            } else if self.seen.insert(id.clone()) && self.finds {
                self.file(&id, path, commit)?;
            }
            path.truncate(length);
        }
        Ok(())
    }

    fn file(&mut self, id: &str, path: &[u8], commit: &str) -> Result<(), Error> {
        let path = String::from_utf8_lossy(path).escape_debug().to_string();
        let size = self.objects.blob_size(id)?;
        let found = match admission::judge_size(&path, size) {
            Some(violation) => vec![violation],
            None => {
                self.content += size;
                if self.content > CONTENT_LIMIT {
                    return Err(Error::TooMuch { what: "bytes of new files", limit: CONTENT_LIMIT });
                }
                admission::judge_file(&path, &self.objects.blob(id)?)
            }
        };
        self.violations.extend(found.into_iter().map(|mut violation| {
            violation.message = format!("{}, since commit {commit}", violation.message);
            violation
        }));
        Ok(())
    }
}
