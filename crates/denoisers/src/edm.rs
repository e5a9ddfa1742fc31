//! EDM's preconditioning.

use undrift_schedules::Level;

use crate::{DenoiseError, Parameterisation};

/// EDM's preconditioning: `x0 = c_skip x + c_out F(c_in x; c_noise)` with input and target of variance 1
/// (Karras et al. 2022, arXiv:2206.00364, table 1 and appendix B.6).
///
/// In EDM coordinates, `c_skip = sigma_data^2 / (sigma^2 + sigma_data^2)`,
/// `c_out = sigma sigma_data / sqrt(sigma^2 + sigma_data^2)`, `c_in = 1 / sqrt(sigma^2 + sigma_data^2)`, and the
/// network sees `c_noise = ln(sigma) / 4` whatever the label of the level. In variance-preserving coordinates the
/// same network is asked the same question. There is no such label at a level without signal: an error there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Edm {
    /// Standard deviation of the data, positive and finite; the authors use 0.5 for images in -1..1.
    pub sigma_data: f64,
}

impl Edm {
    /// Standard deviation of `x` at a level, in the level's own coordinates.
    fn std_of_x(&self, at: Level) -> f64 {
        at.noise().hypot(at.signal() * self.sigma_data)
    }

    fn check(&self, at: Level) -> Result<(), DenoiseError> {
        let Edm { sigma_data } = *self;
        if !(sigma_data > 0.0 && sigma_data.is_finite()) {
            return Err(DenoiseError::SigmaData { sigma_data });
        }
        if at.is_pure_noise() { Err(DenoiseError::NoLabel { time: at.time() }) } else { Ok(()) }
    }
}

impl Parameterisation for Edm {
    fn x0_of(&self, at: Level) -> Result<(f64, f64), DenoiseError> {
        self.check(at)?;
        let std = self.std_of_x(at);
        let c_skip = at.signal() * (self.sigma_data / std).powi(2);
        Ok((c_skip, at.noise() * self.sigma_data / std))
    }

    fn eps_of(&self, at: Level) -> Result<(f64, f64), DenoiseError> {
        self.check(at)?;
        let std = self.std_of_x(at);
        Ok((at.noise() / std / std, -at.signal() * self.sigma_data / std))
    }

    fn target_of(&self, at: Level) -> Result<(f64, f64), DenoiseError> {
        self.check(at)?;
        let std = self.std_of_x(at);
        Ok((at.noise() / self.sigma_data / std, -at.signal() * self.sigma_data / std))
    }

    fn c_in(&self, at: Level) -> f64 {
        1.0 / self.std_of_x(at)
    }

    fn c_noise(&self, at: Level) -> f64 {
        at.sigma().ln() / 4.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bits, gap, rows};
    use crate::{Denoiser, Levels, OutputVariance, Preconditioned, Question};
    use burn::tensor::{DType, Tensor};
    use proptest::prelude::*;

    const EDM: Edm = Edm { sigma_data: 0.5 };

    fn close(found: (f64, f64), expected: (f64, f64)) -> bool {
        let gap = |a: f64, b: f64| (a - b).abs() <= 1e-14 * (1.0 + b.abs());
        gap(found.0, expected.0) && gap(found.1, expected.1)
    }

    #[test]
    fn the_coefficients_of_table_1() {
        let root5 = 5.0_f64.sqrt();
        let at = Level::edm(1.0, 7.0).expect("valid");
        assert!(close(EDM.x0_of(at).expect("valid"), (0.2, 1.0 / root5)));
        assert!(close((EDM.c_in(at), EDM.c_noise(at)), (2.0 / root5, 0.0)));
        let low = Level::edm(0.1, 0.0).expect("valid");
        assert!(close(EDM.x0_of(low).expect("valid"), (25.0 / 26.0, 0.05 / 0.26_f64.sqrt())));
        assert!(close((EDM.c_in(low), EDM.c_noise(low)), (1.0 / 0.26_f64.sqrt(), -0.575_646_273_248_511_4)));
    }

