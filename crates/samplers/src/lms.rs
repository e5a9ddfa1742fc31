//! The linear multistep method in sigma.

use burn::tensor::Tensor;
use undrift_denoisers::{Denoiser, Prediction};
use undrift_noise::Noise;
use undrift_schedules::Span;

use crate::begin::begin_with_signal;
use crate::flow::transfer;
use crate::{SampleError, Solver, Step};

/// The method of Adams and Bashforth for `dx / d sigma = eps` over steps of any length, one evaluation a step: the
/// cubic through the last four eps, integrated exactly across the step (rhoAB-DEIS of Zhang, Chen 2022,
/// arXiv:2204.13902; `sample_lms` of k-diffusion, Crowson 2022, with its order 4).
///
/// [`Pndm::Plms`](crate::Pndm::Plms) has the weights of steps of one length instead. The order grows with the past,
/// from Euler's first step, whose error makes very fine grids second order. The step to the data integrates down to sigma
/// 0 as any other, so that it does not end at the believed x0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lms;

/// How many eps a step combines.
const ORDER: usize = 4;

impl<const D: usize> Solver<D> for Lms {
    fn memory(&self) -> usize {
        ORDER - 1
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
        let prediction = begin_with_signal(model, x.clone(), from)?;
        let known = past.iter().take(ORDER - 1).filter_map(|before| Some((before.at().of(0)?.sigma(), before.eps())));
        let (before, past): (Vec<f64>, Vec<Tensor<D>>) = known.unzip();
        let sigmas: Vec<f64> = [from.sigma()].into_iter().chain(before).collect();
        let eps = prediction.eps();
        // Written as changes from the newest, so that equal eps stay exact.
        let changes = past.into_iter().zip(weights(&sigmas, span.to_sigma()).into_iter().skip(1));
        let mean = changes.fold(eps.clone(), |mean, (before, weight)| mean + (before - eps.clone()) * weight);
        Ok(Step { span: *span, prediction, x: transfer(x, mean, from, span.to()), evals: 1 })
    }
}

/// The mean of each Lagrange polynomial of `sigmas`, newest first, from the newest to `to`. They add up to 1.
///
/// By the rule of Gauss and Legendre with two points, which is exact for cubics.
fn weights(sigmas: &[f64], to: f64) -> Vec<f64> {
    let (middle, half) = (0.5 * (sigmas[0] + to), 0.5 * (to - sigmas[0]));
    let points = [-1.0, 1.0].map(|side| middle + side * half / 3f64.sqrt());
    let mean = |j| 0.5 * points.iter().map(|&sigma| lagrange(sigmas, j, sigma)).sum::<f64>();
    (0..sigmas.len()).map(mean).collect()
}

