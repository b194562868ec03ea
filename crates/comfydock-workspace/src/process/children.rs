//! Programs under way, so that Ctrl-C ends them with ours.
//!
//! Each runs in a process group of its own: uv starts git and builds, and all of them go together.

use std::collections::BTreeSet;
use std::process::Child;
use std::sync::Mutex;

use rustix::process::{Pid, Signal, kill_process_group};

static UNDER_WAY: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// Keeps a child among those under way until it is dropped.
pub(super) struct UnderWay(i32);

impl UnderWay {
    /// Notes a child that was started as the leader of its group.
    pub(super) fn of(child: &Child) -> Self {
        Self::leader(Pid::from_child(child))
    }

    /// Notes the leader of a group by its id.
    pub(super) fn leader(process: Pid) -> Self {
        let id = process.as_raw_nonzero().get();
        UNDER_WAY.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(id);
        Self(id)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        UNDER_WAY.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(&self.0);
    }
}

/// Ends every program under way with what it started. For the moment before this process ends.
pub fn end_all() {
    for id in UNDER_WAY.lock().unwrap_or_else(std::sync::PoisonError::into_inner).iter() {
        if let Some(group) = Pid::from_raw(*id) {
            // One that is gone already needs no end.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}
