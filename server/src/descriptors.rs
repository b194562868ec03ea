//! How many files this process may have open: connections and pipes to git are files.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files for each git: its three pipes and the socket of its hook.
const PER_GIT: u64 = 4;
/// Database, log, sockets, repositories that are being read.
const OTHERS: u64 = 256;

/// Raises the limit as far as it goes and complains when that is too little for these numbers.
pub(crate) fn provide(connections: usize, gits: usize) {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
    let wanted = connections as u64 + gits as u64 * PER_GIT + OTHERS;
    let have = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    if have < wanted {
        tracing::warn!(have, wanted, "too few open files for connections.at_once; raise `ulimit -n` or LimitNOFILE");
    }
}
