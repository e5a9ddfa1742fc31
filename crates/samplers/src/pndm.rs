//! PNDM: numerical methods of fourth and second order inside DDIM's transfer.

use burn::tensor::Tensor;
use undrift_denoisers::{DenoiseError, Denoiser, Prediction, Question};
use undrift_noise::Noise;
use undrift_schedules::{Level, LevelError, Span};

use crate::adams_bashforth::adams_bashforth;
use crate::begin::begin_with_signal;
use crate::flow::transfer;
use crate::{SampleError, Solver, Step};

/// Pseudo numerical methods: a step is DDIM's transfer with a mean of several eps
/// (Liu et al. 2022, arXiv:2202.09778).
///
/// Once there is enough of a past, the mean is that of Adams and Bashforth, whose weights belong to steps of one
/// length and are used over any grid, as in the authors' code. The transfer is linear in sigma and the weights in
/// the step number, so that all three are second order, and fourth only where the grid is even in sigma.
///
/// The data are no level and nothing is asked there: on a step to the data a start that needs an answer at its end
/// falls back to Adams and Bashforth with the past that there is. The authors' code asks at index -1 instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pndm {
    /// F-PNDM: three pseudo Runge-Kutta steps of four evaluations each, then (55, -59, 37, -9) / 24
    /// (Liu et al. 2022).
    ///
    /// Two of the four are asked halfway. We know no chain to look that level up in, so that it is the mean of the
    /// two ends in sigma, under the mean of their labels; the authors take the chain's level of the mean label.
    F,
    /// S-PNDM: one pseudo improved Euler step of two evaluations, then (3, -1) / 2 (Liu et al. 2022).
    S,
    /// The start of S-PNDM, then (3, -1) / 2, (23, -16, 5) / 12 and (55, -59, 37, -9) / 24 as the past grows:
    /// `PNDMScheduler` of diffusers with `skip_prk_steps`.
    Plms,
}

impl<const D: usize> Solver<D> for Pndm {
    fn memory(&self) -> usize {
        self.order() - 1
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
        let failed = |source| SampleError::Denoise { time: from.time(), source };
        let prediction = begin_with_signal(model, x.clone(), from)?;
        let start = Start { model, x: &x, eps: prediction.eps(), from };
        let (eps, more) = match (self, past.len(), span.to()) {
            (Pndm::F, 0..=2, Some(to)) => {
                let halfway = halfway(from, to).map_err(|source| SampleError::Halfway { time: from.time(), source })?;
                (start.runge_kutta(halfway, to).map_err(failed)?, 3)
            }
            (Pndm::S | Pndm::Plms, 0, Some(to)) => (start.improved_euler(to).map_err(failed)?, 1),
            _ => {
                let past: Vec<Tensor<D>> = past.iter().take(self.order() - 1).map(Prediction::eps).collect();
                (adams_bashforth(start.eps, &past), 0)
            }
        };
        Ok(Step { span: *span, prediction, x: transfer(x, eps, from, span.to()), evals: 1 + more })
    }
}

impl Pndm {
    /// How many eps a step combines at most.
    fn order(self) -> usize {
        match self {
            Pndm::F | Pndm::Plms => 4,
            Pndm::S => 2,
        }
    }
}

/// The beginning of a step that asks again before it moves.
struct Start<'a, const D: usize> {
    model: &'a dyn Denoiser<D>,
    x: &'a Tensor<D>,
    eps: Tensor<D>,
    from: Level,
}

impl<const D: usize> Start<'_, D> {
    /// What the model answers at a level that `eps` leads to, as a difference from the first answer.
    fn change(&self, eps: Tensor<D>, to: Level) -> Result<Tensor<D>, DenoiseError> {
        let there = transfer(self.x.clone(), eps, self.from, Some(to));
        Ok(self.model.predict(there, &Question::stage(to))?.eps() - self.eps.clone())
    }

    /// `(e1 + 2 e2 + 2 e3 + e4) / 6`, as e1 and changes from it, so that equal answers stay exact.
    fn runge_kutta(&self, halfway: Level, to: Level) -> Result<Tensor<D>, DenoiseError> {
        let e1 = || self.eps.clone();
        let second = self.change(e1(), halfway)?;
        let third = self.change(e1() + second.clone(), halfway)?;
        let fourth = self.change(e1() + third.clone(), to)?;
        Ok(e1() + (second + third) * (1.0 / 3.0) + fourth * (1.0 / 6.0))
    }

    /// `(e1 + e2) / 2`.
    fn improved_euler(&self, to: Level) -> Result<Tensor<D>, DenoiseError> {
        Ok(self.eps.clone() + self.change(self.eps.clone(), to)? * 0.5)
    }
}

