//! The repository in `.cec`, and the manifest in it.

use comfydock_git::serve::Git;

use super::Finding;
use crate::Error;
use crate::environment::Environment;

pub(super) fn examine(environment: &Environment, deep: bool) -> Vec<Finding> {
    let mut found = Vec::new();
    let cec = environment.cec();
    // Without git nobody can tell, and that is a finding of its own.
    if let Ok(git) = Git::find()
        && let Err(error) = git.check(&cec.join(".git"), deep)
    {
        found.push(Finding::error(
            "history",
            format!("the history in `{}` is damaged: {error}", cec.display()),
            format!(
                "`git -C {} fetch` brings back what a remote has; else `comfydock clone` it anew and move your files there",
                cec.display()
            ),
        ));
    }
    let read = environment.manifest().and_then(|document| {
        let place = "the manifest cannot be taken".to_owned();
        document.manifest().map_err(|source| Error::Manifest { place, source })
    });
    found.extend(read.err().map(|error| Finding::failed("manifest", "the manifest", &error)));
    found
}
