//! Live progress: bars on a terminal, plain lines otherwise.

use crate::interrupt;
use crate::terminal::note;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt::Write as _;
use std::io::IsTerminal;
use std::time::{Duration, Instant};
use undrift_studies::{Stage, Watch};

/// Progress of one stage: `label`, steps done of `total`, rate, time left and a message.
pub struct Progress {
    label: String,
    total: u64,
    done: u64,
    began_at: u64,
    bar: Option<ProgressBar>,
    started: Instant,
    spoken: Instant,
}

/// Time between two plain lines.
const QUIET: Duration = Duration::from_secs(20);

impl Progress {
    /// Starts at `done` of `total` (a resumed stage does not start at 0).
    pub fn start(label: impl Into<String>, done: u64, total: u64) -> Self {
        let label = label.into();
        let bar = std::io::stderr().is_terminal().then(|| bar(&label, done, total));
        if bar.is_none() {
            note(format_args!("{label}: {done} of {total}"));
        }
        let now = Instant::now();
        Self { label, total, done, began_at: done, bar, started: now, spoken: now }
    }

    /// Moves to `done`, with a message such as the latest loss.
    pub fn at(&mut self, done: u64, message: impl FnOnce() -> String) {
        self.done = done;
        match &self.bar {
            Some(bar) => {
                bar.set_message(message());
                bar.set_position(done);
            }
            None if self.spoken.elapsed() >= QUIET => {
                self.spoken = Instant::now();
                note(self.line(&message()));
            }
            None => {}
        }
    }

    /// Ends the stage.
    pub fn finish(self, message: impl FnOnce() -> String) {
        match &self.bar {
            Some(bar) => bar.finish_with_message(message()),
            None => note(self.line(&message())),
        }
    }

    fn line(&self, message: &str) -> String {
        let elapsed = self.started.elapsed().as_secs_f64();
        let rate = (self.done - self.began_at) as f64 / elapsed.max(1e-9);
        let left = (self.total - self.done) as f64 / rate.max(1e-9);
        let mut line = format!("{}: {} of {}", self.label, self.done, self.total);
        if self.done > self.began_at {
            let _ = write!(
                line,
                ", {rate:.2}/s, {} left",
                indicatif::HumanDuration(Duration::from_secs_f64(left.min(1e9)))
            );
        }
        if !message.is_empty() {
            let _ = write!(line, ", {message}");
        }
        line
    }
}

/// Shows an experiment's progress to the user, who may stop it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terminal;

impl Watch for Terminal {
    fn stage(&self, label: String, done: u64, total: u64) -> Box<dyn Stage> {
        Box::new(Progress::start(label, done, total))
    }

    fn stop_requested(&self) -> bool {
        interrupt::requested()
    }

    fn note(&self, text: &str) {
        note(text);
    }
}

impl Stage for Progress {
    fn at(&mut self, done: u64, message: &dyn Fn() -> String) {
        Progress::at(self, done, message);
    }

    fn finish(self: Box<Self>, message: &dyn Fn() -> String) {
        Progress::finish(*self, message);
    }
}

fn bar(label: &str, done: u64, total: u64) -> ProgressBar {
    let template = "{prefix:28} [{bar:30}] {pos}/{len} {rate} {eta} left {msg}";
    let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        let _ = write!(out, "{:.2}/s", state.per_sec());
    };
    let style = ProgressStyle::with_template(template).expect("the template is a constant").with_key("rate", rate);
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
    bar.set_style(style.progress_chars("=> "));
    bar.set_prefix(label.to_owned());
    bar.set_position(done);
    bar.reset_eta();
    bar
}
