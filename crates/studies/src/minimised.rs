//! The training loss of a row, batch by batch.

use crate::network::RowNetwork;
use crate::objective::Loss;
use crate::{Plan, RunError};
use burn::tensor::{Tensor, TensorData};
use std::collections::BTreeMap;
use undrift_denoisers::{Levels, Preconditioned};
use undrift_losses::{
    Corruption, DrawnLevel, Hybrid, InputPerturbation, LossError, LossSecondMoment, PENALTY_STEP, gradient_penalty,
    hybrid, squared_error, variational_bound,
};
use undrift_noise::{Key, Purpose, SampleNoise, index};
use undrift_schedules::Span;

/// What one row and seed minimises; its only state are the losses that importance sampling looks back at.
pub struct Minimised<'a> {
    plan: &'a Plan,
    seed: u64,
    corruption: InputPerturbation,
    past: Option<LossSecondMoment>,
}

/// Name of the past losses in a checkpoint.
const PAST: &str = "past_losses";
/// Numbers in [0, 1) are drawn as so many equal parts.
const PARTS: usize = 1 << 53;

impl<'a> Minimised<'a> {
    /// The objective before its first batch.
    ///
    /// # Errors
    /// [`LossError`] for a setting out of range.
    pub fn new(plan: &'a Plan, seed: u64) -> Result<Self, LossError> {
        let corruption = InputPerturbation::new(plan.objective.input_perturbation)?;
        let importance = plan.objective.loss == Loss::ImportanceBound;
        let past = importance.then(|| LossSecondMoment::new(plan.chain.len())).transpose()?;
        Ok(Minimised { plan, seed, corruption, past })
    }

