//! The time-shift sampler as its authors released it for guided-diffusion's networks.

use burn::tensor::Tensor;
use undrift_denoisers::{Denoiser, Levels, Prediction, nearest, spread};
use undrift_noise::Noise;
use undrift_schedules::{Chain, Grid, Level, Span};

use crate::landing::{checked_eta, land};
use crate::{SampleError, Solver, Step};

/// The shifted DDIM of tingyu215/TS-DPM-ADM, which is not the algorithm of its paper
/// (Li, Qu, Yao, Sun, Moens 2024, arXiv:2305.15583).
///
/// It is here to reproduce numbers of that code; the paper's algorithm is [`TimeShift`](crate::TimeShift). Where
/// the code departs from the paper:
///
/// - The network keeps the time of the grid. What is shifted is where a step lands, and the next step takes the
///   sample for one at the grid's level all the same.
/// - `tau` is searched around the level that a step leaves, by the variance of the sample before the step.
/// - That variance is compared with `alpha_bar` read from the other end of the chain, where the paper has
///   `1 - alpha_bar`.
/// - The landing is not `tau` but lies a fixed number of levels below it: the chain's length divided by the number
///   of steps less one, rounded down, and one more level.
/// - The cutoff is compared with the level that a step leaves. At a cutoff of 0 nothing is searched, but landings
///   lie below by that number all the same.
/// - A window that would reach below the chain's first level covers the first `window + 1` levels instead.
///
/// Where the code would read its table from the wrong end, past the data, this is an error.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeShiftAdm {
    eta: f64,
    chain: Chain,
    /// The level that is left without a shift.
    start: Level,
    window: usize,
    cutoff: usize,
    stride: usize,
}

impl TimeShiftAdm {
    /// Steps over `grid`, whose levels are levels of `chain`; the first one is never shifted.
    ///
    /// `window` is a number of levels, `cutoff` an index from 0, as in the code: only steps that leave a level above
    /// it are shifted; one that no index exceeds makes this DDIM. `eta` in 0..=1 is DDIM's share of DDPM's noise.
    ///
    /// # Errors
    /// [`SampleError::ShiftEta`], and [`SampleError::OffChain`] for a level that the chain does not have.
    pub fn new(chain: &Chain, grid: &Grid, window: usize, cutoff: usize, eta: f64) -> Result<Self, SampleError> {
        let stride = chain.len() / grid.steps().saturating_sub(1).max(1);
        let (eta, chain) = (checked_eta(eta)?, chain.clone());
        let solver = TimeShiftAdm { eta, chain, start: grid.start(), window, cutoff, stride };
        grid.levels().try_for_each(|level| solver.index(level).map(drop))?;
        Ok(solver)
    }

    /// Where each sample of `x` lands.
    fn landings<const D: usize>(&self, x: &Tensor<D>, span: &Span) -> Result<Vec<Option<Level>>, SampleError> {
        let (from, index) = (span.from(), self.index(span.from())?);
        if from == self.start || index <= self.cutoff {
            return Ok(vec![span.to()]);
        }
        if self.cutoff == 0 {
            return Ok(vec![self.below(index, from)?]);
        }
        let failed = SampleError::at(from.time());
        let variances = spread(x, &Levels::from(from)).map_err(failed)?;
        variances.into_iter().map(|variance| self.below(self.chosen(index, variance), from)).collect()
    }

    /// The index of `tau`, searched around `index`.
    fn chosen(&self, index: usize, variance: f64) -> usize {
        let (half, last) = (self.window / 2, self.chain.len() - 1);
        let (low, high) = if index > half { (index - half, index + half) } else { (0, self.window) };
        let reversed = (low..=high.min(last)).map(|place| self.chain.levels()[last - place].alpha_bar());
        low + nearest(variance, reversed)
    }

    /// The level below index `tau` by the stride and one more; `None` is the data.
    fn below(&self, tau: usize, from: Level) -> Result<Option<Level>, SampleError> {
        let landing = tau.checked_sub(self.stride).ok_or(SampleError::ShiftPastData { from: from.time() })?;
        Ok(self.chain.level(landing))
    }

    /// The index from 0 of a level.
    fn index(&self, level: Level) -> Result<usize, SampleError> {
        let t = self.chain.t_of(level).ok_or(SampleError::OffChain { time: level.time() })?;
        Ok(t - 1)
    }
}

impl<const D: usize> Solver<D> for TimeShiftAdm {
    fn step(
        &self,
        model: &dyn Denoiser<D>,
        x: Tensor<D>,
        span: &Span,
        _past: &[Prediction<D>],
        noise: &mut dyn Noise<D>,
    ) -> Result<Step<D>, SampleError> {
        let landings = self.landings(&x, span)?;
        let prediction = model.predict(x, &Levels::from(span.from())).map_err(SampleError::at(span.from().time()))?;
        let x = land(&prediction, span, &landings, self.eta, noise)?;
        Ok(Step { span: *span, prediction, x, evals: 1 })
    }
}
