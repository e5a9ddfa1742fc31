//! DPM-Solver-2.

use burn::tensor::Tensor;
use undrift_denoisers::{Denoiser, Prediction, Question};
use undrift_noise::Noise;
use undrift_schedules::Span;

use crate::begin::begin_with_signal;
use crate::flow::along;
use crate::{Labelling, SampleError, Solver, Step};

/// DPM-Solver-2: a step with the eps believed halfway in log(signal / noise)
/// (Lu, Zhou, Bao, Chen, Li, Zhu 2022, arXiv:2206.00927, DPM-Solver-2 with r1 = 1/2).
///
/// Halfway is the geometric mean of the two sigmas, and each half of a step is linear in sigma, as the paper's
/// `(signal' / signal) x - noise' (e^h - 1) eps` is in any coordinates: the midpoint method for `dx / d sigma = eps`
/// with that midpoint. This is `sample_dpm_2` of k-diffusion (Crowson 2022), which may churn as well.
///
/// Order 2, and two evaluations a step; the step to the data is Euler's, the believed x0, with one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DpmSolver2 {
    /// What the network is told halfway.
    pub labelling: Labelling,
}

impl<const D: usize> Solver<D> for DpmSolver2 {
    fn step(
        &self,
        model: &dyn Denoiser<D>,
        x: Tensor<D>,
        span: &Span,
        _past: &[Prediction<D>],
        _noise: &mut dyn Noise<D>,
    ) -> Result<Step<D>, SampleError> {
        let from = span.from();
        let time = from.time();
        let prediction = begin_with_signal(model, x.clone(), from)?;
        let Some(to) = span.to() else {
            let x = prediction.x0();
            return Ok(Step { span: *span, prediction, x, evals: 1 });
        };
        let sigma = (from.sigma() * to.sigma()).sqrt();
        let halfway = self.labelling.level(sigma, from)?.ok_or(SampleError::UnlabelledStage { time, sigma })?;
        let there = along(&x, from, halfway, prediction.eps());
        let second = model.predict(there, &Question::stage(halfway)).map_err(SampleError::at(time))?;
        let x = along(&x, from, to, second.eps());
        Ok(Step { span: *span, prediction, x, evals: 2 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use crate::testing::{Half, bits, gap, start, tensor};
    use burn::tensor::DType;
    use undrift_denoisers::Gaussian;
    use undrift_noise::{Replay, Zeros};
    use undrift_schedules::{Chain, Grid, Labels, Spacing};

    /// `d = x / (2 sigma)` from sigma 4 to 1, worked out by hand: 4 - 2 * 4 / 8 = 3 at sigma 2, where the slope is
    /// 3 / 4; 4 - 3 * 3 / 4 = 7 / 4.
    #[test]
    fn one_step_by_hand() {
        let (model, grid) = (Half::default(), Grid::of_sigmas([4.0, 1.0]).expect("valid"));
        let x = tensor(vec![4.0, -8.0], [1, 2]);
        let step = DpmSolver2::default().step(&model, x, &grid.spans()[0], &[], &mut Replay::new(vec![]));
        assert!(gap(&step.expect("has a belief").x, &tensor(vec![1.75, -3.5], [1, 2])) < 1e-15);
        assert_eq!(*model.asked.borrow(), [(4.0, 4.0, false), (2.0, 2.0, true)]);
    }

    /// The paper's own two lines, in its variance-preserving coordinates.
    #[test]
    fn one_step_in_the_papers_letters() {
        let chain = Chain::linear(1000).expect("valid");
        let grid = chain.grid_at(&[700, 300]).expect("valid");
        let (span, model) = (grid.spans()[0], Gaussian { mean: 0.3, std: 0.5 });
        let (from, to) = (span.from(), span.to().expect("a level"));
        let labelling = Labelling::ByChain(chain, Labels::Interpolated);
        let (_, x) = start(0, 2, 3, DType::F64);
        let lambda = |sigma: f64| -sigma.ln();
        let h = lambda(to.sigma()) - lambda(from.sigma());
        let sigma = (-(lambda(from.sigma()) + h / 2.0)).exp();
        let s = labelling.level(sigma, from).expect("valid").expect("within the chain");
        let eps = |x: &Tensor<2>, at| model.predict(x.clone(), &Question::from(at)).expect("fits").eps();
        let u = x.clone() * (s.signal() / from.signal()) - eps(&x, from) * (s.noise() * (h / 2.0).exp_m1());
        let expected = x.clone() * (to.signal() / from.signal()) - eps(&u, s) * (to.noise() * h.exp_m1());
        let step = DpmSolver2 { labelling }.step(&model, x, &span, &[], &mut Zeros).expect("has a belief");
        assert!(gap(&step.x, &expected) < 1e-14);
        assert!(s.time() > 299.0 && s.time() < 699.0);
    }

    #[test]
    fn the_step_to_the_data_is_x0_bit_for_bit() {
        let (model, grid) = (Gaussian { mean: 0.3, std: 0.5 }, Grid::of_sigmas([0.7]).expect("valid"));
        let (_, x) = start(0, 2, 3, DType::F64);
        let belief = model.predict(x.clone(), &Question::from(grid.start())).expect("fits");
        let x0 = sample(&model, &DpmSolver2::default(), &grid, x, &mut Zeros).expect("has a belief");
        assert_eq!(bits(&x0), bits(&belief.x0()));
    }

    #[test]
    fn halfway_needs_a_label_and_a_start_with_signal() {
        let chain = Chain::linear(1000).expect("valid");
        let (grid, model) = (chain.respace(Spacing::Trailing, 4).expect("valid"), Gaussian { mean: 0.0, std: 1.0 });
        let (_, x) = start(0, 1, 2, DType::F64);
        let refused = sample(&model, &DpmSolver2::default(), &grid, x.clone(), &mut Zeros).unwrap_err();
        assert!(matches!(refused, SampleError::UnlabelledStage { time: 999.0, .. }), "{refused}");
        let pure = chain.zero_terminal_snr().expect("valid").grid();
        let refused = sample(&model, &DpmSolver2::default(), &pure, x, &mut Zeros).unwrap_err();
        assert_eq!(refused, SampleError::NoSignal { time: 999.0 });
    }
}
