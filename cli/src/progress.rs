//! Progress on the terminal: bars for bytes, after 250 ms; a line for each step.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use comfydock_workspace::logs::Log;
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
    batch: Mutex<Option<Batch>>,
    /// Hears of everything that has words.
    log: Arc<Log>,
}

/// Several labels that are one piece of work.
struct Batch {
    bar: ProgressBar,
    began: Instant,
    shown: bool,
    count: usize,
    ended: usize,
}

struct Bar {
    bar: ProgressBar,
    began: Instant,
    shown: bool,
}

impl Terminal {
    /// Shows bars only on a terminal, steps unless `quiet`, and their times when `verbose`.
    pub(crate) fn new(quiet: bool, verbose: bool, log: Arc<Log>) -> Self {
        let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(20) };
        Self {
            quiet,
            began: verbose.then(Instant::now),
            bars: MultiProgress::with_draw_target(target),
            running: Mutex::new(HashMap::new()),
            batch: Mutex::new(None),
            log,
        }
    }

    /// Takes all bars away.
    pub(crate) fn close(&self) {
        let _ = self.bars.clear();
    }

    fn line(&self, text: &str) {
        self.bars.suspend(|| talk(text));
    }

    fn note_down(&self, event: &Event) {
        match event {
            Event::Step(text) => self.log.say(&format!("  {text}")),
            Event::Warning(text) => self.log.say(&format!("  warning: {text}")),
            Event::Note(text) => self.log.say(&format!("  note: {text}")),
            Event::Output(text) | Event::Said(text) => {
                text.lines().for_each(|line| self.log.say(&format!("  | {line}")))
            }
            _ => {}
        }
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
                if let Ok(Some(batch)) = self.batch.lock().as_deref_mut() {
                    batch.bar.inc(*count);
                }
                if !entry.shown && entry.began.elapsed() > LATE {
                    entry.shown = true;
                    let bar = self.add(entry.bar.clone());
                    let template = match bar.length() {
                        Some(0) | None => "  {msg:40!} {bytes:>10} {bytes_per_sec:>12}",
                        _ => "  {msg:40!} {bar:24} {bytes:>10} of {total_bytes:10} {bytes_per_sec:>12} {eta:>5}",
                    };
                    style(&bar, template);
                    bar.set_message(label.clone());
                    entry.bar = bar;
                }
            }
            // What was there before is no speed, and what was for nothing is no progress.
            Event::BytesAt { label, at } => {
                let Some(entry) = running.get(label) else { return };
                let before = entry.bar.position();
                entry.bar.set_position(*at);
                entry.bar.reset_eta();
                if let Ok(Some(batch)) = self.batch.lock().as_deref_mut() {
                    batch.bar.set_position((batch.bar.position() + at).saturating_sub(before));
                    batch.bar.reset_eta();
                }
            }
            Event::BytesEnd { label } => {
                if let Some(entry) = running.remove(label) {
                    entry.bar.finish_and_clear();
                }
                if let Ok(Some(batch)) = self.batch.lock().as_deref_mut() {
                    batch.ended += 1;
                }
            }
            _ => {}
        }
        if let Ok(Some(batch)) = self.batch.lock().as_deref_mut() {
            if !batch.shown && batch.began.elapsed() > LATE {
                batch.shown = true;
                batch.bar = self.bars.add(batch.bar.clone());
                style(
                    &batch.bar,
                    "  {msg:40!} {bar:24} {bytes:>10} of {total_bytes:10} {bytes_per_sec:>12} {eta:>5} left",
                );
            }
            batch.bar.set_message(format!("{} of {} models", batch.ended, batch.count));
        }
    }

    /// A bar above that of the batch, if there is one.
    fn add(&self, bar: ProgressBar) -> ProgressBar {
        match self.batch.lock().as_deref() {
            Ok(Some(batch)) if batch.shown => self.bars.insert_before(&batch.bar, bar),
            _ => self.bars.add(bar),
        }
    }

    fn batch(&self, event: &Event) {
        let Ok(mut batch) = self.batch.lock() else { return };
        if let Some(batch) = batch.take() {
            batch.bar.finish_and_clear();
        }
        if let Event::BatchStart { count, bytes } = event
            && *count > 1
        {
            let bar = ProgressBar::hidden();
            bar.set_length(*bytes);
            *batch = Some(Batch { bar, began: Instant::now(), shown: false, count: *count, ended: 0 });
        }
    }
}

/// What is over sooner is not shown.
const LATE: Duration = Duration::from_millis(250);

fn style(bar: &ProgressBar, template: &str) {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
}

impl Reporter for Terminal {
    fn report(&self, event: Event) {
        self.note_down(&event);
        match &event {
            Event::Step(text) if !self.quiet => {
                let time =
                    self.began.map(|began| format!("{:7.2} s  ", began.elapsed().as_secs_f64())).unwrap_or_default();
                self.line(&paint(DIM, format!("{time}{text} …")));
            }
            Event::Warning(text) => self.line(&format!("{} {text}", paint(YELLOW, "warning:"))),
            Event::Note(text) if !self.quiet => self.line(&format!("{} {text}", paint(CYAN, "note:"))),
            Event::Output(text) if !self.quiet => self.line(&format!("  {} {text}", paint(DIM, "|"))),
            Event::Step(_) | Event::Note(_) | Event::Output(_) | Event::Said(_) => {}
            Event::BytesStart { .. } | Event::Bytes { .. } | Event::BytesAt { .. } | Event::BytesEnd { .. } => {
                self.bytes(&event);
            }
            Event::BatchStart { .. } | Event::BatchEnd => self.batch(&event),
        }
    }
}
