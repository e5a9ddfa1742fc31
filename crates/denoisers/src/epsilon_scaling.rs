//! The wrapper that scales eps down against exposure bias.

use burn::tensor::Tensor;
use undrift_schedules::{Grid, Level};

use crate::{DenoiseError, Denoiser, Prediction, Question};

/// A denoiser whose eps is divided by a scale lambda (Ning, Li, Su, Salah, Onal Ertugrul 2024, arXiv:2308.15321;
/// "epsilon scaling").
///
/// While sampling a network sees inputs with more noise than it was trained on and answers with an eps that is too
/// long; lambda is a little above 1. As the belief itself changes, every solver works with it, at every question:
/// the authors scale in DDIM's re-derived eps and in both evaluations of Heun's step too.
///
/// `ClipX0(EpsilonScaling(net))` scales, then clips, as the authors' code does. A scale of exactly 1 returns the
/// inner belief untouched. The mean that a mu_tilde network gives is scaled too; the authors' code would leave
/// it as it is, so that scaling would do nothing in their ancestral sampler.
#[derive(Clone, Debug)]
pub struct EpsilonScaling<M> {
    inner: M,
    /// Natural logarithm of sigma, falling, and the scale there; never empty.
    scales: Vec<(f64, f64)>,
}

impl<M> EpsilonScaling<M> {
    /// The same scale `b` at every level: the authors' uniform schedule, with `b` from 1.004 to 1.017 for ADM.
    ///
    /// # Errors
    /// [`DenoiseError::EpsScale`] unless `b` is finite and above 0; the authors' code divides by its default of 0.
    pub fn constant(inner: M, b: f64) -> Result<Self, DenoiseError> {
        EpsilonScaling::checked(inner, vec![(0.0, b)])
    }

    /// The scale `k i + b` at a grid's levels, where `i` is 0 at the last level that is visited and grows with the
    /// noise (ADM on CIFAR-10 over 20 steps in the same paper: k = 0.0025, b = 1).
    ///
    /// Between the grid's levels it is interpolated linearly in the logarithm of sigma, and beyond its ends it is
    /// constant, so that solvers may ask anywhere.
    ///
    /// # Errors
    /// [`DenoiseError::EpsScale`] with the first scale that is not finite and above 0.
    pub fn linear(inner: M, grid: &Grid, k: f64, b: f64) -> Result<Self, DenoiseError> {
        let scales = grid.levels().zip((0..grid.steps()).rev());
        EpsilonScaling::checked(inner, scales.map(|(level, i)| (level.sigma().ln(), k * i as f64 + b)).collect())
    }

    /// The scale `1 + step_size j` at a grid's levels, where `j` counts the steps of sampling from 0 at the noisiest.
    ///
    /// This list, which grows towards the data, is in the code of the time-shift sampler (Mingxiao-Li/TS-DPM,
    /// `step_size`), and runs the other way than the list of the authors of epsilon scaling, which is
    /// [`linear`](Self::linear) with a `k` above 0.
    ///
    /// # Errors
    /// As [`linear`](Self::linear).
    pub fn growing_by_step(inner: M, grid: &Grid, step_size: f64) -> Result<Self, DenoiseError> {
        let scales = grid.levels().enumerate();
        EpsilonScaling::checked(
            inner,
            scales.map(|(j, level)| (level.sigma().ln(), 1.0 + step_size * j as f64)).collect(),
        )
    }

    fn checked(inner: M, scales: Vec<(f64, f64)>) -> Result<Self, DenoiseError> {
        match scales.iter().find(|(_, scale)| !(scale.is_finite() && *scale > 0.0)) {
            Some(&(_, scale)) => Err(DenoiseError::EpsScale { scale }),
            None => Ok(EpsilonScaling { inner, scales }),
        }
    }

    /// The scale lambda at a level.
    pub fn scale(&self, at: Level) -> f64 {
        let log_sigma = at.sigma().ln();
        let noisier = self.scales.partition_point(|(noise, _)| *noise > log_sigma);
        let above = noisier.checked_sub(1).and_then(|before| self.scales.get(before));
        match (above, self.scales.get(noisier)) {
            (Some(&(high, of_high)), Some(&(low, of_low))) => {
                of_low + (of_high - of_low) * ((log_sigma - low) / (high - low))
            }
            (Some(&(_, scale)), None) | (None, Some(&(_, scale))) => scale,
            (None, None) => 1.0,
        }
    }
}

