//! DPM-Solver++(2S), with ancestral noise.

use burn::tensor::Tensor;
use undrift_denoisers::{Denoiser, Prediction, Question};
use undrift_noise::Noise;
use undrift_schedules::{Level, Span};

use crate::begin::begin_with_signal;
use crate::log_step::LogStep;
use crate::shares::{checked_eta, of_sigmas};
use crate::{Labelling, SampleError, Solver, Step};

/// DPM-Solver++(2S): a step with the x0 believed halfway in log(signal / noise)
/// (Lu et al. 2022, arXiv:2211.01095, DPM-Solver++(2S) with r = 1/2), to below its end if noise is to be added there.
///
/// With `eta` above 0 the step goes down to a sigma below that of its end and fresh noise makes up for it, as DDIM's
/// noise does (Song, Meng, Ermon 2020, arXiv:2010.02502, eq. 16): `sample_dpmpp_2s_ancestral` of k-diffusion
/// (Crowson 2022), which is stochastic by default. Halfway is then halfway to the lower sigma, with `eta` 1 at the
/// end of the step. Nothing is drawn with `eta` 0 or on the step to the data.
///
/// Order 2 with `eta` 0, and two evaluations a step; the step to the data is the believed x0, with one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DpmSolverPp2s {
    /// Stochasticity, 0 to 1: 0 adds no noise, 1 as much as DDPM with its fixed small variance.
    pub eta: f64,
    /// What the network is told halfway.
    pub labelling: Labelling,
}

impl<const D: usize> Solver<D> for DpmSolverPp2s {
    fn step(
        &self,
        model: &dyn Denoiser<D>,
        x: Tensor<D>,
        span: &Span,
        _past: &[Prediction<D>],
        noise: &mut dyn Noise<D>,
    ) -> Result<Step<D>, SampleError> {
        let (eta, from) = (checked_eta(self.eta)?, span.from());
        let time = from.time();
        let prediction = begin_with_signal(model, x.clone(), from)?;
        let Some(to) = span.to() else {
            let x = prediction.x0();
            return Ok(Step { span: *span, prediction, x, evals: 1 });
        };
        let (down, up) = of_sigmas(from.sigma(), to.sigma(), eta);
        let halfway = self.halfway(from, to, down)?;
        let there = LogStep::new(from, halfway).carry(x.clone(), prediction.x0());
        let second = model.predict(there, &Question::stage(halfway)).map_err(SampleError::at(time))?;
        let left = down / from.sigma();
        let x = x * (to.signal() / from.signal() * left) + second.x0() * (to.signal() * (1.0 - left));
        let x = if up > 0.0 { noise.normal(&x) * (to.signal() * up) + x } else { x };
        Ok(Step { span: *span, prediction, x, evals: 2 })
    }
}

