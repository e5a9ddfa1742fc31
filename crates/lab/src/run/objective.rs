//! What training minimises, batch by batch.

use super::{RunError, Setup};
use crate::recipe::ObjectiveName;
use burn::tensor::{Tensor, TensorData};
use std::collections::BTreeMap;
use undrift_denoisers::{Levels, Preconditioned};
use undrift_losses::{
    Corruption, DrawnLevel, Hybrid, InputPerturbation, LossError, LossSecondMoment, PENALTY_STEP, gradient_penalty,
    hybrid, squared_error, variational_bound,
};
use undrift_networks::DdpmUnet;
use undrift_noise::{Key, Purpose, SampleNoise, index};
use undrift_schedules::Span;

/// What one row and seed minimises; its only state are the losses that importance sampling looks back at.
pub struct Objective<'a> {
    setup: &'a Setup,
    seed: u64,
    corruption: InputPerturbation,
    past: Option<LossSecondMoment>,
}

/// Name of the past losses in a checkpoint.
const PAST: &str = "past_losses";
/// Numbers in [0, 1) are drawn as so many equal parts.
const PARTS: usize = 1 << 53;

impl<'a> Objective<'a> {
    /// The objective before its first batch.
    ///
    /// # Errors
    /// [`LossError`] for a setting out of range.
    pub fn new(setup: &'a Setup, seed: u64) -> Result<Self, LossError> {
        let corruption = InputPerturbation::new(setup.settings.training.input_perturbation)?;
        let importance = setup.settings.model.objective == ObjectiveName::ImportanceBound;
        let past = importance.then(|| LossSecondMoment::new(setup.chain.len())).transpose()?;
        Ok(Objective { setup, seed, corruption, past })
    }

    /// The objective of a checkpoint with this metadata.
    ///
    /// # Errors
    /// As [`new`](Self::new), and [`RunError::PastLosses`] if the checkpoint's past losses are missing or damaged.
    pub fn resumed(setup: &'a Setup, seed: u64, metadata: &BTreeMap<String, String>) -> Result<Self, RunError> {
        let fresh = Objective::new(setup, seed)?;
        let Some(past) = fresh.past else { return Ok(fresh) };
        let text = metadata.get(PAST).map_or("", String::as_str);
        let history = serde_json::from_str(text).map_err(|_| RunError::PastLosses)?;
        Ok(Objective { past: Some(past.with_history(history)?), ..fresh })
    }

    /// What a checkpoint has to keep.
    pub fn metadata(&self) -> BTreeMap<String, String> {
        let text = |past: &LossSecondMoment| serde_json::to_string(past.history()).expect("numbers have a JSON form");
        self.past.iter().map(|past| (PAST.to_owned(), text(past))).collect()
    }

    /// The loss of training batch `number`, `[batch]`.
    ///
    /// Levels, noise and dropout masks are functions of the seed and of each image's running number, so that all rows
    /// of a table see the same ones and a resumed run needs no generator's state.
    ///
    /// # Errors
    /// The loss's.
    pub fn loss(&mut self, network: &DdpmUnet, number: u64, x0: Tensor<4>) -> Result<Tensor<1>, LossError> {
        let size = x0.dims()[0];
        let first = number * size as u64;
        let drawn = self.levels(first, size)?;
        let spans: Vec<Span> = drawn.iter().map(|d| self.setup.chain.span(d.t).expect("t lies in 1..=T")).collect();
        let losses = self.of_spans(network, first, x0, &spans)?;
        if self.past.is_none() {
            return Ok(losses);
        }
        self.record(&drawn, losses.clone())?;
        let weights: Vec<f64> = drawn.iter().map(|drawn| drawn.weight).collect();
        let weights = Tensor::from_data(TensorData::new(weights, [size]), (&losses.device(), losses.dtype()));
        Ok(losses * weights)
    }

    fn of_spans(&self, network: &DdpmUnet, first: u64, x0: Tensor<4>, spans: &[Span]) -> Result<Tensor<1>, LossError> {
        let (setup, size) = (self.setup, x0.dims()[0]);
        let mut noise = SampleNoise::new(Key::new(self.seed, Purpose::Training), first, size);
        let dropout = SampleNoise::new(Key::new(self.seed, Purpose::Dropout), first, size);
        let model = Preconditioned {
            // A second question about the same images meets the same dropout masks.
            network: |x: Tensor<4>, time: Tensor<1>| network.forward_training(x, time, &mut dropout.clone()),
            parameterisation: &setup.parameterisation,
            variance: setup.output_variance,
        };
        let at = Levels::from(spans.iter().map(|span| span.from()).collect::<Vec<_>>());
        let penalty = setup.settings.training.gradient_penalty;
        let inputs = (penalty > 0.0).then(|| (x0.clone(), noise.clone()));
        let losses = match setup.settings.model.objective {
            ObjectiveName::Simple => {
                let errors = squared_error(&model, &self.corruption, x0, &at, &mut noise)?;
                setup.weighting.weigh(errors, &setup.parameterisation, &at)?
            }
            ObjectiveName::Bound | ObjectiveName::ImportanceBound => {
                variational_bound(&model, setup.variance, &self.corruption, x0, spans, &mut noise)?
            }
            ObjectiveName::Hybrid => {
                hybrid(&model, &self.corruption, x0, spans, &mut noise)?.total(Hybrid::LAMBDA, setup.chain.len())
            }
        };
        let Some((x0, mut noise)) = inputs else { return Ok(losses) };
        let x = self.corruption.corrupt(&x0, &at, &mut noise).x;
        Ok(losses + gradient_penalty(&model, x, &at, PENALTY_STEP, &mut noise)? * penalty)
    }

    /// The level t of each image: uniform in 1..=T, or in proportion to past losses.
    fn levels(&self, first: u64, size: usize) -> Result<Vec<DrawnLevel>, LossError> {
        let (key, samples) = (Key::new(self.seed, Purpose::Levels), first..first + size as u64);
        let Some(past) = &self.past else {
            let length = self.setup.chain.len();
            return Ok(samples.map(|n| DrawnLevel { t: 1 + index(key, n, 0, length), weight: 1.0 }).collect());
        };
        let levels = past.distribution();
        samples.map(|n| levels.draw(index(key, n, 0, PARTS) as f64 / PARTS as f64)).collect()
    }

    fn record(&mut self, drawn: &[DrawnLevel], losses: Tensor<1>) -> Result<(), LossError> {
        let losses = losses.inner().try_into_vec_as::<f64>()?;
        let Some(past) = &mut self.past else { return Ok(()) };
        // A loss that is not finite ends the training when its gradient is looked at; it is no past to learn from.
        let finite = drawn.iter().zip(losses).filter(|(_, loss)| loss.is_finite());
        finite.into_iter().try_for_each(|(drawn, loss)| past.record(drawn.t, loss))
    }
}
