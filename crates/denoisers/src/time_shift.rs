//! The wrapper that asks under the time whose noise the samples really have.

use std::ops::Range;

use burn::tensor::Tensor;
use undrift_schedules::{Chain, Grid, Level};

use crate::{DenoiseError, Denoiser, Prediction, Question, nearest, spread};

/// A denoiser whose network is told the time that fits the variance of each sample
/// (Li, Qu, Yao, Sun, Moens 2024, arXiv:2305.15583, algorithm 2; "time-shift sampler").
///
/// After the step that leaves `t` for the next level of the grid, if `t` is above the cutoff, the next question is
/// asked under the label of the `tau` whose `1 - alpha_bar` is nearest to the variance over all values of that
/// sample, within half a window of the new level. Only what the network sees changes: the belief that comes back
/// is about the level that was asked about. This works in every solver, and sample by sample.
///
/// Nothing is shifted at the grid's first level, at levels outside of the grid, and at questions inside a step
/// ([`Question::is_stage`]). A mu_tilde network refuses a shifted label, as its output belongs to one level only.
///
/// The authors' released code does something else, see `TimeShiftPnm` and `TimeShiftAdm` among the samplers.
#[derive(Clone, Debug)]
pub struct TimeShift<M> {
    inner: M,
    /// All levels of the chain, least noisy first.
    chain: Vec<Level>,
    /// Where questions are shifted, and the candidates there as places in `chain`.
    shifted: Vec<(Level, Range<usize>)>,
}

impl<M> TimeShift<M> {
    /// Shifts the questions that a solver asks on `grid`, whose levels are levels of `chain`.
    ///
    /// `window` is the paper's w, a number of levels of the chain: candidates lie up to `window / 2` (rounded down)
    /// levels away and inside the chain, and of two equally near ones the less noisy is taken. `cutoff` is the
    /// paper's t_c in 0..=T. The authors use windows from 2 to 80 and cutoffs from 200 to 900. A window of 0 or 1
    /// returns the inner belief untouched.
    ///
    /// # Errors
    /// [`DenoiseError::OffChain`] for a level of the grid that the chain does not have.
    pub fn new(inner: M, chain: &Chain, grid: &Grid, window: usize, cutoff: usize) -> Result<Self, DenoiseError> {
        let place = |level: Level| Ok((level, chain.t_of(level).ok_or(DenoiseError::OffChain { time: level.time() })?));
        let visited = grid.levels().map(place).collect::<Result<Vec<_>, _>>()?;
        let half = window / 2;
        let around = |t: usize| t.saturating_sub(half).max(1) - 1..(t + half).min(chain.len());
        let steps = visited.windows(2).map(|pair| (pair[0].1, pair[1]));
        let shifted = steps.filter(|(left, _)| half > 0 && *left > cutoff).map(|(_, (level, t))| (level, around(t)));
        Ok(TimeShift { inner, chain: chain.levels().to_vec(), shifted: shifted.collect() })
    }

    /// What to ask the inner model, or `None` where nothing is shifted.
    fn asked<const D: usize>(&self, x: &Tensor<D>, at: &Question<D>) -> Result<Option<Question<D>>, DenoiseError> {
        let candidates: Vec<_> = at.iter().map(|level| self.candidates(level)).collect();
        if at.is_stage() || candidates.iter().all(|candidates| candidates.is_empty()) {
            return Ok(None);
        }
        let shared = candidates.len() == 1;
        let samples = spread(x, at)?.into_iter().enumerate().zip((0..).map_while(|sample| at.of(sample)));
        let levels = samples.map(|((sample, variance), level)| {
            let candidates = candidates[if shared { 0 } else { sample }];
            let tau = nearest(variance, candidates.iter().map(|tau| tau.one_minus_alpha_bar()));
            let time = candidates.get(tau).map_or(level.time(), |tau| tau.time());
            level.with_time(time).map_err(|_| DenoiseError::OffChain { time })
        });
        Ok(Some(at.at(levels.collect::<Result<Vec<_>, _>>()?)))
    }

    /// The levels whose labels are tried at `level`; none where nothing is shifted.
    fn candidates(&self, level: Level) -> &[Level] {
        let same = |own: Level| own.time() == level.time() && own.alpha_bar() == level.alpha_bar();
        let found = self.shifted.iter().find(|(own, _)| same(*own));
        found.and_then(|(_, range)| self.chain.get(range.clone())).unwrap_or_default()
    }
}

