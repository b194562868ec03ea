//! What is known of the forges: their other host names, how long a repository's path is there, and
//! which of their web pages stand for a branch, a tag or a commit.

use super::Error;

/// A forge that takes names in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Forge {
    GitHub,
    GitLab,
    Bitbucket,
    HuggingFace,
    Codeberg,
}

/// Other names of the forges' hosts. The first three speak ssh on the port of https for those whose
/// network lets nothing else out.
const OTHER_NAMES: [(&str, &str); 5] = [
    ("ssh.github.com", "github.com"),
    ("altssh.gitlab.com", "gitlab.com"),
    ("altssh.bitbucket.org", "bitbucket.org"),
    ("hf.co", "huggingface.co"),
    ("www.hf.co", "huggingface.co"),
];

/// Pages of a repository that stand for none of its states.
const PAGES: [&str; 20] = [
    "actions",
    "activity",
    "branches",
    "commits",
    "community",
    "discussions",
    "files",
    "forks",
    "graphs",
    "issues",
    "network",
    "packages",
    "projects",
    "pulls",
    "pulse",
    "releases",
    "security",
    "stargazers",
    "tags",
    "wiki",
];

impl Forge {
    /// The forge of a host in its canonical name.
    pub(super) fn of(host: &str) -> Option<Self> {
        Some(match host {
            "github.com" => Self::GitHub,
            "gitlab.com" => Self::GitLab,
            "bitbucket.org" => Self::Bitbucket,
            "huggingface.co" => Self::HuggingFace,
            "codeberg.org" => Self::Codeberg,
            _ => return None,
        })
    }

    /// How many of these segments can be the repository's.
    fn repository(self, segments: &[&str]) -> usize {
        match self {
            Self::HuggingFace if matches!(segments.first(), Some(&("spaces" | "datasets"))) => 3,
            // Groups in groups; these words cannot be a project's name there.
            Self::GitLab => segments
                .iter()
                .position(|part| matches!(*part, "-" | "tree" | "blob" | "raw" | "commit"))
                .unwrap_or(segments.len())
                .max(2),
            _ => 2,
        }
    }
}

/// The canonical host and port.
pub(super) fn canonical(host: String, port: Option<u16>) -> (String, Option<u16>) {
    let bare = host.strip_prefix("www.").filter(|bare| Forge::of(bare).is_some());
    match OTHER_NAMES.iter().find(|(other, _)| *other == host) {
        Some((other, name)) => ((*name).to_owned(), port.filter(|port| *port != 443 || !other.contains("ssh"))),
        None => (bare.map_or_else(|| host.clone(), str::to_owned), port),
    }
}

/// A repository in front of a page.
pub(super) struct Page<'path> {
    /// How many segments are the repository's.
    pub(super) repository: usize,
    /// The state that the page shows, encoded.
    pub(super) reference: Option<&'path str>,
}

/// Takes the web page off a repository's path.
pub(super) fn page<'path>(text: &str, forge: Option<Forge>, segments: &[&'path str]) -> Result<Page<'path>, Error> {
    let Some(forge) = forge else { return Ok(of_unknown(segments)) };
    let repository = forge.repository(segments);
    if segments.len() < repository {
        return Err(Error::new(text, "it names an owner, not a repository"));
    }
    let tail = &segments[repository..];
    let tail = tail.strip_prefix(&["-"]).unwrap_or(tail);
    let reference = match tail {
        [] => None,
        ["src", "branch" | "tag" | "commit", reference, ..]
        | ["releases", "tag", reference, ..]
        | ["tree" | "blob" | "raw" | "blame" | "resolve" | "commit" | "src" | "branch", reference, ..] => {
            Some(*reference)
        }
        // Bitbucket has `commits/<commit>` for a single one.
        ["commits", reference] if forge == Forge::Bitbucket || reference.len() == 40 => Some(*reference),
        [page, ..] if PAGES.contains(page) => None,
        ["pull" | "merge_requests" | "pull-requests", ..] => {
            return Err(Error::new(text, "it is a page of changes that were proposed")
                .with_hint("give the repository and the branch the changes are on, as `URL@BRANCH`"));
        }
        _ => return Err(Error::new(text, "it is longer than the path of a repository there")),
    };
    Ok(Page { repository, reference })
}

/// A host that may be a forge of one's own: `/-/tree/REF` is a page of GitLab, and `/owner/name/tree/REF`
/// is one of the others'.
fn of_unknown<'path>(segments: &[&'path str]) -> Page<'path> {
    let is_page = |word: &str| matches!(word, "tree" | "blob");
    for at in 1..segments.len() {
        let reference = match segments[at..] {
            ["-", word, reference, ..] if is_page(word) || word == "commit" => reference,
            [word, reference, ..] if is_page(word) && (at >= 2 || segments[at - 1].ends_with(".git")) => reference,
            _ => continue,
        };
        return Page { repository: at, reference: Some(reference) };
    }
    Page { repository: segments.len(), reference: None }
}
