//! How an experiment reports its progress, and how it learns that it should stop.

/// Who watches an experiment: it is told of stages as they go on, and asked whether to go on.
///
/// All methods take `&self`, so that a measurement and the batches that are read for it can look at one watcher.
pub trait Watch {
    /// Begins a stage of `total` steps at `done` of them (a resumed stage does not begin at 0).
    fn stage(&self, label: String, done: u64, total: u64) -> Box<dyn Stage>;

    /// Whether the experiment should stop at the next place from which it can go on.
    fn stop_requested(&self) -> bool;

    /// A line for people that belongs to no stage.
    fn note(&self, text: &str);
}

/// One stage under way. A stage that is dropped without [`finish`](Self::finish) was broken off.
pub trait Stage {
    /// Moves to `done`; the message, such as the latest loss, is only made where someone reads it.
    fn at(&mut self, done: u64, message: &dyn Fn() -> String);

    /// Ends the stage.
    fn finish(self: Box<Self>, message: &dyn Fn() -> String);
}

/// Nobody watches, and nothing stops the experiment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl Watch for Quiet {
    fn stage(&self, _: String, _: u64, _: u64) -> Box<dyn Stage> {
        Box::new(Quiet)
    }

    fn stop_requested(&self) -> bool {
        false
    }

    fn note(&self, _: &str) {}
}

impl Stage for Quiet {
    fn at(&mut self, _: u64, _: &dyn Fn() -> String) {}

    fn finish(self: Box<Self>, _: &dyn Fn() -> String) {}
}

/// The message of a stage that has none.
pub(crate) fn silent() -> String {
    String::new()
}
