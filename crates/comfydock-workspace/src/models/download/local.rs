//! A source that is a file this machine can read: a share, a drive.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use comfydock_store::file::Error;

use super::attempt::judge_early;
use super::content::LOOKED_AT;
use super::sink::Sink;
use super::source::Errand;
use super::verdict::Try;

const BLOCK: usize = 1024 * 1024;

/// Copies the file behind what the sink has; the hash judges it as it judges a download.
pub(super) fn copy(errand: &mut Errand<'_>, sink: &mut Sink, path: &Path) -> Try {
    match read(errand, sink, path) {
        Ok(()) => Try::Complete,
        Err(other) => other,
    }
}

fn read(errand: &mut Errand<'_>, sink: &mut Sink, path: &Path) -> Result<(), Try> {
    let unreadable = |error: io::Error| Try::refused(format!("`{}` cannot be read: {error}", path.display()));
    let from = File::open(path).map_err(unreadable)?;
    let meta = from.metadata().map_err(unreadable)?;
    if !meta.is_file() {
        return Err(Try::refused(format!("`{}` is no file", path.display())));
    }
    if let Some(size) = errand.size().filter(|size| *size != meta.len()) {
        return Err(Try::other_file(format!("its file has {} bytes, not {size}", meta.len())));
    }
    errand.promised = Some(meta.len());
    if sink.at() > meta.len() {
        sink.shorten(0)?;
        errand.back_to(0);
    }
    errand.reserve(sink, meta.len())?;
    let mut block = vec![0; BLOCK];
    loop {
        if errand.is_lost() {
            return Err(Try::Lost);
        }
        let count = match from.read_at(&mut block, sink.at()) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Try::broken(Error::at("read", path)(error).to_string())),
        };
        if sink.at() == 0 {
            judge_early(errand, &block[..count.min(LOOKED_AT)])?;
        }
        errand.push(sink, &block[..count])?;
    }
    sink.flush()?;
    if sink.at() < meta.len() {
        return Err(Try::broken(format!("it ended after {} of {} bytes", sink.at(), meta.len())));
    }
    Ok(())
}
