//! Euler's method for the probability flow, in sigma.

use burn::tensor::Tensor;
use undrift_denoisers::{Denoiser, Prediction};
use undrift_noise::Noise;
use undrift_schedules::Span;

use crate::begin::begin;
use crate::flow::along;
use crate::{Churn, SampleError, Solver, Step};

/// Euler's method for `dx / d sigma = eps`, with optional churn: algorithm 2 of Karras, Aittala, Aila, Laine 2022,
/// arXiv:2206.00364, without its lines 9 to 11.
///
/// The slope is taken in sigma, the noise-to-signal ratio, whatever the coordinates of `x`. Without churn this is
/// [`Ddim`](crate::Ddim) with eta 0; a step to the data is the believed x0.
///
/// After churn the step's prediction is that of the raised level, where the model was asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Euler {
    /// Fresh noise before each step.
    pub churn: Churn,
}

impl<const D: usize> Solver<D> for Euler {
    fn step(
        &self,
        model: &dyn Denoiser<D>,
        x: Tensor<D>,
        span: &Span,
        _past: &[Prediction<D>],
        noise: &mut dyn Noise<D>,
    ) -> Result<Step<D>, SampleError> {
        let (x, hat) = self.churn.raise(x, span.from(), noise)?;
        let prediction = begin(model, x.clone(), hat)?;
        let x = match span.to() {
            None => prediction.x0(),
            Some(to) => along(&x, hat, to, prediction.eps()),
        };
        Ok(Step { span: *span, prediction, x, evals: 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Half, bits, gap, start, tensor};
    use crate::{Ddim, sample, steps};
    use burn::tensor::DType;
    use undrift_denoisers::{Eps, Gaussian, OutputVariance, Preconditioned, Question, X0};
    use undrift_noise::{Replay, Zeros};
    use undrift_schedules::{Chain, Grid, Level, Spacing};

    const EULER: Euler = Euler { churn: Churn::NONE };

    /// `D(x) = x / 2` at sigma 2 gives `d = (x - x / 2) / 2`, worked out by hand.
    #[test]
    fn one_step_with_and_without_churn_by_hand() {
        let grid = Grid::of_sigmas([2.0, 0.5]).expect("valid");
        let (x, z) = (tensor(vec![4.0, -1.0], [1, 2]), tensor(vec![1.0, 0.5], [1, 2]));
        let step = EULER.step(&Half::default(), x.clone(), &grid.spans()[0], &[], &mut Replay::new(vec![]));
        // 4 + (0.5 - 2) * 4 / 4 = 2.5
        assert!(gap(&step.expect("has a belief").x, &tensor(vec![2.5, -0.625], [1, 2])) < 1e-15);
        let churned = Euler { churn: Churn::new(0.5, 0.0, 9.0, 1.2, 2).expect("valid") };
        let step = churned.step(&Half::default(), x, &grid.spans()[0], &[], &mut Replay::new(vec![z]));
        let step = step.expect("has a belief");
        // gamma 1/4, sigma_hat 2.5, x_hat = x + sqrt(6.25 - 4) * 1.2 z, then x_hat (1 - 2 / 5)
        let expected = [(4.0 + 1.8) * 0.6, (-1.0 + 0.9) * 0.6];
        assert!(gap(&step.x, &tensor(expected.to_vec(), [1, 2])) < 1e-15);
        assert_eq!((step.evals, step.prediction.at().of(0).map(Level::sigma)), (1, Some(2.5)));
    }

    #[test]
    fn without_churn_it_is_ddim_without_noise() {
        let grid = Chain::linear(1000).expect("valid").respace(Spacing::Quadratic, 23).expect("valid");
        let network = |x: Tensor<2>, _: Tensor<1>| x.tanh();
        let eps = Preconditioned { network, parameterisation: Eps, variance: OutputVariance::None };
        let x0 = Preconditioned { network, parameterisation: X0, variance: OutputVariance::None };
        for (model, grid) in [(&eps as &dyn Denoiser<2>, &grid), (&x0, &grid.unscaled().expect("has signal"))] {
            let (_, x) = start(0, 2, 3, DType::F64);
            let (mut none, mut zeros) = (Zeros, Zeros);
            let euler = steps(model, &EULER, grid, x.clone(), &mut none).map(|step| step.expect("has a belief").x);
            let implicit = Ddim::default();
            let ddim = steps(model, &implicit, grid, x, &mut zeros).map(|step| step.expect("has a belief").x);
            assert!(euler.zip(ddim).all(|(a, b)| gap(&a, &b) < 1e-11));
        }
    }

    #[test]
    fn the_step_to_the_data_is_the_belief_and_churns_before_it() {
        let grid = Grid::of_sigmas([2.0]).expect("valid");
        let model = Gaussian { mean: 0.3, std: 0.5 };
        let churned = Euler { churn: Churn::new(0.2, 0.0, 9.0, 1.0, 1).expect("valid") };
        let (mut noise, x) = start(0, 2, 3, DType::F64);
        let before = noise.draw();
        let step = churned.step(&model, x.clone(), &grid.spans()[0], &[], &mut noise).expect("has a belief");
        assert_eq!((noise.draw() - before, bits(&step.x)), (1, bits(&step.prediction.x0())));
        let plain = sample(&model, &EULER, &grid, x.clone(), &mut Replay::new(vec![])).expect("has a belief");
        let belief = model.predict(x, &Question::from(grid.start())).expect("fits");
        assert_eq!(bits(&plain), bits(&belief.x0()));
    }

    #[test]
    fn pure_noise_has_no_sigma() {
        let grid = Chain::linear(50).expect("valid").zero_terminal_snr().expect("valid").grid();
        let x = tensor(vec![0.4, -1.3], [1, 2]);
        let refused = sample(&Gaussian { mean: 0.0, std: 1.0 }, &EULER, &grid, x, &mut Zeros).unwrap_err();
        assert_eq!(refused, SampleError::NoSignal { time: grid.start().time() });
    }
}
