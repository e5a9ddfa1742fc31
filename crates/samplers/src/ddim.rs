//! DDIM's family of samplers, from no noise to DDPM's.

use burn::tensor::Tensor;
use undrift_denoisers::{Denoiser, Prediction};
use undrift_noise::Noise;
use undrift_schedules::{Grid, Span};

use crate::begin::begin;
use crate::{SampleError, Solver, Step, shares};

/// Denoising diffusion implicit models: the believed x0, taken back to the next level with part of the believed
/// eps and part of fresh noise (Song, Meng, Ermon 2020, arXiv:2010.02502, eq. 12 and 16).
///
/// Right for jumps of any length and in any coordinates. The step to the data is the believed x0. Noise is drawn
/// where some is added: not with `eta` 0, and not on the step to the data, where published code draws and
/// multiplies by 0. The paper's "larger variance" sigma-hat is [`Ancestral`](crate::Ancestral).
///
/// Where x0 is clipped there are two readings of eps. By default it follows from the clipped x0, as in
/// guided-diffusion (and in diffusers with `use_clipped_model_output`); [`keep_eps`](Self::keep_eps) is the other
/// one. The authors' code clips neither.
///
/// The default is deterministic and takes the belief as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ddim {
    /// Stochasticity, 0 or more: 0 adds no noise, 1 as much as DDPM with its fixed small variance.
    ///
    /// More than 1 is possible as long as no step adds more noise than there is where it ends.
    pub eta: f64,
    /// Whether the model's own eps is kept beside a clipped x0, as diffusers does by default.
    ///
    /// The range is that of the wrapper that clips ([`ClipX0`](undrift_denoisers::ClipX0), or whatever uses
    /// [`Prediction::bound_x0`]); where none does, the step itself clips x0 to [-1, 1].
    pub keep_eps: bool,
}

impl<const D: usize> Solver<D> for Ddim {
    fn check(&self, grid: &Grid) -> Result<(), SampleError> {
        grid.spans().iter().try_for_each(|span| self.shares(span).map(drop)).map_err(|error| match error {
            SampleError::EtaTooLarge { eta, time, .. } => {
                SampleError::EtaTooLarge { eta, time, largest: Ddim::largest_eta(grid) }
            }
            other => other,
        })
    }

    fn step(
        &self,
        model: &dyn Denoiser<D>,
        x: Tensor<D>,
        span: &Span,
        _past: &[Prediction<D>],
        noise: &mut dyn Noise<D>,
    ) -> Result<Step<D>, SampleError> {
        let (down, up) = self.shares(span)?;
        let prediction = begin(model, x, span.from())?;
        let (x0, eps) = believed(prediction.x0(), &prediction, self.keep_eps);
        let x = match span.to() {
            None => x0,
            Some(to) => {
                let mean = x0 * to.signal() + eps * (to.noise() * down);
                if up == 0.0 {
                    mean
                } else {
                    let drawn = noise.normal(&mean);
                    mean + drawn * (to.noise() * up)
                }
            }
        };
        Ok(Step { span: *span, prediction, x, evals: 1 })
    }
}

impl Ddim {
    /// The largest `eta` that no step of a grid refuses; infinite where there is one step, to the data.
    pub fn largest_eta(grid: &Grid) -> f64 {
        shares::largest_eta(grid)
    }

    /// How much of the noise where the span ends is the believed eps, and how much is fresh, by
    /// [`shares::of_span`](crate::shares::of_span).
    ///
    /// # Errors
    /// [`SampleError::Eta`] and [`SampleError::EtaTooLarge`].
    pub fn shares(&self, span: &Span) -> Result<(f64, f64), SampleError> {
        shares::of_span(span, self.eta)
    }
}

