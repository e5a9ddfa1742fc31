//! DDIM backwards: from data to the noise that would have made it.

use burn::tensor::Tensor;
use undrift_denoisers::Denoiser;
use undrift_schedules::{Grid, Span};

use crate::begin::begin;
use crate::ddim::believed;
use crate::reminded::Reminded;
use crate::{SampleError, Step};

/// Deterministic DDIM run from clean to noisy along a grid: the code of an image, from which [`Ddim`](crate::Ddim)
/// with eta 0 makes the image again, up to the error of the steps (Song, Meng, Ermon 2020, arXiv:2010.02502,
/// section 4.3 and eq. 14).
///
/// Each step asks the model where `x` stands, as guided-diffusion's reverse step does; diffusers asks under the
/// label of where the step goes. No model can be asked about clean data, so that a step from the data asks about
/// the mean of the forward process at the least noisy level. (guided-diffusion takes data as if they were at that
/// level: `Grid::ending_at` gives such a run.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DdimInversion {
    /// Whether the model's own eps is kept beside a clipped x0, as in [`Ddim::keep_eps`](crate::Ddim::keep_eps).
    pub keep_eps: bool,
}

impl DdimInversion {
    /// Moves `x` from where `span` ends, or from the data, back to where it starts.
    ///
    /// # Shapes
    /// `x` is `[batch, ..]`; the [`Step`]'s `x` has its shape and is at `span.from()`.
    ///
    /// # Errors
    /// [`SampleError::Denoise`] if the model has no belief there.
    pub fn step<const D: usize>(
        &self,
        model: &dyn Denoiser<D>,
        x: Tensor<D>,
        span: &Span,
    ) -> Result<Step<D>, SampleError> {
        let up = span.from();
        let (prediction, data) = match span.to() {
            Some(here) => (begin(model, x, here)?, None),
            None => (begin(model, x.clone() * up.signal(), up)?, Some(x)),
        };
        let (x0, eps) = believed(data.unwrap_or_else(|| prediction.x0()), &prediction, self.keep_eps);
        let x = x0 * up.signal() + eps * up.noise();
        Ok(Step { span: *span, prediction, x, evals: 1 })
    }