    #[test]
    fn for_data_of_its_own_spread_input_and_target_have_variance_one() {
        for at in [Level::edm(3.0, 0.0), Level::vp(0.3, 0.0)].map(|level| level.expect("valid")) {
            let (of_x0, of_eps) = EDM.target_of(at).expect("valid");
            assert!(((0.5 * of_x0).powi(2) + of_eps.powi(2) - 1.0).abs() < 1e-14);
            let spread = (0.5 * at.signal()).powi(2) + at.noise().powi(2);
            assert!((EDM.c_in(at).powi(2) * spread - 1.0).abs() < 1e-14);
        }
    }

    /// The four views as the trait derives them from the identity alone.
    struct Bare;

    impl Parameterisation for Bare {
        fn x0_of(&self, at: Level) -> Result<(f64, f64), DenoiseError> {
            EDM.x0_of(at)
        }
    }

    proptest! {
        #[test]
        fn the_written_forms_are_those_of_the_identity(alpha_bar in 1e-3f64..0.999, vp in any::<bool>()) {
            let level = Level::vp(alpha_bar, 0.0).expect("in range");
            let level = if vp { level } else { level.unscaled().expect("has signal") };
            for (found, derived) in [(EDM.eps_of(level), Bare.eps_of(level)), (EDM.target_of(level), Bare.target_of(level))] {
                let (found, derived) = (found.expect("valid"), derived.expect("valid"));
                prop_assert!((found.0 - derived.0).abs() < 1e-10 * (1.0 + found.0.abs()), "{found:?} {derived:?}");
                prop_assert!((found.1 - derived.1).abs() < 1e-10 * (1.0 + found.1.abs()), "{found:?} {derived:?}");
            }
        }
    }

    fn labels(x: Tensor<2>, time: Tensor<1>) -> Tensor<2> {
        let entries = time.dims()[0];
        (x + time.reshape([entries, 1])).sin()
    }

    #[test]
    fn coordinates_batches_and_precision_do_not_matter() {
        let model = Preconditioned { network: labels, parameterisation: EDM, variance: OutputVariance::None };
        let levels = [0.97, 0.2].map(|alpha_bar| Level::vp(alpha_bar, 5.0).expect("valid"));
        let (vp, x) = (Levels::from(levels.to_vec()), rows([[0.3, -1.0], [1.4, 0.2]]));
        let belief = model.predict(x.clone(), &Question::from(&vp)).expect("fits");
        let edm = Levels::from(levels.map(|level| level.unscaled().expect("has signal")).to_vec());
        let unscaled = model.predict(x.clone() / vp.column(&x, Level::signal), &Question::from(&edm)).expect("fits");
        assert!(gap(&belief.x0(), &unscaled.x0()) < 1e-14 && gap(&belief.eps(), &unscaled.eps()) < 1e-14);
        let alone = model.predict(x.clone().narrow(0, 1, 1), &Question::from(levels[1])).expect("fits");
        assert_eq!(bits(&alone.x0()), bits(&belief.x0().narrow(0, 1, 1)));
        let single = model.predict(x.cast(DType::F32), &Question::from(&vp)).expect("fits");
        assert_eq!(single.x0().dtype(), DType::F32);
        assert!(gap(&single.x0().cast(DType::F64), &belief.x0()) < 1e-6);
    }

    #[test]
    fn what_has_no_label_or_no_spread_is_an_error() {
        let last = Level::vp(0.0, 9.0).expect("signal 0 is a level");
        let error = EDM.x0_of(last).unwrap_err();
        assert_eq!(error, DenoiseError::NoLabel { time: 9.0 });
        assert!(error.to_string().contains("time 9") && error.to_string().contains("signal above 0"));
        assert_eq!((EDM.eps_of(last), EDM.target_of(last)), (Err(error.clone()), Err(error)));
        for sigma_data in [0.0, -0.5, f64::INFINITY, f64::NAN] {
            let refused = Edm { sigma_data }.x0_of(Level::edm(1.0, 0.0).expect("valid")).unwrap_err();
            assert!(matches!(refused, DenoiseError::SigmaData { .. }) && refused.to_string().contains("positive"));
        }
    }
}
