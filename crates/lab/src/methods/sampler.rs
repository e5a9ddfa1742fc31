//! A sampler by name: solver, steps and wrappers.

use super::solvers::solver;
use super::trial::{self, Anything, Outputs};
use super::wrappers::Wrapped;
use super::{Context, Method, MethodError};
use serde::{Deserialize, Serialize};
use undrift_denoisers::{Denoiser, Variance};
use undrift_samplers::Solver;
use undrift_schedules::{Chain, Grid, Labels, Spacing};

/// A sampler as a recipe or the command line names it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamplerSettings {
    /// The solver: `ddpm`, `ddim:eta=0.5`, ..
    pub solver: Method,
    /// Levels that it visits; all of the chain's, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<usize>,
    /// How those levels are chosen.
    #[serde(default)]
    pub spacing: SpacingName,
    /// What is done to the network's belief, in written order: the first one is next to the network.
    #[serde(default = "clipped")]
    pub wrappers: Vec<Method>,
}

/// How a Karras grid bends (Karras et al. 2022, arXiv:2206.00364).
const RHO: f64 = 7.0;

fn clipped() -> Vec<Method> {
    vec![Method::named("clip")]
}

/// Names of the spacings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum SpacingName {
    /// Even strides from the first level on.
    Uniform,
    /// Squares of even strides, dense near the data.
    Quadratic,
    /// Integer strides from the first level on.
    Leading,
    /// Even strides that end at the noisiest level.
    #[default]
    Trailing,
    /// Even strides with both ends.
    Linspace,
    /// Sigmas of Karras et al. (rho 7) between the chain's ends, labels interpolated.
    Karras,
}

impl SpacingName {
    /// The name as it is written.
    pub fn name(self) -> &'static str {
        match self {
            SpacingName::Uniform => "uniform",
            SpacingName::Quadratic => "quadratic",
            SpacingName::Leading => "leading",
            SpacingName::Trailing => "trailing",
            SpacingName::Linspace => "linspace",
            SpacingName::Karras => "karras",
        }
    }
}

impl SamplerSettings {
    /// The ancestral sampler of DDPM over all levels, clipped, with the row's variance.
    pub fn ancestral() -> Self {
        SamplerSettings {
            solver: Method::named("ddpm"),
            steps: None,
            spacing: SpacingName::default(),
            wrappers: clipped(),
        }
    }

    /// Builds the sampler for a chain, and runs it over its whole grid on a few exact pixels.
    ///
    /// # Errors
    /// [`MethodError`] names the method or parameter that does not exist or does not fit.
    pub fn build(&self, chain: &Chain, variance: Variance) -> Result<Sampler, MethodError> {
        self.checked(chain, variance, &Anything).map(|(sampler, _)| sampler)
    }

    /// Builds the sampler over a grid that is already there, `steps` and `spacing` not being looked at, and with
    /// another solver than the one named, if one is given; for a network of these outputs, as
    /// [`build_for`](Self::build_for).
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub fn build_over(
        &self,
        grid: Grid,
        instead: Option<Box<dyn Solver<4>>>,
        chain: &Chain,
        variance: Variance,
        outputs: Outputs<'_>,
    ) -> Result<Sampler, MethodError> {
        let sampler = self.assembled_over(grid, instead, chain, variance)?;
        match trial::tried(&sampler, &trial::untrained(outputs)) {
            Ok(_) => Ok(sampler),
            Err(MethodError::Refused { why, .. }) => Err(MethodError::Refused { method: self.solver.to_string(), why }),
            Err(other) => Err(other),
        }
    }

