//! The time-shift sampler as its authors released it for guided-diffusion's networks.

use burn::tensor::Tensor;
use undrift_denoisers::{Denoiser, Levels, Prediction, nearest, spread};
use undrift_noise::Noise;
use undrift_schedules::{Chain, Grid, Level, Span};

use crate::begin::begin;
use crate::landing::{index_in, land};
use crate::shares::checked_eta;
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
    /// [`SampleError::EtaShare`], and [`SampleError::OffChain`] for a level that the chain does not have.
    pub fn new(chain: &Chain, grid: &Grid, window: usize, cutoff: usize, eta: f64) -> Result<Self, SampleError> {
        let stride = chain.len() / grid.steps().saturating_sub(1).max(1);
        let (eta, chain) = (checked_eta(eta)?, chain.clone());
        let solver = TimeShiftAdm { eta, chain, start: grid.start(), window, cutoff, stride };
        grid.levels().try_for_each(|level| index_in(&solver.chain, level).map(drop))?;
        Ok(solver)
    }

    /// Where each sample of `x` lands.
    fn landings<const D: usize>(&self, x: &Tensor<D>, span: &Span) -> Result<Vec<Option<Level>>, SampleError> {
        let (from, index) = (span.from(), index_in(&self.chain, span.from())?);
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

    /// Indices that are searched around `index`.
    fn searched(&self, index: usize) -> (usize, usize) {
        let (half, last) = (self.window / 2, self.chain.len() - 1);
        let (low, high) = if index > half { (index - half, index + half) } else { (0, self.window) };
        (low, high.min(last))
    }

    /// The index of `tau`, searched around `index`.
    fn chosen(&self, index: usize, variance: f64) -> usize {
        let (last, (low, high)) = (self.chain.len() - 1, self.searched(index));
        let reversed = (low..=high).map(|place| self.chain.levels()[last - place].alpha_bar());
        low + nearest(variance, reversed)
    }

    /// The level below index `tau` by the stride and one more; `None` is the data.
    fn below(&self, tau: usize, from: Level) -> Result<Option<Level>, SampleError> {
        let landing = tau.checked_sub(self.stride).ok_or(SampleError::ShiftPastData { from: from.time() })?;
        Ok(self.chain.level(landing))
    }
}

impl<const D: usize> Solver<D> for TimeShiftAdm {
    /// Refuses grids with a step that would end past the data whatever the samples are.
    fn check(&self, grid: &Grid) -> Result<(), SampleError> {
        for from in grid.levels().filter(|from| *from != self.start) {
            let index = index_in(&self.chain, from)?;
            let furthest = if self.cutoff == 0 { index } else { self.searched(index).1 };
            if index > self.cutoff {
                self.below(furthest, from)?;
            }
        }
        Ok(())
    }

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
    use undrift_schedules::Spacing;

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

    fn grid(steps: usize) -> Grid {
        chain().respace_sections(&[steps]).expect("valid")
    }

    /// Samples whose variance is the alpha_bar that the code reads at an index, from the chain's other end.
    fn reads_as(indices: [usize; 2]) -> Tensor<2> {
        let sample = |i: usize| [1.0, -1.0, 1.0, -1.0].map(|sign| sign * (level(999 - i).alpha_bar() * 0.75).sqrt());
        tensor(indices.map(sample).concat(), [2, 4])
    }

    #[test]
    fn a_step_lands_below_the_index_that_the_reversed_table_gives() {
        let (grid, x, drawn) = (grid(20), reads_as([890, 903]), spread_as([100, 900]));
        let span = grid.spans()[2];
        assert_eq!(span.from().time(), 894.0);
        for eta in [0.0, 0.6] {
            let solver = TimeShiftAdm::new(&chain(), &grid, 30, 300, eta).expect("own levels");
            let mut noise = Replay::new(vec![drawn.clone()]);
            let step = solver.step(&MODEL, x.clone(), &span, &[], &mut noise).expect("has a belief");
            for (b, tau) in [890, 903].into_iter().enumerate() {
                let row = |of: &Tensor<2>| of.clone().narrow(0, b, 1);
                // 1000 / 19 = 52 levels below, and one more as the table of the level before is read.
                let (a, to) = (level(894).alpha_bar(), level(tau - 53).alpha_bar());
                let expected = by_hand(row(&x), a, to, eta, row(&drawn));
                assert!(gap(&row(&step.x), &expected) < 1e-12, "eta {eta}");
            }
            assert_eq!((step.evals, noise.remaining()), (1, usize::from(eta == 0.0)));
        }
    }

