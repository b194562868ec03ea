//! From an existing installation to an environment that is like it (decision 79).

use std::collections::BTreeMap;

use crate::adoption::{Found, Left, Origin, Pack, SingleFile, WantedModel};
use crate::digest::CommitId;
use crate::name::NodeName;

mod comfyui;
mod constraints;
mod packs;

#[cfg(test)]
mod tests;

pub use comfyui::{At, Wanted, tag_for};
pub use constraints::{Constraint, Constraints};

/// What the user said beside the installation.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Where ComfyUI comes from when the installation does not say it, or the user does.
    pub comfyui_url: String,
    /// Whether the user named that URL.
    pub url_is_chosen: bool,
    /// A tag, branch or commit that the user chose.
    pub comfyui_version: Option<String>,
    /// The version of Python that the user chose.
    pub python: Option<String>,
    /// The version of Python when nothing is known.
    pub usual_python: String,
}

/// What a new environment takes over, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Which ComfyUI.
    pub comfyui: Wanted,
    /// Major and minor version of Python.
    pub python: String,
    /// Node packs, by folder.
    pub packs: Vec<PackStep>,
    /// Single files of `custom_nodes`.
    pub files: Vec<FileStep>,
    /// What the first lock is held to.
    pub constraints: Constraints,
    /// Models that are needed, by hash.
    pub models: Vec<WantedModel>,
    /// What stays behind or is not quite the same, each with its reason.
    pub left: Vec<Left>,
}

/// A node pack to be taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackStep {
    /// Its folder in the new environment.
    pub name: NodeName,
    /// How it is had.
    pub how: How,
    /// Where it lies; none when only a file tells of it.
    pub place: Option<String>,
    /// What users keep in its folder, to be copied along (decision 23).
    pub keep: Vec<String>,
}

/// How a pack is had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// From its repository. Where that does not have the commit, and the clone is here, the clone is
    /// copied.
    Git {
        /// Where it is.
        url: String,
        /// At which commit; the newest of the default branch without one.
        commit: Option<CommitId>,
        /// The branch it was on.
        reference: Option<String>,
        /// Whether the clone itself knows that the commit is published.
        published: bool,
    },
    /// From the Comfy registry. Where that has other files than lie here, those here are copied.
    Registry {
        /// Its id.
        id: String,
        /// Its version.
        version: String,
    },
    /// Copied as it lies, as a development pack.
    Copy {
        /// Why it cannot be had from elsewhere.
        reason: String,
        /// Where its repository is, when it has one.
        url: Option<String>,
    },
}

/// A single file to be taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileStep {
    /// It becomes the `__init__.py` of a development pack, so that it travels.
    Wrap {
        /// The pack.
        name: NodeName,
        /// Where the file lies.
        place: String,
    },
    /// It is copied as it is, and does not travel.
    Copy {
        /// Its name.
        name: String,
        /// Where it lies.
        place: String,
    },
}

/// Plans the take-over.
pub fn plan(found: &Found, wish: &Wish) -> Plan {
    let mut left = found.left.clone();
    let comfyui = comfyui::wanted(&found.comfyui, wish, &mut left);
    let mut taken: BTreeMap<String, String> = BTreeMap::new();
    let packs = found.packs.iter().filter_map(|pack| packs::step(pack, &mut taken, &mut left)).collect();
    let files = found.files.iter().filter_map(|file| file_step(file, &mut taken, &mut left)).collect();
    let python = wish.python.clone().or_else(|| found.python.clone());
    if python.is_none() {
        left.push(Left::new("the version of Python", format!("nothing says it; {} is taken", wish.usual_python)));
    }
    let constraints = Constraints::of(&found.packages, &mut left);
    left.sort();
    left.dedup();
    Plan {
        comfyui,
        python: python.unwrap_or_else(|| wish.usual_python.clone()),
        packs,
        files,
        constraints,
        models: found.models.clone(),
        left,
    }
}

/// A file that must not move is copied to where it was: it works as before, but no pack carries it to
/// others.
fn file_step(file: &SingleFile, taken: &mut BTreeMap<String, String>, left: &mut Vec<Left>) -> Option<FileStep> {
    let what = format!("custom_nodes/{}", file.name);
    let Some(place) = file.place.clone().filter(|_| !file.disabled) else {
        let reason = if file.disabled { "it is disabled" } else { "it is a single file, and only its name is known" };
        left.push(Left::new(what, reason));
        return None;
    };
    let stem = file.name.strip_suffix(".py").unwrap_or(&file.name);
    let name = NodeName::parse(stem).ok().filter(|name| !taken.contains_key(&name.normalised()));
    match name.filter(|_| !file.knows_its_place) {
        Some(name) => {
            taken.insert(name.normalised(), file.name.clone());
            Some(FileStep::Wrap { name, place })
        }
        None => {
            left.push(Left::new(what, "it is copied and works here, but a single file does not travel: make it a folder with an `__init__.py` and add that with `comfydock node add --dev`"));
            Some(FileStep::Copy { name: file.name.clone(), place })
        }
    }
}

/// What to say of a pack that stays behind because it is disabled: how it is had again.
fn add_again(pack: &Pack) -> String {
    let named = match &pack.origin {
        Origin::Git(clone) => clone.url.as_ref().map(|url| match &clone.commit {
            Some(commit) => format!("{url}@{commit}"),
            None => url.clone(),
        }),
        Origin::Registry(release) => Some(match &release.version {
            Some(version) => format!("{}@{version}", release.id),
            None => release.id.clone(),
        }),
        Origin::Folder(_) => None,
    };
    match named {
        Some(named) => format!("it is disabled; `comfydock node add {named}` brings it"),
        None => "it is disabled".to_owned(),
    }
}
