//! Progress on the terminal: bars for bytes, after 250 ms; a line for each step.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use comfydock_workspace::reporter::{Event, Reporter};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::printer::{CYAN, DIM, YELLOW, paint, talk};

/// What is shown of the work.
pub(crate) struct Terminal {
    quiet: bool,
    /// When the run began, where times are to be told.
    began: Option<Instant>,
    bars: MultiProgress,
    running: Mutex<HashMap<String, Bar>>,
}

struct Bar {
    bar: ProgressBar,
    began: Instant,
    shown: bool,
}

impl Terminal {
    /// Shows bars only on a terminal, steps unless `quiet`, and their times when `verbose`.
    pub(crate) fn new(quiet: bool, verbose: bool) -> Self {
        let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(20) };
        Self {
            quiet,
            began: verbose.then(Instant::now),
            bars: MultiProgress::with_draw_target(target),
            running: Mutex::new(HashMap::new()),
        }
    }

    /// Takes all bars away.
    pub(crate) fn close(&self) {
        let _ = self.bars.clear();
    }

    fn line(&self, text: &str) {
        self.bars.suspend(|| talk(text));
    }

    fn bytes(&self, event: &Event) {
        let Ok(mut running) = self.running.lock() else { return };
        match event {
            Event::BytesStart { label, total } => {
                let bar = ProgressBar::hidden();
                bar.set_length(total.unwrap_or(0));
                running.insert(label.clone(), Bar { bar, began: Instant::now(), shown: false });
            }
            Event::Bytes { label, count } => {
                let Some(entry) = running.get_mut(label) else { return };
                entry.bar.inc(*count);
                if !entry.shown && entry.began.elapsed() > Duration::from_millis(250) {
                    entry.shown = true;
                    let bar = self.bars.add(entry.bar.clone());
                    if let Ok(style) = ProgressStyle::with_template(
                        "  {msg:40!} {bar:24} {bytes:>10} of {total_bytes:10} {bytes_per_sec:>12} {eta:>5}",
                    ) {
                        bar.set_style(style);
                    }
                    bar.set_message(label.clone());
                    entry.bar = bar;
                }
            }
            Event::BytesEnd { label } => {
                if let Some(entry) = running.remove(label) {
                    entry.bar.finish_and_clear();
                }
            }
            _ => {}
        }
    }
}

impl Reporter for Terminal {
    fn report(&self, event: Event) {
        match &event {
            Event::Step(text) if !self.quiet => {
                let time =
                    self.began.map(|began| format!("{:7.2} s  ", began.elapsed().as_secs_f64())).unwrap_or_default();
                self.line(&paint(DIM, format!("{time}{text} …")));
            }
            Event::Warning(text) => self.line(&format!("{} {text}", paint(YELLOW, "warning:"))),
            Event::Note(text) if !self.quiet => self.line(&format!("{} {text}", paint(CYAN, "note:"))),
            Event::Step(_) | Event::Note(_) => {}
            Event::BytesStart { .. } | Event::Bytes { .. } | Event::BytesEnd { .. } => self.bytes(&event),
        }
    }
}
