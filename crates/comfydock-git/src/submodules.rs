//! The submodules of a checkout, fetched level by level: each address is judged before git sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use comfydock_core::repository_url::RepositoryUrl;

use crate::program::{Error, Git, without_credentials};

/// Submodules within submodules are followed so deep; one may name itself.
const DEEPEST: usize = 8;

/// What `.gitmodules` says of one name. git takes the first of several addresses, or the last: all count.
#[derive(Default)]
struct Named {
    paths: BTreeSet<String>,
    urls: BTreeSet<String>,
}

/// Fetches the submodules of a checkout of the repository at `url`.
///
/// # Errors
/// When an address is none that may be asked, before anything of that repository is fetched; or when a
/// submodule cannot be had.
pub(crate) fn fetch(folder: &Path, url: &str) -> Result<(), Error> {
    level(folder, url, 0)
}

fn level(folder: &Path, url: &str, depth: usize) -> Result<(), Error> {
    let place = folder.join(".gitmodules");
    // A link leads to what is not the repository's; git does not follow it either.
    if depth == DEEPEST || !place.symlink_metadata().is_ok_and(|about| about.is_file()) {
        return Ok(());
    }
    let about = without_credentials(url);
    let wanted = linked(folder, &about)?;
    let mut submodules: Vec<(String, String, RepositoryUrl)> = Vec::new();
    for (name, Named { paths, urls }) in named(folder, &about)? {
        // What is named and not there any more is never fetched.
        for path in paths.intersection(&wanted) {
            for text in &urls {
                let judged = RepositoryUrl::of_submodule(text, url).map_err(|source| Error::Submodule {
                    path: path.clone(),
                    place: about.clone(),
                    source: Box::new(source),
                })?;
                submodules.push((name.clone(), path.clone(), judged));
            }
        }
    }
    for (name, path, judged) in submodules {
        let key = format!("submodule.{name}.url");
        // git is given what was judged, not what the file says.
        Git::new("config").args(["--", &key, judged.fetch_url()]).within(folder).about(&about).run()?;
        let mut update = Git::new("submodule").args(["--quiet", "update", "--", &path]).within(folder).about(&about);
        if judged.is_local() {
            // Named by a repository of this machine; git asks for a word about that.
            update = update.config("protocol.file.allow", "always");
        }
        update.run()?;
        level(&folder.join(&path), judged.fetch_url(), depth + 1)?;
    }
    Ok(())
}

/// The paths at which a commit links to another repository.
fn linked(folder: &Path, about: &str) -> Result<BTreeSet<String>, Error> {
    let listed = Git::new("ls-files").args(["--stage", "-z"]).within(folder).about(about).run()?;
    let listed = String::from_utf8_lossy(&listed).into_owned();
    let links = listed.split('\0').filter_map(|line| line.strip_prefix("160000 ")?.split_once('\t'));
    Ok(links.map(|(_, path)| path.to_owned()).collect())
}

/// What `.gitmodules` says, by name.
fn named(folder: &Path, about: &str) -> Result<BTreeMap<String, Named>, Error> {
    let read = Git::new("config")
        .args(["--file", ".gitmodules", "-z", "--get-regexp", r"^submodule\..*\.(path|url)$"])
        .within(folder)
        .about(about)
        .run_with_output()?;
    let mut found: BTreeMap<String, Named> = BTreeMap::new();
    // Without any, git prints nothing and says so by its exit code.
    for entry in String::from_utf8_lossy(&read.stdout).split('\0') {
        let Some((key, value)) = entry.split_once('\n') else { continue };
        let Some((name, what)) = key.strip_prefix("submodule.").and_then(|key| key.rsplit_once('.')) else { continue };
        let named = found.entry(name.to_owned()).or_default();
        if what == "path" { &mut named.paths } else { &mut named.urls }.insert(value.to_owned());
    }
    Ok(found)
}
