//! Moving average sampling in the frequency domain.

use std::cell::Cell;

use burn::tensor::Tensor;
use undrift_denoisers::{DenoiseError, Denoiser, Levels, Prediction};
use undrift_noise::Noise;
use undrift_schedules::{Grid, Level, Span};

use crate::haar::{join, split};
use crate::{SampleError, Solver, Step};

/// A solver whose x0 is a moving average over its steps, band by band of a wavelet
/// (Qian, Cai, Pan, Li, Yao, Sun, Mei 2024, arXiv:2403.17870; "MASF").
///
/// Where a step starts, x0 is split by an orthonormal Haar wavelet over height and width, each band is averaged with
/// that of the step before, which is an average itself, and `x` is noised again with the eps that was believed in;
/// from there the base solver makes its step. Later questions inside a step are answered by the model as it is.
///
/// **Our reconstruction.** No code of the authors was found, and their weights are not known here: one level of the
/// Haar wavelet, weights that are linear in the number of the step, and eps kept while `x` moves are our reading.
/// As every step moves `x` by as much as x0 changes, the result does not converge to that of the base solver
/// with more steps, unless the weights come closer to 1. Weights of 1 are the base solver, bit for bit.
///
/// It is for base solvers that ask the model first at the level where the step starts.
#[derive(Clone, Debug, PartialEq)]
pub struct MovingAverage<S> {
    base: S,
    levels: Vec<Level>,
    weights: BandWeights,
}

/// Weights of the present in the average of each band.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BandWeights {
    /// Of the coarse image.
    pub ll: Ramp,
    /// Of changes along the width.
    pub lh: Ramp,
    /// Of changes along the height.
    pub hl: Ramp,
    /// Of changes along both.
    pub hh: Ramp,
}

/// A weight that is linear in the number of the step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ramp {
    /// In the grid's first step, in `(0, 1]`; 1 is no average.
    pub first: f64,
    /// In the grid's last step, in `(0, 1]`.
    pub last: f64,
}

impl BandWeights {
    /// The coarse image is averaged early, from `weight` to 1, and the details late, from 1 to `weight`: the order in
    /// which a sampler makes them.
    pub fn coarse_to_fine(weight: f64) -> Self {
        let (early, late) = (Ramp { first: weight, last: 1.0 }, Ramp { first: 1.0, last: weight });
        BandWeights { ll: early, lh: late, hl: late, hh: late }
    }

    fn ramps(&self) -> [Ramp; 4] {
        [self.ll, self.lh, self.hl, self.hh]
    }
}

impl<S> MovingAverage<S> {
    /// Averages the steps of `base` over `grid`.
    ///
    /// # Errors
    /// [`SampleError::AverageWeight`] unless every weight is in `(0, 1]`.
    pub fn new(base: S, grid: &Grid, weights: BandWeights) -> Result<Self, SampleError> {
        let all = weights.ramps().into_iter().flat_map(|ramp| [ramp.first, ramp.last]);
        match all.into_iter().find(|weight| !(*weight > 0.0 && *weight <= 1.0)) {
            Some(weight) => Err(SampleError::AverageWeight { weight }),
            None => Ok(MovingAverage { base, levels: grid.levels().collect(), weights }),
        }
    }

    /// The weights of the step that starts at a level.
    fn weights_at(&self, from: Level) -> Result<[f64; 4], SampleError> {
        let step = self.levels.iter().position(|level| *level == from);
        let step = step.ok_or(SampleError::OffGrid { time: from.time() })?;
        let share = step as f64 / self.levels.len().saturating_sub(1).max(1) as f64;
        Ok(self.weights.ramps().map(|ramp| ramp.first * (1.0 - share) + ramp.last * share))
    }
}

impl<const D: usize, S: Solver<D>> Solver<D> for MovingAverage<S> {
    fn memory(&self) -> usize {
        self.base.memory().max(1)
    }

    fn step(
        &self,
        model: &dyn Denoiser<D>,
        x: Tensor<D>,
        span: &Span,
        past: &[Prediction<D>],
        noise: &mut dyn Noise<D>,
    ) -> Result<Step<D>, SampleError> {
        let weights = self.weights_at(span.from())?;
        let of_base = &past[..past.len().min(self.base.memory())];
        let before = match past.first() {
            Some(before) if weights != [1.0; 4] => before,
            _ => return self.base.step(model, x, span, of_base, noise),
        };
        let at = Levels::from(span.from());
        let failed = SampleError::at(span.from().time());
        let now = model.predict(x, &at).map_err(failed)?;
        let averaged = moved(now, before, weights, span)?;
        let x = averaged.x();
        let answered = Answered { model, answer: averaged, at, asked: Cell::new(0) };
        let step = self.base.step(&answered, x, span, of_base, noise)?;
        Ok(Step { evals: step.evals + 1 - answered.asked.get(), ..step })
    }
}

/// The belief `now` with an averaged x0, about an `x` that has the same eps.
fn moved<const D: usize>(
    now: Prediction<D>,
    before: &Prediction<D>,
    weights: [f64; 4],
    span: &Span,
) -> Result<Prediction<D>, SampleError> {
    let failed = SampleError::at(span.from().time());
    let (dims, eps) = (now.x().dims(), now.eps());
    let (new, old) = (split(now.x0())?, split(before.x0())?);
    let average = |band: usize| {
        let (now, then, weight) = (new[band].clone(), old[band].clone(), weights[band]);
        now * weight + then * (1.0 - weight)
    };
    let x0 = join(std::array::from_fn(average), dims);
    let x = x0.clone() * span.from().signal() + eps * span.from().noise();
    now.map_x0(|_| x0).and_then(|moved| moved.rebased(x)).map_err(failed)
}

/// A model that has its answer about the start of a step ready.
struct Answered<'a, const D: usize> {
    model: &'a dyn Denoiser<D>,
    answer: Prediction<D>,
    at: Levels,
    asked: Cell<usize>,
}

impl<const D: usize> Denoiser<D> for Answered<'_, D> {
    fn predict(&self, x: Tensor<D>, at: &Levels) -> Result<Prediction<D>, DenoiseError> {
        if *at != self.at || self.asked.get() > 0 {
            return self.model.predict(x, at);
        }
        self.asked.set(1);
        Ok(self.answer.clone())
    }
}
