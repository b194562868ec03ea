//! Whether the files of a venv are those that were installed, by each package's `RECORD`.
//!
//! uv itself never looks: an install that was killed leaves packages without files, and what a node
//! pack writes into a hard-linked file it writes into uv's cache and every other environment too.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use comfydock_core::requirements::normalised;
use comfydock_core::wheel_record::{self, RecordedFile};
use comfydock_store::{file, hash};

use crate::Error;
use crate::models::scan::in_parallel;

/// An installed package that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Its name, normalised.
    pub package: String,
    /// Its version.
    pub version: String,
    /// What is wrong with its files; never empty.
    pub faults: Vec<Fault>,
}

impl Damage {
    /// Whether some of it is in uv's cache too, so that a new venv would have it again.
    pub fn is_shared(&self) -> bool {
        self.faults.iter().any(|fault| fault.shared)
    }
}

/// One file that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its path as the record has it.
    pub path: String,
    /// What is wrong.
    pub kind: FaultKind,
    /// Whether the file has other names: in uv's cache, and in other environments.
    pub shared: bool,
}

/// What is wrong with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// It is not there.
    Missing,
    /// It has another size.
    Size {
        /// Bytes as installed.
        expected: u64,
        /// Bytes there are.
        found: u64,
    },
    /// Its bytes are others.
    Content,
}

/// Which files are read to compare their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Those that were written after their package was installed.
    Touched,
    /// All.
    Whole,
}

/// The packages of a venv.
#[derive(Debug)]
pub struct Installed {
    site: PathBuf,
    packages: Vec<Package>,
    /// What the records of several packages say of one path, where they do.
    contested: HashMap<String, Vec<RecordedFile>>,
}

/// Files of a venv whose bytes are to be compared.
pub struct Suspects<'a> {
    installed: &'a Installed,
    files: Vec<(&'a Package, &'a RecordedFile, Metadata)>,
}

#[derive(Debug)]
struct Package {
    name: String,
    version: String,
    /// Nothing where the record is gone.
    files: Option<Vec<RecordedFile>>,
    /// When the record was written, in nanoseconds since the epoch: the last thing that an install does.
    installed_at: i128,
}

/// What is damaged in a venv: files that are gone or have another size. For `repair`, and for all that
/// has no time to read every byte (0.2 s for 24,000 files).
///
/// # Errors
/// When the venv cannot be read.
pub fn damage(venv: &Path) -> Result<Vec<Damage>, Error> {
    Installed::read(venv)?.damage()
}

impl Installed {
    /// Reads the records of a venv.
    ///
    /// # Errors
    /// When it has no `site-packages`, or a record is there and cannot be read.
    pub fn read(venv: &Path) -> Result<Self, Error> {
        let site = site_packages(venv)?;
        let listed = fs::read_dir(&site).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let mut packages = Vec::new();
        for entry in listed.map_err(file::Error::at("read", &site))? {
            let folder = entry.file_name().to_string_lossy().into_owned();
            let Some((name, version)) = folder.strip_suffix(".dist-info").and_then(|stem| stem.split_once('-')) else {
                continue;
            };
            let record = entry.path().join(wheel_record::FILE);
            let files = file::find_text(&record)?.map(|text| wheel_record::parse(&text));
            let installed_at = record.metadata().map_or(i128::MAX, |about| modified(&about));
            packages.push(Package { name: normalised(name), version: version.to_owned(), files, installed_at });
        }
        packages.sort_by(|one, other| one.name.cmp(&other.name));
        let contested = contested(&packages);
        Ok(Self { site, packages, contested })
    }

    /// What each package's record lists, by the package's name.
    pub fn records(&self) -> BTreeMap<&str, &[RecordedFile]> {
        let listed = |package: &'_ Package| package.files.is_some();
        let packages = self.packages.iter().filter(|package| listed(package));
        packages.map(|package| (package.name.as_str(), package.files.as_deref().unwrap_or_default())).collect()
    }

    /// Each package with its version, as `name 1.2`.
    pub fn versions(&self) -> BTreeSet<String> {
        self.packages.iter().map(|package| format!("{} {}", package.name, package.version)).collect()
    }

    /// How many packages there are.
    pub fn count(&self) -> usize {
        self.packages.len()
    }

    /// Files that are gone or have another size, and packages without a record.
    ///
    /// # Errors
    /// When a reader fails.
    pub fn damage(&self) -> Result<Vec<Damage>, Error> {
        let mut found = Vec::new();
        let look = |package: &Package| match &package.files {
            Some(files) => files.iter().filter_map(|file| self.stat(file)).collect(),
            None => vec![Fault {
                path: format!("{}-{}.dist-info/{}", package.name, package.version, wheel_record::FILE),
                kind: FaultKind::Missing,
                shared: false,
            }],
        };
        in_parallel(&self.packages, look, |package, faults| {
            found.extend(package.damage(faults));
            Ok(())
        })?;
        found.sort_by(|one, other| one.package.cmp(&other.package));
        Ok(found)
    }

