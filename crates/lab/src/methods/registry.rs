//! Every method that has a name: the tables of all slots.

use super::slots::{
    CHAINS, CORRUPTIONS, Chains, Corruptions, PREDICTIONS, Predictions, SOLVERS, SPACINGS, Solvers, Spacings, VARIANCES,
    Variances, VariancesOf, WEIGHTINGS, WRAPPERS, Weightings, Wrappers,
};
use super::{Context, Method, MethodError, Parameter, Slot, Table};
use undrift_denoisers::Parameterisation;
use undrift_losses::{Corruption, Weighting};
use undrift_samplers::Solver;
use undrift_schedules::{Chain, Grid};

/// Every method that has a name, slot by slot; rows can be added.
#[derive(Clone)]
pub struct Methods {
    /// Forward processes.
    pub chains: Table<Chains>,
    /// What a network's output is.
    pub predictions: Table<Predictions>,
    /// Variances of reverse steps.
    pub variances: Table<Variances>,
    /// Ways to make training inputs.
    pub corruptions: Table<Corruptions>,
    /// Weightings of squared errors.
    pub weightings: Table<Weightings>,
    /// Choices of the levels that a sampler visits.
    pub spacings: Table<Spacings>,
    /// Solvers.
    pub solvers: Table<Solvers>,
    /// Wrappers.
    pub wrappers: Table<Wrappers>,
}

impl Methods {
    /// The methods of undrift itself.
    pub fn standard() -> Self {
        Methods {
            chains: Table::of(CHAINS),
            predictions: Table::of(PREDICTIONS),
            variances: Table::of(VARIANCES),
            corruptions: Table::of(CORRUPTIONS),
            weightings: Table::of(WEIGHTINGS),
            spacings: Table::of(SPACINGS),
            solvers: Table::of(SOLVERS),
            wrappers: Table::of(WRAPPERS),
        }
    }

    /// The forward process.
    ///
    /// # Errors
    /// As all of these: [`MethodError`] for a name or parameter that does not exist or does not fit.
    pub fn chain(&self, method: &Method) -> Result<Chain, MethodError> {
        let (build, values) = self.chains.find(method)?;
        build(&values, self)
    }

    /// What the network's output is.
    ///
    /// # Errors
    /// As [`chain`](Self::chain).
    pub fn prediction(&self, method: &Method, chain: &Chain) -> Result<Box<dyn Parameterisation>, MethodError> {
        let (build, values) = self.predictions.find(method)?;
        build(&values, chain)
    }

    /// The variance of reverse steps.
    ///
    /// # Errors
    /// As [`chain`](Self::chain).
    pub fn variance(&self, method: &Method) -> Result<VariancesOf, MethodError> {
        let (build, values) = self.variances.find(method)?;
        build(&values)
    }

    /// How training inputs are made.
    ///
    /// # Errors
    /// As [`chain`](Self::chain).
    pub fn corruption(&self, method: &Method, chain: &Chain) -> Result<Box<dyn Corruption<4>>, MethodError> {
        let (build, values) = self.corruptions.find(method)?;
        build(&values, chain)
    }

    /// How much the squared error of a level counts.
    ///
    /// # Errors
    /// As [`chain`](Self::chain).
    pub fn weighting(&self, method: &Method) -> Result<Weighting, MethodError> {
        let (build, values) = self.weightings.find(method)?;
        build(&values)
    }

    /// The levels that a sampler of so many steps visits.
    ///
    /// # Errors
    /// As [`chain`](Self::chain).
    pub fn grid(&self, method: &Method, chain: &Chain, steps: Option<usize>) -> Result<Grid, MethodError> {
        let (build, values) = self.spacings.find(method)?;
        build(&values, chain, steps)
    }

    /// A solver.
    ///
    /// # Errors
    /// As [`chain`](Self::chain).
    pub fn solver(&self, method: &Method, context: &Context<'_>) -> Result<Box<dyn Solver<4>>, MethodError> {
        let (build, values) = self.solvers.find(method)?;
        build(&values, context)
    }

    /// All slots with their methods, in the order of an experiment.
    pub fn slots(&self) -> Vec<SlotListing> {
        vec![
            listing(&self.chains),
            listing(&self.predictions),
            listing(&self.variances),
            listing(&self.corruptions),
            listing(&self.weightings),
            listing(&self.spacings),
            listing(&self.solvers),
            listing(&self.wrappers),
        ]
    }
}

/// A slot and its methods, to be listed.
pub struct SlotListing {
    /// What its methods are called.
    pub name: &'static str,
    /// Where they are named.
    pub written: &'static str,
    /// Name, meaning and parameters of each.
    pub methods: Vec<(&'static str, &'static str, &'static [Parameter])>,
}

fn listing<S: Slot>(table: &Table<S>) -> SlotListing {
    let methods = table.rows().iter().map(|row| (row.name, row.about, row.parameters)).collect();
    SlotListing { name: S::NAME, written: S::WRITTEN, methods }
}

/// All methods as text: name, parameters with their defaults, and what they are.
pub fn listing_text(methods: &Methods) -> String {
    let entry = |(name, about, parameters): &(&str, &str, &[Parameter])| {
        let lines = parameters.iter().map(|p| format!("      {:<10} {} [{}]\n", p.name, p.about, p.default_text()));
        format!("  {name}\n      {about}\n{}", lines.collect::<String>())
    };
    let slots = methods.slots();
    let of = slots.iter().map(|slot| {
        format!("{}s, named in {}\n{}", slot.name, slot.written, slot.methods.iter().map(entry).collect::<String>())
    });
    of.collect()
}
