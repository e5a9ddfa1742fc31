//! Moving average sampling in the frequency domain.

use std::cell::Cell;

use burn::tensor::Tensor;
use undrift_denoisers::{DenoiseError, Denoiser, Levels, Prediction, Question};
use undrift_noise::Noise;
use undrift_schedules::{Grid, Level, Span};

use crate::begin::begin;
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

    fn check(&self, grid: &Grid) -> Result<(), SampleError> {
        self.base.check(grid)
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
        let now = begin(model, x, span.from())?;
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
    let own_eps = now.own_eps();
    let moved = now.map_x0(|_| x0).and_then(|moved| moved.rebased(x));
    moved.and_then(|moved| own_eps.into_iter().try_fold(moved, Prediction::with_own_eps)).map_err(failed)
}

/// A model that has its answer about the start of a step ready.
struct Answered<'a, const D: usize> {
    model: &'a dyn Denoiser<D>,
    answer: Prediction<D>,
    at: Levels,
    asked: Cell<usize>,
}

impl<const D: usize> Denoiser<D> for Answered<'_, D> {
    fn predict(&self, x: Tensor<D>, at: &Question<D>) -> Result<Prediction<D>, DenoiseError> {
        if at.is_stage() || *at.levels() != self.at || self.asked.get() > 0 {
            return self.model.predict(x, at);
        }
        self.asked.set(1);
        Ok(self.answer.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Ancestral, Churn, Ddim, Heun, sample, steps};
    use burn::tensor::{DType, Device, TensorData};
    use undrift_denoisers::{ClipX0, Eps, Gaussian, OutputVariance, Preconditioned, Variance};
    use undrift_noise::{Key, Purpose, SampleNoise, Zeros};
    use undrift_schedules::{Chain, Spacing};

    const MODEL: Gaussian = Gaussian { mean: 0.0, std: 0.5 };
    const HEUN: Heun = Heun { churn: Churn::NONE };

    fn grid(steps: usize) -> Grid {
        Chain::linear(1000).expect("valid").respace(Spacing::Trailing, steps).expect("valid")
    }

    fn same(weight: f64) -> BandWeights {
        let ramp = Ramp { first: weight, last: weight };
        BandWeights { ll: ramp, lh: ramp, hl: ramp, hh: ramp }
    }

    fn images(first: u64, count: usize) -> (SampleNoise, Tensor<4>) {
        let mut noise = SampleNoise::new(Key::new(5, Purpose::Sampling), first, count);
        let x = noise.normal(&Tensor::<4>::zeros([count, 1, 4, 4], (&Device::flex(), DType::F64)));
        (noise, x)
    }

    fn values(x: &Tensor<4>) -> Vec<f64> {
        x.to_data().iter::<f64>().collect()
    }

    fn bits(x: &Tensor<4>) -> Vec<u64> {
        values(x).into_iter().map(f64::to_bits).collect()
    }

    fn gap(a: &Tensor<4>, b: &Tensor<4>) -> f64 {
        values(a).iter().zip(values(b)).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    }

    /// What one number of one band becomes, by DDIM without noise over the grid, in f64 on the host.
    fn recursion(grid: &Grid, ramp: Ramp, start: f64) -> f64 {
        let (mut x, mut before) = (start, None);
        for (i, span) in grid.spans().iter().enumerate() {
            let (signal, noise) = (span.from().signal(), span.from().noise());
            let x0 = x * 0.25 * signal / (0.25 * signal * signal + noise * noise);
            let eps = (x - signal * x0) / noise;
            let share = i as f64 / (grid.steps() - 1) as f64;
            let weight = ramp.first + (ramp.last - ramp.first) * share;
            let averaged = before.map_or(x0, |before| weight * x0 + (1.0 - weight) * before);
            x = span.to_signal() * averaged + span.to_noise() * eps;
            before = Some(averaged);
        }
        x
    }

    #[test]
    fn each_band_follows_its_own_average() {
        let (grid, [coarse, fine]) = (grid(12), [0.7, -1.1]);
        let checker = |i: usize| if (i / 4 + i).is_multiple_of(2) { 1.0 } else { -1.0 };
        let start: Vec<f64> = (0..16).map(|i| coarse + fine * checker(i)).collect();
        let x = Tensor::<4>::from_data(TensorData::new(start, [1, 1, 4, 4]), (&Device::flex(), DType::F64));
        let weights = BandWeights::coarse_to_fine(0.4);
        let solver = MovingAverage::new(Ddim::default(), &grid, weights).expect("in range");
        let end = values(&sample(&MODEL, &solver, &grid, x, &mut Zeros).expect("even"));
        let [coarse, fine] = [recursion(&grid, weights.ll, coarse), recursion(&grid, weights.hh, fine)];
        for (i, value) in end.into_iter().enumerate() {
            assert!((value - coarse - fine * checker(i)).abs() < 1e-12, "pixel {i}");
        }
    }

    #[test]
    fn weights_of_one_are_the_base_solver_bit_for_bit() {
        let grid = grid(7);
        let base = Ancestral { variance: Variance::FixedSmall };
        let solver = MovingAverage::new(base, &grid, same(1.0)).expect("in range");
        let (mut noise, x) = images(0, 2);
        let mut again = noise.clone();
        let plain = sample(&MODEL, &base, &grid, x.clone(), &mut noise).expect("steps");
        let neutral = sample(&MODEL, &solver, &grid, x.clone(), &mut again).expect("steps");
        assert_eq!(bits(&plain), bits(&neutral));
        let averaged = MovingAverage::new(base, &grid, same(0.9)).expect("in range");
        assert!(gap(&sample(&MODEL, &averaged, &grid, x, &mut images(0, 2).0).expect("steps"), &plain) > 1e-3);
    }

    #[test]
    fn the_step_believes_in_the_average_about_the_moved_x_with_the_same_eps() {
        let grid = grid(5);
        let solver = MovingAverage::new(Ddim::default(), &grid, same(0.3)).expect("in range");
        let x = images(0, 2).1;
        let all: Vec<Step<4>> = steps(&MODEL, &solver, &grid, x, &mut Zeros).map(|step| step.expect("even")).collect();
        for pair in all.windows(2) {
            let asked = MODEL.predict(pair[0].x.clone(), &Question::from(pair[1].span.from())).expect("fits");
            let averaged = asked.x0() * 0.3 + pair[0].prediction.x0() * 0.7;
            assert!(gap(&pair[1].prediction.x0(), &averaged) < 1e-14);
            assert!(gap(&pair[1].prediction.eps(), &asked.eps()) < 1e-12);
            assert_eq!(pair[1].evals, 1);
        }
    }

    /// A model whose belief leaves the range of the data.
    fn wide() -> impl Denoiser<4> {
        let network = |x: Tensor<4>, _: Tensor<1>| x.sin();
        Preconditioned { network, parameterisation: Eps, variance: OutputVariance::None }
    }

    #[test]
    fn the_models_own_eps_goes_on_beside_a_clipped_average() {
        let grid = grid(5);
        let kept = Ddim { eta: 0.0, keep_eps: true };
        let solver = MovingAverage::new(kept, &grid, same(0.3)).expect("in range");
        let (model, x) = (ClipX0(wide()), images(0, 2).1);
        let all: Vec<Step<4>> = steps(&model, &solver, &grid, x, &mut Zeros).map(|step| step.expect("even")).collect();
        for pair in all.windows(2) {
            let asked = wide().predict(pair[0].x.clone(), &Question::from(pair[1].span.from())).expect("fits");
            let averaged = asked.x0().clamp(-1.0, 1.0) * 0.3 + pair[0].prediction.x0() * 0.7;
            let expected = averaged * pair[1].span.to_signal() + asked.eps() * pair[1].span.to_noise();
            assert!(gap(&pair[1].x, &expected) < 1e-12, "{}", gap(&pair[1].x, &expected));
        }
    }

    #[test]
    fn questions_inside_a_step_go_to_the_model() {
        let grid = grid(4);
        let solver = MovingAverage::new(HEUN, &grid, same(0.5)).expect("in range");
        let evals = |solver: &dyn Solver<4>| {
            let mut zeros = Zeros;
            let all = steps(&MODEL, solver, &grid, images(0, 1).1, &mut zeros);
            all.map(|step| step.expect("even").evals).collect::<Vec<_>>()
        };
        assert_eq!(evals(&solver), evals(&HEUN));
    }

    #[test]
    fn coordinates_and_batches_do_not_matter() {
        let (vp, edm) = (grid(9), grid(9).unscaled().expect("has signal"));
        let of = |grid: &Grid| MovingAverage::new(Ddim::default(), grid, BandWeights::coarse_to_fine(0.5));
        let (of_vp, of_edm) = (of(&vp).expect("in range"), of(&edm).expect("in range"));
        let (_, x) = images(0, 3);
        let end = sample(&MODEL, &of_vp, &vp, x.clone(), &mut Zeros).expect("even");
        let scaled = sample(&MODEL, &of_edm, &edm, x.clone() * edm.start().scale(), &mut Zeros).expect("even");
        assert!(gap(&end, &scaled) < 1e-9);
        let alone = sample(&MODEL, &of_vp, &vp, x.narrow(0, 1, 1), &mut Zeros).expect("even");
        assert_eq!(bits(&end.narrow(0, 1, 1)), bits(&alone));
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        for weight in [0.0, -0.1, 1.1, f64::INFINITY] {
            let refused = MovingAverage::new((), &grid(3), BandWeights::coarse_to_fine(weight)).unwrap_err();
            assert_eq!(refused, SampleError::AverageWeight { weight });
        }
        let solver = MovingAverage::new(Ddim::default(), &grid(3), same(0.5)).expect("in range");
        let refused = sample(&MODEL, &solver, &grid(4), images(0, 1).1, &mut Zeros).unwrap_err();
        assert!(matches!(refused, SampleError::OffGrid { .. }), "{refused}");
        let odd = Tensor::<4>::zeros([1, 1, 3, 4], (&Device::flex(), DType::F64));
        let refused = sample(&MODEL, &solver, &grid(3), odd, &mut Zeros).unwrap_err();
        assert_eq!(refused, SampleError::NoHalves { shape: vec![1, 1, 3, 4] });
    }
}
