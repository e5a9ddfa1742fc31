//! The parameterisation of rectified flow.

use undrift_schedules::Level;

use crate::{DenoiseError, Parameterisation};

/// The output is the velocity `eps - x0` along the straight line `x = (1 - t) x0 + t eps`
/// (Liu, Gong, Liu 2022, arXiv:2209.03003, eq. 1; Lipman et al. 2022, arXiv:2210.02747; with the time of Stable
/// Diffusion 3, 1 at the noise: Esser et al. 2024, arXiv:2403.03206). Right at every level.
///
/// In other coordinates the network sees the same point of the line, `x / (signal + noise)`, under the label of the
/// level as it is: it should be that of [`Level::flow`], or what the network was trained with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow;

impl Parameterisation for Flow {
    fn x0_of(&self, at: Level) -> Result<(f64, f64), DenoiseError> {
        let onto = self.c_in(at);
        Ok((onto, -at.noise() * onto))
    }

    fn eps_of(&self, at: Level) -> Result<(f64, f64), DenoiseError> {
        let onto = self.c_in(at);
        Ok((onto, at.signal() * onto))
    }

    fn target_of(&self, _at: Level) -> Result<(f64, f64), DenoiseError> {
        Ok((-1.0, 1.0))
    }

    /// `1 / (signal + noise)`, exactly 1 at a level of rectified flow.
    fn c_in(&self, at: Level) -> f64 {
        1.0 / (at.signal() + at.noise())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{gap, rows};
    use crate::{Denoiser, OutputVariance, Preconditioned, Prediction, Question};
    use burn::tensor::Tensor;
    use proptest::prelude::*;

    fn close(found: (f64, f64), expected: (f64, f64)) -> bool {
        let gap = |a: f64, b: f64| (a - b).abs() <= 1e-14 * (1.0 + b.abs());
        gap(found.0, expected.0) && gap(found.1, expected.1)
    }

    #[test]
    fn on_the_line_by_hand() {
        let at = Level::flow(0.25).expect("valid");
        assert_eq!(Flow.x0_of(at), Ok((1.0, -0.25)));
        assert_eq!(Flow.eps_of(at), Ok((1.0, 0.75)));
        assert_eq!((Flow.c_in(at), Flow.c_noise(at)), (1.0, 0.25));
        let pure = Level::flow(1.0).expect("valid");
        assert_eq!((Flow.x0_of(pure), Flow.eps_of(pure)), (Ok((1.0, -1.0)), Ok((1.0, 0.0))));
    }

    /// The views as the trait derives them from the identity alone.
    struct Bare;

    impl Parameterisation for Bare {
        fn x0_of(&self, at: Level) -> Result<(f64, f64), DenoiseError> {
            Flow.x0_of(at)
        }
    }

    proptest! {
        #[test]
        fn the_written_forms_are_those_of_the_identity_in_all_coordinates(t in 1e-3f64..0.999) {
            let flow = Level::flow(t).expect("in range");
            prop_assert_eq!(Flow.c_in(flow), 1.0);
            let vp = Level::vp_of_sigma(flow.sigma(), t).expect("in range");
            for at in [flow, vp, flow.unscaled().expect("has signal")] {
                let (found, derived) = (Flow.eps_of(at).expect("valid"), Bare.eps_of(at).expect("valid"));
                prop_assert!((found.0 - derived.0).abs() < 1e-11 && (found.1 - derived.1).abs() < 1e-11);
                let (found, derived) = (Flow.target_of(at).expect("valid"), Bare.target_of(at).expect("valid"));
                prop_assert!((found.0 - derived.0).abs() < 1e-11 && (found.1 - derived.1).abs() < 1e-11);
            }
        }
    }

    #[test]
    fn all_views_of_a_belief_belong_together() {
        let (x0, eps) = (rows([[0.7, -0.2], [-0.9, 0.4]]), rows([[1.1, -0.6], [-0.3, 1.7]]));
        let flow = [0.1, 0.6, 1.0].map(|t| Level::flow(t).expect("valid"));
        let others =
            [flow[1].unscaled().expect("has signal"), Level::vp_of_sigma(flow[0].sigma(), 0.1).expect("valid")];
        for at in flow.into_iter().chain(others) {
            let x = x0.clone() * at.signal() + eps.clone() * at.noise();
            let output = eps.clone() - x0.clone();
            let belief = Prediction::from_output(x, output, at, &Flow).expect("fits");
            assert!(
                gap(&belief.x0(), &x0) < 1e-13
                    && gap(&belief.v(), &{ (eps.clone() * at.signal() - x0.clone() * at.noise()) / at.scale() })
                        < 1e-13
            );
            let pure_eps = if at.is_pure_noise() { belief.x() } else { eps.clone() };
            assert!(gap(&belief.eps(), &pure_eps) < 1e-13);
        }
    }

    #[test]
    fn coordinates_do_not_matter() {
        let network = |x: Tensor<2>, time: Tensor<1>| (x + time.reshape([1, 1])).sin();
        let model = Preconditioned { network, parameterisation: Flow, variance: OutputVariance::None };
        let (at, x) = (Level::flow(0.3).expect("valid"), rows([[0.3, -1.0], [1.4, 0.2]]));
        let belief = model.predict(x.clone(), &Question::from(at)).expect("fits");
        let edm = at.unscaled().expect("has signal");
        let unscaled = model.predict(x / at.signal(), &Question::from(edm)).expect("fits");
        assert!(gap(&belief.x0(), &unscaled.x0()) < 1e-14 && gap(&belief.eps(), &unscaled.eps()) < 1e-14);
        assert!(close(Flow.x0_of(edm).expect("valid"), (0.7, -0.3)));
    }
}
