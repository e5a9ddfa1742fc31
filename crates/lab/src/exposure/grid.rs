//! The samplers of a study by name, as the engine asks for them.

use super::{Cure, ExposureSettings, scalings, shifts};
use crate::methods::{Method, Outputs, SamplerSettings};
use undrift_studies::exposure::{self, NamedSampler, SamplerGrid};
use undrift_studies::{Plan, Sampler};

impl SamplerGrid<Method> for ExposureSettings {
    fn solvers(&self) -> Vec<String> {
        self.solvers.iter().map(ToString::to_string).collect()
    }

    fn steps(&self) -> &[usize] {
        &self.steps
    }

    fn cured_steps(&self) -> &[usize] {
        &self.cured_steps
    }

    fn choices(&self, cure: exposure::Cure) -> Vec<Method> {
        match cure {
            exposure::Cure::Plain => Vec::new(),
            exposure::Cure::Inner => shifts(&self.windows, &self.cutoffs),
            exposure::Cure::Outer | exposure::Cure::Both => scalings(&self.scales),
        }
    }

    fn label(&self, cure: exposure::Cure) -> &'static str {
        Cure::from(cure).label()
    }

    fn sampler<'a>(&self, plan: &'a Plan, solver: usize, steps: usize, cures: &[Method]) -> NamedSampler<'a> {
        named(plan, ExposureSettings::sampler(self, &self.solvers[solver], steps, cures))
    }

    fn back<'a>(&self, plan: &'a Plan, solver: usize) -> NamedSampler<'a> {
        named(plan, ExposureSettings::back(&self.solvers[solver]))
    }
}

fn named(plan: &Plan, settings: SamplerSettings) -> NamedSampler<'_> {
    let text = settings.text();
    let build = move || {
        let outputs = Outputs { parameterisation: &*plan.parameterisation, variance: plan.output_variance };
        let sampler = settings.build_for(&plan.chain, plan.variance, outputs)?;
        Ok(Box::new(sampler) as Box<dyn Sampler>)
    };
    NamedSampler { text, build: Box::new(build) }
}

/// Time shift acts on the question to the network and stands next to it; epsilon scaling is searched alone and around
/// the best time shift.
impl From<exposure::Cure> for Cure {
    fn from(cure: exposure::Cure) -> Self {
        match cure {
            exposure::Cure::Plain => Cure::Plain,
            exposure::Cure::Outer => Cure::EpsilonScaling,
            exposure::Cure::Inner => Cure::TimeShift,
            exposure::Cure::Both => Cure::Both,
        }
    }
}
