//! Reading several files at once.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::Error;

/// How many files are read at once: one a processor, and no more than a disk likes.
pub(super) fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(4)
}

/// Does `work` on every item, one reader a processor, and hands each result to `take` on this
/// thread, in the order they come.
pub(crate) fn in_parallel<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
    mut take: impl FnMut(&T, R) -> Result<(), Error>,
) -> Result<(), Error> {
    let workers = workers().min(items.len());
    let next = AtomicUsize::new(0);
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..workers {
            let (sender, next, work) = (sender.clone(), &next, &work);
            scope.spawn(move || {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if sender.send((item, work(item))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for (item, result) in receiver {
            take(item, result)?;
        }
        Ok(())
    })
}
