//! The parameterisation that predicts the mean of the chain's next step.

use undrift_schedules::{Chain, Level, Span};

use crate::{DenoiseError, Parameterisation};

/// The output is the mean of the step to the next lower level of `chain`
/// (Ho et al. 2020, arXiv:2006.11239, eq. 7 and table 2, "mu_tilde").
///
/// A level belongs to the chain when its time and its alpha_bar do. On the chain's own spans the posterior
/// mean is the output as it is; x0 is derived from it, `(mu - c2 x) / c1`, and poorly so at high noise, where
/// c1 is small.
#[derive(Clone, Debug)]
pub struct MuTilde {
    /// The chain whose steps the network was trained on.
    pub chain: Chain,
}

impl Parameterisation for MuTilde {
    fn x0_of(&self, at: Level) -> Result<(f64, f64), DenoiseError> {
        let span = self.own_span(at).ok_or(DenoiseError::ForeignLevel { time: at.time() })?;
        let posterior = span.posterior();
        Ok((-posterior.x / posterior.x0 / at.scale(), 1.0 / posterior.x0))
    }

    fn own_span(&self, at: Level) -> Option<Span> {
        self.chain.span(self.chain.t_of(at)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mu_tilde() -> MuTilde {
        MuTilde { chain: Chain::linear(1000).expect("valid") }
    }

    #[test]
    fn every_level_of_the_chain_finds_its_own_span() {
        let model = mu_tilde();
        for t in 1..=1000 {
            let level = model.chain.level(t).expect("in range");
            assert_eq!(model.own_span(level), model.chain.span(t));
        }
    }

    #[test]
    fn other_levels_are_refused() {
        let model = mu_tilde();
        let level = model.chain.level(500).expect("in range");
        let relabelled = Level::vp(level.alpha_bar(), 3.5).expect("valid");
        let [above, below] = [1.00001, 0.99999].map(|k| Level::vp(level.alpha_bar() * k, level.time()).expect("valid"));
        for foreign in [relabelled, above, below, Level::vp(1e-9, 2000.0).expect("valid")] {
            assert_eq!(model.own_span(foreign), None);
            assert_eq!(model.x0_of(foreign), Err(DenoiseError::ForeignLevel { time: foreign.time() }));
        }
    }

    #[test]
    fn the_mean_of_the_posterior_gives_back_the_data() {
        let model = mu_tilde();
        for t in [1, 2, 500, 1000] {
            let level = model.chain.level(t).expect("in range");
            let (c, (a, b)) = (model.own_span(level).expect("own").posterior(), model.x0_of(level).expect("own"));
            let (x0, x) = (0.7, -1.3);
            assert!((a * x + b * (c.x0 * x0 + c.x * x) - x0).abs() < 1e-11, "t = {t}");
        }
        let first = model.chain.level(1).expect("in range");
        let (a, b) = model.x0_of(first).expect("own");
        assert!(a.abs() < 1e-12 && (b - 1.0).abs() < 1e-12, "the last step predicts the data: {a} {b}");
    }

    #[test]
    fn the_target_is_the_posterior_mean() {
        let model = mu_tilde();
        let level = model.chain.level(300).expect("in range");
        let c = model.chain.span(300).expect("in range").posterior();
        let (of_x0, of_eps) = model.target_of(level).expect("own");
        assert!((of_x0 - (c.x0 + c.x * level.signal())).abs() < 1e-12);
        assert!((of_eps - c.x * level.noise()).abs() < 1e-12);
    }
}