/// The polynomial that is 1 at the sigma of index `j` and 0 at the others.
fn lagrange(sigmas: &[f64], j: usize, at: f64) -> f64 {
    let others = sigmas.iter().enumerate().filter(|(k, _)| *k != j);
    others.map(|(_, sigma)| (at - sigma) / (sigmas[j] - sigma)).product()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bits, gap, start, tensor, values};
    use crate::{Churn, Euler, sample, steps};
    use burn::tensor::DType;
    use undrift_denoisers::{Eps, Gaussian, OutputVariance, Preconditioned};
    use undrift_noise::Zeros;
    use undrift_schedules::{Chain, Grid};

    /// The states of a run in EDM coordinates from x = 1, with an eps that is a function of sigma alone.
    fn run(eps: impl Fn(f64) -> f64, sigmas: &[f64]) -> Vec<f64> {
        let network = |x: Tensor<2>, time: Tensor<1>| {
            let sigma = time.into_data().iter::<f64>().next().expect("one label");
            x.zeros_like() + eps(sigma)
        };
        let model = Preconditioned { network, parameterisation: Eps, variance: OutputVariance::None };
        let grid = Grid::of_sigmas(sigmas.iter().copied()).expect("valid");
        let (x, mut zeros) = (tensor(vec![1.0], [1, 1]), Zeros);
        let states = steps(&model, &Lms, &grid, x, &mut zeros).map(|step| values(&step.expect("has a belief").x)[0]);
        [1.0].into_iter().chain(states).collect()
    }

    /// Sigma 4, 2, 1 with eps 1, 2, 4: 1; then the line at 3/2, 9/4; then the integral over 0..1 of
    /// `4 - 2 (s - 1) + (s - 1) (s - 2) / 2`, 4 + 1 + 5/12.
    #[test]
    fn three_steps_by_hand() {
        let states = run(|sigma| 4.0 / sigma, &[4.0, 2.0, 1.0]);
        let expected = [1.0, 1.0 - 2.0, -1.0 - 2.25, -3.25 - (5.0 + 5.0 / 12.0)];
        assert!(states.iter().zip(expected).all(|(state, expected)| (state - expected).abs() < 1e-14), "{states:?}");
    }

    #[test]
    fn steps_of_one_length_have_the_weights_of_adams_and_bashforth() {
        let cases: [&[f64]; 4] =
            [&[1.0], &[1.5, -0.5], &[23.0 / 12.0, -16.0 / 12.0, 5.0 / 12.0], &[55.0, -59.0, 37.0, -9.0]];
        for expected in cases {
            let sigmas: Vec<f64> = (0..expected.len()).map(|i| 3.0 + 0.5 * i as f64).collect();
            let scale = if expected.len() == 4 { 24.0 } else { 1.0 };
            let off = weights(&sigmas, 2.5).into_iter().zip(expected).map(|(w, e)| (w - e / scale).abs());
            assert!(off.fold(0.0, f64::max) < 1e-14);
        }
    }

    #[test]
    fn a_cubic_slope_is_integrated_exactly_once_there_are_four() {
        let slope = |s: f64| 1.0 + 0.5 * s - 0.3 * s * s + 0.07 * s * s * s;
        let integral = |s: f64| s + 0.25 * s * s - 0.1 * s * s * s + 0.0175 * s.powi(4);
        let mut sigmas = vec![9.0, 7.5, 5.0, 4.4, 2.0, 1.7, 0.3];
        let states = run(slope, &sigmas);
        sigmas.push(0.0);
        for k in 0..7 {
            let off = states[k + 1] - states[k] - (integral(sigmas[k + 1]) - integral(sigmas[k]));
            assert_eq!(off.abs() < 1e-12, k >= 3, "step {k}: {off}");
        }
    }

    #[test]
    fn the_first_step_is_eulers_and_a_known_point_keeps_every_step_so() {
        let grid = Grid::karras(6, 0.01, 20.0, 7.0).expect("valid");
        let (_, x) = start(0, 2, 3, DType::F64);
        let (model, euler) = (Gaussian { mean: 0.3, std: 0.5 }, Euler { churn: Churn::NONE });
        let first = |solver: &dyn Solver<2>| solver.step(&model, x.clone(), &grid.spans()[0], &[], &mut Zeros);
        assert!(gap(&first(&Lms).expect("has a belief").x, &first(&euler).expect("has a belief").x) < 1e-14);
        let (_, one) = start(1, 1, 3, DType::F64);
        let constant = Preconditioned {
            network: move |_: Tensor<2>, _: Tensor<1>| one.clone(),
            parameterisation: Eps,
            variance: OutputVariance::None,
        };
        let (_, x) = start(1, 1, 3, DType::F64);
        for step in steps(&constant, &Lms, &grid, x, &mut Zeros) {
            let step = step.expect("has a belief");
            let alone = Lms.step(&constant, step.prediction.x(), &step.span, &[], &mut Zeros);
            assert_eq!(bits(&step.x), bits(&alone.expect("has a belief").x));
        }
    }

    #[test]
    fn pure_noise_has_no_sigma() {
        let grid = Chain::linear(50).expect("valid").zero_terminal_snr().expect("valid").grid();
        let refused = sample(&Gaussian { mean: 0.0, std: 1.0 }, &Lms, &grid, tensor(vec![0.4], [1, 1]), &mut Zeros);
        assert_eq!(refused.unwrap_err(), SampleError::NoSignal { time: 49.0 });
    }
}