    /// The files whose bytes are to be compared.
    pub fn suspects(&self, depth: Depth) -> Suspects<'_> {
        let files = self.packages.iter().flat_map(|package| self.to_be_read(package, depth)).collect();
        Suspects { installed: self, files }
    }

    fn to_be_read<'a>(
        &'a self,
        package: &'a Package,
        depth: Depth,
    ) -> impl Iterator<Item = (&'a Package, &'a RecordedFile, Metadata)> {
        let files = package.files.iter().flatten().filter(|file| !file.is_passing() && file.sha256.is_some());
        files.filter_map(move |file| {
            let about = fs::metadata(self.site.join(&file.path)).ok()?;
            let same_size = self.all_that_say(file).any(|said| said.size.is_none_or(|size| size == about.len()));
            let wanted = depth == Depth::Whole || modified(&about) > package.installed_at;
            (same_size && wanted).then_some((package, file, about))
        })
    }

    /// What is wrong with a file, by a look that does not open it.
    fn stat(&self, file: &RecordedFile) -> Option<Fault> {
        if file.is_passing() {
            return None;
        }
        let fault = |kind, shared| Some(Fault { path: file.path.clone(), kind, shared });
        let Ok(about) = fs::metadata(self.site.join(&file.path)) else { return fault(FaultKind::Missing, false) };
        let fits = self.all_that_say(file).any(|said| said.size.is_none_or(|size| size == about.len()));
        match file.size {
            Some(expected) if !fits => fault(FaultKind::Size { expected, found: about.len() }, about.nlink() > 1),
            _ => None,
        }
    }

    /// Where several packages put a file, the last one's is there, and that is told as an overlap.
    fn all_that_say<'a>(&'a self, file: &'a RecordedFile) -> impl Iterator<Item = &'a RecordedFile> {
        let others = self.contested.get(&file.path);
        std::iter::once(file).chain(others.into_iter().flatten())
    }
}

impl Suspects<'_> {
    /// How many bytes they are.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|(_, _, about)| about.len()).sum()
    }

    /// Those whose bytes are others although their size is right. `read` hears of the bytes read.
    ///
    /// # Errors
    /// When a reader fails. A file that cannot be read counts as changed.
    pub fn changed(&self, mut read: impl FnMut(u64)) -> Result<Vec<Damage>, Error> {
        let mut faults: BTreeMap<&str, (&Package, Vec<Fault>)> = BTreeMap::new();
        let look = |(_, file, about): &(&Package, &RecordedFile, Metadata)| {
            let found = hash::full(&self.installed.site.join(&file.path), |_| {});
            let found = found.ok().map(|(digests, _)| digests.sha256);
            let mut said = self.installed.all_that_say(file);
            let is_any = said.any(|said| said.sha256.is_none() || said.sha256 == found);
            let fault = Fault { path: file.path.clone(), kind: FaultKind::Content, shared: about.nlink() > 1 };
            (!is_any).then_some(fault)
        };
        in_parallel(&self.files, look, |(package, _, about), fault| {
            read(about.len());
            if let Some(fault) = fault {
                faults.entry(&package.name).or_insert((package, Vec::new())).1.push(fault);
            }
            Ok(())
        })?;
        Ok(faults.into_values().filter_map(|(package, faults)| package.damage(faults)).collect())
    }
}

impl Package {
    fn damage(&self, faults: Vec<Fault>) -> Option<Damage> {
        let (package, version) = (self.name.clone(), self.version.clone());
        (!faults.is_empty()).then_some(Damage { package, version, faults })
    }
}

fn contested(packages: &[Package]) -> HashMap<String, Vec<RecordedFile>> {
    let mut by_path: HashMap<&str, Vec<&RecordedFile>> = HashMap::new();
    for file in packages.iter().flat_map(|package| package.files.iter().flatten()) {
        by_path.entry(&file.path).or_default().push(file);
    }
    let several = by_path.into_iter().filter(|(_, files)| files.len() > 1);
    several.map(|(path, files)| (path.to_owned(), files.into_iter().cloned().collect())).collect()
}

/// `lib/python3.N/site-packages` of a venv.
fn site_packages(venv: &Path) -> Result<PathBuf, Error> {
    let lib = venv.join("lib");
    let pythons = fs::read_dir(&lib).map_err(file::Error::at("read", &lib))?.flatten();
    let found = pythons.map(|python| python.path().join("site-packages")).find(|folder| folder.is_dir());
    let missing = || std::io::Error::new(std::io::ErrorKind::NotFound, "it has no `site-packages`");
    Ok(found.ok_or_else(|| file::Error::at("find packages in", venv)(missing()))?)
}

fn modified(about: &Metadata) -> i128 {
    i128::from(about.mtime()) * 1_000_000_000 + i128::from(about.mtime_nsec())
}

#[cfg(test)]
mod tests;
