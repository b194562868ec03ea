//! What a git that was killed leaves in a repository: locks, and objects that nobody accepted.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use comfydock_git::bare::list_leftovers;

/// Removes them from every repository. Only for the moment at which no git can be running here.
///
/// # Errors
/// When something cannot be listed or removed.
pub(crate) fn sweep(repositories: &Path) -> io::Result<()> {
    for shelf in folders(repositories)? {
        for repository in folders(&shelf.path())? {
            clear(&repository.path(), Duration::ZERO)?;
        }
    }
    Ok(())
}

/// Removes from one repository what nothing was written to for so long.
///
/// # Errors
/// When something cannot be listed or removed.
pub(crate) fn clear(repository: &Path, age: Duration) -> io::Result<()> {
    for path in list_leftovers(repository, age)? {
        tracing::info!(path = %path.display(), "removing what a git that was killed left");
        if path.is_dir() { fs::remove_dir_all(path)? } else { fs::remove_file(path)? }
    }
    Ok(())
}

/// The folders in a folder; none when it is not there.
fn folders(path: &Path) -> io::Result<Vec<fs::DirEntry>> {
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let entries: Vec<_> = entries.collect::<io::Result<_>>()?;
    Ok(entries.into_iter().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_left_goes() {
        let folder = tempfile::tempdir().unwrap();
        let repository = folder.path().join("ab/abc.git");
        let left = [
            "packed-refs.lock",
            "refs/heads/x/main.lock",
            "objects/pack/tmp_pack_1",
            "objects/tmp_objdir-incoming-1/pack/p.pack",
        ];
        let kept =
            ["packed-refs", "refs/heads/x/main", "objects/pack/pack-1.pack", "objects/ab/cd", "logs/refs/heads/a.lock"];
        for path in left.iter().chain(&kept) {
            let path = repository.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        // The clock may have been set back since: a lock that stayed would stop every push.
        let tomorrow = std::time::SystemTime::now() + Duration::from_secs(24 * 60 * 60);
        fs::File::open(repository.join(left[1])).unwrap().set_modified(tomorrow).unwrap();
        sweep(folder.path()).unwrap();
        assert!(left.iter().all(|path| !repository.join(path).exists()));
        assert!(kept.iter().all(|path| repository.join(path).exists()));
        sweep(&folder.path().join("nothing")).unwrap();
    }
}