impl<const D: usize, M: Denoiser<D>> Denoiser<D> for TimeShift<M> {
    fn predict(&self, x: Tensor<D>, at: &Question<D>) -> Result<Prediction<D>, DenoiseError> {
        match self.asked(&x, at)? {
            None => self.inner.predict(x, at),
            Some(asked) => self.inner.predict(x, &asked)?.relabelled(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Levels;
    use crate::testing::{bits, rows, values};
    use crate::{Eps, OutputVariance, Preconditioned};
    use std::cell::Cell;
    use undrift_schedules::Spacing;

    fn chain() -> Chain {
        Chain::linear(1000).expect("valid")
    }

    fn level(t: usize) -> Level {
        chain().level(t).expect("in range")
    }

    /// A network that says what time it is told, at one label for each sample or one for all.
    fn clock() -> impl Denoiser<2> {
        let network = |x: Tensor<2>, time: Tensor<1>| {
            let [batch, width] = x.dims();
            let times = time.cast(x.dtype()).reshape([-1, 1]);
            times.expand([batch, width])
        };
        Preconditioned { network, parameterisation: Eps, variance: OutputVariance::None }
    }

    /// Samples of four values whose unbiased variance is exactly that of the levels of `ts`, up to rounding.
    fn spread_as(ts: [usize; 2]) -> Tensor<2> {
        let sample =
            |t: usize| [1.0, -1.0, 1.0, -1.0].map(|sign| sign * (level(t).one_minus_alpha_bar() * 0.75).sqrt());
        rows(ts.map(sample))
    }

    /// What the network is told about each sample, as `t`.
    fn told<M: Denoiser<2>>(model: &TimeShift<M>, x: Tensor<2>, at: impl Into<Question<2>>) -> Vec<usize> {
        let belief = model.predict(x, &at.into()).expect("has signal");
        values(&belief.eps()).chunks(4).map(|sample| sample[0] as usize + 1).collect()
    }

    fn grid() -> Grid {
        chain().grid_at(&[800, 600, 400, 200]).expect("valid")
    }

    #[test]
    fn each_sample_is_asked_at_the_time_that_fits_its_variance() {
        let shift = TimeShift::new(clock(), &chain(), &grid(), 20, 0).expect("own levels");
        let at = Levels::from(level(600));
        assert_eq!(told(&shift, spread_as([597, 608]), &at), [597, 608]);
        assert_eq!(told(&shift, spread_as([500, 700]), &at), [590, 610], "no further than half a window");
        let belief = shift.predict(spread_as([597, 608]), &Question::from(&at)).expect("has signal");
        assert_eq!(belief.at().iter().collect::<Vec<_>>(), [level(600); 2], "the belief is about the level asked at");
        let odd = TimeShift::new(clock(), &chain(), &grid(), 5, 0).expect("own levels");
        assert_eq!(told(&odd, spread_as([500, 700]), &at), [598, 602]);
    }

    #[test]
    fn only_what_the_network_sees_changes() {
        let network = |x: Tensor<2>, _: Tensor<1>| x.sin();
        let deaf = Preconditioned { network, parameterisation: Eps, variance: OutputVariance::None };
        let shift = TimeShift::new(&deaf, &chain(), &grid(), 40, 0).expect("own levels");
        let at = Levels::from(level(400));
        let (plain, shifted) = (
            deaf.predict(spread_as([380, 410]), &Question::from(&at)),
            shift.predict(spread_as([380, 410]), &Question::from(&at)),
        );
        let (plain, shifted) = (plain.expect("fits"), shifted.expect("fits"));
        assert_eq!((bits(&plain.x0()), bits(&plain.eps())), (bits(&shifted.x0()), bits(&shifted.eps())));
        let span = grid().spans()[2];
        assert!(shifted.posterior_mean(&[span]).is_ok());
    }

    #[test]
    fn the_first_level_the_cutoff_other_levels_and_stages_are_left_alone() {
        let shift = TimeShift::new(clock(), &chain(), &grid(), 20, 400).expect("own levels");
        let x = || spread_as([700, 300]);
        assert_eq!(told(&shift, x(), Levels::from(level(800))), [800; 2], "before any step");
        assert_eq!(told(&shift, x(), Levels::from(level(600))), [610, 590]);
        assert_eq!(told(&shift, x(), Levels::from(level(400))), [410, 390], "the step left 600, above the cutoff");
        assert_eq!(told(&shift, x(), Levels::from(level(200))), [200; 2], "the step left 400, not above it");
        assert_eq!(told(&shift, x(), Levels::from(level(500))), [500; 2], "not in the grid");
        assert_eq!(told(&shift, x(), Question::stage(level(600))), [600; 2], "inside a step");
        let mixed = Levels::from(vec![level(200), level(600)]);
        assert_eq!(told(&shift, x(), &mixed), [200, 590]);
    }

    #[test]
    fn windows_end_at_the_ends_of_the_chain() {
        let ends = chain().grid_at(&[1000, 998, 2]).expect("valid");
        let shift = TimeShift::new(clock(), &chain(), &ends, 10, 0).expect("own levels");
        assert_eq!(told(&shift, rows([[9.0, -9.0, 9.0, -9.0], [0.0; 4]]), Levels::from(level(998))), [1000, 993]);
        assert_eq!(told(&shift, rows([[9.0, -9.0, 9.0, -9.0], [0.0; 4]]), Levels::from(level(2))), [7, 1]);
    }

    #[test]
    fn of_two_equally_near_times_the_lower_is_taken() {
        let chain = Chain::from_betas([0.5, 0.5, 0.5]).expect("valid");
        let ends = chain.grid_at(&[3, 2]).expect("valid");
        let shift = TimeShift::new(clock(), &chain, &ends, 2, 0).expect("own levels");
        // 1 - alpha_bar is 0.5, 0.75 and 0.875; the variance of (c, -c) twice is 4 c^2 / 3, 0.625 for this c.
        let c = 0.46875f64.sqrt();
        let at = Levels::from(chain.level(2).expect("in range"));
        let x = rows([[c, -c, c, -c]]);
        assert_eq!(spread(&x, &at).expect("four values"), [0.625]);
        assert_eq!(told(&shift, x, &at), [1]);
    }

    #[test]
    fn coordinates_do_not_matter() {
        let edm = grid().unscaled().expect("has signal");
        let shift = TimeShift::new(clock(), &chain(), &edm, 30, 0).expect("own levels");
        let at = level(600).unscaled().expect("has signal");
        assert_eq!(told(&shift, spread_as([592, 611]) * at.scale(), Levels::from(at)), [592, 611]);
    }

    #[test]
    fn a_sample_does_not_depend_on_its_batch() {
        let shift = TimeShift::new(clock(), &chain(), &grid(), 30, 0).expect("own levels");
        let at = Levels::from(level(400));
        for b in 0..2 {
            assert_eq!(told(&shift, spread_as([391, 407]).narrow(0, b, 1), &at), [[391, 407][b]]);
        }
    }

    /// Records the bits of what it is asked.
    struct Listening(Cell<Option<Levels>>);

    impl Denoiser<2> for Listening {
        fn predict(&self, x: Tensor<2>, at: &Question<2>) -> Result<Prediction<2>, DenoiseError> {
            self.0.set(Some(at.levels().clone()));
            Prediction::from_x0(x.clone(), x, at.clone())
        }
    }

    #[test]
    fn a_window_of_less_than_two_is_no_shift() {
        for window in [0, 1] {
            let inner = Listening(Cell::default());
            let shift = TimeShift::new(&inner, &chain(), &grid(), window, 0).expect("own levels");
            let at = Levels::from(level(400));
            let single = rows([[2.0], [3.0]]);
            assert!(shift.predict(single, &Question::from(&at)).is_ok(), "not even the spread is asked for");
            assert_eq!(inner.0.take(), Some(at));
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let foreign = Chain::cosine(1000).expect("valid").respace(Spacing::Trailing, 3).expect("valid");
        let time = foreign.start().time();
        let refused = TimeShift::new((), &chain(), &foreign, 20, 0).unwrap_err();
        assert_eq!(refused, DenoiseError::OffChain { time });
        assert!(refused.to_string().contains("999"), "{refused}");
        let relabelled = grid().with_times(|level| level.time() + 0.5).expect("finite");
        assert!(TimeShift::new((), &chain(), &relabelled, 20, 0).is_err());
        let shift = TimeShift::new(clock(), &chain(), &grid(), 20, 0).expect("own levels");
        let refused = shift.predict(rows([[1.0], [2.0]]), &Question::from(level(600))).unwrap_err();
        assert_eq!(refused, DenoiseError::NoSpread { values: 1 });
    }
}
