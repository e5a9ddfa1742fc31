//! A sampler by name: solver, steps and wrappers.

use super::slots::{Steps, Wrapped};
use super::{Context, Method, MethodError, Methods};
use crate::devices;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicUsize, Ordering};
use undrift_denoisers::{DenoiseError, Denoiser, Prediction, Question, Variance};
use undrift_samplers::{Outputs, SampleError, Solver, rehearse};
use undrift_schedules::{Chain, Grid};

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
    #[serde(default = "SamplerSettings::trailing")]
    pub spacing: Method,
    /// What is done to the network's belief, in written order: the first one is next to the network.
    #[serde(default = "clipped")]
    pub wrappers: Vec<Method>,
}

fn clipped() -> Vec<Method> {
    vec![Method::named("clip")]
}

impl SamplerSettings {
    /// The ancestral sampler of DDPM over all levels, clipped, with the row's variance.
    pub fn ancestral() -> Self {
        SamplerSettings { solver: Method::named("ddpm"), steps: None, spacing: Self::trailing(), wrappers: clipped() }
    }

    /// The spacing where nothing is said.
    pub fn trailing() -> Method {
        Method::named("trailing")
    }

    /// Builds the sampler for a chain and a network of these outputs, and runs it over its whole grid with a network
    /// without weights: what cannot be asked of such a network is found before one is trained.
    ///
    /// # Errors
    /// [`MethodError`] names the method or parameter that does not exist or does not fit.
    pub fn build(
        &self,
        methods: &Methods,
        chain: &Chain,
        variance: Variance,
        outputs: Outputs<'_>,
    ) -> Result<Sampler, MethodError> {
        self.rehearsed(methods, chain, variance, outputs).map(|(sampler, _)| sampler)
    }

    /// What the sampler makes of a network without weights, bit for bit: samplers that agree here are the same one.
    /// None where its steps depend on the very samples.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub fn fingerprint(
        &self,
        methods: &Methods,
        chain: &Chain,
        variance: Variance,
        outputs: Outputs<'_>,
    ) -> Result<Option<Vec<u64>>, MethodError> {
        self.rehearsed(methods, chain, variance, outputs).map(|(_, end)| end)
    }

    fn rehearsed(
        &self,
        methods: &Methods,
        chain: &Chain,
        variance: Variance,
        outputs: Outputs<'_>,
    ) -> Result<(Sampler, Option<Vec<u64>>), MethodError> {
        let sampler = self.assembled(methods, chain, variance)?;
        match sampler.rehearse(&outputs.untrained())? {
            Ok(end) => Ok((sampler, end)),
            Err(why) => Err(MethodError::refused(&self.to_blame(methods, &sampler, outputs), why)),
        }
    }

    /// The sampler as it is written, not tried.
    fn assembled(&self, methods: &Methods, chain: &Chain, variance: Variance) -> Result<Sampler, MethodError> {
        let grid = methods.grid(&self.spacing, chain, self.steps)?;
        let context = Context { chain, grid: &grid, variance };
        let mut solver = methods.solver(&self.solver, &context)?;
        let wrapped = self.wrappers.iter().map(|method| methods.wrappers.find(method).map(Wrapped::new));
        let wrapped: Vec<Wrapped> = wrapped.collect::<Result<_, _>>()?;
        for wrap in &wrapped {
            solver = wrap.around_solver(solver, &context)?;
        }
        Ok(Sampler { solver, chain: chain.clone(), variance, wrapped, grid })
    }

    /// The part whose fault a refusal is: the network's output, the solver, or the first wrapper with which a run fails.
    fn to_blame(&self, methods: &Methods, whole: &Sampler, outputs: Outputs<'_>) -> String {
        if !outputs.know(&whole.grid, &devices::host()) {
            return "model.prediction".to_owned();
        }
        let fails = |count: &usize| {
            let part = SamplerSettings { wrappers: self.wrappers[..*count].to_vec(), ..self.clone() };
            let part = part.assembled(methods, &whole.chain, whole.variance);
            !part.is_ok_and(|part| matches!(part.rehearse(&outputs.untrained()), Ok(Ok(_))))
        };
        let first = (0..=self.wrappers.len()).find(fails);
        match first.and_then(|count| self.wrappers.get(count.checked_sub(1)?)) {
            Some(wrapper) => wrapper.to_string(),
            None => self.solver.to_string(),
        }
    }

    /// Solver, steps and wrappers in one line: `ddim, 20 steps (trailing), wrappers clip`.
    pub fn text(&self) -> String {
        let spacing = &self.spacing;
        let steps = self.steps.map_or("all steps".to_owned(), |steps| format!("{steps} steps ({spacing})"));
        let wrappers = self.wrappers.iter().map(ToString::to_string).collect::<Vec<_>>();
        let wrappers = if wrappers.is_empty() { "no wrappers".to_owned() } else { wrappers.join(" > ") };
        format!("{}, {steps}, {wrappers}", self.solver)
    }
}

/// A sampler that is ready to run.
pub struct Sampler {
    grid: Grid,
    chain: Chain,
    variance: Variance,
    solver: Steps,
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

    /// The network's belief inside all wrappers.
    ///
    /// # Errors
    /// Never for a sampler that was built: the wrappers have seen this grid and chain.
    pub fn denoiser<'a>(&self, network: Box<dyn Denoiser<4> + 'a>) -> Result<Box<dyn Denoiser<4> + 'a>, MethodError> {
        let context = Context { chain: &self.chain, grid: &self.grid, variance: self.variance };
        self.wrapped.iter().try_fold(network, |inner, wrap| wrap.around_denoiser(inner, &context))
    }

    /// How often a network of these outputs is asked for one sample; none where that depends on the very samples.
    ///
    /// # Errors
    /// As [`denoiser`](Self::denoiser).
    pub fn evaluations(&self, outputs: Outputs<'_>) -> Result<Option<usize>, MethodError> {
        let asked = AtomicUsize::new(0);
        let end = self.rehearse(&Counted { model: outputs.untrained(), asked: &asked })?;
        Ok(end.ok().flatten().map(|_| asked.load(Ordering::Relaxed)))
    }

    fn rehearse(&self, model: &dyn Denoiser<4>) -> Result<Result<Option<Vec<u64>>, SampleError>, MethodError> {
        let model = self.denoiser(Box::new(model))?;
        Ok(rehearse(&*model, &*self.solver, &self.grid, &devices::host()))
    }
}

/// A model that counts how often it is asked.
struct Counted<'a, M> {
    model: M,
    asked: &'a AtomicUsize,
}

impl<M: Denoiser<4>> Denoiser<4> for Counted<'_, M> {
    fn predict(&self, x: burn::tensor::Tensor<4>, at: &Question<4>) -> Result<Prediction<4>, DenoiseError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.model.predict(x, at)
    }
}
