//! Golden vectors of steps, recorded.

use burn::tensor::Tensor;
use undrift_denoisers::{ClipX0, Denoiser, OutputVariance, Preconditioned, Prediction, Question, Variance};
use undrift_noise::Replay;
use undrift_samplers::{Ancestral, Ddim, DdimInversion, Solver, Step};
use undrift_schedules::Span;

use super::meaning::Meaning;
use crate::case::{Arithmetic, Outcome};
use crate::compare::{compare_each, largest};
use crate::error::FixtureError;
use crate::tensors::{Array, images, values};
use crate::tolerances;

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
        let prediction = model.predict(images("x_t", self.x, run)?, &Question::from(levels));
        prediction.map_err(FixtureError::refused)
    }

    /// One step of each sample by a solver. Solvers move a batch across one span, so each goes alone.
    pub(super) fn steps(
        &self,
        solver: &dyn Solver<4>,
        reading: &Reading,
        run: Arithmetic,
    ) -> Result<Vec<Step<4>>, FixtureError> {
        self.each(reading, run, |model, x, b| {
            let mut noise = Replay::new(vec![images("noise", &self.noise.sample("noise", b)?, run)?]);
            solver.step(model, x, &self.spans[b], &[], &mut noise).map_err(FixtureError::refused)
        })
    }

    /// One deterministic step of each sample backwards across its span.
    pub(super) fn inverse(
        &self,
        inversion: DdimInversion,
        reading: &Reading,
        run: Arithmetic,
    ) -> Result<Vec<Step<4>>, FixtureError> {
        self.each(reading, run, |model, x, b| inversion.step(model, x, &self.spans[b]).map_err(FixtureError::refused))
    }

    fn each(
        &self,
        reading: &Reading,
        run: Arithmetic,
        act: impl Fn(&dyn Denoiser<4>, Tensor<4>, usize) -> Result<Step<4>, FixtureError>,
    ) -> Result<Vec<Step<4>>, FixtureError> {
        let sample = |name: &str, of: &Array, b: usize| images(name, &of.sample(name, b)?, run);
        let step = |b| act(&*reading.model(sample("model_output", self.output, b)?), sample("x_t", self.x, b)?, b);
        (0..self.spans.len()).map(step).collect()
    }

    /// One ancestral step of each sample against code whose tables are single precision too.
    pub(super) fn compare_single_ancestral(
        &self,
        reading: &Reading,
        published: &[f64],
    ) -> Result<Outcome, FixtureError> {
        let ours = self.steps(&Ancestral { variance: reading.variance }, reading, Arithmetic::F32)?;
        Ok(compare_single(&ours, published, |step| {
            let state = largest(&values(step.prediction.x())).max(largest(&values(step.prediction.x0())));
            tolerances::single_posterior(step.span) * state
        }))
    }

    /// One step of DDIM of each sample against code whose tables are single precision too.
    pub(super) fn compare_single_ddim(
        &self,
        ddim: Ddim,
        reading: &Reading,
        published: &[f64],
    ) -> Result<Outcome, FixtureError> {
        let ours = self.steps(&ddim, reading, Arithmetic::F32)?;
        let drawn = largest(&self.noise.values);
        Ok(compare_single(&ours, published, |step| {
            let (of_eps, of_noise) = tolerances::single_ddim(step.span, ddim.eta);
            of_eps * largest(&values(step.prediction.eps())) + of_noise * drawn
        }))
    }

    /// One step backwards of each sample against code whose tables are single precision too; `divides` if that
    /// code has its eps from a division by such a `sqrt(1 - alpha_bar)`.
    pub(super) fn compare_single_inverse(
        &self,
        inversion: DdimInversion,
        reading: &Reading,
        published: &[f64],
        divides: bool,
    ) -> Result<Outcome, FixtureError> {
        let ours = self.inverse(inversion, reading, Arithmetic::F32)?;
        Ok(compare_single(&ours, published, |step| {
            let (up, here) = (step.span.from(), step.span.to().filter(|_| divides));
            let of_division = here.map_or(0.0, |here| tolerances::single_noise(here) / here.noise() * up.noise());
            (tolerances::single_noise(up) + of_division) * largest(&values(step.prediction.eps()))
        }))
    }
}

/// Where the samples are after their steps.
pub(super) fn ends(steps: Vec<Step<4>>) -> Vec<f64> {
    steps.into_iter().flat_map(|step| values(step.x)).collect()
}

/// One step of each sample in single precision; `tables` is the room for what single tables add.
fn compare_single(ours: &[Step<4>], published: &[f64], tables: impl Fn(&Step<4>) -> f64) -> Outcome {
    let each = published.len().div_ceil(ours.len().max(1));
    let (largest, base) = (largest(published), tolerances::step(Arithmetic::F32));
    let added: Vec<f64> = ours.iter().map(tables).collect();
    compare_each(&ends(ours.to_vec()), published, |index| base.at(published[index], largest) + added[index / each])
}

impl Reading {
    /// A denoiser that says what was recorded.
    pub(super) fn model(&self, output: Tensor<4>) -> Box<dyn Denoiser<4>> {
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