/// The mean of two levels in sigma and in their labels, in the coordinates of the first.
fn halfway(from: Level, to: Level) -> Result<Level, LevelError> {
    let sigma = 0.5 * (from.sigma() + to.sigma());
    let time = 0.5 * (from.time() + to.time());
    if from.scale() == 1.0 { Level::vp_of_sigma(sigma, time) } else { Level::edm(sigma, time) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bits, gap, tensor, values};
    use crate::{sample, steps};
    use std::cell::RefCell;
    use undrift_denoisers::{Eps, Gaussian, OutputVariance, Preconditioned, V};
    use undrift_noise::Zeros;
    use undrift_schedules::{Chain, Grid, Spacing};

    const ALL: [Pndm; 3] = [Pndm::F, Pndm::S, Pndm::Plms];
    const MODEL: Gaussian = Gaussian { mean: 0.3, std: 0.5 };

    fn x() -> Tensor<2> {
        tensor(vec![0.4, -1.3, 2.2, 0.1], [2, 2])
    }

    /// Runs a network that answers 1, 2, 4, 8, .. in turn over sigma 6, 5, 4, 3, 2, 1 from x = 10.
    /// Returns the states and every x that the model was asked about, each with its label.
    fn by_hand(solver: Pndm) -> (Vec<f64>, Vec<(f64, f64)>) {
        let asked = RefCell::new(Vec::new());
        let network = |x: Tensor<2>, time: Tensor<1>| {
            let time = time.into_data().iter::<f64>().next().expect("one");
            // The network's entrance divides x by the scale of its level, whose label is sigma here.
            asked.borrow_mut().push((values(&x)[0] * time.hypot(1.0), time));
            x.zeros_like() + 2.0f64.powi(asked.borrow().len() as i32 - 1)
        };
        let model = Preconditioned { network, parameterisation: Eps, variance: OutputVariance::None };
        let grid = Grid::of_sigmas([6.0, 5.0, 4.0, 3.0, 2.0, 1.0]).expect("valid");
        let mut zeros = Zeros;
        let run = steps(&model, &solver, &grid, tensor(vec![10.0], [1, 1]), &mut zeros);
        let states = run.map(|step| values(&step.expect("has a belief").x)[0]).collect();
        (states, asked.into_inner())
    }

    fn near(ours: &[f64], expected: &[f64]) {
        assert_eq!(ours.len(), expected.len());
        let scale = expected.iter().fold(1.0f64, |largest, value| largest.max(value.abs()));
        assert!(ours.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-14 * scale), "{ours:?} {expected:?}");
    }

    #[test]
    fn f_pndm_by_hand() {
        let (states, asked) = by_hand(Pndm::F);
        let mean = |e: f64| e * (1.0 + 2.0 * 2.0 + 2.0 * 4.0 + 8.0) / 6.0;
        let e = |k: i32| 2.0f64.powi(k);
        let bashforth = |k: [i32; 4]| (55.0 * e(k[0]) - 59.0 * e(k[1]) + 37.0 * e(k[2]) - 9.0 * e(k[3])) / 24.0;
        let means = [mean(1.0), mean(16.0), mean(256.0), bashforth([12, 8, 4, 0]), bashforth([13, 12, 8, 4])];
        let means = [&means[..], &[bashforth([14, 13, 12, 8])]].concat();
        let expected: Vec<f64> = (1..=6).map(|k| 10.0 - means[..k].iter().sum::<f64>()).collect();
        near(&states, &expected);
        let labels: Vec<f64> = asked.iter().map(|(_, time)| *time).collect();
        assert_eq!(labels, [6.0, 5.5, 5.5, 5.0, 5.0, 4.5, 4.5, 4.0, 4.0, 3.5, 3.5, 3.0, 3.0, 2.0, 1.0]);
        let first: Vec<f64> = asked[..4].iter().map(|(x, _)| *x).collect();
        near(&first, &[10.0, 10.0 - 0.5, 10.0 - 0.5 * 2.0, 10.0 - 4.0]);
    }

    #[test]
    fn s_pndm_and_plms_by_hand() {
        let e = |k: i32| 2.0f64.powi(k);
        let two = |a: i32, b: i32| (3.0 * e(a) - e(b)) / 2.0;
        let s = [1.5, two(2, 0), two(3, 2), two(4, 3), two(5, 4), two(6, 5)];
        let four = |k: i32| (55.0 * e(k) - 59.0 * e(k - 1) + 37.0 * e(k - 2) - 9.0 * e(k - 3)) / 24.0;
        let third = (23.0 * e(3) - 16.0 * e(2) + 5.0 * e(0)) / 12.0;
        let fourth = (55.0 * e(4) - 59.0 * e(3) + 37.0 * e(2) - 9.0 * e(0)) / 24.0;
        let plms = [1.5, two(2, 0), third, fourth, four(5), four(6)];
        for (solver, means) in [(Pndm::S, s), (Pndm::Plms, plms)] {
            let (states, asked) = by_hand(solver);
            let expected: Vec<f64> = (1..=6).map(|k| 10.0 - means[..k].iter().sum::<f64>()).collect();
            near(&states, &expected);
            let (places, labels): (Vec<f64>, Vec<f64>) = asked[..3].iter().copied().unzip();
            assert_eq!((labels, asked.len()), (vec![6.0, 5.0, 5.0], 7));
            near(&places, &[10.0, 9.0, 8.5]);
        }
    }

    /// The transfer in the letters of DDIM, eq. 12 of Song et al. 2020, arXiv:2010.02502, with sigma 0.
    #[test]
    fn with_an_eps_that_does_not_change_every_step_is_ddim_bit_for_bit() {
        let network = |x: Tensor<2>, _: Tensor<1>| x.zeros_like() + 0.3;
        let model = Preconditioned { network, parameterisation: Eps, variance: OutputVariance::None };
        let grid = Chain::linear(1000).expect("valid").respace(Spacing::Trailing, 7).expect("valid");
        for solver in ALL {
            for step in steps(&model, &solver, &grid, x(), &mut Zeros) {
                let step = step.expect("has a belief");
                let (from, to) = (step.span.from(), step.span.to());
                let alone = transfer(step.prediction.x(), step.prediction.eps(), from, to);
                assert_eq!(bits(&step.x), bits(&alone));
                let x0 = (step.prediction.x() - step.prediction.eps() * from.noise()) / from.signal();
                let ddim = x0 * step.span.to_signal() + step.prediction.eps() * step.span.to_noise();
                assert!(gap(&step.x, &ddim) < 1e-12);
            }
        }
    }

    #[test]
    fn questions_inside_a_step_are_marked() {
        struct Marked(RefCell<Vec<bool>>);
        impl Denoiser<2> for Marked {
            fn predict(&self, x: Tensor<2>, at: &Question<2>) -> Result<Prediction<2>, DenoiseError> {
                self.0.borrow_mut().push(at.is_stage());
                MODEL.predict(x, at)
            }
        }
        let grid = Chain::linear(1000).expect("valid").respace(Spacing::Trailing, 4).expect("valid");
        let once = [false, true, true, true];
        let f = [&once[..], &once, &once, &[false]].concat();
        let others = vec![false, true, false, false, false];
        for (solver, expected) in [(Pndm::F, f), (Pndm::S, others.clone()), (Pndm::Plms, others)] {
            let model = Marked(RefCell::default());
            let run: Vec<_> = steps(&model, &solver, &grid, x(), &mut Zeros).map(|s| s.expect("fits").evals).collect();
            assert_eq!(model.0.take(), expected);
            assert_eq!(run.iter().sum::<usize>(), expected.len());
        }
    }

    #[test]
    fn the_halfway_level_keeps_the_coordinates() {
        let [from, to] = [9.0, 4.0].map(|sigma| Level::edm(sigma, 10.0 * sigma).expect("valid"));
        let middle = halfway(from, to).expect("valid");
        assert_eq!((middle.sigma(), middle.time(), middle.signal()), (6.5, 65.0, 1.0));
        let [from, to] = [9.0, 4.0].map(|sigma| Level::vp_of_sigma(sigma, 10.0 * sigma).expect("valid"));
        let middle = halfway(from, to).expect("valid");
        assert!((middle.sigma() - 6.5).abs() < 1e-14 && middle.scale() == 1.0 && middle.time() == 65.0);
    }

    #[test]
    fn runs_too_short_for_their_start_end_at_the_data_without_asking_there() {
        let chain = Chain::linear(1000).expect("valid");
        for (solver, evals) in [(Pndm::F, [1, 5, 9]), (Pndm::S, [1, 3, 4]), (Pndm::Plms, [1, 3, 4])] {
            for (n, evals) in (1..).zip(evals) {
                let grid = chain.respace(Spacing::Trailing, n).expect("valid");
                let run: Vec<_> = steps(&MODEL, &solver, &grid, x(), &mut Zeros).map(|s| s.expect("fits")).collect();
                assert_eq!((run.len(), run.iter().map(|step| step.evals).sum::<usize>()), (n, evals));
                assert!(n > 1 || gap(&run[0].x, &run[0].prediction.x0()) < 1e-10);
            }
        }
    }

    #[test]
    fn pure_noise_is_an_error_that_names_the_remedy() {
        let chain = Chain::linear(50).expect("valid").zero_terminal_snr().expect("valid");
        let network = |x: Tensor<2>, _: Tensor<1>| x * 0.5;
        let v = Preconditioned { network, parameterisation: V, variance: OutputVariance::None };
        for solver in ALL {
            let refused = sample(&v, &solver, &chain.grid(), x(), &mut Zeros).unwrap_err();
            assert_eq!(refused, SampleError::NoSignal { time: chain.last().time() });
            assert!(refused.to_string().contains("DPM-Solver++(2M)"), "{refused}");
        }
    }
}