    /// The objective of a checkpoint with this metadata.
    ///
    /// # Errors
    /// As [`new`](Self::new), and [`RunError::PastLosses`] if the checkpoint's past losses are missing or damaged.
    pub fn resumed(plan: &'a Plan, seed: u64, metadata: &BTreeMap<String, String>) -> Result<Self, RunError> {
        let fresh = Minimised::new(plan, seed)?;
        let Some(past) = fresh.past else { return Ok(fresh) };
        let text = metadata.get(PAST).map_or("", String::as_str);
        let history = serde_json::from_str(text).map_err(|_| RunError::PastLosses)?;
        Ok(Minimised { past: Some(past.with_history(history)?), ..fresh })
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
    pub fn loss(&mut self, network: &RowNetwork, number: u64, x0: Tensor<4>) -> Result<Tensor<1>, LossError> {
        let size = x0.dims()[0];
        let first = number * size as u64;
        let drawn = self.levels(first, size)?;
        let spans: Vec<Span> = drawn.iter().map(|d| self.plan.chain.span(d.t).expect("t lies in 1..=T")).collect();
        let losses = self.of_spans(network, first, x0, &spans)?;
        if self.past.is_none() {
            return Ok(losses);
        }
        self.record(&drawn, losses.clone())?;
        let weights: Vec<f64> = drawn.iter().map(|drawn| drawn.weight).collect();
        let weights = Tensor::from_data(TensorData::new(weights, [size]), (&losses.device(), losses.dtype()));
        Ok(losses * weights)
    }

    fn of_spans(
        &self,
        network: &RowNetwork,
        first: u64,
        x0: Tensor<4>,
        spans: &[Span],
    ) -> Result<Tensor<1>, LossError> {
        let (plan, size) = (self.plan, x0.dims()[0]);
        let mut noise = SampleNoise::new(Key::new(self.seed, Purpose::Training), first, size);
        let dropout = SampleNoise::new(Key::new(self.seed, Purpose::Dropout), first, size);
        let model = Preconditioned {
            // A second question about the same images meets the same dropout masks.
            network: |x: Tensor<4>, time: Tensor<1>| network.forward_training(x, time, &mut dropout.clone()),
            parameterisation: &plan.parameterisation,
            variance: plan.output_variance,
        };
        let at = Levels::from(spans.iter().map(|span| span.from()).collect::<Vec<_>>());
        let penalty = plan.objective.gradient_penalty;
        let inputs = (penalty > 0.0).then(|| (x0.clone(), noise.clone()));
        let losses = match plan.objective.loss {
            Loss::Squared => {
                let errors = squared_error(&model, &self.corruption, x0, &at, &mut noise)?;
                plan.objective.weighting.weigh(errors, &plan.parameterisation, &at)?
            }
            Loss::Bound | Loss::ImportanceBound => {
                variational_bound(&model, plan.variance, &self.corruption, x0, spans, &mut noise)?
            }
            Loss::Hybrid => {
                hybrid(&model, &self.corruption, x0, spans, &mut noise)?.total(Hybrid::LAMBDA, plan.chain.len())
            }
        };
        let Some((x0, mut noise)) = inputs else { return Ok(losses) };
        let x = self.corruption.corrupt(&model, &x0, &at, &mut noise)?.x;
        Ok(losses + gradient_penalty(&model, x, &at, PENALTY_STEP, &mut noise)? * penalty)
    }

    /// The level t of each image: uniform in 1..=T, or in proportion to past losses.
    fn levels(&self, first: u64, size: usize) -> Result<Vec<DrawnLevel>, LossError> {
        let (key, samples) = (Key::new(self.seed, Purpose::Levels), first..first + size as u64);
        let Some(past) = &self.past else {
            let length = self.plan.chain.len();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::small;
    use burn::tensor::{DType, Device};
    use undrift_denoisers::{OutputVariance, Variance};
    use undrift_losses::Weighting;
    use undrift_schedules::Chain;
    use undrift_training::{Optimisation, Trainer};

    fn plan(change: impl FnOnce(&mut Plan)) -> Plan {
        let mut plan = small("a", &[0; 256]);
        plan.network.dropout = 0.1;
        change(&mut plan);
        plan
    }

    fn images() -> Tensor<4> {
        let shape = [4, 1, 16, 16];
        let greys = (0..4 * 256).map(|i| f64::from(i * 37 % 256) / 127.5 - 1.0).collect::<Vec<_>>();
        Tensor::from_data(TensorData::new(greys, shape), (&Device::flex().autodiff(), DType::F32))
    }

    /// A network after a few steps: a fresh one says 0 whatever it sees.
    fn network(plan: &Plan) -> RowNetwork {
        let fresh = plan.network.init(&plan.device.clone().autodiff(), Key::new(7, Purpose::Initialisation)).unwrap();
        let mut trainer = Trainer::new(fresh, Optimisation::constant(1e-2)).unwrap();
        for _ in 0..3 {
            let step = trainer.step(|network, _| {
                let time = Tensor::ones([1], (&images().device(), DType::F32));
                Ok((network.forward(images(), time) - 0.5).square().mean())
            });
            step.unwrap();
        }
        trainer.model().clone()
    }

    fn losses(plan: &Plan, batches: u64) -> Vec<Vec<f64>> {
        let (network, mut objective) = (network(plan), Minimised::new(plan, 3).unwrap());
        let loss = |n| objective.loss(&network, n, images()).unwrap().inner().try_into_vec_as::<f64>().unwrap();
        (0..batches).map(loss).collect()
    }

    #[test]
    fn every_setting_changes_the_loss_and_its_neutral_value_does_not() {
        let plain = losses(&plan(|_| ()), 1);
        for (name, change) in [
            ("gamma", (|plan, on| plan.objective.input_perturbation = on * 0.1) as fn(&mut Plan, f64)),
            ("penalty", |plan, on| plan.objective.gradient_penalty = on),
        ] {
            assert_eq!(losses(&plan(|plan| change(plan, 0.0)), 1), plain, "{name}");
            assert_ne!(losses(&plan(|plan| change(plan, 1.0)), 1), plain, "{name}");
        }
        let weighted = plan(|plan| plan.objective.weighting = Weighting::MinSnr { gamma: 1e-3 });
        assert_ne!(losses(&weighted, 1), plain);
    }

    #[test]
    fn a_penalty_sees_the_same_dropout_twice() {
        let penalty = |dropout| {
            let plan = plan(|plan| {
                plan.objective.gradient_penalty = 1.0;
                plan.network.dropout = dropout;
            });
            losses(&plan, 1)[0].iter().sum::<f64>()
        };
        // Other masks for the second answer would count as a slope of a difference over 1e-2.
        assert!(penalty(0.1) < 3.0 * penalty(0.0) + 10.0, "{} {}", penalty(0.1), penalty(0.0));
    }

    #[test]
    fn importance_sampling_goes_on_where_it_was() {
        let plan = plan(|plan| {
            plan.objective.loss = Loss::ImportanceBound;
            plan.chain = Chain::constant(5, 0.1).unwrap();
        });
        let whole = losses(&plan, 80);
        let (network, mut objective) = (network(&plan), Minimised::new(&plan, 3).unwrap());
        for n in 0..79 {
            objective.loss(&network, n, images()).unwrap();
        }
        assert!(objective.past.as_ref().unwrap().is_warm(), "the weights must not be all 1");
        let mut resumed = Minimised::resumed(&plan, 3, &objective.metadata()).unwrap();
        let last = resumed.loss(&network, 79, images()).unwrap().inner().try_into_vec_as::<f64>().unwrap();
        assert_eq!(last, whole[79]);
        let recorded: Vec<f64> = resumed.past.as_ref().unwrap().history().iter().flatten().copied().collect();
        assert!(last.iter().all(|loss| !recorded.contains(loss)), "losses are kept as they are and returned weighted");
        assert!(matches!(Minimised::resumed(&plan, 3, &BTreeMap::new()), Err(RunError::PastLosses)));
    }

    #[test]
    fn the_hybrid_trains_a_learned_range() {
        let plan = plan(|plan| {
            plan.objective.loss = Loss::Hybrid;
            (plan.variance, plan.output_variance) = (Variance::Learned, OutputVariance::Range);
            plan.network.out_channels = 2;
        });
        assert!(losses(&plan, 1)[0].iter().all(|loss| loss.is_finite() && *loss > 0.0));
    }
}
