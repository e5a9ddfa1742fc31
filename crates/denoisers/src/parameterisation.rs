//! What a network's output means at a level.

use undrift_schedules::{Level, Span};

use crate::DenoiseError;

/// What a network's output means: a few numbers per level, in f64 on the host.
///
/// `x0 = a * x + b * output` (Karras et al. 2022, arXiv:2206.00364, eq. 7, with `a = c_skip`, `b = c_out`).
/// The training target is the same identity solved for the output.
pub trait Parameterisation {
    /// `(a, b)` with `x0 = a * x + b * output`; `b` is not 0.
    ///
    /// # Errors
    /// A [`DenoiseError`] where the output determines no x0.
    fn x0_of(&self, at: Level) -> Result<(f64, f64), DenoiseError>;

    /// `(a, b)` with `eps = a * x + b * output`; follows from [`x0_of`](Self::x0_of) unless there is a form
    /// that rounds less.
    ///
    /// # Errors
    /// Those of [`x0_of`](Self::x0_of).
    fn eps_of(&self, at: Level) -> Result<(f64, f64), DenoiseError> {
        let (a, b) = self.x0_of(at)?;
        Ok(((1.0 - at.signal() * a) / at.noise(), -at.signal() * b / at.noise()))
    }

    /// `(a, b)` with `target = a * x0 + b * eps`, the output that makes the belief true.
    ///
    /// # Errors
    /// Those of [`x0_of`](Self::x0_of).
    fn target_of(&self, at: Level) -> Result<(f64, f64), DenoiseError> {
        let (a, b) = self.x0_of(at)?;
        Ok(((1.0 - a * at.signal()) / b, -a * at.noise() / b))
    }

    /// Factor of `x` at the network's entrance.
    ///
    /// The networks of this family are trained on variance-preserving `x`, so that `x` of other coordinates
    /// is divided by its scale (Karras et al. 2022, table 1, column VP); on a chain's own levels this is 1.
    fn c_in(&self, at: Level) -> f64 {
        1.0 / at.scale()
    }

    /// The label of the level that the network sees.
    fn c_noise(&self, at: Level) -> f64 {
        at.time()
    }

    /// The span whose posterior mean the output is, for the one parameterisation (mu_tilde) that has such.
    fn own_span(&self, _at: Level) -> Option<Span> {
        None
    }
}

/// Passes every question on, so that a parameterisation chosen at run time can be borrowed or boxed.
macro_rules! pass_on {
    ($pointer:ty) => {
        impl<P: Parameterisation + ?Sized> Parameterisation for $pointer {
            fn x0_of(&self, at: Level) -> Result<(f64, f64), DenoiseError> {
                (**self).x0_of(at)
            }
            fn eps_of(&self, at: Level) -> Result<(f64, f64), DenoiseError> {
                (**self).eps_of(at)
            }
            fn target_of(&self, at: Level) -> Result<(f64, f64), DenoiseError> {
                (**self).target_of(at)
            }
            fn c_in(&self, at: Level) -> f64 {
                (**self).c_in(at)
            }
            fn c_noise(&self, at: Level) -> f64 {
                (**self).c_noise(at)
            }
            fn own_span(&self, at: Level) -> Option<Span> {
                (**self).own_span(at)
            }
        }
    };
}

pass_on!(&P);
pass_on!(Box<P>);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Eps, V, X0};
    use proptest::prelude::*;

    proptest! {
        /// `x0_of` and `eps_of`, fed with the target, give back the x0 and eps that the target was made of.
        #[test]
        fn the_target_is_the_belief_solved_for_the_output(
            alpha_bar in 1e-4f64..0.9999, edm in any::<bool>(), x0 in -1.0f64..1.0, eps in -4.0f64..4.0,
        ) {
            let vp = Level::vp(alpha_bar, 0.0).expect("in range");
            let level = if edm { vp.unscaled().expect("has signal") } else { vp };
            let x = level.signal() * x0 + level.noise() * eps;
            for parameterisation in [&Eps as &dyn Parameterisation, &X0, &V] {
                let [of_x0, of_eps, target] = [
                    parameterisation.x0_of(level), parameterisation.eps_of(level), parameterisation.target_of(level),
                ].map(|pair| pair.expect("has signal"));
                let output = target.0 * x0 + target.1 * eps;
                prop_assert!((of_x0.0 * x + of_x0.1 * output - x0).abs() < 1e-10);
                prop_assert!((of_eps.0 * x + of_eps.1 * output - eps).abs() < 1e-10);
            }
        }
    }

    /// A parameterisation that has only the identity.
    struct Bare;

    impl Parameterisation for Bare {
        fn x0_of(&self, at: Level) -> Result<(f64, f64), DenoiseError> {
            V.x0_of(at)
        }
    }

    #[test]
    fn the_rest_follows_from_the_identity() {
        let level = Level::vp(0.3, 17.0).expect("valid");
        for (derived, written) in [(Bare.eps_of(level), V.eps_of(level)), (Bare.target_of(level), V.target_of(level))] {
            let (derived, written) = (derived.expect("any level"), written.expect("any level"));
            assert!((derived.0 - written.0).abs() < 1e-14 && (derived.1 - written.1).abs() < 1e-14);
        }
        assert_eq!((Bare.c_in(level), Bare.c_noise(level), Bare.own_span(level)), (1.0, 17.0, None));
    }
}
