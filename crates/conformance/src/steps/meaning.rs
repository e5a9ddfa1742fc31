//! Golden vectors of steps, meaning.

use undrift_denoisers::{DenoiseError, Eps, MuTilde, Parameterisation, V, X0};
use undrift_schedules::{Chain, Level, Span};

use crate::error::FixtureError;

/// What a recorded model output means, chosen by its name in a sidecar.
#[derive(Clone)]
pub(super) enum Meaning {
    Eps,
    X0,
    V,
    MuTilde(MuTilde),
}

impl Meaning {
    /// By guided-diffusion's or by diffusers' name.
    pub(super) fn named(name: &str, chain: &Chain) -> Result<Self, FixtureError> {
        match name {
            "eps" | "epsilon" => Ok(Meaning::Eps),
            "x0" | "xstart" | "start_x" | "sample" => Ok(Meaning::X0),
            "v" | "v_prediction" => Ok(Meaning::V),
            "prev" | "xprev" | "previous_x" => Ok(Meaning::MuTilde(MuTilde { chain: chain.clone() })),
            other => {
                let reason = format!("a model output that means `{other}`");
                Err(FixtureError::NotCovered(reason))
            }
        }
    }

    fn inner(&self) -> &dyn Parameterisation {
        match self {
            Meaning::Eps => &Eps,
            Meaning::X0 => &X0,
            Meaning::V => &V,
            Meaning::MuTilde(mu_tilde) => mu_tilde,
        }
    }
}

impl Parameterisation for Meaning {
    fn x0_of(&self, at: Level) -> Result<(f64, f64), DenoiseError> {
        self.inner().x0_of(at)
    }

    fn eps_of(&self, at: Level) -> Result<(f64, f64), DenoiseError> {
        self.inner().eps_of(at)
    }

    fn target_of(&self, at: Level) -> Result<(f64, f64), DenoiseError> {
        self.inner().target_of(at)
    }

    fn c_in(&self, at: Level) -> f64 {
        self.inner().c_in(at)
    }

    fn c_noise(&self, at: Level) -> f64 {
        self.inner().c_noise(at)
    }

    fn own_span(&self, at: Level) -> Option<Span> {
        self.inner().own_span(at)
    }
}
