//! What the first lock is held to: the versions that were installed.
//!
//! A package that the index no longer has, or that contradicts what a pack asks for, must not cost the
//! whole environment. So the constraints are given up step by step, and what was given up is said.

use std::collections::BTreeSet;

use crate::adoption::{Left, Package, PackageOrigin};
use crate::requirements::normalised;

/// One version to hold to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Constraint {
    /// The package's normalised name.
    pub name: String,
    /// Its version, without a local tag: indexes know that of one machine only.
    pub version: String,
    /// Whether it was a build for some machine: with a local tag, or of torch's family.
    pub of_machine: bool,
}

impl Constraint {
    /// As uv reads it.
    pub fn requirement(&self) -> String {
        format!("{}=={}", self.name, self.version)
    }
}

/// The versions to hold to, and those given up so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Constraints {
    kept: Vec<Constraint>,
    given_up: Vec<Constraint>,
    rounds: u8,
}

/// How often those that uv names are given up before all are.
const ROUNDS: u8 = 8;

/// Packages of torch's family: their builds belong to the machine (decision 17).
const TORCH: &[&str] = &["torch", "torchaudio", "torchvision", "triton", "xformers"];

impl Constraints {
    /// The versions of what came from an index; what did not is named.
    pub(super) fn of(packages: &[Package], left: &mut Vec<Left>) -> Self {
        let mut kept = Vec::new();
        for package in packages {
            let what = || format!("Python package `{}`", package.name);
            match (&package.origin, &package.version) {
                (PackageOrigin::Url(url), _) => {
                    left.push(Left::new(what(), format!("it was installed from {url}")));
                }
                (PackageOrigin::Editable(folder), _) => {
                    left.push(Left::new(what(), format!("it was installed from a folder that is worked on: {folder}")));
                }
                (PackageOrigin::Index, Some(version)) => kept.extend(constraint(&package.name, version)),
                (PackageOrigin::Index, None) => {}
            }
        }
        kept.sort();
        kept.dedup_by(|one, other| one.name == other.name);
        Self { kept, given_up: Vec::new(), rounds: 0 }
    }

    /// Whether there is nothing to hold to.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// As uv reads them.
    pub fn requirements(&self) -> Vec<String> {
        self.kept.iter().map(Constraint::requirement).collect()
    }

    /// How many are held to.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// What was given up.
    pub fn given_up(&self) -> &[Constraint] {
        &self.given_up
    }

    /// Gives up some, after uv could not resolve with them; `said` is what it said. If that is about a
    /// build for some machine, all of those go: torch's family belongs together. Else those go that
    /// are named. Returns whether another try makes sense.
    pub fn relax(&mut self, said: &str) -> bool {
        if !is_about_versions(said) {
            return false;
        }
        let words = words(said);
        let named = |one: &Constraint| words.contains(&one.name);
        if !self.kept.iter().any(named) {
            return false;
        }
        self.rounds += 1;
        let of_machine = self.kept.iter().any(|one| one.of_machine && named(one));
        if self.rounds > ROUNDS {
            self.give_up(|_| true);
        } else if of_machine {
            self.give_up(|one| one.of_machine);
        } else {
            self.give_up(named);
        }
        true
    }

    /// Gives up all that are left; returns whether there were any.
    pub fn relax_all(&mut self) -> bool {
        let any = !self.kept.is_empty();
        self.give_up(|_| true);
        any
    }

    fn give_up(&mut self, these: impl Fn(&Constraint) -> bool) {
        let (given_up, kept): (Vec<_>, Vec<_>) = self.kept.drain(..).partition(these);
        self.kept = kept;
        self.given_up.extend(given_up);
    }
}

/// Whether uv failed because of versions, and not of the network or the disk.
fn is_about_versions(said: &str) -> bool {
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
    ["No solution found", "was not found in the package registry", "was not found in the cache"]
        .iter()
        .any(|word| flat.contains(word))
}

/// The words of what uv said, as packages are named.
fn words(said: &str) -> BTreeSet<String> {
    let separator = |character: char| !(character.is_ascii_alphanumeric() || "-_.".contains(character));
    said.split(separator).map(|word| normalised(word.trim_matches(['.', '-', '_']))).collect()
}

fn constraint(name: &str, version: &str) -> Option<Constraint> {
    let (public, local) = version.split_once('+').map_or((version, None), |(public, local)| (public, Some(local)));
    let is_version = public.starts_with(|first: char| first.is_ascii_digit())
        && public.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'!' | b'-' | b'_'));
    let is_name = name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let of_machine = local.is_some() || TORCH.contains(&name) || name.starts_with("nvidia-");
    (is_version && is_name).then(|| Constraint { name: name.to_owned(), version: public.to_owned(), of_machine })
}
