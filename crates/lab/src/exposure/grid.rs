//! The samplers of a study by name, as the engine asks for them.

use super::{Cure, ExposureSettings, scalings, shifts};
use crate::methods::{Method, Methods, SamplerSettings};
use crate::run::outputs;
use undrift_studies::exposure::{self, NamedSampler, SamplerGrid};
use undrift_studies::{Plan, Sampler};

/// The samplers that a study's settings name.
pub(super) struct Named {
    pub(super) methods: Methods,
    pub(super) settings: ExposureSettings,
}

impl SamplerGrid<Method> for Named {
    fn solvers(&self) -> Vec<String> {
        self.settings.solvers.iter().map(ToString::to_string).collect()
    }

    fn steps(&self) -> &[usize] {
        &self.settings.steps
    }

    fn cured_steps(&self) -> &[usize] {
        &self.settings.cured_steps
    }

    fn choices(&self, cure: exposure::Cure) -> Vec<Method> {
        match cure {
            exposure::Cure::Plain => Vec::new(),
            exposure::Cure::Inner => shifts(&self.settings.windows, &self.settings.cutoffs),
            exposure::Cure::Outer | exposure::Cure::Both => scalings(&self.settings.scales),
        }
    }

    fn label(&self, cure: exposure::Cure) -> &'static str {
        Cure::from(cure).label()
    }

    fn sampler<'a>(&self, plan: &'a Plan, solver: usize, steps: usize, cures: &[Method]) -> NamedSampler<'a> {
        self.named(plan, self.settings.sampler(&self.settings.solvers[solver], steps, cures))
    }

    fn back<'a>(&self, plan: &'a Plan, solver: usize) -> NamedSampler<'a> {
        self.named(plan, ExposureSettings::back(&self.settings.solvers[solver]))
    }
}

impl Named {
    fn named<'a>(&self, plan: &'a Plan, settings: SamplerSettings) -> NamedSampler<'a> {
        let (text, methods) = (settings.text(), self.methods.clone());
        let build = move || {
            let sampler = settings.build(&methods, &plan.chain, plan.variance, outputs(plan))?;
            Ok(Box::new(sampler) as Box<dyn Sampler>)
        };
        NamedSampler { text, build: Box::new(build) }
    }
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
