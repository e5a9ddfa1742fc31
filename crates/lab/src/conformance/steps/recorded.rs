//! Golden vectors of steps, recorded.

use burn::tensor::Tensor;
use undrift_denoisers::{ClipX0, Denoiser, Levels, OutputVariance, Preconditioned, Prediction, Variance};
use undrift_noise::Replay;
use undrift_samplers::{Ancestral, Solver};
use undrift_schedules::Span;

use super::meaning::Meaning;
use crate::conformance::case::{Arithmetic, Outcome};
use crate::conformance::compare::{compare_each, largest};
use crate::conformance::error::FixtureError;
use crate::conformance::tensors::{Array, images, values};
use crate::conformance::tolerances;

/// A batch whose samples stand at levels of their own, and what a model said about it.
pub(super) struct Recorded<'a> {
    pub(super) x: &'a Array,
    pub(super) output: &'a Array,
    pub(super) noise: &'a Array,
    pub(super) spans: &'a [Span],
}

/// How the recorded output is read.
#[derive(Clone)]
pub(super) struct Reading {
    pub(super) meaning: Meaning,
    pub(super) variance: Variance,
    pub(super) channels: OutputVariance,
    pub(super) clip: bool,
}

impl Recorded<'_> {
    /// What the model believes about the whole batch at once.
    pub(super) fn prediction(&self, reading: &Reading, run: Arithmetic) -> Result<Prediction<4>, FixtureError> {
        let model = reading.model(images("model_output", self.output, run)?);
        let levels: Vec<_> = self.spans.iter().map(|span| span.from()).collect();
        let prediction = model.predict(images("x_t", self.x, run)?, &Levels::from(levels));
        prediction.map_err(FixtureError::refused)
    }

    /// One ancestral step of each sample. The sampler moves a batch across one span, so each goes alone.
    pub(super) fn step(&self, reading: &Reading, run: Arithmetic) -> Result<Vec<f64>, FixtureError> {
        let sample = |name: &str, of: &Array, b: usize| images(name, &of.sample(name, b)?, run);
        let solver = Ancestral { variance: reading.variance };
        let mut all = Vec::new();
        for (b, span) in self.spans.iter().enumerate() {
            let model = reading.model(sample("model_output", self.output, b)?);
            let mut noise = Replay::new(vec![sample("noise", self.noise, b)?]);
            let x = sample("x_t", self.x, b)?;
            let step = solver.step(&model, x, span, &[], &mut noise);
            all.extend(values(step.map_err(FixtureError::refused)?.x));
        }
        Ok(all)
    }
}

impl Recorded<'_> {
    /// One ancestral step of each sample against code whose tables are single precision too.
    pub(super) fn compare_single_step(&self, reading: &Reading, published: &[f64]) -> Result<Outcome, FixtureError> {
        let run = Arithmetic::F32;
        let (ours, x0) = (self.step(reading, run)?, values(self.prediction(reading, run)?.x0()));
        let each = published.len().div_ceil(self.spans.len().max(1));
        let (largest, base) = (largest(published), tolerances::step(run));
        let room = |index: usize| {
            let b = index / each;
            let sample = |of: &[f64]| largest_of_sample(of, b, each);
            let state = sample(&x0).max(sample(&self.x.values));
            let tables = self.spans.get(b).map_or(0.0, |span| tolerances::single_posterior(*span));
            base.at(published[index], largest) + tables * state
        };
        Ok(compare_each(&ours, published, room))
    }
}

fn largest_of_sample(values: &[f64], b: usize, each: usize) -> f64 {
    values.chunks(each).nth(b).map_or(0.0, largest)
}

impl Reading {
    /// A denoiser that says what was recorded.
    fn model(&self, output: Tensor<4>) -> Box<dyn Denoiser<4>> {
        let model = Preconditioned {
            network: move |_: Tensor<4>, _: Tensor<1>| output.clone(),
            parameterisation: self.meaning.clone(),
            variance: self.channels,
        };
        match self.clip {
            true => Box::new(ClipX0(model)),
            false => Box::new(model),
        }
    }
}
