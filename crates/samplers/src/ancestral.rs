//! DDPM's ancestral sampler.

use burn::tensor::Tensor;
use undrift_denoisers::{Denoiser, Prediction, Variance};
use undrift_noise::Noise;
use undrift_schedules::Span;

use crate::begin::begin;
use crate::{SampleError, Solver, Step};

/// Ancestral sampling: the mean of the posterior under the model's belief, plus noise
/// (Ho et al. 2020, arXiv:2006.11239, algorithm 2).
///
/// Right for jumps of any length and in any coordinates. Over a respaced grid [`Variance::FixedLarge`] is the
/// "larger variance" sampler of Song, Meng, Ermon 2020, arXiv:2010.02502, section 5 (sigma-hat,
/// `1 - alpha_bar_t / alpha_bar_s` for a jump from t to s), whose code clips x0:
/// [`ClipX0`](undrift_denoisers::ClipX0). With [`Variance::FixedSmall`] it is [`Ddim`](crate::Ddim) with eta 1.
///
/// The step to the data is its mean: no noise is added,
/// and none is drawn, where the authors' code draws and multiplies by 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ancestral {
    /// How much noise a step adds.
    pub variance: Variance,
}

impl<const D: usize> Solver<D> for Ancestral {
    fn step(
        &self,
        model: &dyn Denoiser<D>,
        x: Tensor<D>,
        span: &Span,
        _past: &[Prediction<D>],
        noise: &mut dyn Noise<D>,
    ) -> Result<Step<D>, SampleError> {
        let failed = |source| SampleError::Denoise { time: span.from().time(), source };
        let prediction = begin(model, x, span.from())?;
        let mean = prediction.posterior_mean(&[*span]).map_err(failed)?;
        let x = match span.to() {
            None => mean,
            Some(_) => {
                let std = self.variance.std(&prediction, &[*span]).map_err(failed)?;
                let drawn = noise.normal(&mean);
                mean + drawn * std
            }
        };
        Ok(Step { span: *span, prediction, x, evals: 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bits, gap, start, tensor, values};
    use crate::{sample, steps};
    use burn::tensor::DType;
    use undrift_denoisers::{
        ClipX0, DenoiseError, Eps, Gaussian, LearnedVariance, MuTilde, OutputVariance, Preconditioned, V, X0,
    };
    use undrift_noise::{Replay, Zeros};
    use undrift_schedules::{Chain, Grid, Level, Spacing};

    const MODEL: Gaussian = Gaussian { mean: 0.3, std: 0.5 };
    const SMALL: Ancestral = Ancestral { variance: Variance::FixedSmall };
    const LARGE: Ancestral = Ancestral { variance: Variance::FixedLarge };

    fn chain() -> Chain {
        Chain::linear(1000).expect("valid")
    }

    fn noisy() -> Tensor<2> {
        tensor(vec![0.4, -1.3, 2.2, 0.1, -0.6, 0.9], [2, 3])
    }

    fn drawn() -> Tensor<2> {
        tensor(vec![1.5, -0.2, 0.3, -2.1, 0.8, -0.7], [2, 3])
    }

    /// Ho et al. 2020, algorithm 2, line 4, in its own letters and with betas summed up here.
    #[test]
    fn one_step_is_line_4_of_algorithm_2() {
        let betas: Vec<f64> = (0..1000).map(|i| 1e-4 + (0.02 - 1e-4) * i as f64 / 999.0).collect();
        let alpha_bar = |t: usize| betas[..t].iter().map(|beta| 1.0 - beta).product::<f64>();
        for t in [2, 3, 500, 1000] {
            let (beta, bar, bar_before) = (betas[t - 1], alpha_bar(t), alpha_bar(t - 1));
            let network = |x: Tensor<2>, _: Tensor<1>| x.sin();
            let model = Preconditioned { network, parameterisation: Eps, variance: OutputVariance::None };
            let clean = noisy() - noisy().sin() * (beta / (1.0 - bar).sqrt());
            let mean = clean * (1.0 / (1.0 - beta).sqrt());
            let beta_tilde = (1.0 - bar_before) / (1.0 - bar) * beta;
            for (solver, sigma_squared) in [(SMALL, beta_tilde), (LARGE, beta)] {
                let span = chain().span(t).expect("in range");
                let mut noise = Replay::new(vec![drawn()]);
                let step = solver.step(&model, noisy(), &span, &[], &mut noise).expect("has a belief");
                let expected = mean.clone() + drawn() * sigma_squared.sqrt();
                assert!(gap(&step.x, &expected) < 1e-11, "t = {t}: {}", gap(&step.x, &expected));
                assert_eq!((step.evals, noise.remaining(), step.span), (1, 0, span));
            }
        }
    }

    /// Song et al. 2020, section 5: the mean of eq. 12 with sigma(1), and noise of sigma-hat, in their letters.
    #[test]
    fn the_large_variance_over_jumps_is_sigma_hat() {
        let network = |x: Tensor<2>, _: Tensor<1>| x.sin();
        let model = Preconditioned { network, parameterisation: Eps, variance: OutputVariance::None };
        let bar = |t: usize| {
            let beta = |i: usize| 1e-4 + (0.02 - 1e-4) * i as f64 / 999.0;
            (0..t).map(|i| 1.0 - beta(i)).product::<f64>()
        };
        for (t, s) in [(1000, 980), (501, 481), (121, 1)] {
            let span = chain().grid_at(&[t, s]).expect("in range").spans()[0];
            let (from, to) = (bar(t), bar(s));
            let sigma_1_squared = (1.0 - to) / (1.0 - from) * (1.0 - from / to);
            let sigma_hat = (1.0 - from / to).sqrt();
            let x0 = ((noisy() - noisy().sin() * (1.0 - from).sqrt()) * (1.0 / from.sqrt())).clamp(-1.0, 1.0);
            let eps = (noisy() - x0.clone() * from.sqrt()) * (1.0 / (1.0 - from).sqrt());
            let mean = x0 * to.sqrt() + eps * (1.0 - to - sigma_1_squared).sqrt();
            let mut noise = Replay::new(vec![drawn()]);
            let step = LARGE.step(&ClipX0(&model), noisy(), &span, &[], &mut noise).expect("has a belief");
            let gap = gap(&step.x, &(mean + drawn() * sigma_hat));
            assert!(gap < 1e-11, "from {t} to {s}: {gap}");
        }
    }

    #[test]
    fn the_step_to_the_data_is_its_mean_and_draws_nothing() {
        let span = chain().span(1).expect("in range");
        let mut none = Replay::new(vec![]);
        let step = LARGE.step(&MODEL, noisy(), &span, &[], &mut none).expect("has a belief");
        assert!(gap(&step.x, &step.prediction.x0()) < 1e-12);
        let (grid, drawn_before) = (chain().respace(Spacing::Trailing, 7).expect("valid"), 1);
        let (mut noise, x) = start(0, 2, 3, DType::F64);
        sample(&MODEL, &SMALL, &grid, x, &mut noise).expect("has a belief");
        assert_eq!(noise.draw() - drawn_before, 6);
    }

    #[test]
    fn a_step_to_a_level_has_noise_even_when_the_grid_ends_there() {
        let levels = [900, 500, 200].map(|t| chain().level(t).expect("in range"));
        let grid = Grid::ending_at(levels[..2].to_vec(), levels[2]).expect("valid");
        let mut noise = Replay::new(vec![drawn(), drawn()]);
        let ended = sample(&MODEL, &SMALL, &grid, noisy(), &mut noise).expect("has a belief");
        assert_eq!(noise.remaining(), 0);
        let longer = Grid::new(levels).expect("valid");
        let mut noise = Replay::new(vec![drawn(), drawn()]);
        let all = steps(&MODEL, &SMALL, &longer, noisy(), &mut noise);
        let third = all.last().expect("three steps").expect("has a belief");
        assert_eq!(bits(&third.prediction.x()), bits(&ended));
    }

    /// Mean and variance of `x` after every step, by the chain's own recursion in f64.
    fn recursion(grid: &Grid, small: bool) -> (f64, f64) {
        let (mut mean, mut variance) = (0.0, 1.0);
        for span in grid.spans() {
            let (from, c) = (span.from(), span.posterior());
            let total = from.alpha_bar() * MODEL.std.powi(2) + 1.0 - from.alpha_bar();
            let gain = MODEL.std.powi(2) * from.signal() / total;
            let slope = c.x + c.x0 * gain;
            let added = if small { span.beta_tilde() } else { span.beta() };
            mean = slope * mean + c.x0 * MODEL.mean * (1.0 - gain * from.signal());
            variance = slope * slope * variance + if span.to().is_some() { added } else { 0.0 };
        }
        (mean, variance)
    }

    #[test]
    fn the_exact_gaussian_follows_the_recursion_of_mean_and_variance() {
        let (count, short) = (20_000, chain().respace(Spacing::Trailing, 25).expect("valid"));
        for (solver, small) in [(SMALL, true), (LARGE, false)] {
            let (mean, variance) = recursion(&short, small);
            let (mut noise, x) = start(0, count, 1, DType::F64);
            let x0 = values(&sample(&MODEL, &solver, &short, x, &mut noise).expect("has a belief"));
            let found = x0.iter().sum::<f64>() / count as f64;
            let spread = x0.iter().map(|x| (x - found).powi(2)).sum::<f64>() / (count - 1) as f64;
            let (mean_error, variance_error) =
                ((variance / count as f64).sqrt(), variance * (2.0 / count as f64).sqrt());
            assert!((found - mean).abs() < 4.0 * mean_error, "mean {found} is not {mean}");
            assert!((spread - variance).abs() < 4.0 * variance_error, "variance {spread} is not {variance}");
        }
    }

    /// Each step's mean is affine in `x`, so that two points and one draw give the recursion without sampling.
    #[test]
    fn the_whole_chain_falls_short_of_the_data_by_one_and_a_half_percent() {
        let grid = chain().grid();
        let (mean, variance) = recursion(&grid, true);
        assert!((variance / MODEL.std.powi(2) - 0.985).abs() < 2e-3, "{}", variance / MODEL.std.powi(2));
        let (mut moment, mut spread) = (0.0, 1.0);
        for span in grid.spans() {
            let points = tensor(vec![moment, moment + 1.0], [2, 1]);
            let still = SMALL.step(&MODEL, points.clone(), span, &[], &mut Zeros).expect("has a belief").x;
            let mut one = Replay::new(vec![points.ones_like()]);
            let moved = SMALL.step(&MODEL, points, span, &[], &mut one).expect("has a belief").x;
            let (still, moved) = (values(&still), values(&moved));
            spread = (still[1] - still[0]).powi(2) * spread + (moved[0] - still[0]).powi(2);
            moment = still[0];
        }
        assert!((moment - mean).abs() < 1e-9 && (spread - variance).abs() < 1e-9, "{moment} {spread}");
    }

    #[test]
    fn coordinates_do_not_matter() {
        let vp = chain().respace(Spacing::Trailing, 17).expect("valid");
        let edm = vp.unscaled().expect("has signal");
        let network = |x: Tensor<2>, _: Tensor<1>| x.tanh();
        let eps = Preconditioned { network, parameterisation: Eps, variance: OutputVariance::None };
        let v = Preconditioned { network, parameterisation: V, variance: OutputVariance::None };
        let models: [&dyn Denoiser<2>; 4] = [&MODEL, &ClipX0(&MODEL), &ClipX0(&eps), &v];
        for (model, solver) in models.into_iter().flat_map(|model| [(model, SMALL), (model, LARGE)]) {
            let (mut noise, x) = start(0, 4, 3, DType::F64);
            let mut same = noise.clone();
            let scaled = x.clone() * edm.start().scale();
            let one = steps(model, &solver, &vp, x, &mut noise);
            for (a, b) in one.zip(steps(model, &solver, &edm, scaled, &mut same)) {
                let (a, b) = (a.expect("has a belief"), b.expect("has a belief"));
                assert!(gap(&a.x, &(b.x.clone() * (1.0 / b.span.to_scale()))) < 1e-9);
            }
        }
    }

    #[test]
    fn a_sample_does_not_depend_on_its_batch() {
        let grid = chain().respace(Spacing::Quadratic, 13).expect("valid");
        for dtype in [DType::F32, DType::F64] {
            let run = |first, count| {
                let (mut noise, x) = start(first, count, 3, dtype);
                let x0 = sample(&ClipX0(MODEL), &LARGE, &grid, x, &mut noise).expect("has a belief");
                assert_eq!(x0.dtype(), dtype);
                x0
            };
            let all = run(0, 5);
            for (first, count) in [(0, 2), (2, 1), (3, 2)] {
                assert_eq!(bits(&all.clone().narrow(0, first as usize, count)), bits(&run(first, count)));
            }
        }
    }

    #[test]
    fn a_learned_variance_is_used() {
        let network = |x: Tensor<2>, _: Tensor<1>| Tensor::cat(vec![x.clone() * 0.1, x.sin()], 1);
        let model = Preconditioned { network, parameterisation: X0, variance: OutputVariance::LogVariance };
        let span = chain().span(400).expect("in range");
        let learned = Ancestral { variance: Variance::Learned };
        let mut noise = Replay::new(vec![drawn()]);
        let step = learned.step(&model, noisy(), &span, &[], &mut noise).expect("has a variance");
        let c = span.posterior();
        let mean = noisy() * (0.1 * c.x0 + c.x);
        assert!(gap(&step.x, &(mean + drawn() * (noisy().sin() * 0.5).exp())) < 1e-13);
        assert!(matches!(step.prediction.learned(), Some(LearnedVariance::LogVariance(_))));
        let refused = learned.step(&MODEL, noisy(), &span, &[], &mut Zeros).unwrap_err();
        let time = span.from().time();
        assert_eq!(refused, SampleError::Denoise { time, source: DenoiseError::NoLearnedVariance });
    }

    /// A network that has learned beta_tilde of its own steps would leave out most of the noise of ten jumps.
    #[test]
    fn a_learned_log_variance_is_refused_over_jumps_where_a_range_reaches_the_spread() {
        let (chain, learned) = (chain(), Ancestral { variance: Variance::Learned });
        let jumps = chain.respace(Spacing::Trailing, 10).expect("valid");
        let network = |x: Tensor<2>, _: Tensor<1>| Tensor::cat(vec![x.clone() * 0.0, x * 0.0 - 9.0], 1);
        let of = |variance| Preconditioned { network, parameterisation: X0, variance };
        let log_variance = of(OutputVariance::LogVariance);
        let refused = sample(&log_variance, &learned, &jumps, noisy(), &mut Zeros).unwrap_err();
        let (from, to) = (jumps.start().time(), jumps.spans()[0].to().map(Level::time));
        assert_eq!(
            refused,
            SampleError::Denoise { time: from, source: DenoiseError::VarianceOfAnotherSpan { from, to } }
        );
        assert!(refused.to_string().contains("learned log-variance"), "{refused}");
        assert!(sample(&log_variance, &learned, &chain.grid(), noisy(), &mut Zeros).is_ok(), "its own steps");
        let fixed = Ancestral { variance: Variance::FixedLarge };
        assert!(sample(&log_variance, &fixed, &jumps, noisy(), &mut Zeros).is_ok());
        assert!(sample(&of(OutputVariance::Range), &learned, &jumps, noisy(), &mut Zeros).is_ok());
        let rest = chain.grid().starting_at(chain.level(300).expect("in range")).expect("visited");
        assert!(sample(&log_variance, &learned, &rest, noisy(), &mut Zeros).is_ok(), "the rest of its own steps");
    }

    #[test]
    fn mu_tilde_runs_over_its_chain_and_refuses_other_grids() {
        let chain = Chain::linear_between(20, 1e-3, 0.3).expect("valid");
        let network = |x: Tensor<2>, _: Tensor<1>| x * 0.9;
        let parameterisation = MuTilde { chain: chain.clone() };
        let model = Preconditioned { network, parameterisation, variance: OutputVariance::None };
        let clipped = ClipX0(&model);
        let x0 = sample(&clipped, &SMALL, &chain.grid(), noisy(), &mut Zeros).expect("own spans");
        assert!(gap(&x0, &(noisy() * 0.9f64.powi(20))) < 1e-14);
        let jumps = chain.respace(Spacing::Trailing, 10).expect("valid");
        let refused = sample(&clipped, &SMALL, &jumps, noisy(), &mut Zeros).unwrap_err();
        let (from, to) = (jumps.start().time(), jumps.spans()[0].to().map(Level::time));
        let source = DenoiseError::ForeignSpan { from, to };
        assert_eq!(refused, SampleError::Denoise { time: from, source });
        assert!(refused.to_string().contains("every level of the chain"), "{refused}");
    }

    #[test]
    fn an_eps_model_at_pure_noise_is_an_error_and_a_v_model_is_not() {
        let chain = Chain::linear(50).expect("valid").zero_terminal_snr().expect("valid");
        let network = |x: Tensor<2>, _: Tensor<1>| x * 0.5;
        let eps = Preconditioned { network, parameterisation: Eps, variance: OutputVariance::None };
        let refused = sample(&eps, &SMALL, &chain.grid(), noisy(), &mut Zeros).unwrap_err();
        let time = chain.last().time();
        assert_eq!(refused, SampleError::Denoise { time, source: DenoiseError::NoSignal { time } });
        let v = Preconditioned { network, parameterisation: V, variance: OutputVariance::None };
        let x0 = sample(&ClipX0(v), &SMALL, &chain.grid(), noisy(), &mut Zeros).expect("has every view");
        assert!(values(&x0).iter().all(|value| value.is_finite()));
    }
}
