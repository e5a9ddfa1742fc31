//! The parts of a sampler put together over some levels, and tried.

use crate::wrapper::Belief;
use crate::{AskedSolver, Context, PipelineError, Wrapper};
use burn::tensor::Device;
use std::rc::Rc;
use undrift_denoisers::Variance;
use undrift_samplers::{Outputs, Solver, rehearse};
use undrift_schedules::{Chain, Grid};

/// What a sampler is made of.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) chain: Chain,
    pub(crate) grid: Grid,
    pub(crate) variance: Variance,
    pub(crate) solver: AskedSolver,
    pub(crate) wrappers: Vec<Rc<dyn Wrapper>>,
}

impl Parts {
    fn context(&self) -> Context<'_> {
        Context { chain: &self.chain, grid: &self.grid, variance: self.variance }
    }

    /// The belief of a network inside all wrappers.
    pub(crate) fn denoiser<'a>(&self, network: Belief<'a>) -> Result<Belief<'a>, PipelineError> {
        let over = self.context();
        let mut wrappers = self.wrappers.iter();
        wrappers
            .try_fold(network, |inner, wrapper| wrapper.around_denoiser(inner, &over))
            .map_err(PipelineError::Method)
    }

    /// The solver inside all wrappers: the one named, or another one.
    pub(crate) fn solver(&self, instead: Option<Box<dyn Solver<4>>>) -> Result<Box<dyn Solver<4>>, PipelineError> {
        let over = self.context();
        let named = (self.solver.build)(&over).map_err(PipelineError::Method)?;
        let mut wrappers = self.wrappers.iter();
        wrappers
            .try_fold(instead.unwrap_or(named), |inner, wrapper| wrapper.around_solver(inner, &over))
            .map_err(PipelineError::Method)
    }

    /// The solver, tried on a network of these outputs; a refusal names the whole sampler.
    pub(crate) fn tried(
        &self,
        instead: Option<Box<dyn Solver<4>>>,
        outputs: Outputs<'_>,
        device: &Device,
    ) -> Result<Box<dyn Solver<4>>, PipelineError> {
        let solver = self.solver(instead)?;
        self.attempt(&*solver, outputs, device, || self.solver.text.clone())?;
        Ok(solver)
    }

    /// The same of the solver that is named, where a refusal names the part whose fault it is.
    pub(crate) fn tried_by_part(
        &self,
        outputs: Outputs<'_>,
        device: &Device,
    ) -> Result<Box<dyn Solver<4>>, PipelineError> {
        let solver = self.solver(None)?;
        self.attempt(&*solver, outputs, device, || self.to_blame(outputs, device))?;
        Ok(solver)
    }

    fn attempt(
        &self,
        solver: &dyn Solver<4>,
        outputs: Outputs<'_>,
        device: &Device,
        to_blame: impl FnOnce() -> String,
    ) -> Result<(), PipelineError> {
        let model = self.denoiser(Box::new(outputs.untrained()))?;
        rehearse(&*model, solver, &self.grid, device).map_err(|why| PipelineError::refused(to_blame(), why))?;
        Ok(())
    }

    /// The network's output, the first wrapper with which a run fails, or the solver.
    fn to_blame(&self, outputs: Outputs<'_>, device: &Device) -> String {
        if !outputs.know(&self.grid, device) {
            return "model.prediction".to_owned();
        }
        let fails = |count: &usize| {
            let part = Parts { wrappers: self.wrappers[..*count].to_vec(), ..self.clone() };
            part.solver(None).and_then(|solver| part.attempt(&*solver, outputs, device, String::new)).is_err()
        };
        let first = (0..=self.wrappers.len()).find(fails);
        match first.and_then(|count| self.wrappers.get(count.checked_sub(1)?)) {
            Some(wrapper) => wrapper.text(),
            None => self.solver.text.clone(),
        }
    }
}