/// What a DDIM step in either direction takes for x0 and for eps; see [`Ddim::keep_eps`].
///
/// # Shapes
/// `x0` is what the step takes for x0 unless it clips; both results have its shape.
pub fn believed<const D: usize>(x0: Tensor<D>, prediction: &Prediction<D>, keep_eps: bool) -> (Tensor<D>, Tensor<D>) {
    match (keep_eps, prediction.own_eps()) {
        (false, _) => (x0, prediction.eps()),
        (true, Some(own)) => (x0, own),
        (true, None) => (x0.clamp(-1.0, 1.0), prediction.eps()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bits, gap, start, tensor, values};
    use crate::{Ancestral, WithoutNoise, sample, steps};
    use burn::tensor::DType;
    use undrift_denoisers::{
        ClipX0, DenoiseError, Eps, EpsilonScaling, Gaussian, OutputVariance, Preconditioned, Question, V, Variance,
    };
    use undrift_noise::{Replay, Zeros};
    use undrift_schedules::{Chain, Grid, Spacing};

    const MODEL: Gaussian = Gaussian { mean: 0.3, std: 0.5 };

    fn chain() -> Chain {
        Chain::linear(1000).expect("valid")
    }

    fn ddim(eta: f64) -> Ddim {
        Ddim { eta, ..Ddim::default() }
    }

    fn noisy() -> Tensor<2> {
        tensor(vec![0.4, -1.3, 2.2, 0.1, -0.6, 0.9], [2, 3])
    }

    fn drawn() -> Tensor<2> {
        tensor(vec![1.5, -0.2, 0.3, -2.1, 0.8, -0.7], [2, 3])
    }

    fn network() -> impl Denoiser<2> {
        let network = |x: Tensor<2>, _: Tensor<1>| x.sin();
        Preconditioned { network, parameterisation: Eps, variance: OutputVariance::None }
    }

    /// Song et al. 2020, eq. 12 with the sigma of eq. 16, in their letters (their alpha is alpha_bar).
    #[test]
    fn one_step_is_equation_12() {
        for (t, s) in [(1000, 980), (500, 100), (3, 2)] {
            let grid = chain().grid_at(&[t, s]).expect("in range");
            let bar = |t: usize| {
                let beta = |i: usize| 1e-4 + (0.02 - 1e-4) * i as f64 / 999.0;
                (0..t).map(|i| 1.0 - beta(i)).product::<f64>()
            };
            let (from, to) = (bar(t), bar(s));
            for eta in [0.0, 0.3, 1.0] {
                let sigma = eta * ((1.0 - to) / (1.0 - from)).sqrt() * (1.0 - from / to).sqrt();
                let x0 = (noisy() - noisy().sin() * (1.0 - from).sqrt()) * (1.0 / from.sqrt());
                let direction = noisy().sin() * (1.0 - to - sigma * sigma).sqrt();
                let expected = x0 * to.sqrt() + direction + drawn() * sigma;
                let mut noise = Replay::new(vec![drawn()]);
                let step = ddim(eta).step(&network(), noisy(), &grid.spans()[0], &[], &mut noise);
                let step = step.expect("has a belief");
                assert!(gap(&step.x, &expected) < 1e-11, "t = {t}, eta {eta}: {}", gap(&step.x, &expected));
                assert_eq!((step.evals, noise.remaining()), (1, usize::from(eta == 0.0)));
            }
        }
    }

    #[test]
    fn eta_0_draws_nothing_and_neither_does_the_step_to_the_data() {
        let grid = chain().respace(Spacing::Trailing, 7).expect("valid");
        for (eta, expected) in [(0.0, 0), (0.5, 6)] {
            let (mut noise, x) = start(0, 2, 3, DType::F64);
            let before = noise.draw();
            let last = steps(&MODEL, &ddim(eta), &grid, x, &mut noise).last().expect("7 steps").expect("has a belief");
            assert_eq!(noise.draw() - before, expected);
            assert_eq!(bits(&last.x), bits(&last.prediction.x0()));
        }
    }

    #[test]
    fn eta_1_is_ancestral_sampling_with_the_small_variance() {
        let ancestral = Ancestral { variance: Variance::FixedSmall };
        for grid in [chain().grid(), chain().respace(Spacing::Quadratic, 11).expect("valid")] {
            for grid in [grid.unscaled().expect("has signal"), grid] {
                let (mut noise, x) = start(0, 3, 2, DType::F64);
                let mut same = noise.clone();
                let implicit = sample(&MODEL, &ddim(1.0), &grid, x.clone(), &mut noise).expect("has a belief");
                let explicit = sample(&MODEL, &ancestral, &grid, x, &mut same).expect("has a belief");
                assert!(gap(&implicit, &explicit) < 1e-9, "{}", gap(&implicit, &explicit));
            }
        }
    }

    /// With the exact belief of data that are one point, every eta gives the forward process of that point.
    #[test]
    fn a_known_point_stays_on_the_forward_process_whatever_eta_is() {
        let point = Gaussian { mean: 0.3, std: 0.0 };
        let levels = [900, 400, 3].map(|t| chain().level(t).expect("in range"));
        let grid = Grid::ending_at(levels[..2].to_vec(), levels[2]).expect("valid");
        let eps = tensor(vec![1.0, -2.0], [1, 2]);
        let x = eps.clone() * levels[0].noise() + 0.3 * levels[0].signal();
        let end = sample(&point, &ddim(0.0), &grid, x, &mut Zeros).expect("has a belief");
        assert!(gap(&end, &(eps.clone() * levels[2].noise() + 0.3 * levels[2].signal())) < 1e-14);
        for eta in [0.0, 0.7, 1.0, 1.0005] {
            let (down, up) = ddim(eta).shares(&grid.spans()[0]).expect("in range");
            assert!((down * down + up * up - 1.0).abs() < 1e-15, "the variance of the next level is kept");
        }
    }

    #[test]
    fn keeping_eps_clips_x0_alone() {
        let span = chain().grid_at(&[600, 300]).expect("in range").spans()[0];
        let kept = Ddim { eta: 0.0, keep_eps: true };
        let step = kept.step(&network(), noisy(), &span, &[], &mut Zeros).expect("has a belief");
        let (signal, noise) = (span.from().signal(), span.from().noise());
        let x0 = ((noisy() - noisy().sin() * noise) * (1.0 / signal)).clamp(-1.0, 1.0);
        let expected = x0 * span.to_signal() + noisy().sin() * span.to_noise();
        assert!(gap(&step.x, &expected) < 1e-14);
        let derived = ddim(0.0).step(&ClipX0(network()), noisy(), &span, &[], &mut Zeros).expect("has a belief");
        let raw = ddim(0.0).step(&network(), noisy(), &span, &[], &mut Zeros).expect("has a belief");
        assert!(gap(&derived.x, &step.x) > 0.1 && gap(&raw.x, &step.x) > 0.1, "three readings of one belief");
        let last = chain().span(1).expect("in range");
        let inside = noisy() * 0.1;
        let same = kept.step(&network(), inside.clone(), &last, &[], &mut Zeros).expect("has a belief");
        let plain = ddim(0.0).step(&network(), inside, &last, &[], &mut Zeros).expect("has a belief");
        assert_eq!(bits(&same.x), bits(&plain.x), "nothing to clip");
    }

    /// x0 in a range of its own, as a wrapper of any kind may have it.
    struct Bounded(f64);

    impl Denoiser<2> for Bounded {
        fn predict(&self, x: Tensor<2>, at: &Question<2>) -> Result<Prediction<2>, DenoiseError> {
            network().predict(x, at)?.bound_x0(|x0| x0.clamp(-self.0, self.0))
        }
    }

    #[test]
    fn eps_is_kept_behind_whatever_clips_and_the_range_is_that_of_the_wrapper() {
        let span = chain().grid_at(&[600, 300]).expect("in range").spans()[0];
        let kept = |model: &dyn Denoiser<2>, eta: f64| {
            let mut noise = Replay::new(vec![drawn()]);
            Ddim { eta, keep_eps: true }.step(model, noisy(), &span, &[], &mut noise).expect("has a belief").x
        };
        let (signal, noise) = (span.from().signal(), span.from().noise());
        let raw = (noisy() - noisy().sin() * noise) * (1.0 / signal);
        for eta in [0.0, 0.5] {
            let (down, up) = ddim(eta).shares(&span).expect("in range");
            let fresh = drawn() * (span.to_noise() * up);
            let expected = |range: f64| {
                let eps = noisy().sin() * (span.to_noise() * down);
                raw.clone().clamp(-range, range) * span.to_signal() + eps + fresh.clone()
            };
            for (model, range) in [(&ClipX0(network()) as &dyn Denoiser<2>, 1.0), (&Bounded(1.7), 1.7)] {
                assert!(gap(&kept(model, eta), &expected(range)) < 1e-14, "range {range}, eta {eta}");
            }
            assert_eq!(bits(&kept(&ClipX0(network()), eta)), bits(&kept(&network(), eta)), "clipped by either");
            let scaled = EpsilonScaling::constant(network(), 1.3).expect("positive");
            let x0 = (noisy() - noisy().sin() * (noise / 1.3)) * (1.0 / signal);
            let eps = noisy().sin() * (span.to_noise() * down / 1.3);
            let expected = x0.clamp(-1.0, 1.0) * span.to_signal() + eps + fresh;
            assert!(gap(&kept(&ClipX0(scaled), eta), &expected) < 1e-14, "scaled, then clipped");
        }
    }

    #[test]
    fn an_eta_out_of_range_is_an_error() {
        let span = chain().span(2).expect("in range");
        let refused = |eta: f64| ddim(eta).step(&MODEL, noisy(), &span, &[], &mut Zeros).unwrap_err();
        for eta in [-1e-9, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(refused(eta), SampleError::Eta { eta });
        }
        assert!(matches!(refused(f64::NAN), SampleError::Eta { .. }));
        // beta_2 / (1 - alpha_bar_2) = 1.1991992e-4 / 2.1990793e-4 of the linear chain.
        let SampleError::EtaTooLarge { eta, time, largest } = refused(1.4) else { panic!("too much noise") };
        assert_eq!((eta, time), (1.4, 1.0));
        assert!((largest - 1.354_17).abs() < 1e-4, "{largest}");
        assert!(ddim(largest * (1.0 - 1e-12)).step(&MODEL, noisy(), &span, &[], &mut Zeros).is_ok());
        let to_data = chain().span(1).expect("in range");
        assert!(ddim(1.4).step(&MODEL, noisy(), &to_data, &[], &mut Zeros).is_ok(), "no noise is added there");
    }

    #[test]
    fn the_largest_eta_is_that_of_the_whole_grid_and_works() {
        for grid in [
            chain().respace(Spacing::Trailing, 20).expect("valid"),
            chain().respace(Spacing::Quadratic, 7).expect("valid"),
            chain().grid(),
        ] {
            let run = |eta: f64| sample(&MODEL, &WithoutNoise(ddim(eta)), &grid, noisy(), &mut Zeros);
            let Err(SampleError::EtaTooLarge { eta, largest, .. }) = run(2.0) else { panic!("too much noise") };
            assert_eq!((eta, largest), (2.0, Ddim::largest_eta(&grid)));
            let said = run(2.0).unwrap_err().to_string();
            assert!(said.contains(&format!("at most {largest}")), "{said}");
            assert!(largest >= 1.0 && run(largest).is_ok(), "{largest} is not refused");
            assert!(matches!(run(largest.next_up()), Err(SampleError::EtaTooLarge { .. })), "{largest} is the largest");
        }
        let single = chain().respace(Spacing::Trailing, 1).expect("valid");
        assert_eq!(Ddim::largest_eta(&single), f64::INFINITY);
        assert!(sample(&MODEL, &ddim(9.0), &single, noisy(), &mut Zeros).is_ok());
    }

    #[test]
    fn pure_noise_is_no_obstacle_for_a_v_model() {
        let grid = Chain::linear(50).expect("valid").zero_terminal_snr().expect("valid").grid();
        let network = |x: Tensor<2>, _: Tensor<1>| x * 0.5;
        let v = Preconditioned { network, parameterisation: V, variance: OutputVariance::None };
        for eta in [0.0, 1.0] {
            let x0 = sample(&v, &ddim(eta), &grid, noisy(), &mut Zeros).expect("has every view");
            assert!(values(&x0).iter().all(|value| value.is_finite()));
        }
        let eps = Preconditioned { network, parameterisation: Eps, variance: OutputVariance::None };
        let time = grid.start().time();
        let refused = sample(&eps, &ddim(0.0), &grid, noisy(), &mut Zeros).unwrap_err();
        assert_eq!(refused, SampleError::Denoise { time, source: DenoiseError::NoSignal { time } });
    }
}
