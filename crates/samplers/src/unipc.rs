//! UniPC of order 2.

use burn::tensor::Tensor;
use undrift_denoisers::{Denoiser, Prediction};
use undrift_noise::Noise;
use undrift_schedules::{Level, Span};

use crate::begin::begin;
use crate::log_step::{LogStep, known};
use crate::{SampleError, Solver, Step};

/// UniPC of order 2 for x0: a corrector and a predictor that share one evaluation
/// (Zhao et al. 2023, arXiv:2302.04867, UniC and UniP in their form for x0 as in diffusers).
///
/// A step asks the model at the state it was handed, corrects that state with the answer, and predicts onwards from
/// the corrected state. The answer itself is kept: its x0 is not asked for again. [`Step::prediction`] is that x0
/// believed about the corrected state, so that `past[0].x()` is where the next corrector starts.
///
/// The first step is first order, its corrector too; the step to the data ends at x0. The state that a grid ends at
/// is predicted and never corrected, by default with the order of any other step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct UniPc {
    /// The function B(h), which matters wherever one difference of beliefs is all there is.
    pub variant: UniPcVariant,
    /// The level onto which a step is predicted with first order, as diffusers does at the end of its grids
    /// (`lower_order_final`).
    pub lowered: Option<Level>,
}

impl UniPc {
    /// UniPC with this B(h), no step of lower order but the first and the one to the data.
    pub const fn of(variant: UniPcVariant) -> Self {
        UniPc { variant, lowered: None }
    }
}

/// B(h) of UniPC (Zhao et al. 2023, arXiv:2302.04867), for the x0 form, where h counts negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UniPcVariant {
    /// `B(h) = h`. It knows no step from pure noise, where h is infinite.
    B1,
    /// `B(h) = e^h - 1`. Its predictor is DPM-Solver++(2M).
    #[default]
    B2,
}

impl<const D: usize> Solver<D> for UniPc {
    fn memory(&self) -> usize {
        2
    }

    fn step(
        &self,
        model: &dyn Denoiser<D>,
        x: Tensor<D>,
        span: &Span,
        past: &[Prediction<D>],
        _noise: &mut dyn Noise<D>,
    ) -> Result<Step<D>, SampleError> {
        let from = span.from();
        if self.variant == UniPcVariant::B1 && from.is_pure_noise() {
            return Err(SampleError::NoSignal { time: from.time() });
        }
        let failed = |source| SampleError::Denoise { time: from.time(), source };
        let prediction = begin(model, x, from)?;
        let prediction = match self.corrected(&prediction, from, past) {
            None => prediction,
            Some(corrected) => prediction.rebased(corrected).map_err(failed)?,
        };
        let x = match span.to() {
            None => prediction.x0(),
            Some(to) => {
                let before = if self.lowered == Some(to) { None } else { known(past.first()) };
                self.predicted(&prediction, LogStep::new(from, to), before)
            }
        };
        Ok(Step { span: *span, prediction, x, evals: 1 })
    }
}

impl UniPc {
    /// UniC: the last step taken again with what the model says at its end; `None` where there was no step.
    fn corrected<const D: usize>(
        self,
        answer: &Prediction<D>,
        here: Level,
        past: &[Prediction<D>],
    ) -> Option<Tensor<D>> {
        let (start, x0) = known(past.first())?;
        let step = LogStep::new(start, here);
        let ahead = answer.x0() - x0.clone();
        let change = match known(past.get(1)) {
            None => ahead * self.half(step.h()),
            Some((older, behind)) => {
                let r = -LogStep::new(older, start).h() / step.h();
                let (of_behind, of_ahead) = second_order(step.h(), r);
                (behind - x0.clone()) * (of_behind / r) + ahead * of_ahead
            }
        };
        Some(step.carry(past.first()?.x(), x0 + change))
    }

    /// UniP: second order where there is a past.
    fn predicted<const D: usize>(
        self,
        prediction: &Prediction<D>,
        step: LogStep,
        before: Option<(Level, Tensor<D>)>,
    ) -> Tensor<D> {
        let (x, x0) = (prediction.x(), prediction.x0());
        let here = prediction.at().of(0);
        let extrapolated = match before.zip(here) {
            None => x0,
            Some(((level, before), here)) => {
                let r = -LogStep::new(level, here).h() / step.h();
                x0.clone() + (before - x0) * (self.half(step.h()) / r)
            }
        };
        step.carry(x, extrapolated)
    }

