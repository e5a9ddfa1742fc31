//! The time-shift sampler as its authors released it, in their solver of pseudo numerical methods.

use burn::tensor::Tensor;
use undrift_denoisers::{Denoiser, Levels, Prediction, nearest, spread};
use undrift_noise::Noise;
use undrift_schedules::{Chain, Grid, Level, Span};

use crate::landing::{checked_eta, land};
use crate::{SampleError, Solver, Step};

/// The `PNMSolver` of Mingxiao-Li/TS-DPM, which is not the algorithm of its paper
/// (Li, Qu, Yao, Sun, Moens 2024, arXiv:2305.15583).
///
/// It is here to reproduce numbers of that code; the paper's algorithm is [`TimeShift`](crate::TimeShift). Where
/// the code departs from the paper:
///
/// - The network keeps the time of the grid. What is shifted is where a step lands: alpha_bar there is that of
///   `tau`, and the next step takes the sample for one at the grid's level all the same.
/// - `tau` is chosen by the variance of the sample before the step, not after it.
/// - The cutoff is compared with the level a step goes to, not with the one that it leaves.
/// - The grid is [`ts_dpm_uniform`](undrift_schedules::peers::ts_dpm_uniform), which leaves out the noisiest level,
///   and the last step ends at the chain's first level instead of the data: give
///   [`Grid::ending_at`]. On a grid that ends at the data, the last step reaches it.
///
/// Near the chain's last level the code stops with an error; here the window ends there. Its scales of eps are
/// [`EpsilonScaling::constant`](crate::EpsilonScaling::constant) and
/// [`EpsilonScaling::growing_by_step`](crate::EpsilonScaling::growing_by_step) around the model.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeShiftPnm {
    eta: f64,
    chain: Chain,
    /// The level that is left without a shift.
    start: Level,
    half: usize,
    cutoff: usize,
}

/// Which of the code's one-step methods is used; neither clips.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pnm {
    /// `euler`: DDIM without noise (their transfer is the same number in another order).
    Euler,
    /// `ddpm`: DDIM's step with a share `eta` in 0..=1 of DDPM's noise. None is drawn where none is added.
    Ddpm {
        /// The share; the code's default is 0.
        eta: f64,
    },
}

impl TimeShiftPnm {
    /// Steps over `grid`, whose levels are levels of `chain`; the first one is never shifted.
    ///
    /// `window` is a number of levels, of which half (rounded down) lie on each side; 0 or 1 shifts nothing, as
    /// without the code's `shift_time_step`. `cutoff` is an index from 0, as in the code: only landings above it
    /// are shifted.
    ///
    /// # Errors
    /// [`SampleError::ShiftEta`], and [`SampleError::OffChain`] for a level that the chain does not have.
    pub fn new(method: Pnm, chain: &Chain, grid: &Grid, window: usize, cutoff: usize) -> Result<Self, SampleError> {
        let eta = match method {
            Pnm::Euler => 0.0,
            Pnm::Ddpm { eta } => checked_eta(eta)?,
        };
        let solver = TimeShiftPnm { eta, chain: chain.clone(), start: grid.start(), half: window / 2, cutoff };
        grid.levels().chain(grid.end()).try_for_each(|level| solver.index(level).map(drop))?;
        Ok(solver)
    }

    /// Where each sample of `x` lands.
    fn landings<const D: usize>(&self, x: &Tensor<D>, span: &Span) -> Result<Vec<Option<Level>>, SampleError> {
        let Some(to) = span.to() else {
            return Ok(vec![None]);
        };
        let (index, levels) = (self.index(to)?, self.chain.levels());
        let first = span.from() == self.start;
        if first || self.half == 0 || index <= self.cutoff {
            return Ok(vec![Some(to)]);
        }
        let candidates = &levels[index.saturating_sub(self.half)..(index + self.half + 1).min(levels.len())];
        let failed = SampleError::at(span.from().time());
        let variances = spread(x, &Levels::from(span.from())).map_err(failed)?;
        let chosen = |&variance: &f64| nearest(variance, candidates.iter().map(|tau| tau.one_minus_alpha_bar()));
        Ok(variances.iter().map(|variance| candidates.get(chosen(variance)).copied()).collect())
    }

    /// The index from 0 of a level.
    fn index(&self, level: Level) -> Result<usize, SampleError> {
        let t = self.chain.t_of(level).ok_or(SampleError::OffChain { time: level.time() })?;
        Ok(t - 1)
    }
}

impl<const D: usize> Solver<D> for TimeShiftPnm {
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
