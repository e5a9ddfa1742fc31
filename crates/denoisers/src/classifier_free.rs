//! Guidance without a classifier.

use burn::tensor::Tensor;

use crate::{DenoiseError, Denoiser, Prediction, Question};

/// A denoiser whose eps is `eps_u + s (eps_c - eps_u)`, from a model that is given a condition and one that is not
/// (Ho, Salimans 2022, arXiv:2207.12598, eq. 6).
///
/// `scale` is s of the released codes; the paper's w is `s - 1`. 1 is the conditional model and 0 the
/// unconditional one, bit for bit. Both are asked at every question of a solver. A learned variance is the
/// conditional model's.
#[derive(Clone, Copy, Debug)]
pub struct ClassifierFree<C, U> {
    /// The model with the condition.
    pub conditional: C,
    /// The model without.
    pub unconditional: U,
    /// s; above 1 for stronger conditions.
    pub scale: f64,
    /// How many of the first channels (dimension 1) are guided, the others being the conditional model's; all, if
    /// absent. The released code of DiT (Peebles, Xie 2022, arXiv:2212.09748) guides 3 of the 4 channels of
    /// its latent images.
    pub channels: Option<usize>,
}

impl<C, U> ClassifierFree<C, U> {
    /// The mixture of two predictions of eps.
    fn mixed<const D: usize>(&self, sure: Tensor<D>, open: Tensor<D>) -> Tensor<D> {
        let all = sure.dims()[1];
        let guided = self.channels.map_or(all, |channels| channels.min(all));
        if guided == 0 {
            return sure;
        }
        let first = |eps: &Tensor<D>| eps.clone().narrow(1, 0, guided);
        let away = first(&sure) - first(&open);
        let mixed = first(&open) + away * self.scale;
        match all - guided {
            0 => mixed,
            rest => Tensor::cat(vec![mixed, sure.narrow(1, guided, rest)], 1),
        }
    }
}

impl<const D: usize, C: Denoiser<D>, U: Denoiser<D>> Denoiser<D> for ClassifierFree<C, U> {
    fn predict(&self, x: Tensor<D>, at: &Question<D>) -> Result<Prediction<D>, DenoiseError> {
        if !self.scale.is_finite() {
            return Err(DenoiseError::GuidanceScale { scale: self.scale });
        }
        if self.scale == 0.0 && self.channels.is_none() {
            return self.unconditional.predict(x, at);
        }
        let conditional = self.conditional.predict(x.clone(), at)?;
        if self.scale == 1.0 {
            return Ok(conditional);
        }
        let open = self.unconditional.predict(x, at)?.eps();
        conditional.map_eps(|sure| self.mixed(sure, open))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Levels;
    use crate::testing::{bits, rows, values};
    use crate::{Eps, OutputVariance, Preconditioned};
    use undrift_schedules::Level;

    fn constant(eps: f64) -> impl Denoiser<2> {
        let network = move |x: Tensor<2>, _: Tensor<1>| x.zeros_like() + eps;
        Preconditioned { network, parameterisation: Eps, variance: OutputVariance::None }
    }

    fn eps(scale: f64, channels: Option<usize>) -> Vec<f64> {
        let model = ClassifierFree { conditional: constant(0.5), unconditional: constant(0.2), scale, channels };
        let at = Levels::from(Level::vp(0.6, 10.0).expect("valid"));
        values(&model.predict(rows([[1.0, -2.0, 0.5]]), &Question::from(&at)).expect("fits").eps())
    }

    #[test]
    fn the_condition_is_exaggerated() {
        for found in eps(4.0, None) {
            assert!((found - 1.4).abs() < 1e-14, "0.2 + 4 * 0.3, not {found}");
        }
    }

    #[test]
    fn only_the_first_channels_are_guided_if_asked() {
        let found = eps(4.0, Some(2));
        assert!((found[1] - 1.4).abs() < 1e-14 && (found[2] - 0.5).abs() < 1e-14, "{found:?}");
        assert!(eps(4.0, Some(0)).iter().all(|eps| (eps - 0.5).abs() < 1e-14));
    }

    #[test]
    fn one_is_the_conditional_and_zero_the_unconditional_model() {
        let model = |x: Tensor<2>, _: Tensor<1>| x.sin();
        let conditional = Preconditioned { network: model, parameterisation: Eps, variance: OutputVariance::None };
        let at = Levels::from(Level::vp(0.6, 10.0).expect("valid"));
        let x = rows([[0.3, -2.2, 1.7]]);
        for (scale, expected) in [
            (1.0, conditional.predict(x.clone(), &Question::from(&at)).expect("fits")),
            (0.0, constant(0.2).predict(x.clone(), &Question::from(&at)).expect("fits")),
        ] {
            let guided =
                ClassifierFree { conditional: &conditional, unconditional: constant(0.2), scale, channels: None };
            let found = guided.predict(x.clone(), &Question::from(&at)).expect("fits");
            assert_eq!(bits(&found.eps()), bits(&expected.eps()));
            assert_eq!(bits(&found.x0()), bits(&expected.x0()));
        }
    }

    #[test]
    fn a_scale_that_is_no_number_is_refused() {
        let model = ClassifierFree {
            conditional: constant(0.5),
            unconditional: constant(0.2),
            scale: f64::NAN,
            channels: None,
        };
        let at = Levels::from(Level::vp(0.6, 10.0).expect("valid"));
        let error = model.predict(rows([[1.0]]), &Question::from(&at)).unwrap_err();
        assert!(error.to_string().contains("NaN"), "{error}");
    }
}