    /// The weight 1/2 that the paper gives a single difference, as a share of `e^-h - 1`.
    fn half(self, h: f64) -> f64 {
        match self.variant {
            UniPcVariant::B1 => 0.5 * -h / (-h).exp_m1(),
            UniPcVariant::B2 => 0.5,
        }
    }
}

/// The weights of two differences, the one at `r` and the one at 1, as shares of `e^-h - 1`: the solution of
/// `a + b = g1` and `r a + b = g2`. B(h) cancels, so that they are the same for both variants.
fn second_order(h: f64, r: f64) -> (f64, f64) {
    let (h, phi1) = (-h, (-h).exp_m1());
    let phi2 = phi1 / h - 1.0;
    let g1 = phi2 / phi1;
    let g2 = 2.0 * (phi2 / h - 0.5) / phi1;
    let a = (g1 - g2) / (1.0 - r);
    (a, g1 - a)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bits, gap, tensor, values};
    use crate::{DpmSolverPp2m, sample, steps};
    use undrift_denoisers::{Gaussian, Levels, OutputVariance, Preconditioned, Question, V, X0};
    use undrift_noise::Zeros;
    use undrift_schedules::{Chain, Grid, Spacing};

    const B1: UniPc = UniPc::of(UniPcVariant::B1);
    const B2: UniPc = UniPc::of(UniPcVariant::B2);
    const MODEL: Gaussian = Gaussian { mean: 0.3, std: 0.5 };

    fn x() -> Tensor<2> {
        tensor(vec![0.4, -1.3, 2.2, 0.1], [2, 2])
    }

    /// Sigma 8, 4, 1, 1/2 and a network that answers 1, 3, 9, 27 in turn, x starting at 3.
    fn by_hand(solver: UniPc) -> Vec<(f64, f64)> {
        let answers = std::cell::Cell::new(1.0 / 3.0);
        let network = |x: Tensor<2>, _: Tensor<1>| {
            answers.set(answers.get() * 3.0);
            x.zeros_like() + answers.get()
        };
        let model = Preconditioned { network, parameterisation: X0, variance: OutputVariance::None };
        let grid = Grid::of_sigmas([8.0, 4.0, 1.0, 0.5]).expect("valid");
        let mut zeros = Zeros;
        let run = steps(&model, &solver, &grid, tensor(vec![3.0], [1, 1]), &mut zeros);
        let run = run.map(|step| step.expect("has a belief"));
        run.map(|step| (values(&step.prediction.x())[0], values(&step.x)[0])).collect()
    }

    /// The integral of `e^s (x0 + slope s + curve s^2)` over the last `h` of a step, by the trapezium rule; an exact
    /// corrector of order 2 adds it to `x e^-h` for the parabola through its three x0.
    fn integral(h: f64, x0: f64, slope: f64, curve: f64) -> f64 {
        let count = 200_000;
        let value = |i: usize| {
            let s = h * i as f64 / count as f64;
            (s - h).exp() * (x0 + slope * s + curve * s * s)
        };
        let inner: f64 = (1..count).map(value).sum();
        (inner + 0.5 * (value(0) + value(count))) * h / count as f64
    }

    #[test]
    fn four_steps_by_hand() {
        let states = by_hand(B2);
        let first = 3.0 / 2.0 + 0.5;
        let corrected = 3.0 / 2.0 + 0.5 * (1.0 + 0.5 * (3.0 - 1.0));
        let second = corrected / 4.0 + 0.75 * (3.0 + 0.5 * (3.0 - 1.0) / 0.5);
        let h = 4.0f64.ln();
        // The parabola through 1 at -ln 2, 3 at 0 and 9 at ln 4.
        let (back, ahead) = ((1.0 - 3.0) / -2.0f64.ln(), (9.0 - 3.0) / h);
        let curve = (ahead - back) / (h + 2.0f64.ln());
        let slope = back + curve * 2.0f64.ln();
        let corrected_again = corrected / 4.0 + integral(h, 3.0, slope, curve);
        assert_eq!(states[0], (3.0, first));
        assert!((states[1].0 - corrected).abs() < 1e-14 && (states[1].1 - second).abs() < 1e-14, "{states:?}");
        assert!((states[2].0 - corrected_again).abs() < 1e-9, "{states:?}, {corrected_again}");
        let third = states[2].0 / 2.0 + 0.5 * (9.0 + 0.5 * (9.0 - 3.0) / 2.0);
        assert!((states[2].1 - third).abs() < 1e-14 && states[3].1 == 27.0, "{states:?}");
    }

    /// B1 replaces `1 - e^-h` by h wherever the weight is 1/2, and nowhere else.
    #[test]
    fn b1_weighs_single_differences_by_h() {
        let (states, others) = (by_hand(B1), by_hand(B2));
        let corrected = 3.0 / 2.0 + 0.5 + 2.0f64.ln() * 0.5 * (3.0 - 1.0);
        let second = corrected / 4.0 + 0.75 * 3.0 + 4.0f64.ln() * 0.5 * (3.0 - 1.0) / 0.5;
        assert!((states[1].0 - corrected).abs() < 1e-14 && (states[1].1 - second).abs() < 1e-14, "{states:?}");
        let second_order = |states: &[(f64, f64)]| states[2].0 - states[1].0 / 4.0;
        assert!((second_order(&states) - second_order(&others)).abs() < 1e-14);
    }

    #[test]
    fn without_its_corrector_b2_is_dpm_solver_pp_2m() {
        let grid = Grid::karras(6, 0.01, 20.0, 7.0).expect("valid");
        let mut zeros = Zeros;
        let run = steps(&MODEL, &DpmSolverPp2m, &grid, x(), &mut zeros).map(|step| step.expect("has a belief"));
        let run: Vec<_> = run.collect();
        for pair in run.windows(2).filter(|pair| pair[1].span.to().is_some()) {
            let span = pair[1].span;
            let (step, past) = (LogStep::new(span.from(), span.to().expect("a level")), &pair[0].prediction);
            let predicted = B2.predicted(&pair[1].prediction, step, known(Some(past)));
            assert!(gap(&predicted, &pair[1].x) < 1e-14);
        }
    }

    #[test]
    fn a_belief_that_does_not_change_needs_no_corrector_bit_for_bit() {
        let (model, grid) = (Gaussian { mean: 0.3, std: 0.0 }, Grid::karras(6, 0.01, 20.0, 7.0).expect("valid"));
        for solver in [B1, B2] {
            let mut zeros = Zeros;
            let run = steps(&model, &solver, &grid, x(), &mut zeros).map(|step| step.expect("has a belief"));
            let run: Vec<_> = run.collect();
            assert!(run.windows(2).all(|pair| bits(&pair[0].x) == bits(&pair[1].prediction.x())));
        }
    }

    #[test]
    fn what_is_handed_on_is_the_answer_about_the_corrected_state() {
        let grid = Chain::linear(1000).expect("valid").respace(Spacing::Trailing, 8).expect("valid");
        let mut zeros = Zeros;
        let run = steps(&MODEL, &B2, &grid, x(), &mut zeros).map(|step| step.expect("has a belief"));
        let run: Vec<_> = run.collect();
        for pair in run.windows(2) {
            let at = Levels::from(pair[1].span.from());
            let answer = MODEL.predict(pair[0].x.clone(), &Question::from(&at)).expect("fits");
            assert_eq!(bits(&pair[1].prediction.x0()), bits(&answer.x0()));
            assert!(gap(&pair[1].prediction.x(), &pair[0].x) > 1e-6);
        }
        assert_eq!(bits(&run[7].x), bits(&run[7].prediction.x0()));
    }

    #[test]
    fn b2_starts_at_pure_noise_and_b1_says_why_it_cannot() {
        let chain = Chain::linear(50).expect("valid").zero_terminal_snr().expect("valid");
        let grid = chain.respace(Spacing::Trailing, 5).expect("valid");
        let network = |x: Tensor<2>, _: Tensor<1>| x * 0.5;
        let model = Preconditioned { network, parameterisation: V, variance: OutputVariance::None };
        let x0 = sample(&model, &B2, &grid, x(), &mut Zeros).expect("has every view");
        assert!(values(&x0).iter().all(|value| value.is_finite()));
        let refused = sample(&model, &B1, &grid, x(), &mut Zeros).unwrap_err();
        assert_eq!(refused, SampleError::NoSignal { time: chain.last().time() });
    }
}
