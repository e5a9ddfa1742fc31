//! Every method that has a name: the tables of all slots.

use super::slots::{
    CHAINS, CONDITIONS, CORRUPTIONS, Chains, Conditions, Corruptions, DATA_SETS, DataSets, EXTRACTORS, Extractors,
    NETWORKS, NetworkFor, Networks, OBJECTIVES, ObjectiveParts, Objectives, PREDICTIONS, Predictions, SCORES, SOLVERS,
    SPACINGS, ScoredWith, Scores, Solvers, Source, Spacings, VARIANCES, Variances, VariancesOf, WEIGHTINGS, WRAPPERS,
    Weightings, Wrappers,
};
use super::{Context, Method, MethodError, Parameter, Slot, Table};
use undrift_denoisers::Parameterisation;
use undrift_losses::{Corruption, Objective, Weigh};
use undrift_networks::Architecture;
use undrift_samplers::Solver;
use undrift_schedules::{Chain, Grid};
use undrift_studies::{Conditioning, MakeMetric};

/// Every method that has a name, slot by slot; rows can be added.
#[derive(Clone)]
pub struct Methods {
    /// Data sets.
    pub data_sets: Table<DataSets>,
    /// Forward processes.
    pub chains: Table<Chains>,
    /// What a network's output is.
    pub predictions: Table<Predictions>,
    /// Variances of reverse steps.
    pub variances: Table<Variances>,
    /// Networks.
    pub networks: Table<Networks>,
    /// What a network is told.
    pub conditions: Table<Conditions>,
    /// What training minimises.
    pub objectives: Table<Objectives>,
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
    /// Feature extractors.
    pub extractors: Table<Extractors>,
    /// Further scores.
    pub scores: Table<Scores>,
}

impl Methods {
    /// The methods of undrift itself.
    pub fn standard() -> Self {
        Methods {
            data_sets: Table::of(DATA_SETS),
            chains: Table::of(CHAINS),
            predictions: Table::of(PREDICTIONS),
            variances: Table::of(VARIANCES),
            networks: Table::of(NETWORKS),
            conditions: Table::of(CONDITIONS),
            objectives: Table::of(OBJECTIVES),
            corruptions: Table::of(CORRUPTIONS),
            weightings: Table::of(WEIGHTINGS),
            spacings: Table::of(SPACINGS),
            solvers: Table::of(SOLVERS),
            wrappers: Table::of(WRAPPERS),
            extractors: Table::of(EXTRACTORS),
            scores: Table::of(SCORES),
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
    pub fn weighting(&self, method: &Method) -> Result<Box<dyn Weigh>, MethodError> {
        let (build, values) = self.weightings.find(method)?;
        build(&values)
    }

    /// What training minimises.
    ///
    /// # Errors
    /// As [`chain`](Self::chain).
    pub fn objective(&self, method: &Method, parts: ObjectiveParts<'_>) -> Result<Box<dyn Objective<4>>, MethodError> {
        let (build, values) = self.objectives.find(method)?;
        build(&values, parts)
    }

    /// A network.
    ///
    /// # Errors
    /// As [`chain`](Self::chain).
    pub fn network(&self, method: &Method, of: &NetworkFor) -> Result<Box<dyn Architecture>, MethodError> {
        let (build, values) = self.networks.find(method)?;
        build(&values, of)
    }

    /// A data set, not read yet.
    ///
    /// # Errors
    /// As [`chain`](Self::chain).
    pub fn data_set(&self, method: &Method) -> Result<Source, MethodError> {
        let (build, values) = self.data_sets.find(method)?;
        build(&values)
    }

    /// What a network is told of a data set with so many classes.
    ///
    /// # Errors
    /// As [`chain`](Self::chain).
    pub fn condition(&self, method: &Method, classes: Option<u32>) -> Result<Conditioning, MethodError> {
        let (build, values) = self.conditions.find(method)?;
        build(&values, classes)
    }

    /// A feature extractor, not made yet.
    ///
    /// # Errors
    /// As [`chain`](Self::chain).
    pub fn extractor(&self, method: &Method) -> Result<ScoredWith, MethodError> {
        let (build, values) = self.extractors.find(method)?;
        build(&values)
    }

    /// A further score, not made yet.
    ///
    /// # Errors
    /// As [`chain`](Self::chain).
    pub fn score(&self, method: &Method) -> Result<MakeMetric, MethodError> {
        let (build, values) = self.scores.find(method)?;
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
            listing(&self.data_sets),
            listing(&self.chains),
            listing(&self.predictions),
            listing(&self.variances),
            listing(&self.networks),
            listing(&self.conditions),
            listing(&self.objectives),
            listing(&self.corruptions),
            listing(&self.weightings),
            listing(&self.spacings),
            listing(&self.solvers),
            listing(&self.wrappers),
            listing(&self.extractors),
            listing(&self.scores),
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
