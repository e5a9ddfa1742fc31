//! The time-shift sampler as its authors released it, in their solver of pseudo numerical methods.

use burn::tensor::Tensor;
use undrift_denoisers::{Denoiser, Levels, Prediction, nearest, spread};
use undrift_noise::Noise;
use undrift_schedules::{Chain, Grid, Level, Span};

use crate::begin::begin;
use crate::landing::{index_in, land};
use crate::shares::checked_eta;
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
    /// [`SampleError::EtaShare`], and [`SampleError::OffChain`] for a level that the chain does not have.
    pub fn new(method: Pnm, chain: &Chain, grid: &Grid, window: usize, cutoff: usize) -> Result<Self, SampleError> {
        let eta = match method {
            Pnm::Euler => 0.0,
            Pnm::Ddpm { eta } => checked_eta(eta)?,
        };
        let solver = TimeShiftPnm { eta, chain: chain.clone(), start: grid.start(), half: window / 2, cutoff };
        grid.levels().chain(grid.end()).try_for_each(|level| index_in(chain, level).map(drop))?;
        Ok(solver)
    }

    /// Where each sample of `x` lands.
    fn landings<const D: usize>(&self, x: &Tensor<D>, span: &Span) -> Result<Vec<Option<Level>>, SampleError> {
        let Some(to) = span.to() else {
            return Ok(vec![None]);
        };
        let (index, levels) = (index_in(&self.chain, to)?, self.chain.levels());
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
        let prediction = begin(model, x, span.from())?;
        let x = land(&prediction, span, &landings, self.eta, noise)?;
        Ok(Step { span: *span, prediction, x, evals: 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bits, gap, start, tensor};
    use crate::{Ddim, sample, steps};
    use burn::tensor::DType;
    use undrift_denoisers::Gaussian;
    use undrift_noise::{Replay, Zeros};
    use undrift_schedules::{Spacing, peers};

    const MODEL: Gaussian = Gaussian { mean: 0.3, std: 0.5 };

    fn chain() -> Chain {
        Chain::linear(1000).expect("valid")
    }

    fn level(index: usize) -> Level {
        chain().levels()[index]
    }

    /// Two samples of four values with the variances of two levels.
    fn spread_as(indices: [usize; 2]) -> Tensor<2> {
        let sample =
            |i: usize| [1.0, -1.0, 1.0, -1.0].map(|sign| sign * (level(i).one_minus_alpha_bar() * 0.75).sqrt());
        tensor(indices.map(sample).concat(), [2, 4])
    }

    /// DDIM's step for one sample in its own letters, from `a` to `to`.
    fn by_hand(x: Tensor<2>, a: f64, to: f64, eta: f64, drawn: Tensor<2>) -> Tensor<2> {
        let gain = 0.25 * a.sqrt() / (0.25 * a + 1.0 - a);
        let x0 = (x.clone() - 0.3 * a.sqrt()) * gain + 0.3;
        let eps = (x - x0.clone() * a.sqrt()) * (1.0 / (1.0 - a).sqrt());
        let c1 = eta * ((1.0 - a / to) * (1.0 - to) / (1.0 - a)).sqrt();
        x0 * to.sqrt() + drawn * c1 + eps * (1.0 - to - c1 * c1).sqrt()
    }

    fn published_grid(steps: usize) -> Grid {
        let rising = peers::ts_dpm_uniform(1000, steps).expect("valid");
        let levels: Vec<Level> = rising.into_iter().rev().map(level).collect();
        Grid::ending_at(levels, level(0)).expect("falling")
    }

    #[test]
    fn a_step_lands_where_the_variance_before_it_fits() {
        let (grid, x, drawn) = (published_grid(10), spread_as([594, 612]), spread_as([100, 900]));
        for (method, eta) in [(Pnm::Euler, 0.0), (Pnm::Ddpm { eta: 0.6 }, 0.6)] {
            let solver = TimeShiftPnm::new(method, &chain(), &grid, 30, 300).expect("own levels");
            let mut noise = Replay::new(vec![drawn.clone()]);
            let step = solver.step(&MODEL, x.clone(), &grid.spans()[1], &[], &mut noise).expect("has a belief");
            for (b, landing) in [594, 612].into_iter().enumerate() {
                let row = |of: &Tensor<2>| of.clone().narrow(0, b, 1);
                let (a, to) = (level(701).alpha_bar(), level(landing).alpha_bar());
                let expected = by_hand(row(&x), a, to, eta, row(&drawn));
                assert!(gap(&row(&step.x), &expected) < 1e-12, "{method:?}");
            }
            assert_eq!((step.evals, noise.remaining()), (1, usize::from(eta == 0.0)));
        }
    }

    #[test]
    fn the_first_step_and_landings_up_to_the_cutoff_are_ddim_and_so_is_no_window() {
        let (grid, x) = (published_grid(10), spread_as([594, 612]));
        let cut = TimeShiftPnm::new(Pnm::Euler, &chain(), &grid, 30, 501).expect("own levels");
        let plain = TimeShiftPnm::new(Pnm::Euler, &chain(), &grid, 0, 0).expect("own levels");
        let one = TimeShiftPnm::new(Pnm::Euler, &chain(), &grid, 1, 0).expect("own levels");
        for (i, span) in grid.spans().iter().enumerate() {
            let step = |solver: &dyn Solver<2>| solver.step(&MODEL, x.clone(), span, &[], &mut Zeros).expect("steps").x;
            assert!(gap(&step(&plain), &step(&Ddim::default())) < 1e-12);
            assert_eq!(bits(&step(&plain)), bits(&step(&one)));
            let shifted = bits(&step(&plain)) != bits(&step(&cut));
            assert_eq!(shifted, (1..2).contains(&i), "step {i} goes to {:?}", span.to().map(Level::time));
        }
    }

    #[test]
    fn coordinates_and_batches_do_not_matter() {
        let vp = published_grid(20);
        let edm = vp.unscaled().expect("has signal");
        let of = |grid: &Grid| TimeShiftPnm::new(Pnm::Ddpm { eta: 1.0 }, &chain(), grid, 20, 300).expect("own levels");
        let (mut noise, x) = start(0, 3, 6, DType::F64);
        let (mut same, mut alone) = (noise.clone(), start(1, 1, 6, DType::F64).0);
        let scaled = x.clone() * edm.start().scale();
        let (of_vp, of_edm) = (of(&vp), of(&edm));
        for (a, b) in
            steps(&MODEL, &of_vp, &vp, x.clone(), &mut noise).zip(steps(&MODEL, &of_edm, &edm, scaled, &mut same))
        {
            let (a, b) = (a.expect("has a belief"), b.expect("has a belief"));
            assert!(gap(&a.x, &(b.x * (1.0 / b.span.to_scale()))) < 1e-9);
        }
        let mut again = start(0, 3, 6, DType::F64).0;
        let all = sample(&MODEL, &of_vp, &vp, x.clone(), &mut again).expect("has a belief");
        let one = sample(&MODEL, &of_vp, &vp, x.narrow(0, 1, 1), &mut alone).expect("has a belief");
        assert_eq!(bits(&all.narrow(0, 1, 1)), bits(&one));
    }

    #[test]
    fn without_shifts_it_converges_with_order_one() {
        let error = |steps: usize| {
            let grid = chain().respace(Spacing::Trailing, steps).expect("valid");
            let solver = TimeShiftPnm::new(Pnm::Euler, &chain(), &grid, 0, 0).expect("own levels");
            let x = tensor(vec![1.3, -0.4], [1, 2]);
            let (from, end) = (grid.start(), sample(&MODEL, &solver, &grid, x.clone(), &mut Zeros).expect("steps"));
            let shrunk = 0.5 / (0.25 + from.sigma().powi(2)).sqrt();
            gap(&end, &((x * (1.0 / from.signal()) - 0.3) * shrunk + 0.3))
        };
        for steps in [20, 50] {
            let order = (error(steps) / error(2 * steps)).log2();
            assert!((0.8..1.3).contains(&order), "order {order}");
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let grid = published_grid(10);
        let new = |method| TimeShiftPnm::new(method, &chain(), &grid, 30, 300);
        assert_eq!(new(Pnm::Ddpm { eta: 1.5 }).unwrap_err(), SampleError::EtaShare { eta: 1.5 });
        assert!(matches!(new(Pnm::Ddpm { eta: f64::NAN }), Err(SampleError::EtaShare { .. })));
        let foreign = Chain::cosine(1000).expect("valid").grid_at(&[900, 500]).expect("valid");
        let refused = TimeShiftPnm::new(Pnm::Euler, &chain(), &foreign, 30, 300).unwrap_err();
        assert_eq!(refused, SampleError::OffChain { time: 899.0 });
        let close = chain().grid_at(&[700, 699, 698]).expect("valid");
        let up = TimeShiftPnm::new(Pnm::Ddpm { eta: 1.0 }, &chain(), &close, 30, 300).expect("own levels");
        let refused = up.step(&MODEL, spread_as([710, 600]), &close.spans()[1], &[], &mut Zeros).unwrap_err();
        assert_eq!(refused, SampleError::ShiftUp { from: 698.0, to: 710.0 });
    }
}
