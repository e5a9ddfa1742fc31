//! DPM-Solver++(2M).

use burn::tensor::Tensor;
use undrift_denoisers::{Denoiser, Prediction};
use undrift_noise::Noise;
use undrift_schedules::{Level, Span};

use crate::begin::begin;
use crate::log_step::{LogStep, known};
use crate::{SampleError, Solver, Step};

/// DPM-Solver++(2M): second order from two x0, one evaluation in a step
/// (Lu et al. 2022, arXiv:2211.01095, where it has this name).
///
/// With `h` the step in log(signal / noise) and `r` the step before over this one,
/// `x' = (noise' / noise) x + signal' (1 - e^-h) D` and `D = x0 + (x0 - x0_before) / (2 r)`, in any coordinates and
/// over any grid. The first step is first order, and so is the step to the data: it ends at `x0`.
///
/// The paper's algorithm is second order up to its last step, which ends just above the data; diffusers lowers the
/// order of the last step (`lower_order_final`) at the data and in runs of fewer than 15 steps. Here a grid that
/// ends at a level is the paper's, whatever its length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DpmSolverPp2m;

impl<const D: usize> Solver<D> for DpmSolverPp2m {
    fn memory(&self) -> usize {
        1
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
        let prediction = begin(model, x.clone(), from)?;
        let x0 = prediction.x0();
        let x = match span.to() {
            None => x0,
            Some(to) => second_order(LogStep::new(from, to), x, x0, from, known(past.first())),
        };
        Ok(Step { span: *span, prediction, x, evals: 1 })
    }
}

/// First order without a past. A past at pure noise is infinitely far away and counts for nothing.
fn second_order<const D: usize>(
    step: LogStep,
    x: Tensor<D>,
    x0: Tensor<D>,
    from: Level,
    before: Option<(Level, Tensor<D>)>,
) -> Tensor<D> {
    let extrapolated = match before {
        None => x0,
        Some((level, before)) => {
            let r = LogStep::new(level, from).h() / step.h();
            x0.clone() + (x0 - before) * (0.5 / r)
        }
    };
    step.carry(x, extrapolated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bits, tensor, values};
    use crate::{sample, steps};
    use undrift_denoisers::{Gaussian, OutputVariance, Preconditioned, X0};
    use undrift_noise::Zeros;
    use undrift_schedules::{Chain, Grid, Spacing};

    fn x() -> Tensor<2> {
        tensor(vec![0.4, -1.3, 2.2, 0.1], [2, 2])
    }

    /// Sigma 8, 4, 1, 1/2: h is ln 2, ln 4, ln 2, so that r is 1/2 and then 2. The network answers 1, 2, 4, 8 in
    /// turn: x is x/2 + 1/2, then x/4 + (3/4) 3 as D = 2 + (2 - 1), then x/2 + (1/2) 4.5 as D = 4 + (4 - 2) / 4.
    #[test]
    fn three_steps_by_hand() {
        let answers = std::cell::Cell::new(0.5);
        let network = |x: Tensor<2>, _: Tensor<1>| {
            answers.set(answers.get() * 2.0);
            x.zeros_like() + answers.get()
        };
        let model = Preconditioned { network, parameterisation: X0, variance: OutputVariance::None };
        let grid = Grid::of_sigmas([8.0, 4.0, 1.0, 0.5]).expect("valid");
        let mut zeros = Zeros;
        let run = steps(&model, &DpmSolverPp2m, &grid, tensor(vec![3.0], [1, 1]), &mut zeros);
        let states: Vec<f64> = run.map(|step| values(&step.expect("has a belief").x)[0]).collect();
        let first = 3.0 / 2.0 + 0.5;
        let second = first / 4.0 + 0.75 * 3.0;
        let third = second / 2.0 + 0.5 * 4.5;
        for (state, expected) in states.iter().zip([first, second, third, 8.0]) {
            assert!((state - expected).abs() < 1e-14, "{states:?}");
        }
        assert_eq!(states.len(), 4);
    }

    #[test]
    fn a_belief_that_does_not_change_makes_every_step_first_order_bit_for_bit() {
        let (model, grid) = (Gaussian { mean: 0.3, std: 0.0 }, Grid::karras(6, 0.01, 20.0, 7.0).expect("valid"));
        for step in steps(&model, &DpmSolverPp2m, &grid, x(), &mut Zeros) {
            let step = step.expect("has a belief");
            let alone = DpmSolverPp2m.step(&model, step.prediction.x(), &step.span, &[], &mut Zeros);
            assert_eq!(bits(&step.x), bits(&alone.expect("has a belief").x));
        }
    }

    #[test]
    fn the_step_to_the_data_is_x0_bit_for_bit() {
        let grid = Chain::linear(1000).expect("valid").respace(Spacing::Trailing, 7).expect("valid");
        let model = Gaussian { mean: 0.3, std: 0.5 };
        let last = steps(&model, &DpmSolverPp2m, &grid, x(), &mut Zeros).last().expect("seven").expect("has a belief");
        assert_eq!(bits(&last.x), bits(&last.prediction.x0()));
    }

    #[test]
    fn a_start_at_pure_noise_counts_once_and_is_then_forgotten() {
        let chain = Chain::linear(50).expect("valid").zero_terminal_snr().expect("valid");
        let grid = chain.respace(Spacing::Trailing, 5).expect("valid");
        assert!(grid.start().is_pure_noise());
        let model = Gaussian { mean: 0.3, std: 0.5 };
        let mut zeros = Zeros;
        let run = steps(&model, &DpmSolverPp2m, &grid, x(), &mut zeros);
        let two: Vec<_> = run.take(2).map(|step| step.expect("has a belief")).collect();
        let alone = DpmSolverPp2m.step(&model, two[0].x.clone(), &two[1].span, &[], &mut Zeros).expect("has a belief");
        assert_eq!(bits(&two[1].x), bits(&alone.x));
        let x0 = sample(&model, &DpmSolverPp2m, &grid, x(), &mut Zeros).expect("has a belief");
        assert!(values(&x0).iter().all(|value| value.is_finite()));
    }
}
