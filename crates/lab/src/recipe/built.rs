//! The settings of a row as values: the one place where its names are looked up.

use super::Settings;
use crate::methods::slots::{NetworkFor, ObjectiveParts, Penalty, ScoredWith, Source, VariancesOf};
use crate::methods::{Method, MethodError, Methods};
use std::cell::Cell;
use std::rc::Rc;
use undrift_denoisers::Parameterisation;
use undrift_losses::{LossError, Objective, Weigh};
use undrift_networks::Architecture;
use undrift_samplers::Outputs;
use undrift_schedules::Chain;
use undrift_studies::{Conditioning, MakeMetric, MakeObjective};

/// The settings of a row as values.
pub struct Built {
    /// The data set, not read yet.
    pub source: Source,
    /// The forward process.
    pub chain: Chain,
    /// What the network's output is.
    pub parameterisation: Box<dyn Parameterisation>,
    /// The variance of reverse steps.
    pub variance: VariancesOf,
    /// What the network is told beside the noised image.
    pub conditioning: Conditioning,
    /// The network.
    pub network: Box<dyn Architecture>,
    /// How much the squared error of a level counts.
    pub weighting: Box<dyn Weigh>,
    /// Makes what training minimises.
    pub objective: MakeObjective,
    /// What scores stand on.
    pub scored: ScoredWith,
    /// Makes further scores.
    pub further: Vec<MakeMetric>,
}

/// A key whose method does not exist or does not fit.
#[derive(Debug, thiserror::Error)]
#[error("`{field}`: {source}")]
pub struct Misfit {
    /// The key.
    pub field: &'static str,
    /// Why.
    pub source: MethodError,
}

impl Built {
    /// Looks up every name, and makes what it stands for.
    ///
    /// # Errors
    /// The first key whose method does not exist or does not fit.
    pub fn of(methods: &Methods, s: &Settings) -> Result<Self, Misfit> {
        let at = |field| move |source| Misfit { field, source };
        let source = methods.data_set(&s.data.set).map_err(at("data"))?;
        let chain = methods.chain(&s.chain).map_err(at("chain"))?;
        let parameterisation = methods.prediction(&s.model.prediction, &chain).map_err(at("model.prediction"))?;
        let variance = methods.variance(&s.model.variance).map_err(at("model.variance"))?;
        let conditioning = methods.condition(&s.model.condition, source.classes).map_err(at("model.condition"))?;
        let classes = match conditioning {
            Conditioning::None => None,
            Conditioning::Classes { count, .. } => Some(count),
        };
        let of = NetworkFor { input: source.shape, outputs: variance.outputs(), classes };
        let network = methods.network(&s.network, &of).map_err(at("network"))?;
        let weighting = methods.weighting(&s.model.weighting).map_err(at("model.weighting"))?;
        let made = Made { methods: methods.clone(), settings: s.clone(), chain: chain.clone(), variance };
        let named =
            if s.training.input_perturbation == 0.0 { "model.corruption" } else { "training.input_perturbation" };
        made.corruption().map_err(at(named))?;
        made.objective().map_err(at("model.objective"))?;
        let refused = |why: MethodError| LossError::foreign("objective", why);
        let objective = Box::new(move || made.objective().map_err(refused));
        let scored = methods.extractor(&s.metrics.extractor).map_err(at("metrics.extractor"))?;
        let further = s.metrics.further.iter().map(|score| methods.score(score).map_err(at("metrics.further")));
        let further = further.collect::<Result<_, _>>()?;
        Ok(Built {
            source,
            chain,
            parameterisation,
            variance,
            conditioning,
            network,
            weighting,
            objective,
            scored,
            further,
        })
    }

    /// What the network's output means.
    pub fn outputs(&self) -> Outputs<'_> {
        Outputs { parameterisation: &*self.parameterisation, variance: self.variance.output }
    }
}

/// What an objective is made of, each time anew.
struct Made {
    methods: Methods,
    settings: Settings,
    chain: Chain,
    variance: VariancesOf,
}

impl Made {
    fn corruption(&self) -> Result<Box<dyn undrift_losses::Corruption<4>>, MethodError> {
        self.methods.corruption(&self.settings.corruption()?, &self.chain)
    }

    fn objective(&self) -> Result<Box<dyn Objective<4>>, MethodError> {
        let model = &self.settings.model;
        let weighting = match model.weighting == Method::named("uniform") {
            true => None,
            false => Some(self.methods.weighting(&model.weighting)?),
        };
        let (lambda, taken) = (self.settings.training.gradient_penalty, Rc::new(Cell::new(false)));
        let penalty = Penalty { lambda, corruption: self.corruption()?, taken: taken.clone() };
        let (chain, variance, corruption) = (&self.chain, self.variance, self.corruption()?);
        let parts = ObjectiveParts { chain, variance, corruption, weighting, penalty };
        let objective = self.methods.objective(&model.objective, parts)?;
        if lambda != 0.0 && !taken.get() {
            let why = "it takes no `training.gradient_penalty`; choose 0";
            return Err(MethodError::refused(&model.objective.to_string(), why));
        }
        Ok(objective)
    }
}