impl DpmSolverPp2s {
    /// The level of the geometric mean of the first sigma and the one that the step goes down to.
    fn halfway(&self, from: Level, to: Level, down: f64) -> Result<Level, SampleError> {
        let sigma = (from.sigma() * down).sqrt();
        // With eta 1 this is where the step ends, but for rounding.
        if sigma <= to.sigma() * (1.0 + 1e-12) {
            return Ok(to);
        }
        let unlabelled = SampleError::UnlabelledStage { time: from.time(), sigma };
        self.labelling.level(sigma, from)?.ok_or(unlabelled)
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
    use undrift_schedules::{Chain, Grid, Spacing};

    fn of(eta: f64) -> DpmSolverPp2s {
        DpmSolverPp2s { eta, labelling: Labelling::BySigma }
    }

    /// `D = x / 2` from sigma 4 to 1, worked out by hand. With eta 0 halfway is sigma 2: 4 / 2 + 2 / 2 = 3, whose D
    /// is 3 / 2, and 4 / 4 + (3 / 4) (3 / 2) = 17 / 8. With eta 1 the step goes down to 1 / 4 by way of 1:
    /// 4 / 4 + (3 / 4) 2 = 5 / 2, and 4 / 16 + (15 / 16) (5 / 4) + sqrt(15 / 16) z.
    #[test]
    fn one_step_with_and_without_noise_by_hand() {
        let grid = Grid::of_sigmas([4.0, 1.0]).expect("valid");
        let x = tensor(vec![4.0, -8.0], [1, 2]);
        let model = Half::default();
        let step = of(0.0).step(&model, x.clone(), &grid.spans()[0], &[], &mut Replay::new(vec![]));
        assert!(gap(&step.expect("has a belief").x, &tensor(vec![2.125, -4.25], [1, 2])) < 1e-15);
        let z = tensor(vec![1.0, -0.5], [1, 2]);
        let step = of(1.0).step(&model, x, &grid.spans()[0], &[], &mut Replay::new(vec![z]));
        let (mean, up) = (0.25 + 15.0 / 16.0 * 1.25, (15.0f64 / 16.0).sqrt());
        let expected = tensor(vec![mean + up, -2.0 * mean - 0.5 * up], [1, 2]);
        assert!(gap(&step.expect("has a belief").x, &expected) < 1e-15);
        let asked = model.asked.borrow();
        assert_eq!(asked[..], [(4.0, 4.0, false), (2.0, 2.0, true), (4.0, 4.0, false), (1.0, 1.0, true)]);
    }

    #[test]
    fn the_noise_is_shared_out_as_in_ddim() {
        let grid = Grid::of_sigmas([7.0, 3.0, 0.8]).expect("valid");
        for (span, eta) in grid.spans()[..2].iter().flat_map(|span| [0.0, 0.4, 1.0].map(|eta| (span, eta))) {
            let (down, up) = of_sigmas(span.from().sigma(), span.to_sigma(), eta);
            let expected = span.ancestry(eta);
            assert!((down - expected.down).abs() < 1e-14 && (up - expected.up).abs() < 1e-14);
        }
        assert_eq!(of_sigmas(80.0, 0.002, 1.0).0, 0.002 * (0.002 / 80.0));
    }

    #[test]
    fn with_eta_1_the_chains_own_levels_are_all_that_is_asked_about() {
        let grid = Chain::linear(1000).expect("valid").respace(Spacing::Trailing, 7).expect("valid");
        let (mut noise, x) = start(0, 2, 3, DType::F64);
        let model = Half::default();
        sample(&model, &of(1.0), &grid, x.clone(), &mut noise).expect("no label is missing");
        let known: Vec<f64> = grid.levels().map(|level| level.time()).collect();
        assert!(model.asked.borrow().iter().all(|(_, time, _)| known.contains(time)));
        let refused = sample(&model, &of(0.5), &grid, x, &mut noise).unwrap_err();
        assert!(matches!(refused, SampleError::UnlabelledStage { time: 999.0, .. }), "{refused}");
    }

    #[test]
    fn the_step_to_the_data_is_x0_bit_for_bit_and_draws_nothing() {
        let (model, grid) = (Gaussian { mean: 0.3, std: 0.5 }, Grid::of_sigmas([0.7]).expect("valid"));
        let (_, x) = start(0, 2, 3, DType::F64);
        let belief = model.predict(x.clone(), &Question::from(grid.start())).expect("fits");
        let x0 = sample(&model, &of(1.0), &grid, x, &mut Replay::new(vec![])).expect("has a belief");
        assert_eq!(bits(&x0), bits(&belief.x0()));
    }

    #[test]
    fn eta_out_of_range_and_pure_noise_are_refused() {
        let pure = Chain::linear(50).expect("valid").zero_terminal_snr().expect("valid").grid();
        let (model, x) = (Gaussian { mean: 0.0, std: 1.0 }, tensor(vec![0.4], [1, 1]));
        let refused = |eta| sample(&model, &of(eta), &pure, x.clone(), &mut Zeros).unwrap_err();
        assert_eq!(refused(1.5), SampleError::EtaShare { eta: 1.5 });
        assert!(matches!(refused(f64::NAN), SampleError::EtaShare { .. }));
        assert_eq!(refused(1.0), SampleError::NoSignal { time: 49.0 });
    }
}