    /// Runs over `grid` backwards and lazily: the first item crosses the last span.
    ///
    /// # Shapes
    /// `x` is `[batch, ..]` at the end of the grid, which is the data unless the grid ends at a level.
    ///
    /// # Errors
    /// An item is a [`SampleError`] when the step fails; there are no items after it.
    pub fn steps<'a, const D: usize>(
        &'a self,
        model: &'a dyn Denoiser<D>,
        grid: &'a Grid,
        x: Tensor<D>,
    ) -> impl Iterator<Item = Result<Step<D>, SampleError>> + 'a {
        grid.spans().iter().rev().scan(Some((x, None)), move |state, span| {
            let (x, believed) = state.take()?;
            let step = self.step(&Reminded::new(model, believed), x, span);
            *state = step.as_ref().ok().map(|step| (step.x.clone(), Some(step.prediction.clone())));
            Some(step)
        })
    }

    /// The last `x` of [`steps`](Self::steps): the code of `x` at the start of `grid`.
    ///
    /// # Shapes
    /// As [`steps`](Self::steps).
    ///
    /// # Errors
    /// The [`SampleError`] of the step that failed.
    pub fn encode<const D: usize>(
        &self,
        model: &dyn Denoiser<D>,
        grid: &Grid,
        x: Tensor<D>,
    ) -> Result<Tensor<D>, SampleError> {
        self.steps(model, grid, x.clone()).try_fold(x, |_, step| Ok(step?.x))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bits, gap, tensor};
    use crate::{Ddim, sample};
    use burn::tensor::DType;
    use undrift_denoisers::{ClipX0, DenoiseError, Eps, Gaussian, OutputVariance, Preconditioned};
    use undrift_noise::Zeros;
    use undrift_schedules::{Chain, Level, Spacing};

    const MODEL: Gaussian = Gaussian { mean: 0.3, std: 0.5 };
    const INVERSION: DdimInversion = DdimInversion { keep_eps: false };

    fn data() -> Tensor<2> {
        tensor(vec![0.4, -0.3, 0.9, 0.1, -0.6, 0.2], [2, 3])
    }

    fn network() -> impl Denoiser<2> {
        let network = |x: Tensor<2>, _: Tensor<1>| x.sin();
        Preconditioned { network, parameterisation: Eps, variance: OutputVariance::None }
    }

    /// Song et al. 2020, eq. 14, one Euler step in `sqrt((1 - alpha_bar) / alpha_bar)`, upwards.
    #[test]
    fn one_step_is_equation_14() {
        let span = chain().grid_at(&[700, 400]).expect("in range").spans()[0];
        let (high, low) = (span.from().alpha_bar(), span.to_alpha_bar());
        let sigma = |bar: f64| ((1.0 - bar) / bar).sqrt();
        let moved = data() * (1.0 / low.sqrt()) + data().sin() * (sigma(high) - sigma(low));
        let step = INVERSION.step(&network(), data(), &span).expect("has a belief");
        assert!(gap(&step.x, &(moved * high.sqrt())) < 1e-14);
        assert_eq!((step.evals, step.prediction.at().of(0)), (1, span.to()));
    }

    fn chain() -> Chain {
        Chain::linear(1000).expect("valid")
    }

    /// Levels evenly spaced in the logarithm of sigma from 20 down to 0.02.
    fn levels(steps: usize) -> (Vec<Level>, Level) {
        let sigma = |i: usize| 20.0 * 1e-3f64.powf(i as f64 / steps as f64);
        let mut levels: Vec<Level> = (0..=steps).map(|i| Level::edm(sigma(i), sigma(i)).expect("valid")).collect();
        let end = levels.pop().expect("not empty");
        (levels, end)
    }

    /// The flow of the exact Gaussian: `x - mean` grows as the root of `std^2 + sigma^2`.
    #[test]
    fn the_code_and_the_round_trip_converge_with_order_1() {
        let exact = |sigma: f64| (MODEL.std.powi(2) + sigma.powi(2)).sqrt();
        let errors = [64, 128, 256].map(|steps| {
            let (levels, end) = levels(steps);
            let code = (data() - MODEL.mean) * (exact(20.0) / exact(end.sigma())) + MODEL.mean;
            let grid = Grid::ending_at(levels, end).expect("valid");
            let found = INVERSION.encode(&MODEL, &grid, data()).expect("has a belief");
            let back = sample(&MODEL, &Ddim::default(), &grid, found.clone(), &mut Zeros).expect("has a belief");
            (gap(&found, &code), gap(&back, &data()))
        });
        for pair in errors.windows(2) {
            for (coarse, fine) in [(pair[0].0, pair[1].0), (pair[0].1, pair[1].1)] {
                let order = (coarse / fine).log2();
                assert!((order - 1.0).abs() < 0.1, "order {order} of {errors:?}");
            }
        }
    }

    #[test]
    fn data_come_back_through_the_whole_chain_and_better_through_a_finer_one() {
        let error = |len| {
            let grid = Chain::linear_scaled(len).expect("valid").grid();
            let code = INVERSION.encode(&MODEL, &grid, data()).expect("has a belief");
            let back = sample(&MODEL, &Ddim::default(), &grid, code, &mut Zeros).expect("has a belief");
            gap(&back, &data())
        };
        let (coarse, fine) = (error(500), error(1000));
        assert!(fine < 6e-3 && (coarse / fine - 2.0).abs() < 0.1, "{coarse} {fine}");
    }

    #[test]
    fn a_step_from_the_data_keeps_them_as_x0() {
        let span = chain().span(1).expect("in range");
        let (signal, noise) = (span.from().signal(), span.from().noise());
        let step = INVERSION.step(&network(), data(), &span).expect("has a belief");
        let expected = data() * signal + (data() * signal).sin() * noise;
        assert!(gap(&step.x, &expected) < 1e-15);
    }

    #[test]
    fn coordinates_do_not_matter() {
        let vp = chain().respace(Spacing::Leading, 20).expect("valid");
        let edm = vp.unscaled().expect("has signal");
        let kept = DdimInversion { keep_eps: true };
        for (inversion, model) in [(INVERSION, &network() as &dyn Denoiser<2>), (kept, &network()), (INVERSION, &MODEL)]
        {
            let a = inversion.encode(model, &vp, data()).expect("has a belief");
            let b = inversion.encode(model, &edm, data()).expect("has a belief");
            assert!(gap(&a, &(b * (1.0 / edm.start().scale()))) < 1e-12);
        }
    }

    #[test]
    fn a_sample_does_not_depend_on_its_batch_and_the_precision_is_that_of_x() {
        let grid = chain().respace(Spacing::Leading, 10).expect("valid");
        for dtype in [DType::F32, DType::F64] {
            let code = |x: Tensor<2>| INVERSION.encode(&ClipX0(MODEL), &grid, x.cast(dtype)).expect("has a belief");
            let both = code(data());
            assert_eq!(both.dtype(), dtype);
            assert_eq!(bits(&both.narrow(0, 1, 1)), bits(&code(data().narrow(0, 1, 1))));
        }
    }

    #[test]
    fn keeping_eps_clips_x0_alone() {
        let span = chain().grid_at(&[600, 300]).expect("in range").spans()[0];
        let (x, here) = (data() * 3.0, span.to().expect("a level"));
        let x0 = ((x.clone() - x.clone().sin() * here.noise()) * (1.0 / here.signal())).clamp(-1.0, 1.0);
        let expected = x0 * span.from().signal() + x.clone().sin() * span.from().noise();
        for model in [&network() as &dyn Denoiser<2>, &ClipX0(network())] {
            let step = DdimInversion { keep_eps: true }.step(model, x.clone(), &span).expect("has a belief");
            assert!(gap(&step.x, &expected) < 1e-14, "clipped by the step or by a wrapper");
        }
        let first = chain().span(1).expect("in range");
        let step = DdimInversion { keep_eps: true }.step(&network(), data() * 3.0, &first).expect("has a belief");
        let eps = (data() * 3.0 * first.from().signal()).sin();
        let expected = (data() * 3.0).clamp(-1.0, 1.0) * first.from().signal() + eps * first.from().noise();
        assert!(gap(&step.x, &expected) < 1e-14, "from the data");
    }

    #[test]
    fn nothing_runs_before_it_is_asked_for_or_after_an_error() {
        let grid = Chain::linear(50).expect("valid").zero_terminal_snr().expect("valid").grid();
        let levels: Vec<Level> = grid.levels().collect();
        let last = Grid::ending_at([levels[0]], levels[1]).expect("valid");
        let code = INVERSION.encode(&network(), &last, data()).expect("an eps at the level before");
        assert_eq!(bits(&code), bits(&data().sin()), "at pure noise the code is eps");
        let impossible = Gaussian { mean: 0.0, std: -1.0 };
        let mut lazy = INVERSION.steps(&impossible, &grid, data());
        let refused = lazy.next().expect("an error").unwrap_err();
        assert!(matches!(refused, SampleError::Denoise { source: DenoiseError::Std { .. }, .. }));
        assert!(lazy.next().is_none());
    }
}
