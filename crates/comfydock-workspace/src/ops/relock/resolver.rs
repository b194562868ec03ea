//! Asking uv for a lock, in a copy of manifest and lock, and not asking twice.

use std::path::{Path, PathBuf};
use std::time::Duration;

use comfydock_core::foreign;
use comfydock_core::manifest::Document;
use comfydock_core::python_lock::Lock;
use comfydock_store::file;
use comfydock_store::hash::Hasher;

use crate::Error;
use crate::process::uv::{self, Failure, Uv};
use crate::python;
use crate::reporter::Reporter;

/// How long a resolution counts that is not held to a date: packages that are newer shall be found.
const FRESH: Duration = Duration::from_secs(4 * 60 * 60);

/// Where and how requirements are resolved.
pub struct Resolver<'a> {
    /// Who does it.
    pub uv: &'a Uv<'a>,
    /// A folder for the copies, which nothing else is in.
    pub folder: &'a Path,
    /// The version of Python.
    pub python: &'a str,
    /// Packages whose source may be built on this machine.
    pub accepted: &'a [String],
    /// Who is told what was settled.
    pub reporter: &'a dyn Reporter,
}

impl Resolver<'_> {
    /// Locks what a document asks for, on top of an older lock. The same question is answered from the
    /// cache.
    pub(super) fn lock(&self, document: &Document, old: Option<&[u8]>) -> Result<Vec<u8>, Error> {
        let kept = self.kept(document, old);
        if is_good(&kept, document.has_date()) {
            return Ok(file::read(&kept)?);
        }
        file::remove(self.folder)?;
        file::create_folder(self.folder)?;
        file::write(&self.folder.join(foreign::MANIFEST), document.text().as_bytes())?;
        let target = self.folder.join(foreign::PYTHON_LOCK);
        if let Some(old) = old {
            file::write(&target, old)?;
        }
        // An accepted package is built although it has a wheel, so it is named only where it has none.
        let known = old.and_then(|old| Lock::parse(&String::from_utf8_lossy(old)).ok()).unwrap_or_default();
        let mut builds = known.without_wheel(self.accepted, self.python, &python::platform());
        loop {
            let error = match self.uv.lock(self.folder, self.python, &builds) {
                Ok(()) => break,
                Err(error) => error,
            };
            match self.accepted_build(&error).filter(|name| !builds.contains(name)) {
                Some(name) => builds.push(name),
                None => return Err(error.into()),
            }
        }
        let lock = file::read(&target)?;
        if let Some(folder) = kept.parent() {
            file::create_folder(folder)?;
        }
        file::write(&kept, &lock)?;
        Ok(lock)
    }

    /// The accepted package that uv refused to build.
    fn accepted_build(&self, error: &uv::Error) -> Option<&str> {
        let Some(Failure::BuildRefused { name }) = error.failure() else { return None };
        let same = |accepted: &&String| comfydock_core::requirements::normalised(accepted) == *name;
        self.accepted.iter().find(same).map(String::as_str)
    }

    /// Where the answer to this question is kept. It follows from the manifest's dependency parts, the
    /// older lock, uv's version, the indexes, and what may be built.
    fn kept(&self, document: &Document, old: Option<&[u8]>) -> PathBuf {
        let (text, places, platform) = (document.resolution_text(), Uv::places().join("\n"), python::platform());
        let accepted = self.accepted.join("\n");
        let texts = [&text, self.uv.version(), &places, &platform, self.python, &accepted];
        let mut hasher = Hasher::default();
        for part in texts.into_iter().map(str::as_bytes).chain(old) {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        self.uv.cache("resolutions").join(format!("{}.lock", hasher.finish().sha256))
    }
}

fn is_good(kept: &Path, has_date: bool) -> bool {
    let Ok(about) = kept.metadata() else { return false };
    has_date || about.modified().ok().and_then(|time| time.elapsed().ok()).is_some_and(|age| age < FRESH)
}