    #[test]
    fn the_first_step_and_levels_up_to_the_cutoff_are_ddim() {
        let (grid, x) = (grid(20), spread_as([594, 612]));
        let cut = TimeShiftAdm::new(&chain(), &grid, 30, 789, 0.0).expect("own levels");
        for (i, span) in grid.spans().iter().enumerate() {
            let step = |solver: &dyn Solver<2>| solver.step(&MODEL, x.clone(), span, &[], &mut Zeros).expect("steps").x;
            let shifted = gap(&step(&cut), &step(&Ddim::default())) > 1e-12;
            assert_eq!(shifted, (1..4).contains(&i), "step {i} from {}", span.from().time());
        }
        let none = TimeShiftAdm::new(&chain(), &grid, 30, 0, 0.0).expect("own levels");
        let (from, to) = (level(841), level(841 - 53));
        let step = none.step(&MODEL, x.clone(), &grid.spans()[3], &[], &mut Zeros).expect("steps").x;
        let expected = by_hand(x.clone(), from.alpha_bar(), to.alpha_bar(), 0.0, x.zeros_like());
        assert!(gap(&step, &expected) < 1e-12, "a cutoff of 0 searches nothing");
    }

    #[test]
    fn windows_end_at_the_ends_of_the_chain() {
        let solver = TimeShiftAdm::new(&chain(), &grid(20), 30, 1, 0.0).expect("own levels");
        assert_eq!((solver.chosen(10, 0.0), solver.chosen(10, 1.0)), (0, 30));
        assert_eq!((solver.chosen(990, 0.0), solver.chosen(990, 1.0)), (975, 999));
        let x = tensor(vec![0.0; 8], [2, 4]);
        let refused = solver.step(&MODEL, x, &grid(20).spans()[18], &[], &mut Zeros).unwrap_err();
        assert_eq!(refused, SampleError::ShiftPastData { from: 53.0 });
    }

    #[test]
    fn a_grid_whose_steps_end_past_the_data_whatever_the_samples_is_refused_before_the_first() {
        let asked = |grid: &Grid, window, cutoff| {
            let solver = TimeShiftAdm::new(&chain(), grid, window, cutoff, 0.0).expect("own levels");
            Solver::<2>::check(&solver, grid)
        };
        let past = |from: f64| Err(SampleError::ShiftPastData { from });
        // Indices 999, 499 and 19, and a step goes 500 levels down.
        let coarse = chain().grid_at(&[1000, 500, 20]).expect("falls");
        assert_eq!(
            (asked(&coarse, 30, 0), asked(&coarse, 0, 19)),
            (past(499.0), past(499.0)),
            "nothing else is searched"
        );
        assert_eq!(asked(&coarse, 30, 1), past(19.0), "the window ends at 34");
        assert_eq!(asked(&coarse, 30, 19), Ok(()), "it depends on the samples");
        // Its last indices are 53 and 0, and a step goes 52 levels down.
        assert_eq!((asked(&grid(20), 0, 0), asked(&grid(20), 30, 1)), (Ok(()), Ok(())));
    }

    #[test]
    fn coordinates_and_batches_do_not_matter() {
        let vp = grid(20);
        let edm = vp.unscaled().expect("has signal");
        let of = |grid: &Grid| TimeShiftAdm::new(&chain(), grid, 20, 300, 1.0).expect("own levels");
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
            let solver = TimeShiftAdm::new(&chain(), &grid, 30, 1000, 0.0).expect("own levels");
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
}
