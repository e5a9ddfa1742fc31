//! Heun's method for the probability flow, in sigma: EDM's sampler.

use burn::tensor::Tensor;
use undrift_denoisers::{Denoiser, Prediction, Question};
use undrift_noise::Noise;
use undrift_schedules::Span;

use crate::begin::begin;
use crate::flow::along;
use crate::{Churn, SampleError, Solver, Step};

/// Heun's method for `dx / d sigma = eps`: an Euler step, then again with the mean of the slopes at both ends
/// (Karras, Aittala, Aila, Laine 2022, arXiv:2206.00364, algorithm 1; with churn, algorithm 2).
///
/// Order 2, and two evaluations a step; the step to the data is Euler's, the believed x0, with one. The slope is
/// taken in sigma, the noise-to-signal ratio, whatever the coordinates of `x`.
///
/// After churn the step's prediction is that of the raised level, where the model was asked first.
#[derive(Clone, Debug, PartialEq)]
pub struct Heun {
    /// Fresh noise before each step; [`Churn::NONE`] is algorithm 1.
    pub churn: Churn,
}

impl<const D: usize> Solver<D> for Heun {
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
        let Some(to) = span.to() else {
            let x = prediction.x0();
            return Ok(Step { span: *span, prediction, x, evals: 1 });
        };
        let slope = prediction.eps();
        let there = along(&x, hat, to, slope.clone());
        let second = model.predict(there, &Question::stage(to)).map_err(SampleError::at(hat.time()))?;
        let x = along(&x, hat, to, (slope + second.eps()) * 0.5);
        Ok(Step { span: *span, prediction, x, evals: 2 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Half, bits, gap, start, tensor};
    use crate::{Euler, sample, steps};
    use burn::tensor::DType;
    use undrift_denoisers::Gaussian;
    use undrift_noise::{Replay, Zeros};
    use undrift_schedules::{Chain, Grid, Labels, Level, Spacing};

    const HEUN: Heun = Heun { churn: Churn::NONE };

    /// `d = x / (2 sigma)` worked out by hand.
    #[test]
    fn algorithm_2_by_hand() {
        let grid = Grid::of_sigmas([2.0, 0.5]).expect("valid");
        let x = tensor(vec![4.0, -1.0], [1, 2]);
        let step = HEUN.step(&Half::default(), x.clone(), &grid.spans()[0], &[], &mut Replay::new(vec![]));
        // Euler: 4 -> 2.5; slopes 4/4 = 1 and 2.5/1 = 2.5; 4 - 1.5 * 1.75 = 1.375
        assert!(gap(&step.expect("has a belief").x, &tensor(vec![1.375, -0.34375], [1, 2])) < 1e-15);
        let (model, churned) = (Half::default(), Heun { churn: Churn::new(0.5, 0.0, 9.0, 1.2, 2).expect("valid") });
        let z = tensor(vec![1.0, 0.5], [1, 2]);
        let step = churned.step(&model, x, &grid.spans()[0], &[], &mut Replay::new(vec![z])).expect("has a belief");
        // x_hat 5.8 at sigma_hat 2.5; Euler 5.8 * 0.6 = 3.48; slopes 1.16 and 3.48; 5.8 - 2 * 2.32 = 1.16
        assert!(gap(&step.x, &tensor(vec![1.16, -0.02], [1, 2])) < 1e-14);
        assert_eq!(*model.asked.borrow(), [(2.5, 2.5, false), (0.5, 0.5, true)]);
        assert_eq!(step.prediction.at().of(0).map(Level::sigma), Some(2.5));
    }

    #[test]
    fn evaluations_are_two_less_one() {
        for n in [1, 2, 18] {
            let (model, grid) = (Half::default(), Grid::karras(n, 0.002, 80.0, 7.0).expect("valid"));
            let mut zeros = Zeros;
            let x = tensor(vec![80.0, -80.0], [1, 2]);
            let all: Vec<_> = steps(&model, &HEUN, &grid, x, &mut zeros).map(|s| s.expect("has a belief")).collect();
            assert_eq!((all.len(), all.iter().map(|step| step.evals).sum::<usize>()), (n, 2 * n - 1));
            assert_eq!(model.asked.borrow().len(), 2 * n - 1);
        }
    }

    #[test]
    fn the_step_to_the_data_is_eulers_bit_for_bit() {
        let (model, grid) = (Gaussian { mean: 0.3, std: 0.5 }, Grid::of_sigmas([0.7]).expect("valid"));
        let (_, x) = start(0, 2, 3, DType::F64);
        let heun = sample(&model, &HEUN, &grid, x.clone(), &mut Zeros).expect("has a belief");
        let euler = sample(&model, &Euler { churn: Churn::NONE }, &grid, x, &mut Zeros).expect("has a belief");
        assert_eq!(bits(&heun), bits(&euler));
    }

    #[test]
    fn churn_on_a_chain_is_the_same_in_both_coordinates() {
        let chain = Chain::linear(1000).expect("valid");
        let vp = chain.respace(Spacing::Quadratic, 15).expect("valid");
        let edm = vp.unscaled().expect("has signal");
        let churn = Churn::new(5.0, 0.1, 20.0, 1.003, 15).expect("valid").labelled_by(chain, Labels::Interpolated);
        let solver = Heun { churn };
        let (mut noise, x) = start(0, 3, 2, DType::F64);
        let mut same = noise.clone();
        let (in_vp, in_edm) = (Half::default(), Half::default());
        let scaled = x.clone() * edm.start().scale();
        let a = sample(&in_vp, &solver, &vp, x, &mut noise).expect("has a belief");
        let b = sample(&in_edm, &solver, &edm, scaled, &mut same).expect("has a belief");
        assert!(gap(&a, &b) < 1e-11, "{}", gap(&a, &b));
        assert_eq!(noise.draw(), same.draw());
        let same =
            |a: (f64, f64, bool), b: (f64, f64, bool)| (a.0 / b.0 - 1.0).abs() < 1e-12 && a.1 == b.1 && a.2 == b.2;
        let (in_vp, in_edm) = (in_vp.asked.borrow(), in_edm.asked.borrow());
        assert!(in_vp.iter().zip(in_edm.iter()).all(|(a, b)| same(*a, *b)), "{in_vp:?} is not {in_edm:?}");
    }
}