    /// Builds the sampler for a chain and a network of these outputs, and runs it over its whole grid with a network
    /// without weights: what cannot be asked of such a network is found before one is trained.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub fn build_for(&self, chain: &Chain, variance: Variance, outputs: Outputs<'_>) -> Result<Sampler, MethodError> {
        self.checked(chain, variance, &trial::untrained(outputs)).map(|(sampler, _)| sampler)
    }

    /// What the sampler makes of a network without weights, bit for bit: samplers that agree here are the same one.
    /// None where its steps depend on the very samples.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub fn fingerprint(
        &self,
        chain: &Chain,
        variance: Variance,
        outputs: Outputs<'_>,
    ) -> Result<Option<Vec<u64>>, MethodError> {
        self.checked(chain, variance, &trial::untrained(outputs)).map(|(_, end)| end)
    }

    fn checked(
        &self,
        chain: &Chain,
        variance: Variance,
        model: &dyn Denoiser<4>,
    ) -> Result<(Sampler, Option<Vec<u64>>), MethodError> {
        let sampler = self.assembled(chain, variance)?;
        match trial::tried(&sampler, model) {
            Ok(end) => Ok((sampler, end)),
            Err(MethodError::Refused { why, .. }) => {
                Err(MethodError::Refused { method: trial::to_blame(self, chain, variance, model), why })
            }
            Err(other) => Err(other),
        }
    }

    /// The sampler as it is written, not tried.
    pub(super) fn assembled(&self, chain: &Chain, variance: Variance) -> Result<Sampler, MethodError> {
        self.assembled_over(self.grid(chain)?, None, chain, variance)
    }

    fn assembled_over(
        &self,
        grid: Grid,
        instead: Option<Box<dyn Solver<4>>>,
        chain: &Chain,
        variance: Variance,
    ) -> Result<Sampler, MethodError> {
        let context = Context { chain, grid: &grid, variance };
        let mut wrapped = Vec::new();
        let named = solver(&self.solver, &context)?;
        let mut built = instead.unwrap_or(named);
        for method in &self.wrappers {
            let wrap = Wrapped::new(method)?;
            built = wrap.around_solver(built, &context)?;
            wrapped.push(wrap);
        }
        Ok(Sampler { solver: built, chain: chain.clone(), variance, wrapped, grid })
    }

    /// Solver, steps and wrappers in one line: `ddim, 20 steps (trailing), wrappers clip`.
    pub fn text(&self) -> String {
        let spacing = self.spacing.name();
        let steps = self.steps.map_or("all steps".to_owned(), |steps| format!("{steps} steps ({spacing})"));
        let wrappers = self.wrappers.iter().map(ToString::to_string).collect::<Vec<_>>();
        let wrappers = if wrappers.is_empty() { "no wrappers".to_owned() } else { wrappers.join(" > ") };
        format!("{}, {steps}, {wrappers}", self.solver)
    }

    fn grid(&self, chain: &Chain) -> Result<Grid, MethodError> {
        let spacing = match self.spacing {
            SpacingName::Uniform => Spacing::Uniform,
            SpacingName::Quadratic => Spacing::Quadratic,
            SpacingName::Leading => Spacing::Leading,
            SpacingName::Trailing => Spacing::Trailing,
            SpacingName::Linspace => Spacing::Linspace,
            SpacingName::Karras => {
                let steps = self.steps.unwrap_or(chain.len());
                return chain.karras(steps, RHO, Labels::Interpolated).map_err(refused);
            }
        };
        match self.steps {
            None => Ok(chain.grid()),
            Some(steps) => chain.respace(spacing, steps).map_err(refused),
        }
    }
}

fn refused(source: undrift_schedules::GridError) -> MethodError {
    MethodError::Refused { method: "steps".to_owned(), why: source.to_string() }
}

/// A sampler that is ready to run.
pub struct Sampler {
    grid: Grid,
    chain: Chain,
    variance: Variance,
    solver: Box<dyn Solver<4>>,
    wrapped: Vec<Wrapped>,
}

impl Sampler {
    /// The levels that it visits.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// The solver.
    pub fn solver(&self) -> &dyn Solver<4> {
        &*self.solver
    }

    /// Whether a wrapper has taken the place of the solver.
    pub fn has_wrapped_solver(&self) -> bool {
        self.wrapped.iter().any(Wrapped::is_around_solver)
    }

    /// The network's belief inside all wrappers.
    ///
    /// # Errors
    /// Never for a sampler that was built: the wrappers have seen this grid and chain.
    pub fn denoiser<'a>(&self, network: Box<dyn Denoiser<4> + 'a>) -> Result<Box<dyn Denoiser<4> + 'a>, MethodError> {
        let context = Context { chain: &self.chain, grid: &self.grid, variance: self.variance };
        self.wrapped.iter().try_fold(network, |inner, wrap| wrap.around_denoiser(inner, &context))
    }
}
