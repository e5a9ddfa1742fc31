//! The search for one method's constants on one trained network.

use super::{Book, Scored};
use crate::methods::{Method, SamplerSettings};
use crate::run::{Build, Data, Reference, RunError, Setup, Watch, draw_all};
use std::fmt::Write as _;
use std::time::Instant;
use undrift_data::Images;
use undrift_networks::AnyNetwork;

/// Choices of a method's constants with the distance that each came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Tuning {
    /// The choices in the order in which they were tried; no distance where samples are not finite.
    pub tried: Vec<(Method, Option<f64>)>,
}

/// Widest bar of a printed curve.
const BAR: usize = 40;

/// What a search draws its samples from, and where it keeps their scores.
pub struct Tuned<'a> {
    /// The row.
    pub setup: &'a Setup,
    /// Its trained network.
    pub network: &'a AnyNetwork<4>,
    /// The images that samples are compared with.
    pub data: &'a Data,
    /// Seed of the samples.
    pub seed: u64,
    /// Name of the weights.
    pub weights: &'static str,
    /// The program and the device that scores are from.
    pub build: &'a Build,
    /// Who watches.
    pub watch: &'a dyn Watch,
}

/// Draws samples for every choice, which stands next to the network before the wrappers of `base`, and scores them.
///
/// All choices see the same noise. Each score is kept in `book` as soon as it is known, and is not computed again.
/// Beside what was tried until then stands what kept the rest from being tried.
pub fn tune(
    tuned: &Tuned<'_>,
    book: &mut Book,
    base: &SamplerSettings,
    choices: Vec<Method>,
) -> (Tuning, Result<(), RunError>) {
    let mut tried = Vec::new();
    for choice in choices {
        match tuned.scored(book, base, &choice) {
            Ok(scored) => tried.push((choice, scored.scores.map(|scores| scores.frechet))),
            Err(error) => return (Tuning { tried }, Err(error)),
        }
    }
    (Tuning { tried }, Ok(()))
}

impl Tuned<'_> {
    fn scored(&self, book: &mut Book, base: &SamplerSettings, choice: &Method) -> Result<Scored, RunError> {
        let reference = self.data.reference.as_ref().ok_or(RunError::NoScores)?;
        let wrappers = [choice.clone()].into_iter().chain(base.wrappers.clone()).collect();
        let sampler = SamplerSettings { wrappers, ..base.clone() };
        book.look_up(&self.name(&sampler), || self.compute(reference, &sampler, choice))
    }

    /// All that a score depends on beside the trained row.
    fn name(&self, sampler: &SamplerSettings) -> String {
        let (s, seed) = (&self.setup.settings, self.seed);
        let distance = self.setup.distance;
        format!("{}; {} samples of seed {seed}, {} weights; {distance}", sampler.text(), s.sampling.count, self.weights)
    }

    fn compute(&self, reference: &Reference, sampler: &SamplerSettings, choice: &Method) -> Result<Scored, RunError> {
        let (setup, started) = (self.setup, Instant::now());
        let bytes = draw_all(setup, self.network, self.seed, &setup.sampler(sampler)?, choice.to_string(), self.watch)?;
        let seconds = started.elapsed().as_secs_f64();
        let score = |bytes| {
            let images = Images::new(bytes, vec![0; setup.settings.sampling.count], setup.data.shape)?;
            reference.score(&images)
        };
        Ok(Scored { scores: bytes.map(score).transpose()?, seconds, commit: self.build.commit.clone() })
    }
}

impl Tuning {
    /// The choice with the smallest distance; the first of equals, none where nothing could be scored.
    pub fn best(&self) -> Option<(&Method, f64)> {
        let scored = self.tried.iter().filter_map(|(method, distance)| Some((method, (*distance)?)));
        scored.min_by(|(_, a), (_, b)| a.total_cmp(b))
    }

    /// The curve as text: a line for each choice, with a bar.
    pub fn text(&self, distance_name: &str) -> String {
        let width = self.tried.iter().map(|(method, _)| method.to_string().len()).max().unwrap_or(0);
        let largest = self.tried.iter().filter_map(|(_, distance)| *distance).fold(0.0, f64::max);
        let mut text = format!("{:width$}  {distance_name}\n", "");
        for (method, distance) in &self.tried {
            let best = self.best().is_some_and(|(best, _)| best == method);
            let line = match distance {
                None => "not finite".to_owned(),
                Some(distance) => {
                    let bar = "=".repeat((distance / largest * BAR as f64).round() as usize);
                    format!("{distance:9.3}  {bar}{}", if best { "  <- best" } else { "" })
                }
            };
            let _ = writeln!(text, "{:width$}  {line}", method.to_string());
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_choice_is_marked_and_a_failed_one_is_said() {
        let method = |b: f64| Method::named("epsilon-scaling").with("b", b);
        let tuning = Tuning { tried: vec![(method(1.0), Some(8.0)), (method(1.01), Some(4.0)), (method(9.0), None)] };
        assert_eq!(tuning.best(), Some((&method(1.01), 4.0)));
        let text = tuning.text("FD");
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[2].contains("b=1.01") && lines[2].ends_with("<- best"), "{text}");
        assert_eq!(lines[1].matches('=').count(), BAR + 1, "{text}");
        assert!(lines[3].ends_with("not finite"), "{text}");
    }
}