impl<const D: usize, M: Denoiser<D>> Denoiser<D> for EpsilonScaling<M> {
    fn predict(&self, x: Tensor<D>, at: &Question<D>) -> Result<Prediction<D>, DenoiseError> {
        self.inner.predict(x, at)?.over_scales("epsilon scaling", |level| self.scale(level))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Levels;
    use crate::testing::{bits, gap, rows};
    use crate::{ClipX0, Eps, MuTilde, OutputVariance, Parameterisation, Preconditioned, V, X0};
    use undrift_schedules::{Chain, Spacing};

    fn chain() -> Chain {
        Chain::linear(1000).expect("valid")
    }

    fn x() -> Tensor<2> {
        rows([[0.4, -1.3, 2.2], [0.1, -0.6, 0.9]])
    }

    fn model<P: Parameterisation>(parameterisation: P) -> impl Denoiser<2> {
        let network = |x: Tensor<2>, _: Tensor<1>| x.sin() * 0.9;
        Preconditioned { network, parameterisation, variance: OutputVariance::None }
    }

    fn all() -> [Box<dyn Denoiser<2>>; 4] {
        [Box::new(model(Eps)), Box::new(model(X0)), Box::new(model(V)), Box::new(model(MuTilde { chain: chain() }))]
    }

    fn level(t: usize) -> Level {
        chain().level(t).expect("in range")
    }

    /// x0 = x / sqrt(alpha_bar) - sqrt(1 / alpha_bar - 1) eps / lambda, then clipped, in the authors' order.
    #[test]
    fn x0_is_that_of_the_scaled_eps_and_clipping_comes_after() {
        let (b, alpha_bar) = (1.017, level(700).alpha_bar());
        let eps = x().sin() * 0.9;
        let expected = x() * (1.0 / alpha_bar).sqrt() - eps.clone() * ((1.0 / alpha_bar - 1.0).sqrt() / b);
        let scaled = EpsilonScaling::constant(model(Eps), b).expect("positive");
        let belief = scaled.predict(x(), &Question::from(level(700))).expect("has signal");
        assert!(gap(&belief.x0(), &expected) < 1e-12 && gap(&belief.eps(), &(eps * (1.0 / b))) < 1e-15);
        let clipped = ClipX0(scaled).predict(x(), &Question::from(level(700))).expect("has signal");
        assert!(gap(&clipped.x0(), &expected.clamp(-1.0, 1.0)) < 1e-12);
    }

    #[test]
    fn every_parameterisation_in_both_coordinates_believes_in_the_scaled_eps() {
        for (model, t) in [3, 600].into_iter().flat_map(|t| all().map(|model| (model, t))) {
            let (vp, edm) = (level(t), level(t).unscaled().expect("has signal"));
            for at in [vp, edm] {
                let asked = x() * at.scale();
                let plain = model.predict(asked.clone(), &Question::from(at)).expect("own level");
                let scaled = EpsilonScaling::constant(&model, 1.25).expect("positive");
                let scaled = scaled.predict(asked.clone(), &Question::from(at)).expect("own level");
                assert!(gap(&scaled.eps(), &(plain.eps() * 0.8)) < 1e-9 * t as f64);
                let rebuilt = scaled.x0() * at.signal() + scaled.eps() * at.noise();
                assert!(gap(&rebuilt, &asked) < 1e-9, "t = {t}");
                let step = Grid::ending_at([vp], level(t - 1)).expect("falling");
                let step = if at == vp { step } else { step.unscaled().expect("has signal") };
                let span = step.spans()[0];
                let c = span.posterior();
                let mean = scaled.x0() * c.x0 + asked * c.x;
                assert!(gap(&scaled.posterior_mean(&[span]).expect("own span"), &mean) < 1e-7, "t = {t}");
            }
        }
    }

    #[test]
    fn a_scale_of_one_changes_no_bit_even_without_signal() {
        let span = chain().span(900).expect("in range");
        for model in all() {
            let neutral = EpsilonScaling::constant(&model, 1.0).expect("positive");
            let at = Levels::from(level(900));
            let (plain, same) = (
                model.predict(x(), &Question::from(&at)).expect("own"),
                neutral.predict(x(), &Question::from(&at)).expect("own"),
            );
            assert_eq!((bits(&plain.x0()), bits(&plain.eps())), (bits(&same.x0()), bits(&same.eps())));
            let mean = |belief: &Prediction<2>| bits(&belief.posterior_mean(&[span]).expect("own span"));
            assert_eq!(mean(&plain), mean(&same));
        }
        let pure = Levels::from(Level::vp(0.0, 999.0).expect("valid"));
        assert!(
            EpsilonScaling::constant(model(V), 1.0).expect("positive").predict(x(), &Question::from(&pure)).is_ok()
        );
        let refused = EpsilonScaling::constant(model(V), 1.01)
            .expect("positive")
            .predict(x(), &Question::from(&pure))
            .unwrap_err();
        assert_eq!(refused, DenoiseError::ChangedEps { method: "epsilon scaling", time: 999.0 });
        assert!(refused.to_string().contains("epsilon scaling") && !refused.to_string().contains("eps model"));
    }

    #[test]
    fn the_linear_scale_counts_from_the_data_and_is_interpolated_elsewhere() {
        let grid = chain().respace(Spacing::Trailing, 20).expect("valid");
        let scaling = EpsilonScaling::linear((), &grid, 0.0025, 1.0).expect("positive");
        let levels: Vec<Level> = grid.levels().collect();
        for (j, at) in levels.iter().enumerate() {
            let expected = 0.0025 * (19 - j) as f64 + 1.0;
            assert_eq!((scaling.scale(*at), scaling.scale(at.unscaled().expect("has signal"))), (expected, expected));
        }
        let between = Level::edm((levels[4].sigma() * levels[5].sigma()).sqrt(), 0.0).expect("valid");
        assert!((scaling.scale(between) - (0.0025 * 14.5 + 1.0)).abs() < 1e-14);
        let [far, near] = [1e6, 1e-6].map(|sigma| Level::edm(sigma, 0.0).expect("valid"));
        assert_eq!((scaling.scale(far), scaling.scale(near)), (0.0025 * 19.0 + 1.0, 1.0));
        let longer = grid.from_pure_noise(1000.0).expect("valid");
        let scaling = EpsilonScaling::linear((), &longer, 0.0025, 1.0).expect("positive");
        assert_eq!(scaling.scale(longer.start()), 0.0025 * 20.0 + 1.0);
        assert_eq!(scaling.scale(far), 0.0025 * 19.0 + 1.0);
    }

    #[test]
    fn the_list_of_the_time_shift_code_grows_towards_the_data() {
        let grid = chain().respace(Spacing::Trailing, 20).expect("valid");
        let scaling = EpsilonScaling::growing_by_step((), &grid, 0.0005).expect("positive");
        for (j, at) in grid.levels().enumerate() {
            assert_eq!(scaling.scale(at), 1.0 + 0.0005 * j as f64);
        }
    }

    #[test]
    fn a_sample_of_scale_one_keeps_its_bits_beside_others() {
        let grid = chain().grid_at(&[900, 20]).expect("valid");
        for model in all() {
            let scaling = EpsilonScaling::linear(&model, &grid, 0.1, 1.0).expect("positive");
            let at = Levels::from(vec![level(20), level(900)]);
            let both = scaling.predict(x(), &Question::from(&at)).expect("own levels");
            let spans = [20, 900].map(|t| chain().span(t).expect("in range"));
            let mean = both.posterior_mean(&spans).expect("own spans");
            for (b, t) in [20, 900].into_iter().enumerate() {
                let alone = scaling.predict(x().narrow(0, b, 1), &Question::from(level(t))).expect("own level");
                assert_eq!(bits(&both.x0().narrow(0, b, 1)), bits(&alone.x0()));
                assert_eq!(bits(&both.eps().narrow(0, b, 1)), bits(&alone.eps()));
                let own = alone.posterior_mean(&[spans[b]]).expect("own span");
                assert_eq!(bits(&mean.clone().narrow(0, b, 1)), bits(&own));
            }
            let plain = model.predict(x().narrow(0, 0, 1), &Question::from(level(20))).expect("own level");
            assert_eq!(bits(&both.eps().narrow(0, 0, 1)), bits(&plain.eps()));
        }
    }

    #[test]
    fn scales_that_are_not_positive_are_refused_by_their_value() {
        for b in [0.0, -1.0, f64::INFINITY] {
            assert_eq!(EpsilonScaling::constant((), b).unwrap_err(), DenoiseError::EpsScale { scale: b });
        }
        assert!(matches!(EpsilonScaling::constant((), f64::NAN), Err(DenoiseError::EpsScale { .. })));
        let grid = chain().respace(Spacing::Trailing, 4).expect("valid");
        let refused = EpsilonScaling::linear((), &grid, -0.5, 1.0).unwrap_err();
        assert_eq!(refused, DenoiseError::EpsScale { scale: -0.5 });
        assert!(EpsilonScaling::growing_by_step((), &grid, -0.5).is_err());
        assert!(refused.to_string().contains("-0.5"), "{refused}");
    }
}
