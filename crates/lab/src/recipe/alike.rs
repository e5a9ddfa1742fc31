//! Which settings training depends on, and which can be changed after it.

use super::{DataSettings, ModelSettings, ObjectiveName, SamplingSettings, Settings, TrainingSettings, VarianceName};

impl Settings {
    /// The tables in which two rows' settings differ so that their trainings do: where images lie, how they are
    /// sampled and scored, and how often something is saved make no difference.
    pub fn other_training(&self, other: &Settings) -> Vec<&'static str> {
        let data = |settings: &Settings| DataSettings { path: None, ..settings.data.clone() };
        let parts = [
            ("data", data(self) == data(other)),
            ("model", trained(&self.model) == trained(&other.model)),
            ("network", self.network == other.network),
            ("chain", self.chain == other.chain),
            ("training", learned(&self.training) == learned(&other.training)),
        ];
        parts.iter().filter(|(_, same)| !same).map(|(name, _)| *name).collect()
    }

    /// Whether samples of the same network are the same ones, as far as both have them.
    pub fn samples_alike(&self, other: &Settings) -> bool {
        self.sampling.sampler == other.sampling.sampler && self.model.variance == other.model.variance
    }

    /// Whether the same network gets the same scores.
    pub fn scores_alike(&self, other: &Settings) -> bool {
        let drawn = |settings: &Settings| SamplingSettings { batch: 0, ..settings.sampling.clone() };
        self.samples_alike(other) && drawn(self) == drawn(other) && self.metrics == other.metrics
    }
}

/// The model as its training sees it: the squared error does not look at a fixed variance.
fn trained(model: &ModelSettings) -> ModelSettings {
    match (model.objective, model.variance) {
        (ObjectiveName::Simple, VarianceName::FixedSmall | VarianceName::FixedLarge) => {
            ModelSettings { variance: VarianceName::FixedSmall, ..*model }
        }
        _ => *model,
    }
}

/// The training without what only decides how often something is saved or recorded.
fn learned(training: &TrainingSettings) -> TrainingSettings {
    TrainingSettings { checkpoint_every: 1, log_every: 1, ..training.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::load;

    fn settings() -> Settings {
        load("table2", Some("smoke")).unwrap().rows[5].settings.clone()
    }

    fn changed(change: impl FnOnce(&mut Settings)) -> Settings {
        let mut settings = settings();
        change(&mut settings);
        settings
    }

    #[test]
    fn every_table_that_training_depends_on_is_named() {
        for (name, other) in [
            ("data", changed(|s| s.data.flip = !s.data.flip)),
            ("model", changed(|s| s.model.prediction = crate::recipe::PredictionName::X0)),
            ("network", changed(|s| s.network.base *= 2)),
            ("chain", changed(|s| s.chain = crate::recipe::ChainSettings::Cosine { length: 20 })),
            ("training", changed(|s| s.training.steps += 1)),
        ] {
            assert_eq!(settings().other_training(&other), [name]);
        }
    }

    #[test]
    fn what_training_does_not_look_at_may_change() {
        for other in [
            changed(|s| s.data.path = Some("elsewhere".into())),
            changed(|s| s.training.checkpoint_every += 1),
            changed(|s| s.training.log_every += 1),
            changed(|s| s.sampling.sampler.steps = Some(3)),
            changed(|s| s.sampling.count += 1),
            changed(|s| s.metrics.splits += 1),
            changed(|s| s.model.variance = VarianceName::FixedSmall),
        ] {
            assert_eq!(settings().other_training(&other), [""; 0]);
        }
        assert_eq!(settings().model.variance, VarianceName::FixedLarge, "the last change is one");
        let bound = |variance| {
            changed(|s| {
                s.model.objective = ObjectiveName::Bound;
                s.model.variance = variance;
            })
        };
        let small = bound(VarianceName::FixedSmall);
        assert_eq!(small.other_training(&bound(VarianceName::FixedLarge)), ["model"], "the bound looks at it");
    }

    #[test]
    fn samples_and_scores_are_told_apart() {
        let plain = settings();
        let of = |other: &Settings| (plain.samples_alike(other), plain.scores_alike(other));
        assert_eq!(of(&changed(|s| s.sampling.batch += 1)), (true, true));
        assert_eq!(of(&changed(|s| s.sampling.count += 1)), (true, false));
        assert_eq!(of(&changed(|s| s.metrics.splits += 1)), (true, false));
        assert_eq!(of(&changed(|s| s.sampling.sampler.steps = Some(3))), (false, false));
        assert_eq!(of(&changed(|s| s.model.variance = VarianceName::FixedSmall)), (false, false));
    }
}
