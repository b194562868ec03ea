//! The four distributions of OpenCV, which all write into `cv2/` (decision 74).
//!
//! Installed together they overwrite each other's files, and removing one breaks the rest. One is
//! chosen that does what all of those wanted do.

use std::collections::{BTreeMap, BTreeSet};

use crate::requirements::{Requirement, Where};

/// The four.
pub const FAMILY: [&str; 4] =
    ["opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless"];

/// The dependency group that asks for the one that is chosen.
pub const GROUP: &str = "comfydock-opencv";

/// One distribution in place of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// The one that is installed.
    pub chosen: &'static str,
    /// Those that are not, though something asks for them.
    pub instead_of: Vec<&'static str>,
    /// What the groups say of versions, said of the chosen one.
    pub requirement: String,
}

impl Settlement {
    /// What uv is told about those that are not installed: a condition that never holds.
    pub fn overrides(&self) -> Vec<String> {
        self.instead_of.iter().map(|name| format!("{name} ; sys_platform == 'never'")).collect()
    }

    /// The same with lower bounds alone, for when versions contradict each other: who wants an exact
    /// one wants it until there is a later one.
    #[must_use]
    pub fn of_later_versions(self) -> Self {
        let clauses = self.requirement.trim_start_matches(self.chosen).split(',');
        let bounds: Vec<&str> = clauses.filter(|clause| clause.starts_with('>')).collect();
        Self { requirement: format!("{}{}", self.chosen, bounds.join(",")), ..self }
    }
}

/// Settles which of the locked distributions is installed; nothing when there is at most one.
/// `asked` are the requirements of all groups.
///
/// The contrib builds contain the main modules. ComfyUI is a server, and the headless builds need
/// no libraries of a desktop; windows are all they lack.
pub fn settle(locked: &BTreeMap<String, String>, asked: &[Requirement]) -> Option<Settlement> {
    let there: Vec<&'static str> = FAMILY.into_iter().filter(|name| locked.contains_key(*name)).collect();
    if there.len() < 2 {
        return None;
    }
    let contrib = there.iter().any(|name| name.contains("contrib"));
    let chosen = if contrib { "opencv-contrib-python-headless" } else { "opencv-python-headless" };
    let clauses: BTreeSet<String> = asked
        .iter()
        .filter(|requirement| FAMILY.contains(&requirement.package().as_str()) && requirement.marker.is_none())
        .filter_map(|requirement| match &requirement.which {
            Where::Versions(versions) => Some(versions),
            Where::Url(_) => None,
        })
        .flat_map(|versions| versions.split(','))
        .map(|clause| of_release(&clause.split_whitespace().collect::<String>()))
        .filter(|clause| !clause.is_empty())
        .collect();
    let clauses: Vec<String> = clauses.into_iter().collect();
    Some(Settlement {
        chosen,
        instead_of: there.into_iter().filter(|name| *name != chosen).collect(),
        requirement: format!("{chosen}{}", clauses.join(",")),
    })
}

/// The fourth number of their versions counts builds, each distribution for itself: `==4.7.0.72`
/// means OpenCV 4.7.0.
fn of_release(clause: &str) -> String {
    let Some(version) = clause.strip_prefix("==") else { return clause.to_owned() };
    let parts: Vec<&str> = version.split('.').collect();
    match parts[..] {
        [major, minor, patch, build] if build.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("=={major}.{minor}.{patch}.*")
        }
        _ => clause.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(locked: &[&str], asked: &[&str]) -> Option<(&'static str, Vec<&'static str>, String)> {
        let locked = locked.iter().map(|name| ((*name).to_owned(), "4.10.0.84".to_owned())).collect();
        let asked: Vec<Requirement> = asked.iter().map(|line| Requirement::parse(line).unwrap()).collect();
        settle(&locked, &asked).map(|found| (found.chosen, found.instead_of, found.requirement))
    }

    #[test]
    fn one_is_left_as_it_is() {
        for name in FAMILY {
            assert_eq!(settled(&[name, "numpy"], &[name]), None);
        }
    }

    #[test]
    fn several_become_the_one_that_does_what_all_do() {
        let [plain, headless, contrib, both] = FAMILY;
        for (locked, chosen, instead_of) in [
            (vec![plain, headless], headless, vec![plain]),
            (vec![plain, contrib], both, vec![plain, contrib]),
            (vec![headless, contrib], both, vec![headless, contrib]),
            (vec![plain, both], both, vec![plain]),
            (FAMILY.to_vec(), both, vec![plain, headless, contrib]),
        ] {
            assert_eq!(settled(&locked, &[]), Some((chosen, instead_of, chosen.to_owned())), "{locked:?}");
        }
    }

    #[test]
    fn what_is_said_of_versions_holds_for_the_chosen_one() {
        let asked = [
            "OpenCV_Python >= 4.7, <5",
            "opencv-contrib-python==4.10.0.84",
            "numpy<2",
            "opencv-python==3 ; sys_platform == 'win32'",
        ];
        let (_, _, requirement) = settled(&FAMILY, &asked).unwrap();
        assert_eq!(requirement, "opencv-contrib-python-headless<5,==4.10.0.*,>=4.7");
        let found = settle(&FAMILY.map(|name| (name.to_owned(), String::new())).into(), &[]).unwrap();
        assert_eq!(found.overrides()[0], "opencv-python ; sys_platform == 'never'");
        assert_eq!(found.requirement, "opencv-contrib-python-headless");
        let contradicting = Settlement {
            requirement: "opencv-python<5,==4.7.0.*,>=4.10,~=4.8".to_owned(),
            chosen: "opencv-python",
            ..found
        };
        assert_eq!(contradicting.of_later_versions().requirement, "opencv-python>=4.10");
    }
}
